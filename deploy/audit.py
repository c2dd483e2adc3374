"""python -m deploy.audit DATABASE: look the locked dependencies up in a folder of advisories, without a network.

DATABASE is a checkout of github.com/pypa/advisory-database (its `vulns/`), or any folder of advisories in the Open
Source Vulnerability format (https://ossf.github.io/osv-schema), as YAML or JSON. `make audit` asks the same of the
newest advisories by pip-audit, which needs a network. It ends with 1 when a locked version is affected.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

ROOT: Final = Path(__file__).parents[1]

LOCKS: Final = tuple(sorted((ROOT / "requirements").glob("*.lock")))

_LOCKED: Final = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Locked(NamedTuple):
    """A package that a lock file names."""

    name: str
    version: str


class Found(NamedTuple):
    """A locked package, and an advisory that its version is affected by."""

    locked: Locked
    advisory: str
    fixed: tuple[str, ...]
    """Versions from which on it is not."""


def locked(text: str) -> set[Locked]:
    """Give the packages of a lock file's text."""
    return {Locked(canonicalize_name(name), version) for name, version in _LOCKED.findall(text)}


def advisories(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the advisories below a folder that have not been withdrawn. Raises ValueError for a file that is none."""
    for path in sorted(folder.rglob("*")):
        if path.suffix not in (".yaml", ".json") or any(part.startswith(".") for part in path.parts):
            continue
        text = path.read_text(encoding="utf-8")
        try:
            found = json.loads(text) if path.suffix == ".json" else yaml.load(text, _LOADER)  # noqa: S506 - it is safe
        except (yaml.YAMLError, ValueError) as error:
            raise ValueError(f"{path} is no advisory: {error}") from error
        if isinstance(found, dict) and "affected" in found and "withdrawn" not in found:
            yield found


def audited(packages: Iterable[Locked], known: Iterable[dict[str, Any]]) -> list[Found]:
    """Give what is known of these versions."""
    by_name: dict[str, list[Locked]] = {}
    for package in packages:
        by_name.setdefault(package.name, []).append(package)
    found = []
    for advisory in known:
        for affected in advisory["affected"]:
            package = affected.get("package", {})
            if package.get("ecosystem") != "PyPI":
                continue
            found += [
                Found(each, advisory["id"], _fixed(affected))
                for each in by_name.get(canonicalize_name(package["name"]), ())
                if _is_affected(each.version, affected)
            ]
    return sorted(set(found))


def _is_affected(version: str, affected: dict[str, Any]) -> bool:
    """Whether a version is listed or in a range, as the schema's "evaluation algorithm" has it."""
    if version in affected.get("versions", ()):
        return True
    return any(
        _is_within(Version(version), each["events"])
        for each in affected.get("ranges", ())
        if each["type"] == "ECOSYSTEM"
    )


def _is_within(version: Version, events: Sequence[dict[str, str]]) -> bool:
    within = False
    for at, kind in sorted((_at(text), kind) for event in events for kind, text in event.items()):
        if kind == "introduced" and version >= at:
            within = True
        elif (kind == "fixed" and version >= at) or (kind == "last_affected" and version > at):
            within = False
    return within


def _at(text: str) -> Version:
    """Give an event's version; "0" is before all others."""
    try:
        return Version("0.dev0" if text == "0" else text)
    except InvalidVersion:
        return Version("0.dev0")  # affected from the beginning on, rather than not at all


def _fixed(affected: dict[str, Any]) -> tuple[str, ...]:
    events = [event for each in affected.get("ranges", ()) if each["type"] == "ECOSYSTEM" for event in each["events"]]
    return tuple(event["fixed"] for event in events if "fixed" in event)


def main(arguments: Sequence[str] | None = None) -> None:
    """Audit, and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m deploy.audit", description=__doc__.splitlines()[0])
    parser.add_argument("database", type=Path, help="a folder of advisories")
    parser.add_argument("locks", nargs="*", type=Path, default=LOCKS, help="lock files [requirements/*.lock]")
    options = parser.parse_args(arguments)
    packages = set().union(*(locked(path.read_text(encoding="utf-8")) for path in options.locks))
    known = list(advisories(options.database))
    if not known:
        sys.exit(f"there are no advisories below {options.database}")
    found = audited(packages, known)
    for each in found:
        mended = f"; mended in {', '.join(each.fixed)}" if each.fixed else ""
        print(f"{each.locked.name} {each.locked.version}: {each.advisory}{mended}")
    newest = max(str(advisory.get("modified", ""))[:10] for advisory in known)
    print(f"{len(packages)} locked versions, {len(known)} advisories, the newest of {newest}: {len(found)} found")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
