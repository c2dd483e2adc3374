"""The documentation names what there is: a setting, route, status, command, option, recipe, variable or make target
that is missing there fails here. Metrics and the log's events are in test_operations_page.py, links in test_links.py.
"""

import ast
import re
import subprocess
import sys
from http import HTTPStatus

import pytest

from mlp import corrections
from service.app import create_app
from service.settings import Settings
from tests.drafts import ROOT
from tests.repository import commands_page, settings_table
from training import recipes
from training.cli import main
from training.recipes import Recipe

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = README + "".join(page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs").glob("*.md")))
HTTP = "".join((ROOT / "docs" / page).read_text(encoding="utf-8") for page in ("http.md", "protocols.md"))
OPERATIONS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
TRAINING = (ROOT / "docs/training.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
COMMANDS = commands_page.PAGE.read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = sorted(set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE)))

MODULES = sorted(path for room in ("mlp", "training", "service") for path in (ROOT / room).rglob("*.py"))


def test_the_settings_table_is_up_to_date():
    (found,) = settings_table.MARKS.findall(README)

    assert found == settings_table.table(), "run `make docs`"


def test_every_route_is_documented(tmp_path):
    rules = create_app(Settings(models=tmp_path)).url_map.iter_rules()

    for rule in rules:
        path = re.sub(r"<(\w+)>", r"{\1}", rule.rule).replace("{reference}", "{version}")
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            assert f"{method} {path}" in HTTP, f"describe `{method} {path}` in docs/http.md or docs/protocols.md"


STATUSES = {
    HTTPStatus[name].value
    for path in (ROOT / "service").rglob("*.py")
    for name in re.findall(r"\bHTTPStatus\.([A-Z_]+)", path.read_text(encoding="utf-8"))
} | {HTTPStatus.METHOD_NOT_ALLOWED.value}  # Flask's own


def test_every_status_of_a_problem_is_documented_and_none_that_there_is_not():
    table = HTTP.partition("| status | when |")[2].partition("\n\n")[0]
    cells = re.findall(r"^\| ([\d, ]+) \|", table, re.MULTILINE)
    documented = {int(status) for cell in cells for status in cell.split(",")}

    assert documented == {status for status in STATUSES if status >= 400}, "see the table under Errors in docs/http.md"


@pytest.mark.parametrize("command", main.commands)
def test_every_training_command_is_documented(command):
    assert f"`{command}`" in TRAINING, f"add `{command}` to the table of commands in docs/training.md"


def test_the_page_of_commands_is_up_to_date():
    assert commands_page.text() == COMMANDS, "run `make docs`"


@pytest.mark.parametrize(("name", "command"), [pytest.param(*found, id=found[0]) for found in commands_page.commands()])
def test_every_option_of_every_command_is_documented(name, command):
    section = COMMANDS.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    fields = COMMANDS.partition("\n## Recipe fields\n")[2] if commands_page.ALL_FIELDS in section else ""

    assert command.get_short_help_str(limit=1000).rstrip(".") in " ".join(section.split()), "run `make docs`"
    for option in command.params:
        for flag in (*option.opts, *option.secondary_opts) if option.param_type_name == "option" else ():
            assert re.search(rf"`[^`]*{re.escape(flag)}[ `]", section + fields), f"{flag} is missing: run `make docs`"


def test_every_field_of_a_recipe_is_documented_with_its_meaning():
    fields = COMMANDS.partition("\n## Recipe fields\n")[2]
    for name, field in Recipe.model_fields.items():
        row = re.search(rf"^\| `--{name.replace('_', '-')}[ `].*$", fields, re.MULTILINE)
        assert field.description.replace("\n", " ") in (row[0] if row else ""), f"{name} is missing: run `make docs`"


@pytest.mark.parametrize("recipe", recipes.names())
def test_every_recipe_is_documented(recipe):
    assert f"`{recipe}`" in TRAINING, f"add `{recipe}` to the table of recipes in docs/training.md"


def texts(tree: ast.AST) -> list[str]:
    return [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]


def variables_read() -> set[tuple[str, str]]:
    """Names of variables in files that look into the environment, and in options that do; each with its file."""
    found = set()
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
        looking = [node for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "envvar"]
        if re.search(r"\bos\.environ\b|\bgetenv\b", text):
            looking.append(tree)
        names = {name for part in looking for name in texts(part) if re.fullmatch("[A-Z][A-Z0-9_]{2,}", name)}
        found |= {(name, str(path.relative_to(ROOT))) for name in names - {"GET", "POST", "PUT", "DELETE", "HEAD"}}
    return found


@pytest.mark.parametrize(("variable", "file"), sorted(variables_read()))
def test_every_variable_that_the_code_reads_is_documented(variable, file):
    assert f"`{variable}`" in README + OPERATIONS, (
        f"{file} reads it: make it a setting, or say so in docs/operations.md"
    )


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_begins_with_what_belongs_in_it(path):
    assert re.match(r'r?"""\S', path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "room", ["mlp", "training", "service", "models", "data", "benchmarks", "fuzz", "tests", "examples", "deploy"]
)
def test_every_room_is_on_the_map(room):
    assert f"`{room}/" in ARCHITECTURE


def test_help_lists_every_make_target():
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert set(TARGETS) == set(re.findall(r"^  make ([a-z-]+)", listed, re.MULTILINE))


@pytest.mark.parametrize("target", TARGETS)
def test_every_make_target_is_documented(target):
    assert re.search(rf"\bmake {target}(?![\w-])", PAGES), f"say in README.md or docs/ what `make {target}` is for"


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


SECURITY = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("named", re.findall(r"(tests/[\w/]+\.py)::(\w+)", SECURITY), ids="::".join)
def test_every_test_that_shows_a_door_shut_exists(named):
    file, test = named

    assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8")
