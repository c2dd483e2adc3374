"""`python -m training feedback`, on a database with corrections of two models."""

import base64
import io
import json
import stat
from contextlib import closing

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from mlp.corrections import Correction, Corrections
from tests.drafts import make_draft
from tests.pictures import encoded
from training import datasets
from training.cli import main

PLENTY = {"per_minute": 10_000, "most": 10_000}


@pytest.fixture
def run(database, tmp_path):
    def run(*arguments, status=0, url=database, **how):
        command = ["--models", str(tmp_path / "models"), "feedback", *map(str, arguments)]
        done = CliRunner().invoke(main, command, env={"MLP_FEEDBACK": url}, **how)
        assert done.exit_code == status, done.output
        return done.output

    return run


def correction(number, label="7", model="digits", version=3, size=28, picture=None):
    pixels = np.full((size, size), number, np.uint8)
    return Correction(model, version, "1", 0.75, label, pixels, picture)


@pytest.fixture
def kept(database):
    """What is kept; there are four, of which one has a picture and one is of another model."""
    drawn = encoded(np.full((50, 40), 99, np.uint8))
    with closing(Corrections(database)) as corrections:
        for one in (
            correction(1, picture=drawn),
            correction(2, "2"),
            correction(3, "2", version=4),
            correction(4, "a/b", model="letters", size=8),
        ):
            corrections.add(one, **PLENTY)
        yield lambda: list(corrections.read())


def test_they_are_listed_with_their_ids_the_newest_last(run, kept):
    lines = run("list").splitlines()

    assert lines[0].split() == ["id", "when", "(UTC)", "version", "answered", "label"]
    assert [line.split()[0] for line in lines[1:5]] == [one.id for one in kept()]
    assert lines[1].split()[3:] == ["digits", "3", "1", "(0.75)", "7"]
    assert lines[-1] == "4 corrections"


def test_some_are_listed(run, kept):
    assert run("list", "--last", 1).splitlines()[1].split()[0] == kept()[3].id
    assert run("list", "--label", "2", "--version", 4).splitlines()[-1] == "1 correction"
    assert run("list", "--before", "2020-01-01") == "0 corrections\n"


def test_an_npz_is_a_data_set_with_the_classes_of_the_model(run, kept, store, tmp_path):
    for _ in range(4):
        make_draft().publish(store)
    output = tmp_path / "corrections.npz"

    assert run("export", output, "--model", "digits") == f"{output}: 3 corrections\n"

    data = datasets.load(str(output))
    assert data.classes == tuple("0123456789")
    assert data.train.labels.tolist() == [7, 2, 2]
    assert (data.train.images == np.stack([one.pixels for one in kept()[:3]])).all()
    assert stat.S_IMODE(output.stat().st_mode) == 0o600


def test_without_the_model_the_classes_are_the_labels_that_there_are(run, kept, tmp_path):
    run("export", tmp_path / "corrections.npz", "--model", "digits")

    assert datasets.load(str(tmp_path / "corrections.npz")).classes == ("2", "7")


def test_a_network_is_trained_on_them_and_measured(database, store, tmp_path):
    make_draft().publish(store)
    rng = np.random.default_rng(0)
    with closing(Corrections(database)) as corrections:
        for number in range(60):
            pixels = rng.integers(0, 256, (28, 28), dtype=np.uint8)
            corrections.add(Correction("digits", 1, "1", 0.5, str(number % 10), pixels), **PLENTY)
    data = str(tmp_path / "corrections.npz")
    options = ("--hidden", "4", "--epochs", "1", "--validation", "10", "--test", "10", "--model", "corrected")
    for command in (
        ("feedback", "export", data, "--feedback", database),
        ("train", "fast", "--dataset", data, *options, "--no-report"),
        ("evaluate", "digits", "1", "--dataset", data),
    ):
        done = CliRunner().invoke(main, ["--models", str(store.root), *command])
        assert done.exit_code == 0, done.output

    assert "of 60" in done.output
    assert store.metadata("corrected", 1).labels == tuple("0123456789")


