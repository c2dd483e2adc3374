"""Who is measured: how each server is started, and how it is asked. Its processes are in serving.py."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from benchmarks.http import way
from benchmarks.http.way import Way

WORKERS: Final = 2


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server.

    In its command and its variables {python} is that of its environment, {bin} the folder of that, {port} its port and
    {workers} the number of its processes.
    """

    name: str
    command: str
    ways: Mapping[str, Way]
    """How it is asked, by the question's kind; what is not here it is not asked."""
    environment: str | None = "web"
    """Which of the peers' environments it has; None for the project's own."""
    is_peer: bool = True
    """Whether ours is to be faster; else it is a limit, or ours."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Of its process's environment."""

    def is_asked(self, kind: str, pictures: int) -> bool:
        """Whether such requests are for it; one without scores is no limit for many pictures."""
        return kind in self.ways and (pictures == 1 or self.ways[kind].read is not None)


OURS: Final = "ours"
NO_OP: Final = "no-op route, served as ours"
CEILING: Final = "granian, our app"

_GUNICORN: Final = "{python} -m gunicorn -b 127.0.0.1:{port} -w {workers}"
_PLAIN: Final = "benchmarks.http.peers.plain_flask:app"
_OURS: Final = {"JSON": way.JSON, "PNG": way.PNG, "raw": way.RAW, "npy": way.NPY, "V2 binary": way.V2_BINARY}
_FLASK: Final = {kind: _OURS[kind] for kind in ("JSON", "PNG", "raw", "npy")}
_MLSERVER: Final = {
    "MLSERVER_HOST": "127.0.0.1",
    "MLSERVER_HTTP_PORT": "{port}",
    "MLSERVER_GRPC_PORT": "0",  # any: nobody asks there
    "MLSERVER_METRICS_ENDPOINT": "",
    "MLSERVER_DEBUG": "false",
}

CONTESTANTS: Final = (
    Contestant(OURS, "{python} -m gunicorn -c service/gunicorn.conf.py", _OURS, environment=None, is_peer=False),
    Contestant(
        NO_OP,
        f"{_GUNICORN} -k service.worker.Worker benchmarks.http.no_op:server",
        {kind: replace(_OURS[kind], read=None) for kind in ("JSON", "PNG", "raw")},
        environment=None,
        is_peer=False,
    ),
    Contestant("Flask, gunicorn sync", f"{_GUNICORN} -k sync {_PLAIN}", _FLASK),
    Contestant("Flask, gunicorn gthread", f"{_GUNICORN} -k gthread --threads 4 --keep-alive 75 {_PLAIN}", _FLASK),
    Contestant(
        "FastAPI, uvicorn",
        "{python} -m uvicorn --port {port} --workers {workers} --no-access-log --log-level warning "
        "benchmarks.http.peers.fast_api:app",
        {
            "JSON": way.JSON,
            "PNG": replace(way.PNG, path="/image"),
            "raw": replace(way.RAW, path="/raw"),
            "npy": replace(way.NPY, path="/npy"),
        },
    ),
    Contestant(
        "MLServer",
        "{bin}/mlserver start benchmarks/http/peers/digits",
        {"JSON": way.V2_JSON},
        environment="mlserver",
        variables=_MLSERVER | {"MLSERVER_PARALLEL_WORKERS": "{workers}"},
    ),
    Contestant(
        "MLServer, one process",  # its own processes cost it more than they give, for a network as small as this
        "{bin}/mlserver start benchmarks/http/peers/digits",
        {"JSON": way.V2_JSON},
        environment="mlserver",
        variables=_MLSERVER | {"MLSERVER_PARALLEL_WORKERS": "0"},
    ),
    Contestant(
        "LitServe",
        "{python} -m benchmarks.http.peers.lit_serve {port} {workers}",
        {"JSON": way.JSON, "PNG": replace(way.PNG, write=way.form)},
        environment="litserve",
    ),
    Contestant(
        "BentoML",
        "{python} -m bentoml serve benchmarks.http.peers.bento:Digits --host 127.0.0.1 --port {port}",
        {"JSON": way.JSON, "PNG": replace(way.PNG, path="/image")},
        environment="bentoml",
        variables={"BENTOML_DO_NOT_TRACK": "True"},
    ),
    Contestant(
        CEILING,
        "{python} -m granian --interface wsgi --port {port} --workers {workers} --log-level warning --factory "
        "service.app:create_app",
        _OURS,
        is_peer=False,
    ),
)

WITH_LARGEST: Final = frozenset({OURS, "Flask, gunicorn gthread", "FastAPI, uvicorn"})
"""Who answers with the largest network, too, where the network is more of the work than the server."""

PEERS: Final = frozenset(contestant.name for contestant in CONTESTANTS if contestant.is_peer)

LIBRARIES: Final = {
    None: {"numpy": "NumPy", "flask": "Flask", "gunicorn": "gunicorn"},
    "web": {"fastapi": "FastAPI", "uvicorn": "uvicorn", "granian": "granian"},
    "mlserver": {"mlserver": "MLServer"},
    "litserve": {"litserve": "LitServe"},
    "bentoml": {"bentoml": "BentoML"},
}
"""What of each environment the figures hold for."""
