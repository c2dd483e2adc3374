"""schemathesis goes over a running service by its OpenAPI document: no status that is not in it, no 5xx, no answer that
is not as described, and nothing accepted that the document forbids.

`make fuzz-api` does the same for longer.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mlp.local_store import LocalStore
from tests.drafts import ROOT, make_draft
from tests.live.conftest import serving

HERE = Path(__file__).parent / "schemathesis"
TOKEN = "open sesame"
SECONDS = os.environ.get("FUZZ_SECONDS", "")
SEED = os.environ.get("FUZZ_SEED", "1")

REACHED = {
    ("POST", "/predict"),
    ("POST", "/explain"),
    ("POST", "/feedback"),
    ("POST", "/invocations"),
    ("POST", "/v1/models/NAME:predict"),
    ("POST", "/v2/models/NAME/infer"),
    ("GET", "/models/NAME/versions/VERSION"),
    ("PUT", "/models/NAME/aliases/ALIAS"),
    ("POST", "/models/NAME/rollback"),
    ("DELETE", "/models/NAME/versions/VERSION"),
    ("POST", "/v2/repository/models/NAME/load"),
    ("POST", "/v2/repository/models/NAME/unload"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Over a store of its own, in which whatever is asked for may be changed."""
    store = LocalStore(tmp_path_factory.mktemp("models"))
    for seed in range(9):
        make_draft(seed=seed).publish(store)
    make_draft("letters", labels="abc").publish(store)
    store.promote("digits", 1)
    store.promote("digits", 2)
    store.promote("letters", 1)
    settings = {
        "MLP_ADMIN_TOKEN": TOKEN,
        "MLP_MAX_BATCH": "50",
        "MLP_MAX_IMAGE_PIXELS": "1000000",
        "MLP_FEEDBACK": f"sqlite:///{tmp_path_factory.mktemp('feedback')}/corrections.sqlite",
        "MLP_FEEDBACK_PER_MINUTE": "100000",
    }
    with serving(store.root, **settings) as running:
        yield running


def test_schemathesis_finds_nothing(server, tmp_path):
    how_long = ["--max-time", SECONDS] if SECONDS else ["--max-examples", "6"]

    done = subprocess.run(
        [
            *(sys.executable, "-c", "from schemathesis.cli import schemathesis as run; run()"),
            *("--config-file", HERE / "schemathesis.toml", "--no-color", "run", f"{server.url}/openapi.json"),
            *("--url", server.url, "--header", f"Authorization: Bearer {TOKEN}", "--seed", SEED, *how_long),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tests.live.schemathesis.pictures"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600 + float(SECONDS or 0),
    )

    sys.stdout.write(done.stdout)
    assert done.returncode == 0, done.stdout
    assert "No issues found" in done.stdout
    assert [line for line in server.lines if '"level":"error"' in line] == []
    assert reached(server) >= REACHED, "what it sends is refused too early to find anything"


def reached(server) -> set[tuple[str, str]]:
    """What was asked with success."""
    lines = [json.loads(line) for line in server.lines if '"status"' in line]
    return {(line["method"], named(line["path"])) for line in lines if line["status"] < 300}


def named(path: str) -> str:
    for pattern, part in ((r"(?<=/models/)(digits|letters)", "NAME"), (r"(?<=/versions/)\w+", "VERSION")):
        path = re.sub(pattern, part, path)
    return re.sub(r"(?<=/aliases/)\w+", "ALIAS", path)
