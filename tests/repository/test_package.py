"""What `pip install .` gives, in an environment that has the three dependencies and nothing of the repository."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import urllib.request
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

import mlp
from tests.drafts import ROOT
from tests.live.conftest import serving

PACKAGES = ("mlp", "training", "service")
DEPENDENCIES = (
    *("numpy", "pillow", "pydantic"),
    *("pydantic_core", "annotated-types", "typing-extensions", "typing-inspection"),  # pydantic's
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from a copy by the installed setuptools; nothing is downloaded."""
    copy, out = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("wheel")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    pip("wheel", copy, "--no-deps", "--no-build-isolation", "--wheel-dir", out)
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory) -> Path:
    """The Python of an environment with the wheel and its dependencies, and no other package."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    found = folder / "bin/python"
    (site,) = folder.glob("lib/python*/site-packages")
    for name in DEPENDENCIES:
        files = metadata.distribution(name).files or []
        for top in {file.parts[0] for file in files} - {"..", "__pycache__"}:
            (site / top).symlink_to(metadata.distribution(name).locate_file(top))
    pip("--python", found, "install", "--no-deps", "--no-compile", wheel)
    return found


def pip(*arguments: object) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)],
        env={**os.environ, "PIP_NO_INDEX": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def run(python: Path, folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, *arguments], cwd=folder, env={**environment(), **variables}, capture_output=True, text=True
    )


def environment() -> dict[str, str]:
    """That of the tests without what says where to find packages."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def with_extras() -> dict[str, str]:
    """Variables that let an environment see the packages of the extras, behind its own."""
    return {"PYTHONPATH": str(Path(metadata.distribution("flask").locate_file("")))}


def test_all_files_of_the_three_packages_are_in_the_wheel_and_nothing_else(wheel):
    there = {path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file()}
    expected = {str(path.relative_to(ROOT)) for path in there if path.parent.name != "__pycache__"}

    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}

    assert packed == expected, "see tool.setuptools in pyproject.toml"


def test_the_dependencies_of_the_wheel_are_those_that_the_environment_here_has(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        text = archive.read(name).decode()
    required = re.findall(r"^Requires-Dist: ([\w-]+)[^;\n]*$", text, re.MULTILINE)

    assert set(required) == set(DEPENDENCIES[:3])
    assert f"Version: {mlp.__version__}\n" in text


def test_the_version_stands_in_one_place():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert "version" not in project
    assert "version" in project["dynamic"]


def test_a_program_of_one_s_own_loads_a_model_in_an_empty_folder(python, tmp_path):
    code = (
        "import sys, mlp; from mlp import load;"
        f"model = load({str(ROOT / 'models/digits/3.npz')!r});"
        f"print(model.predict({str(ROOT / 'examples/7.png')!r}).labels, mlp.__version__, sys.prefix in mlp.__file__)"
    )

    done = run(python, tmp_path, "-c", code)

    assert done.stdout == f"('7',) {mlp.__version__} True\n", done.stderr
    assert not list(tmp_path.iterdir())


def test_its_types_are_checked_in_other_people_s_programs(python, tmp_path):
    (tmp_path / "program.py").write_text("from mlp import load\n\nload(3)\nload('m').predict('7.png').labels.sort()\n")

    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--python-executable", python, "--cache-dir", "cache", "program.py"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
    )

    assert 'program.py:3: error: Argument 1 to "load" has incompatible type "int"' in done.stdout
    assert 'program.py:4: error: "tuple[str, ...]" has no attribute "sort"' in done.stdout
    assert "Found 2 errors in 1 file" in done.stdout


def test_the_commands_and_their_recipes_are_there_with_the_extra(python, tmp_path):
    help_text = run(python, tmp_path, "-m", "training", "train", "--help", **with_extras())
    training = run(python, tmp_path, "-m", "training", "train", "fast", **with_extras())

    assert "--learning-rate" in help_text.stdout, help_text.stderr
    assert training.returncode == 1
    assert "Error: data/mnist has no train-images-idx3-ubyte" in training.stderr


def test_the_service_is_there_with_the_extra_and_its_page(python, tmp_path):
    folder = run(python, tmp_path, "-c", "import service; print(*service.__path__)").stdout.strip()
    with serving(ROOT / "models", python=python, service=Path(folder), **with_extras()) as server:
        asked = urllib.request.Request(server.url, headers={"Accept": "text/html"})
        with urllib.request.urlopen(asked) as page, urllib.request.urlopen(f"{server.url}/v2") as about:
            assert "<title>" in page.read().decode()
            assert json.load(about)["version"] == mlp.__version__

    assert folder.startswith(str(python.parent.parent))
