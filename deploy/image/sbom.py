"""The image's bill of materials: CycloneDX 1.6 in JSON, of the environment that runs this, and of Debian's packages.

    python sbom.py REPORT     REPORT is what `pip install --report` wrote when it filled the environment

The report says which archive each package came from, so each has the digest of that, not one of those that the lock
would have allowed. Nothing but the standard library is needed, and the same environment always gives the same text.
"""

import hashlib
import json
import platform
import re
import sys
import uuid
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, Final

DPKG: Final = Path("/var/lib/dpkg/status")
_ROOT: Final = "mlp"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_EXTRA = re.compile(r"\bextra\s*==")


def bill(report: dict[str, Any], dpkg: str = "") -> dict[str, Any]:
    """Give the document: of what pip's report says was installed, and of dpkg's list of packages.

    Raises LookupError when a package of the report is not installed in the version that the report names.
    """
    packages = {_canonical(item["metadata"]["name"]): item for item in report["install"]}
    components = [_component(name, packages[name]) for name in sorted(packages)]
    components += [_python(), *_debian_s(dpkg)]
    depends = [{"ref": _ROOT, "dependsOn": sorted(_purl(n, i["metadata"]["version"]) for n, i in packages.items())}]
    depends += [_dependencies(name, packages) for name in sorted(packages)]
    digest = hashlib.sha256(json.dumps(components, sort_keys=True).encode()).hexdigest()
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, digest)}",
        "version": 1,
        "metadata": {"component": {"type": "application", "bom-ref": _ROOT, "name": "mlp"}},
        "components": components,
        "dependencies": depends,
    }


def _component(name: str, item: dict[str, Any]) -> dict[str, Any]:
    version = item["metadata"]["version"]
    about = metadata.distribution(name)
    if about.version != version:
        raise LookupError(f"{name} is installed in version {about.version}, the report says {version}")
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": _purl(name, version),
        "name": name,
        "version": version,
        "purl": _purl(name, version),
        "hashes": [{"alg": "SHA-256", "content": item["download_info"]["archive_info"]["hashes"]["sha256"]}],
    }
    if licences := _licences(about):
        component["licenses"] = licences
    return component


def _licences(about: metadata.Distribution) -> list[dict[str, Any]]:
    """Give an SPDX expression where the package has one (PEP 639), else the names that its author gives."""
    fields = about.metadata
    if expression := fields.get_all("License-Expression"):
        return [{"expression": expression[0]}]
    classifiers = [line.rpartition(" :: ")[2] for line in fields.get_all("Classifier", []) if line[:7] == "License"]
    text = "".join(fields.get_all("License", [])).strip()
    names = classifiers or ([text] if text and "\n" not in text else [])
    return [{"license": {"name": name}} for name in names]


def _dependencies(name: str, packages: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Give what a package asks for of that which is there; what only an extra would bring is left out."""
    asked = [line for line in metadata.requires(name) or [] if not _EXTRA.search(line)]
    names = {_canonical(found[0]) for line in asked if (found := _NAME.match(line))} & packages.keys()
    purls = sorted(_purl(other, packages[other]["metadata"]["version"]) for other in names)
    return {"ref": _purl(name, packages[name]["metadata"]["version"]), "dependsOn": purls}


def _python() -> dict[str, Any]:
    version = platform.python_version()
    purl = f"pkg:generic/python@{version}"
    licence = [{"license": {"id": "PSF-2.0"}}]
    return {
        "type": "platform",
        "bom-ref": purl,
        "name": "python",
        "version": version,
        "purl": purl,
        "licenses": licence,
    }


def _debian_s(dpkg: str) -> Iterator[dict[str, Any]]:
    """Yield the packages of the image that this one is built on."""
    for paragraph in dpkg.split("\n\n"):
        fields = dict(re.findall(r"^([A-Z][\w-]*): (.*)$", paragraph, re.MULTILINE))
        if fields.get("Status") == "install ok installed":
            name, version, architecture = fields["Package"], fields["Version"], fields["Architecture"]
            purl = f"pkg:deb/debian/{_quoted(name)}@{_quoted(version)}?arch={architecture}"
            yield {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def _canonical(name: str) -> str:
    """Give the one way to write a package's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _purl(name: str, version: str) -> str:
    return f"pkg:pypi/{name}@{_quoted(version)}"


def _quoted(text: str) -> str:
    return text.replace("+", "%2B").replace(":", "%3A")


def main(report: str) -> None:
    """Print the document."""
    dpkg = DPKG.read_text(encoding="utf-8") if DPKG.exists() else ""
    print(json.dumps(bill(json.loads(Path(report).read_text(encoding="utf-8")), dpkg), indent=1))


if __name__ == "__main__":
    main(sys.argv[1])