def test_a_folder_has_the_pictures_by_label_and_all_the_rest_in_lines(run, kept, tmp_path):
    output = tmp_path / "somewhere" / "corrections"

    run("export", output)

    lines = [json.loads(line) for line in (output / "corrections.jsonl").read_text().splitlines()]
    assert sorted(path.name for path in output.iterdir()) == ["2", "7", "a%2Fb", "corrections.jsonl"]
    assert len(list(output.glob("*/*.png"))) == 4
    for line, one in zip(lines, kept(), strict=True):
        assert line["id"] == one.id
        assert (line["label"], line["answered"], line["version"]) == (one.label, "1", one.version)
        pixels = np.frombuffer(base64.b64decode(line["pixels"]), np.uint8).reshape(line["height"], line["width"])
        assert (pixels == one.pixels).all()
        shown = (output / line["file"]).read_bytes()
        assert shown == one.picture if line["picture"] else (np.asarray(Image.open(io.BytesIO(shown))) == pixels).all()
    assert [line["picture"] for line in lines] == [True, False, False, False]
    assert stat.S_IMODE(output.stat().st_mode) == 0o700
    assert datasets.load(str(output), preparation="fit").classes == ("2", "7", "a%2Fb")


@pytest.mark.parametrize("label", ["..", "../../x", ".hidden", "a\0b", "a\nb", "%2E", "C:\\x"])
def test_a_label_leads_to_no_other_place(run, tmp_path, label):
    url = f"sqlite:///{tmp_path}/other.sqlite"
    with closing(Corrections(url)) as corrections:
        corrections.add(correction(1, label), **PLENTY)

    run("export", tmp_path / "out", url=url)

    (line,) = (tmp_path / "out" / "corrections.jsonl").read_text().splitlines()
    assert json.loads(line)["label"] == label
    (folder,) = (path for path in (tmp_path / "out").iterdir() if path.is_dir())
    assert not folder.name.startswith(".")
    assert len(list(folder.glob("*.png"))) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.sqlite", "out"]


@pytest.mark.parametrize("name", ["out.npz", "out"])
def test_what_is_there_is_not_written_over(run, kept, tmp_path, name):
    (tmp_path / name).write_text("mine")

    assert "already" in run("export", tmp_path / name, status=1)
    assert (tmp_path / name).read_text() == "mine"


@pytest.mark.parametrize("name", ["out.npz", "out"])
def test_nothing_is_left_of_an_export_that_fails(run, kept, tmp_path, name, monkeypatch):
    def fails(*_arguments, **_how):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("training.exported.np.savez_compressed", fails)
    monkeypatch.setattr("training.exported._described", fails)

    assert "No space left" in run("export", tmp_path / name, "--model", "digits", status=1)
    assert not [path for path in tmp_path.iterdir() if "out" in path.name]


@pytest.mark.parametrize("name", ["out.npz", "out"])
def test_of_nothing_nothing_is_written(run, kept, tmp_path, name):
    assert "no such corrections" in run("export", tmp_path / name, "--label", "9", status=1)
    assert not [path for path in tmp_path.iterdir() if "out" in path.name]


def test_pictures_of_two_sizes_are_no_data_set(run, kept, tmp_path):
    assert "8×8 and 28×28 pixels" in run("export", tmp_path / "out.npz", status=1)
    assert not (tmp_path / "out.npz").exists()


@pytest.mark.parametrize(
    ("which", "left"),
    [
        (("--label", "2"), ["7", "a/b"]),
        (("--version", 4), ["7", "2", "a/b"]),
        (("--model", "letters"), ["7", "2", "2"]),
        (("--before", "2020-01-01"), ["7", "2", "2", "a/b"]),
        (("--before", "2200-01-01T00:00:00"), []),
        (("--all",), []),
    ],
)
def test_what_is_named_is_erased(run, kept, which, left):
    assert run("erase", *which, "--yes") == f"erased {4 - len(left)} corrections\n"
    assert [one.label for one in kept()] == left


def test_some_are_erased_by_their_ids(run, kept):
    first, second, *_ = kept()

    run("erase", "--id", first.id, "--id", second.id, "--id", "none", "--yes")

    assert [one.label for one in kept()] == ["2", "a/b"]


def test_it_asks_first(run, kept, database):
    said = run("erase", "--label", "2", input="n\n", status=1)

    assert "Erase 2 corrections in " in said
    assert "not for everybody" not in said.replace("%20", " ")
    assert len(kept()) == 4
    assert "erased 2" in run("erase", "--label", "2", input="y\n")
    assert len(kept()) == 2


@pytest.mark.parametrize("which", [(), ("--yes",), ("--all", "--label", "2")])
def test_which_must_be_said(run, kept, which):
    assert "say which" in run("erase", *which, status=2)
    assert len(kept()) == 4


@pytest.mark.parametrize("command", [("list",), ("export", "out.npz"), ("erase", "--all", "--yes")])
def test_where_nothing_was_kept_a_line_says_so(run, tmp_path, command):
    assert "there is no" in run(*command, url=f"sqlite:///{tmp_path}/none.sqlite", status=1)
    assert "cannot be used" in run(*command, url="redis://host", status=1)
    assert not (tmp_path / "none.sqlite").exists()
