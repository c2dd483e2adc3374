"""What the image is made of and what it says of itself. That it can be built and runs, `make image-check` shows."""

import json
import os
import re
import subprocess
import uuid
from importlib import metadata

import pytest

from deploy.image import sbom
from tests.drafts import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
NAMES = ("service", "s3", "tracing", "feedback")
DPKG = """Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9+deb12u10
Description: shared libraries
 Version: not a field

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1:1.0
"""


def pins(name: str) -> dict[str, str]:
    text = (ROOT / f"requirements/{name}.lock").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)(?:\[[a-z,]+\])?==([^ ;\\]+)", text, re.MULTILINE))


def test_the_locks_that_the_image_can_have_together_agree():
    found: dict[str, set[str]] = {}
    for name in NAMES:
        for package, version in pins(name).items():
            found.setdefault(package, set()).add(version)

    assert len(found) > 20
    assert {package: versions for package, versions in found.items() if len(versions) > 1} == {}


@pytest.mark.parametrize("name", NAMES)
def test_the_build_sees_each_of_these_locks(name):
    assert f"!requirements/{name}.lock\n" in (ROOT / ".dockerignore").read_text(encoding="utf-8")


def test_the_image_runs_as_a_number_that_is_not_root_s():
    user, group = re.findall(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE)[-1]

    assert int(user) > 0
    assert int(group) > 0


@pytest.fixture(scope="module")
def bill():
    """Of three packages that are installed here, as if pip had reported them."""
    report = {"install": [item(name) for name in ("flask", "Jinja2", "MarkupSafe")]}
    return json.loads(json.dumps(sbom.bill(report, DPKG)))


def item(name, version=None):
    about = {"name": name, "version": version or metadata.version(name)}
    return {"metadata": about, "download_info": {"archive_info": {"hashes": {"sha256": "0a" * 32}}}}


def test_the_bill_is_what_cyclonedx_demands(bill):
    """The parts of the 1.6 schema that say something of the fields that are there (bom-1.6.schema.json)."""
    assert set(bill) == {
        "bomFormat", "specVersion", "serialNumber", "version", "metadata", "components", "dependencies"
    }  # fmt: skip
    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.6", 1)
    assert bill["serialNumber"] == f"urn:uuid:{uuid.UUID(bill['serialNumber'].removeprefix('urn:uuid:'))}"
    references = [component["bom-ref"] for component in (*bill["components"], bill["metadata"]["component"])]
    assert len(references) == len(set(references))
    for component in bill["components"]:
        assert component["type"] in {"library", "platform", "application", "operating-system"}
        assert component["name"]
        assert re.fullmatch(r"pkg:(pypi|deb/debian|generic)/[a-z0-9.%+-]+@[^@:+]+(\?arch=\w+)?", component["purl"])
        for digest in component.get("hashes", []):
            assert digest["alg"] == "SHA-256"
            assert re.fullmatch(r"[0-9a-f]{64}", digest["content"])
        assert_licences(component.get("licenses", [{"expression": "MIT"}]))
    for entry in bill["dependencies"]:
        assert entry["ref"] in references
        assert set(entry["dependsOn"]) <= set(references)
        assert len(entry["dependsOn"]) == len(set(entry["dependsOn"]))


def assert_licences(licences):
    """Either names and ids, or exactly one expression."""
    if "expression" in licences[0]:
        assert len(licences) == 1
    else:
        assert all(len(licence["license"].keys() & {"id", "name"}) == 1 for licence in licences)


def test_the_bill_names_versions_archives_licences_and_what_needs_what(bill):
    components = {component["name"]: component for component in bill["components"]}
    depends = {entry["ref"].partition("@")[0]: entry["dependsOn"] for entry in bill["dependencies"]}

    assert components["flask"]["version"] == metadata.version("flask")
    assert components["flask"]["hashes"][0]["content"] == "0a" * 32
    assert components["flask"]["licenses"] == [{"expression": "BSD-3-Clause"}]
    assert components["libc6"]["purl"] == "pkg:deb/debian/libc6@2.36-9%2Bdeb12u10?arch=amd64"
    assert "gone" not in components
    assert components["python"]["type"] == "platform"
    assert depends["pkg:pypi/jinja2"] == [components["markupsafe"]["purl"]]
    assert components["jinja2"]["purl"] in depends["pkg:pypi/flask"]
    assert len(depends["mlp"]) == 3


def test_the_same_environment_gives_the_same_bill(bill):
    report = {"install": [item(name) for name in ("MarkupSafe", "flask", "Jinja2")]}

    assert sbom.bill(report, DPKG) == bill


def test_a_package_that_is_not_what_was_reported_is_an_error():
    with pytest.raises(LookupError, match=r"flask is installed in version .*, the report says 0\.1"):
        sbom.bill({"install": [item("flask", "0.1")]})


ENGINE = """#!/bin/sh
echo "$@" >> "$CALLS"
case "$1 $2" in "image inspect") echo "docker.io/library/python@sha256:$(printf '%064d' 7)" ;; esac
"""


@pytest.fixture
def make_image(tmp_path):
    """`make image` with an engine that only writes down what it is asked; gives what it printed and was asked."""
    engine, calls = tmp_path / "docker", tmp_path / "calls"
    engine.write_text(ENGINE)
    engine.chmod(0o755)

    def run(**variables):
        environment = {**os.environ, "ENGINE": str(engine), "CALLS": str(calls), **variables}
        done = subprocess.run(["make", "image"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        return done.stdout, calls.read_text().splitlines()

    return run


def test_an_image_is_built_on_the_digest_that_its_base_has_today(make_image):
    printed, calls = make_image()

    assert f"PYTHON_IMAGE=python:3.11-slim@sha256:{7:064}\n" in printed
    assert calls[0] == "pull --quiet python:3.11-slim"
    assert f"--build-arg PYTHON_IMAGE=python:3.11-slim@sha256:{7:064} " in calls[-1]


def test_an_image_is_built_on_the_digest_that_is_asked_for(make_image):
    base = f"python:3.11-slim@sha256:{8:064}"

    _, calls = make_image(PYTHON_IMAGE=base, REQUIREMENTS="s3 tracing", IMAGE="here/mlp:1")

    (built,) = calls
    assert f"--build-arg PYTHON_IMAGE={base} --build-arg REQUIREMENTS=s3 tracing --tag here/mlp:1 ." in built
