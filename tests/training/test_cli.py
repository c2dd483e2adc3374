"""The command line as a person uses it: in a process of its own, on files."""

import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest

from tests import pictures
from tests.drafts import ROOT, make_draft
from tests.training.conftest import quarters


@pytest.fixture
def data(tmp_path):
    """An .npz of a data set that a network learns in a moment."""
    images, labels = quarters(400)
    test_images, test_labels = quarters(80, seed=1)
    path = tmp_path / "quarters.npz"
    np.savez(path, x_train=images, y_train=labels, x_test=test_images, y_test=test_labels)
    return path


def start(store, *arguments, **how):
    return subprocess.Popen(
        [sys.executable, "-m", "training", "--models", str(store.root), *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **how,
    )


def run(store, *arguments, status=0):
    process = start(store, *arguments)
    out, err = process.communicate(timeout=120)
    assert process.returncode == status, out + err
    assert "Traceback" not in err
    return out + err


LONG = (
    "--epochs",
    "6",
    "--workers",
    "2",
    "--dropout",
    "0.2",
    "--shift",
    "1",
    "--optimiser",
    "adamw",
    "--average",
    "0.9",
)
QUICK = ("--model", "quarters", "--validation", "80", "--hidden", "16", "--epochs", "8", "--batch-size", "20")


def train(store, data, *more, **how):
    return run(store, "train", "pictures", "--dataset", data, *QUICK, *more, **how)


def test_train_stores_a_version_and_says_how_to_serve_it(store, data):
    out = train(store, data)

    version = store.read("quarters", 1)
    assert version.metadata.recipe["hidden"] == [16]
    assert version.metadata.dataset.name == "quarters"
    assert set(version.metadata.metrics) == {"accuracy", "loss", "validation_accuracy", "train_accuracy", "epochs"}
    assert version.metadata.metrics["accuracy"] > 0.8
    assert f"test {version.metadata.metrics['accuracy']:.2%}" in out
    assert "promote quarters 1" in out
    assert len(re.findall(r"^ +\d+ .*%.*%", out, re.MULTILINE)) == 8
    assert store.aliases("quarters").aliases == {}


def test_train_writes_a_report_beside_the_version_unless_told_not_to(store, data):
    report = store.root / "quarters" / "1.html"
    assert f"report: {report}" in train(store, data)

    assert "Learning curves" in report.read_text(encoding="utf-8")
    assert f"{store.metadata('quarters', 1).metrics['accuracy']:.2%}" in report.read_text(encoding="utf-8")

    assert "report:" not in train(store, data, "--no-report")
    assert store.versions("quarters") == [1, 2]
    assert not report.with_name("2.html").exists()


def test_a_report_that_cannot_be_written_loses_nothing_else(store, data):
    (store.root / "quarters" / "1.html").mkdir(parents=True)

    out = train(store, data, "--promote")

    assert "warning: version 1 is stored, but its report" in out
    assert store.aliases("quarters").aliases == {"production": 1}
    assert sorted(path.name for path in (store.root / "quarters").iterdir()) == ["1.html", "1.npz", "aliases.json"]


def test_the_report_of_a_stored_version_is_made_anew_and_replaces_none(store, data, tmp_path):
    train(store, data, "--no-report")

    out = run(store, "report", "quarters", "1")

    page = store.root / "quarters" / "1.html"
    assert out == f"report: {page}\n"
    assert f"{store.metadata('quarters', 1).metrics['accuracy']:.2%}" in page.read_text(encoding="utf-8")
    assert "Learning curves" not in page.read_text(encoding="utf-8")
    assert "there is a report already" in run(store, "report", "quarters", "1", status=1)
    run(store, "report", "quarters", "1", "--output", tmp_path / "other.html")
    assert (tmp_path / "other.html").read_bytes() == page.read_bytes()
    assert "cannot be written" in run(store, "report", "quarters", "1", "--output", data / "1.html", status=1)


def test_the_plotting_library_is_loaded_for_a_report_alone():
    code = "import sys, training.cli; sys.exit(any(name in sys.modules for name in ('matplotlib', 'jinja2')))"

    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_train_and_promote_in_one(store, data):
    train(store, data, "--promote")

    assert store.aliases("quarters").aliases == {"production": 1}


def test_evaluate_measures_what_was_measured_after_training(store, data):
    train(store, data)

    out = run(store, "evaluate", "quarters", "1")

    assert f"{store.metadata('quarters', 1).metrics['accuracy']:.2%} of 80" in out
    assert len(re.findall(r"^[0-3] +20 ", out, re.MULTILINE)) == 4


def test_evaluate_finds_the_held_out_part_again_when_there_were_no_test_files(store, tmp_path):
    images, labels = quarters(300)
    np.savez(tmp_path / "pooled.npz", images=images, labels=labels)
    train(store, tmp_path / "pooled.npz", "--test", "60")

    out = run(store, "evaluate", "quarters", "1")

    assert f"{store.metadata('quarters', 1).metrics['accuracy']:.2%} of 60" in out


def test_evaluate_refuses_a_data_set_that_has_changed_since(store, data):
    train(store, data)
    images, labels = quarters(404)
    np.savez(data, images=images, labels=labels)

    assert "has changed since" in run(store, "evaluate", "quarters", "1", status=1)
    assert "of 404" in run(store, "evaluate", "quarters", "1", "--dataset", data)


def test_evaluate_refuses_a_data_set_of_another_picture_size(store, data, tmp_path):
    train(store, data)
    images, labels = quarters(40)
    np.savez(tmp_path / "large.npz", images=np.pad(images, ((0, 0), (1, 1), (0, 0))), labels=labels)

    out = run(store, "evaluate", "quarters", "1", "--dataset", tmp_path / "large.npz", status=1)
    assert "pictures of 10×8, the version takes 8×8" in out


def test_list_promote_and_rollback(store):
    for _ in range(2):
        make_draft().publish(store)

    run(store, "promote", "digits", "1")
    assert "digits: production is version 2, generation 2" in run(store, "promote", "digits", "2")
    assert "digits: production is version 1, generation 3" in run(store, "rollback", "digits")
    run(store, "promote", "digits", "2", "--alias", "shadow")

    out = run(store, "list")
    assert re.search(r"^1 .* 50\.00% +production$", out, re.MULTILINE)
    assert re.search(r"^2 .* 50\.00% +shadow$", out, re.MULTILINE)


def test_list_goes_on_past_a_damaged_version(store):
    make_draft().publish(store)
    (store.root / "digits" / "2.npz").write_bytes(b"")

    assert re.search(r"^2 +damaged", run(store, "list", "digits"), re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("train", "cake"), "no recipe 'cake'"),
        (("train", "book", "--epochs", "0"), "epochs"),
        (("train", "book", "--dataset", "/nowhere"), "no data set at"),
        (("promote", "digits", "7"), "no version 7"),
        (("promote", "letters", "1"), "no model 'letters'"),
        (("promote", "digits", "1", "--alias", "1"), "alias"),
        (("rollback", "digits"), "no version to go back to"),
        (("evaluate", "digits", "production"), "no version or alias 'production'"),
        (("evaluate", "digits", "1"), "does not say by which recipe"),
        (("list", "letters"), "no model 'letters'"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_status_1(store, arguments, says):
    make_draft().publish(store)

    out = run(store, *arguments, status=1)

    assert out.startswith("Error: ")
    assert says in out


def test_ctrl_c_stores_the_best_epoch_so_far(store, data):
    arguments = ("train", "pictures", "--dataset", data, *QUICK, "--epochs", "100000")
    process = start(store, *arguments, process_group=0)
    for line in process.stdout:
        if re.match(r" +3 ", line):
            break

    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 130, err
    assert "interrupted; best so far" in out
    assert "Traceback" not in err
    assert store.read("quarters", 1).metadata.metrics["epochs"] >= 1


def test_kill_in_mid_run_leaves_nothing_half_written(store, data):
    make_draft("quarters", labels="0123", height=8, width=8).publish(store)
    process = start(store, "train", "pictures", "--dataset", data, *QUICK, "--epochs", "100000")
    process.stdout.readline()

    process.kill()
    process.communicate()

    assert store.versions("quarters") == [1]
    assert store.read("quarters", 1)


def test_the_same_seed_gives_the_same_file_but_for_its_date(store, data):
    train(store, data, "--seed", "5")
    train(store, data, "--seed", "5")

    one, two = (store.read("quarters", number) for number in (1, 2))
    assert one.metadata.sha256 == two.metadata.sha256


def test_a_folder_of_pictures_is_trained_on_and_a_bad_one_reported(store, tmp_path):
    rng = np.random.default_rng(0)
    for name, level in {"dark": 40, "light": 200}.items():
        folder = tmp_path / "shades" / name
        folder.mkdir(parents=True)
        for number in range(20):
            pixels = np.clip(rng.normal(level, 20, (30, 40)), 0, 255).astype(np.uint8)
            (folder / f"{number}.png").write_bytes(pictures.encoded(pixels))
    (tmp_path / "shades" / "dark" / "broken.png").write_bytes(b"no picture")

    out = run(store, "train", "pictures", "--dataset", tmp_path / "shades", "--model", "shades", "--epochs", "20")

    assert store.read("shades", 1).metadata.labels == ("dark", "light")
    assert store.metadata("shades", 1).metrics["accuracy"] == 1
    assert "left out, because they could not be read: 1" in out
    assert "broken.png" in out


def test_a_run_that_was_killed_in_mid_epoch_goes_on_to_the_same_weights(store, data, tmp_path):
    file = tmp_path / "run.checkpoint"
    more = (*LONG, "--learning-rate", "0.002", "--no-report")
    train(store, data, *more)

    killed = start(store, "train", "pictures", "--dataset", data, *QUICK, *more, "--checkpoint", file)
    while not (line := killed.stdout.readline()).startswith("    3"):
        assert line
    killed.kill()
    killed.communicate()
    assert store.versions("quarters") == [1]
    out = train(store, data, *more, "--checkpoint", file)

    assert "going on from" in out
    assert re.findall(r"^ +(\d) ", out, re.MULTILINE)[-1] == "6"
    assert not re.search(r"^ +2 ", out, re.MULTILINE)  # done before
    undisturbed, resumed = store.read("quarters", 1), store.read("quarters", 2)
    for a, b in zip(undisturbed.layers, resumed.layers, strict=True):
        assert a.weights.tobytes() == b.weights.tobytes()
        assert a.biases.tobytes() == b.biases.tobytes()
    assert undisturbed.metadata.metrics == resumed.metadata.metrics
    assert not file.exists()


def test_a_checkpoint_of_another_run_or_a_damaged_one_is_refused_and_stays(store, data, tmp_path):
    file = tmp_path / "run.checkpoint"
    stopped = start(store, "train", "pictures", "--dataset", data, *QUICK, "--epochs", "5000", "--checkpoint", file)
    while not stopped.stdout.readline().startswith("    2"):
        pass
    stopped.send_signal(signal.SIGINT)
    stopped.communicate()
    assert file.exists()  # so that the run can go on

    out = train(store, data, "--epochs", "5000", "--learning-rate", "0.5", "--checkpoint", file, status=1)
    assert "another run, which differs in: learning_rate;" in out

    file.write_bytes(file.read_bytes()[:5000])
    out = train(store, data, "--epochs", "5000", "--checkpoint", file, status=1)
    assert "is no checkpoint, or is damaged" in out
    assert file.stat().st_size == 5000
