"""Locked versions against advisories, without a network."""

import json

import pytest

from deploy.audit import LOCKS, Locked, advisories, audited, locked, main

ADVISORY = """
id: PYSEC-2026-1
modified: 2026-01-02T00:00:00Z
affected:
- package: {ecosystem: PyPI, name: Some.Package}
  ranges:
  - {type: GIT, repo: x, events: [{introduced: "0"}]}
  - type: ECOSYSTEM
    events: [{introduced: "0"}, {fixed: 1.2.3}, {introduced: "2"}, {fixed: 2.10.0}]
  versions: ["1.0", 2.9.post1]
"""


@pytest.fixture
def database(tmp_path):
    (tmp_path / "vulns").mkdir()
    (tmp_path / "vulns/PYSEC-2026-1.yaml").write_text(ADVISORY)
    return tmp_path


@pytest.mark.parametrize(
    ("version", "is_affected"),
    [
        ("0.1.dev0", True), ("1.0", True), ("1.2.2", True), ("1.2.3rc1", True), ("1.2.3", False), ("1.9", False),
        ("2.0", True), ("2.9.post1", True), ("2.10.0", False), ("10.0", False),
    ],
)  # fmt: skip
def test_a_version_is_affected_from_where_it_began_to_where_it_was_mended(database, version, is_affected):
    found = audited([Locked("some-package", version), Locked("another", version)], advisories(database))

    assert [(each.locked.name, each.advisory) for each in found] == [("some-package", "PYSEC-2026-1")] * is_affected


@pytest.mark.parametrize(
    ("events", "affected"),
    [
        ([{"introduced": "2"}, {"last_affected": "3"}], ["2", "2.5", "3"]),
        ([{"introduced": "3"}], ["3", "4"]),
        ([{"fixed": "2.5"}, {"introduced": "0"}], ["1", "2"]),  # in whatever order they are
    ],
)
def test_events_are_read_as_the_schema_says(events, affected):
    advisory = {
        "id": "A",
        "affected": [
            {"package": {"ecosystem": "PyPI", "name": "x"}, "ranges": [{"type": "ECOSYSTEM", "events": events}]}
        ],
    }
    packages = [Locked("x", version) for version in ("1", "2", "2.5", "3", "4")]

    assert [found.locked.version for found in audited(packages, [advisory])] == affected


def test_what_was_withdrawn_or_is_of_another_language_is_passed_over(database):
    about = {"id": "W", "affected": [{"package": {"ecosystem": "PyPI", "name": "x"}, "versions": ["1"]}]}
    (database / "withdrawn.json").write_text(json.dumps({**about, "withdrawn": "2026-01-01"}))
    about["affected"][0]["package"]["ecosystem"] = "npm"
    (database / "other.json").write_text(json.dumps(about))

    assert audited([Locked("x", "1")], advisories(database)) == []


def test_what_is_affected_is_named_with_what_mends_it_and_the_status_tells_of_it(database, tmp_path, capsys):
    lock = tmp_path / "some.lock"
    lock.write_text(
        "some-package[more]==9 # no\nsome-package==1.0 \\\n    --hash=sha256:0\nfine==1 ; sys_platform == 'x'\n"
    )

    with pytest.raises(SystemExit) as ended:
        main([str(database), str(lock)])

    assert ended.value.code == 1
    said = capsys.readouterr().out
    assert "some-package 1.0: PYSEC-2026-1; mended in 1.2.3, 2.10.0" in said
    assert "2 locked versions, 1 advisories, the newest of 2026-01-02: 1 found" in said


def test_a_folder_without_advisories_is_no_good_news(tmp_path):
    with pytest.raises(SystemExit, match="no advisories below"):
        main([str(tmp_path)])


def test_every_line_of_the_lock_files_is_understood():
    for path in LOCKS:
        text = path.read_text(encoding="utf-8")
        assert len(locked(text)) == text.count("==") - text.count("=='") - text.count("== '"), path
        assert ("pillow" in {each.name for each in locked(text)}) or path.name == "audit.lock"
