"""docs/operations.md names every metric with its labels and every line of the log, and none that there is not."""

import ast
import re

import pytest

from service import metrics
from service.app import create_app
from service.settings import Settings
from tests.drafts import ROOT

OPERATIONS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")

LEVELS = {"debug": "debug", "info": "info", "warning": "warning", "error": "error", "exception": "error"}
"""By the method of a logger."""

CODE = {
    str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8"))
    for room in ("mlp", "service")
    for path in sorted((ROOT / room).rglob("*.py"))
}


def code(text: str) -> list[str]:
    return [one or two for one, two in re.findall(r"(?<!`)`([^`]+)`(?!`)|``(.+?)``", text)]


def test_every_metric_is_documented_with_its_type_and_labels_and_none_that_there_is_not(tmp_path):
    app = create_app(Settings(models=tmp_path))
    families = metrics.registry(app.extensions["live"], app.extensions["counters"]).collect()
    printed = {
        family.name + "_total" * (family.type == "counter"): (family.type, tuple(family._labelnames))
        for family in families
    }

    rows = re.findall(r"^\| `(mlp_\w+)` \| (\w+) \|([^|]*)\|", OPERATIONS, re.MULTILINE)
    documented = {name: (kind, tuple(code(labels))) for name, kind, labels in rows}

    assert len(rows) == len(documented)
    assert documented == printed, "bring the tables under Metrics in docs/operations.md up to date"


def logged() -> tuple[set[tuple[str, str]], set[str]]:
    """The events that the code logs, with their levels, and the files with one that only a run would tell."""
    events, unknown = set(), set()
    for file, tree in CODE.items():
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            match call:
                case ast.Call(func=ast.Attribute(value=ast.Name("_log"), attr=method), args=[event, *_]):
                    pass
                case ast.Call(func=ast.Name("changed"), args=[event, *_]):  # of service/access.py
                    method = "info"
                case _:
                    continue
            if isinstance(event, ast.Constant):
                events.add((event.value, LEVELS[method]))
            elif method in LEVELS:
                unknown.add(file)
    return events, unknown


EVENTS, UNKNOWN = logged()
TABLE = OPERATIONS.partition("| event | level |")[2].partition("\n\n")[0]
DOCUMENTED = {(event, level) for events, level in re.findall(r"^\| (.+?) \| (\w+) \|", TABLE, re.MULTILINE)
              for event in code(events)}  # fmt: skip


@pytest.mark.parametrize("event", sorted(EVENTS), ids=lambda event: event[0])
def test_every_event_of_the_log_is_documented(event):
    assert event in DOCUMENTED, "add it to the table of events in docs/operations.md"


@pytest.mark.parametrize("event", sorted(DOCUMENTED), ids=lambda event: event[0])
def test_every_documented_event_is_in_the_code(event):
    texts = {node.value for tree in CODE.values() for node in ast.walk(tree) if isinstance(node, ast.Constant)}

    assert event[0] in texts, "take it off the table of events in docs/operations.md"


def test_an_event_is_a_fixed_text_and_what_varies_is_beside_it():
    assert {"service/access.py", "service/admin.py"} >= UNKNOWN, "give the logger a constant, and the rest as `extra`"
