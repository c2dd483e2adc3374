"""What the service is, for holding manifests against it: its settings, its routes, its image, how it ends."""

import re
from dataclasses import dataclass

import pytest

from service.app import create_app
from service.settings import Settings, variable
from tests.drafts import ROOT


@dataclass(frozen=True)
class Service:
    settings: frozenset[str]
    routes: frozenset[str]
    user: int
    port: int
    seconds_to_end: int
    """From SIGTERM, at most."""

    def knows(self, name: str) -> bool:
        """Whether an environment variable means something to it, or to boto3."""
        return name in self.settings or name.startswith("AWS_")


@pytest.fixture(scope="session")
def service(tmp_path_factory) -> Service:
    rules = create_app(Settings(models=tmp_path_factory.mktemp("models"))).url_map.iter_rules()
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    gunicorn = (ROOT / "service/gunicorn.conf.py").read_text(encoding="utf-8")
    return Service(
        settings=frozenset(map(variable, Settings.model_fields)),
        routes=frozenset(rule.rule for rule in rules),
        user=int(re.findall(r"^USER (\d+)", dockerfile, re.MULTILINE)[-1]),
        port=int(re.search(r"\bPORT=(\d+)", dockerfile)[1]),
        seconds_to_end=int(re.search(r"^graceful_timeout = (\d+)", gunicorn, re.MULTILINE)[1]),
    )
