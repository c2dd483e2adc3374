"""The documentation names what there is: a setting, route, command or recipe that is missing there fails here."""

import re
import subprocess
import sys

import pytest

from mlp import corrections
from service.app import create_app
from service.settings import Settings
from tests.drafts import ROOT
from tests.repository import settings_table
from training import recipes
from training.cli import main

README = (ROOT / "README.md").read_text(encoding="utf-8")
HTTP = "".join((ROOT / "docs" / page).read_text(encoding="utf-8") for page in ("http.md", "protocols.md"))
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def test_the_settings_table_is_up_to_date():
    (found,) = settings_table.MARKS.findall(README)

    assert found == settings_table.table(), "run `make docs`"


def test_every_route_is_documented(tmp_path):
    rules = create_app(Settings(models=tmp_path)).url_map.iter_rules()

    for rule in rules:
        path = re.sub(r"<(\w+)>", r"{\1}", rule.rule).replace("{reference}", "{version}")
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            assert f"{method} {path}" in HTTP


@pytest.mark.parametrize("command", main.commands)
def test_every_training_command_is_documented(command):
    assert f"`{command}`" in (ROOT / "docs/training.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("recipe", recipes.names())
def test_every_recipe_is_documented(recipe):
    assert f"`{recipe}`" in (ROOT / "docs/training.md").read_text(encoding="utf-8")


MODULES = sorted(path for room in ("mlp", "training", "service") for path in (ROOT / room).rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_begins_with_what_belongs_in_it(path):
    assert re.match(r'r?"""\S', path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "room", ["mlp", "training", "service", "models", "data", "benchmarks", "tests", "examples", "deploy"]
)
def test_every_room_is_on_the_map(room):
    assert f"`{room}/" in ARCHITECTURE


def test_help_lists_every_make_target():
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))

    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert targets == set(re.findall(r"^  make ([a-z-]+)", listed, re.MULTILINE))


def test_make_run_keeps_corrections_where_training_looks_for_them():
    assert f"MLP_FEEDBACK ?= {corrections.DEFAULT}" in MAKEFILE
    file = corrections.DEFAULT.removeprefix("sqlite:///")
    assert subprocess.run(["git", "check-ignore", "-q", file], cwd=ROOT).returncode == 0


def test_imports_point_one_way():
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("link", re.findall(r"\]\((?!http)([^)#]+)\)", README))
def test_the_readme_s_links_lead_somewhere(link):
    assert (ROOT / link).exists()


SECURITY = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("named", re.findall(r"(tests/[\w/]+\.py)::(\w+)", SECURITY), ids="::".join)
def test_every_test_that_shows_a_door_shut_exists(named):
    file, test = named

    assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8")
