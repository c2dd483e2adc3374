"""The commands that change what is served, as a person uses them. What a store then does: tests/unit/test_store.py."""

import re

import pytest
from click.testing import CliRunner

from mlp.store import open_store
from tests.drafts import make_draft
from tests.s3_server import BUCKET
from training.cli import main


def run(location, *arguments, status=0):
    """Run a command, and give what it prints, errors included."""
    done = CliRunner().invoke(main, ["--models", str(location), *map(str, arguments)])
    assert done.exit_code == status, done.output
    return done.output


@pytest.fixture(params=["folder", "bucket"])
def location(request, tmp_path, monkeypatch):
    """Where a model of four versions is, the second in production and the first before it."""
    monkeypatch.setenv("MLP_CACHE", str(tmp_path / "cache"))
    store = open_store(tmp_path / "models") if request.param == "folder" else request.getfixturevalue("s3_store")
    for labels in ("0123456789", "0123456789", "0123456789", "abc"):
        make_draft(labels=labels).publish(store)
    for number in (1, 2):
        store.promote("digits", number)
    return store.location


def test_promote_says_who_and_why(location):
    run(location, "promote", "digits", 3, "--by", "ada", "--why", "fewer mistakes")
    run(location, "rollback", "digits", "--by", "bob", "--why", "more complaints")

    out = run(location, "history", "digits", "--last", 2)

    assert out.splitlines()[0].split() == ["generation", "when", "(UTC)", "by", "what", "why"]
    stamp = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
    assert re.search(rf"^3 +{stamp} +ada +production from 2 to 3 +fewer mistakes$", out, re.MULTILINE)
    assert re.search(rf"^4 +{stamp} +bob +production back from 3 to 2 +more complaints$", out, re.MULTILINE)
    assert len(out.splitlines()) == 3


def test_by_default_it_was_the_user(location, monkeypatch):
    monkeypatch.setenv("LOGNAME", "grace")

    run(location, "promote", "digits", 3)

    assert " grace " in run(location, "history", "digits")


def test_a_version_of_other_classes_needs_force(location):
    assert "to promote it all the same, force it" in run(location, "promote", "digits", 4, status=1)
    assert "production is version 4, generation 3" in run(location, "promote", "digits", 4, "--force")


def test_a_change_upon_another_generation_is_refused(location):
    assert "generation 3" in run(location, "promote", "digits", 3, "--if-generation", 2)
    for change in (
        ("promote", "digits", 1),
        ("rollback", "digits"),
        ("traffic", "digits", "--off"),
        ("rule", "digits", "--off"),
        ("withdraw", "digits", "shadow"),
    ):
        assert "at generation 3, not 2" in run(location, *change, "--if-generation", 2, status=1)


def test_traffic_is_set_shown_and_ended(location):
    run(location, "promote", "digits", 3, "--alias", "candidate")

    shares = "digits: production 0.95\ndigits: candidate 0.05\n"
    assert run(location, "traffic", "digits", "candidate=0.05") == shares
    assert run(location, "traffic", "digits") == shares
    assert run(location, "traffic", "digits", "--off") == "digits: production 1\n"
    run(location, "traffic", "digits", "candidate=0.5")
    assert run(location, "withdraw", "digits", "candidate") == "digits: no candidate any more, generation 7\n"
    assert run(location, "traffic", "digits") == "digits: production 1\n"


@pytest.mark.parametrize(
    ("share", "says", "status"),
    [
        ("candidate", "is not an alias and its share", 2),
        ("candidate=much", "is not an alias and its share", 2),
        ("candidate=1.5", "traffic.candidate", 1),
        ("candidate=nan", "traffic.candidate", 1),
        ("nobody=0.5", "nobody has a share and names no version", 1),
    ],
)
def test_impossible_traffic_is_one_line(tmp_path, share, says, status):
    store = open_store(tmp_path)
    store.promote("digits", make_draft().publish(store), "candidate")

    assert says in run(tmp_path, "traffic", "digits", share, status=status)
    assert store.aliases("digits").generation == 1


def test_the_rule_is_set_shown_and_ended(location):
    assert run(location, "rule", "digits") == "digits: shadow is not promoted by a rule\n"
    said = "digits: shadow is promoted after 1000 requests, if it agrees on 0.98 of them, and a test accuracy of 0.97\n"
    wanted = ("--min-requests", 1000, "--min-agreement", 0.98, "--min-accuracy", 0.97)

    assert run(location, "rule", "digits", *wanted) == said
    assert run(location, "rule", "digits") == said
    assert "needs --min-requests and --min-agreement" in run(location, "rule", "digits", *wanted[:2], status=2)
    assert run(location, "rule", "digits", "--off") == "digits: shadow is not promoted by a rule\n"


def test_delete_and_prune(location, tmp_path):
    assert run(location, "delete", "digits", 3) == "digits: version 3 is deleted\n"
    assert "a rollback of production goes to it" in run(location, "delete", "digits", 1, status=1)
    make_draft().publish(open_store(location, tmp_path / "cache"))

    assert run(location, "prune", "digits", "--keep", 1) == "digits: deleted 4\n"
    assert run(location, "prune", "digits", "--keep", 1) == "digits: deleted none\n"
    assert open_store(location, tmp_path / "cache").versions("digits") == [1, 2, 5]


def test_a_location_that_is_none_is_one_line():
    assert "Error: 'ftp://x' is no model store" in run("ftp://x", "list", status=1)


def test_what_is_read_from_the_cache_is_said_to_be(own_server, tmp_path, monkeypatch):
    monkeypatch.setenv("MLP_CACHE", str(tmp_path))
    store = open_store(f"s3://{BUCKET}", tmp_path)
    store.promote("digits", make_draft().publish(store))
    store.read("digits", 1)
    own_server.kill()

    out = run(store.location, "list")

    assert re.search(r"^1 .* production$", out, re.MULTILINE)
    assert "warning: s3://models does not answer; this is what was kept of it" in out
    assert "cannot be used" in run(store.location, "promote", "digits", 1, "--alias", "shadow", status=1)
