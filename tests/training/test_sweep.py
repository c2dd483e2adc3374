"""Sweeps: what is searched, what is drawn and given up, and the command in processes that are killed."""

import dataclasses
import json
import os
import re
import signal
import tomllib
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from optuna.trial import TrialState

from mlp.local_store import LocalStore
from tests.training.conftest import examples, quarters
from tests.training.test_cli import run, start
from training import recipes
from training.cli import main
from training.errors import SweepError
from training.jobs.place import Done, Lost, Stopped
from training.recipes import Recipe
from training.sweep import journal, table
from training.sweep import study as studies
from training.sweep.space import Choice, Range, space
from training.sweep.trial import Hopeless, Parts, Reached, Trial, attempt


@pytest.fixture
def data(tmp_path):
    return written(tmp_path / "quarters.npz")


def written(path, test_seed=1):
    (images, labels), (test_images, test_labels) = quarters(400), quarters(80, seed=test_seed)
    np.savez(path, x_train=images, y_train=labels, x_test=test_images, y_test=test_labels)
    return path


# What is searched


def test_ranges_and_choices_are_typed_by_the_recipe_s_fields():
    found = space(["learning_rate=1e-4..1e-2:log", "hidden=|256|1024,512", "dropout=0..0.3", "epochs=5..20"])

    assert found == {
        "learning_rate": Range(1e-4, 1e-2, log=True),
        "hidden": Choice(("", "256", "1024,512")),
        "dropout": Range(0.0, 0.3),
        "epochs": Range(5, 20),
    }
    assert isinstance(found["epochs"].low, int)
    assert isinstance(found["dropout"].low, float)
    assert space(f"{field}={values}" for field, values in found.items()) == found


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("lerning_rate=1..2", "no field 'lerning_rate'; is it learning_rate?"),
        ("cake=1..2", "no field 'cake'"),
        ("learning_rate", "no values; expected low..high"),
        ("learning-rate=0.1", "one value leaves nothing to search"),
        ("dropout=0..1", "'1' will not do for dropout: Input should be less than or equal to 0.9"),
        ("dropout=0.3..0.1", "from a lower to a higher"),
        ("dropout=0..0.3:log", "a logarithm needs numbers above 0"),
        ("dropout=..", "no range"),
        ("learning_rate=1..inf", "finite"),
        ("epochs=5..20.5", "'20.5' will not do for epochs"),
        ("hidden=10..20", "hidden is no number"),
        ("batch_size=10..full", "batch_size is no number"),
        ("activation=relu|elu", "'elu' will not do for activation"),
        ("learning_rate=.1|0.10", "0.10 is there twice"),
        ("seed=1..5", "seed cannot be searched: it decides what is trained on"),
        ("workers=1|2", "workers cannot be searched"),
    ],
)
def test_what_cannot_be_searched_says_why(text, says):
    with pytest.raises(SweepError, match=re.escape(says)):
        space([text])


def test_a_field_cannot_be_searched_twice():
    with pytest.raises(SweepError, match="searched twice"):
        space(["dropout=0..0.1", "dropout=0|0.2"])


def test_numbers_are_rounded_within_their_range():
    assert Range(0.0, 0.9).value(0.123456) == 0.123
    assert Range(0.0, 0.9996).value(0.99959) == 0.9996
    assert Range(0.0012345, 1.0).value(0.0012346) == 0.0012345
    assert Range(1, 5000).value(1234) == 1234


# What is drawn, and given up


@pytest.fixture
def study_of(tmp_path):
    """Give a function that opens a study; they are closed at the end, or when the next one is opened."""
    opened = []

    def close():
        while opened:
            opened.pop().__exit__(None, None, None)

    def study(*searched, path="sweep.log", pruner="none", **fields):
        close()
        recipe, searches = Recipe(**fields), space(searched)
        of = studies.identity(recipe, searches, pruner, "digest")
        opened.append(journal.opened(tmp_path / path, of, studies.pruner(pruner, recipe.epochs)))
        return studies.Study(opened[-1].__enter__(), recipe, searches)

    yield study
    close()


def drawn(study, total):
    found = []
    for trial in study.ask(total):
        found.append((trial.recipe.learning_rate, trial.recipe.hidden))
        study.tell(trial, Done(Reached(1 - abs(trial.recipe.learning_rate - 1e-3), 1, 1.0)))
    return found


RATE, SHAPE = "learning_rate=1e-4..1e-2:log", "hidden=16|32|64,32"


def test_the_seed_decides_what_is_drawn_and_going_on_draws_nothing_twice(study_of):
    undisturbed = drawn(study_of(RATE, SHAPE), 15)  # ten at random, then where good ones were

    first = drawn(study_of(RATE, SHAPE, path="other.log"), 3)
    next(study_of(RATE, SHAPE, path="other.log").ask(15))  # is interrupted
    second = drawn(study_of(RATE, SHAPE, path="other.log"), 11)
    third = drawn(study_of(RATE, SHAPE, path="other.log"), 15)

    assert first + second + third == undisturbed
    assert len({rate for rate, _ in undisturbed[:10]}) == 10
    assert drawn(study_of(RATE, SHAPE, path="third.log", seed=2), 15) != undisturbed


def test_a_trial_that_was_interrupted_while_it_was_drawn_is_drawn_as_if_nothing_had_been(study_of, tmp_path):
    undisturbed = drawn(study_of(RATE, SHAPE), 4)
    drawn(study_of(RATE, SHAPE, path="other.log"), 2)
    next(study_of(RATE, SHAPE, path="other.log").ask(4))
    file = tmp_path / "other.log"
    lines = file.read_bytes().splitlines(keepends=True)
    assert b"hidden" in lines[-1]
    file.write_bytes(b"".join(lines[:-1]))  # killed before its second value was written

    assert drawn(study_of(RATE, SHAPE, path="other.log"), 4) == undisturbed[2:]


def test_trials_that_ran_when_a_sweep_was_killed_are_tried_again_and_not_counted(study_of):
    study = study_of(RATE)
    trials = study.ask(3)
    done, *killed = (next(trials) for _ in range(3))
    study.tell(done, Done(Reached(0.5, 1, 1.0)))
    study.report(killed[0], 1, 0.4)

    study = study_of(RATE)
    assert len(study.trials()) == 1
    again = [next(trials) for trials in [study.ask(3)] for _ in range(2)]

    assert [trial.recipe for trial in again] == [trial.recipe for trial in killed]
    assert not {trial.number for trial in again} & {trial.number for trial in killed}
    study = study_of(RATE)  # killed a second time
    assert [trial.recipe for trial in study.ask(3)] == [trial.recipe for trial in killed]


def test_a_trial_worse_than_half_of_the_others_is_given_up(study_of):
    study = study_of(RATE, pruner="median", epochs=10)
    for trial in study.ask(6):
        for epoch in range(1, 11):
            assert study.report(trial, epoch, 0.8 + trial.number / 100)
        study.tell(trial, Done(Reached(0.8, 10, 1.0)))

    (hopeless, hopeful) = (next(trials) for trials in [study.ask(8)] for _ in range(2))

    assert study.report(hopeless, 1, 0.5)  # too early to tell
    assert study.report(hopeful, 3, 0.9)
    assert not study.report(hopeless, 3, 0.5)
    assert study.report(hopeless, 10, 0.5)  # it is over anyway
    assert study.tell(hopeless, Stopped()).state == TrialState.PRUNED


@pytest.mark.parametrize(("pruner", "goes_on"), [("halving", False), ("none", True)])
def test_other_pruners_give_up_earlier_or_never(study_of, pruner, goes_on):
    study = study_of(RATE, pruner=pruner, epochs=10)
    trials = study.ask(4)
    for accuracy in (0.9, 0.91, 0.92):
        study.report(next(trials), 1, accuracy)

    assert study.report(next(trials), 1, 0.1) == goes_on


def test_what_a_trial_says_again_after_its_worker_has_died_changes_nothing(study_of):
    study = study_of(RATE)
    trial = next(study.ask(1))

    for epoch, accuracy in ((1, 0.1), (2, 0.2), (1, 0.7), (2, 0.7), (3, 0.3)):
        study.report(trial, epoch, accuracy)

    assert study.tell(trial, Stopped()).intermediate_values == {1: 0.1, 2: 0.2, 3: 0.3}


def test_a_trial_that_diverges_counts_and_is_worse_than_all_others(study_of):
    parts = Parts(examples(80), examples(40, seed=1), tuple("abcd"))
    recipe = Recipe(hidden=(4,), learning_rate=1e30, loss="mse", output="identity", epochs=3)

    outcome = attempt(parts, Trial(0, recipe), lambda _: None)

    assert isinstance(outcome, Hopeless)
    study = study_of(RATE)
    told = study.tell(next(study.ask(1)), Done(outcome))
    assert told.state == TrialState.PRUNED
    assert "the loss is" in table.line(told, study.values(told))
    assert len(study.trials()) == 1
    assert study.finished() == []


def test_a_lost_trial_counts(study_of):
    study = study_of(RATE)
    told = study.tell(next(study.ask(2)), Lost("its process was ended by signal 9"))

    assert "lost" in table.line(told, study.values(told))
    assert "signal 9" in table.line(told, study.values(told))
    assert len(list(study.ask(2))) == 1


def test_values_that_do_not_go_together_are_not_tried(study_of):
    study = study_of("loss=mse|cross_entropy", "output=softmax|identity")

    tried = {(trial.recipe.loss, trial.recipe.output) for trial in study.ask(12)}

    assert ("cross_entropy", "identity") not in tried
    assert len(tried) > 1
    study = study_of("output=sigmoid|identity", path="never.log", loss="cross_entropy", dropout=0.1)
    assert {trial.recipe.output for trial in study.ask(3)} == {"sigmoid"}


def test_a_half_written_last_line_is_taken_off(study_of, tmp_path):
    before = drawn(study_of(RATE), 2)
    study_of(RATE, path="other.log")
    with (tmp_path / "sweep.log").open("ab") as file:
        file.write(b'{"op_code":4,"worker_id"')

    assert drawn(study_of(RATE), 3) != before
    assert all(json.loads(line) for line in (tmp_path / "sweep.log").read_text().splitlines())


def test_a_file_that_is_no_journal_is_left_alone(study_of, tmp_path):
    for content in (b"letters to a friend", b"PK\3\4\n\n", b'{"a": 1}\n'):
        (tmp_path / "sweep.log").write_bytes(content)
        with pytest.raises(SweepError, match="is no journal of a sweep"):
            study_of(RATE)
        assert (tmp_path / "sweep.log").read_bytes() == content


def test_a_damaged_journal_and_one_that_cannot_be_written_say_so(study_of, tmp_path):
    (tmp_path / "sweep.log").write_bytes(b'{"op_code":\n')
    with pytest.raises(SweepError, match="damaged"):
        study_of(RATE)
    with pytest.raises(SweepError, match="cannot be read or written"):
        study_of(RATE, path="sweep.log/sweep.log")


def test_the_journal_of_another_sweep_is_refused(study_of):
    study_of(RATE)

    with pytest.raises(SweepError, match="another sweep, which differs in: epochs, learning_rate;"):
        study_of("learning_rate=1e-4..1e-1:log", epochs=3)
    study_of(RATE, workers=2)  # changes nothing


def test_a_journal_has_one_sweep_at_a_time(study_of, tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "_PATIENCE_SECONDS", 0.2)
    study_of(RATE)

    with (
        pytest.raises(SweepError, match="in use by another sweep"),
        journal.opened(tmp_path / "sweep.log", {}, studies.pruner("none", 1)),
    ):
        pass


def test_a_recipe_written_as_toml_is_read_as_the_same(tmp_path):
    recipe = Recipe(
        dataset='a "folder" of\ttwo\nlines, \U0001f33f\x7f', hidden=(), learning_rate=1e-05, batch_size="full",
        pool=True, validation=0.1,
    )  # fmt: skip
    (tmp_path / "r.toml").write_text(table.toml(recipe), encoding="utf-8")

    assert recipes.load(str(tmp_path / "r.toml")) == recipe


# The command


def arguments(data, journal, *more, trials=6):
    return (
        "sweep", "pictures", "--dataset", data,
        "--search", "learning-rate=0.01..0.5:log", "--search", "hidden=8|16|16,8",
        "--model", "quarters", "--validation", "80", "--batch-size", "4", "--epochs", "40", "--dropout", "0.1",
        "--pruner", "none", "--trials", trials, "--journal", journal, *more,
    )  # fmt: skip


def tried(out):
    """The lines of trials that were trained to their end: accuracy, epoch, values; not what depends on the machine."""
    return sorted(re.findall(r"^ +\d+ +([\d.]+%) +(\d+) +[\d.]+   (learning_rate .*)$", out, re.MULTILINE))


@dataclasses.dataclass(frozen=True)
class Undisturbed:
    out: str
    data: Path
    winner: Path


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A sweep that nothing has happened to."""
    folder = tmp_path_factory.mktemp("undisturbed")
    data, winner = written(folder / "quarters.npz"), folder / "best.toml"
    out = run(LocalStore(folder), *arguments(data, folder / "sweep.log", "--winner", winner))
    assert len(tried(out)) == 6
    return Undisturbed(out, data, winner)


def test_the_printed_command_and_the_written_recipe_train_the_winner(store, undisturbed):
    out = undisturbed.out

    assert "6 trials: 6 trained to their end, 0 pruned" in out
    (command,) = re.findall(r"^To train the winner: python -m training (.*)$", out, re.MULTILINE)
    run(store, *command.split(), "--no-report")
    run(store, "train", undisturbed.winner, "--no-report")
    one, two = (store.metadata("quarters", number) for number in (1, 2))
    assert one.metrics["validation_accuracy"] == pytest.approx(
        max(float(accuracy.rstrip("%")) / 100 for accuracy, *_ in tried(out)), abs=5e-5
    )
    assert one.sha256 == two.sha256
    assert tomllib.loads(undisturbed.winner.read_text())["dropout"] == 0.1


def test_the_test_part_makes_no_difference(store, undisturbed, tmp_path):
    other = written(tmp_path / "other.npz", test_seed=2)

    out = run(store, *arguments(other, tmp_path / "sweep.log", trials=2))

    assert set(tried(out)) < set(tried(undisturbed.out))


def until(process, pattern):
    for line in process.stdout:
        if re.match(pattern, line):
            return
    raise AssertionError(process.stderr.read())


def table_rows(out):
    """The rows of the table of the best, as `tried` has them."""
    rows = re.findall(r"^\d+ +([\d.]+%) +(\d+) +[\d.]+ +([\d.]+) +([\d,]+)$", out, re.MULTILINE)
    return sorted((accuracy, epoch, f"learning_rate {rate}  hidden {hidden}") for accuracy, epoch, rate, hidden in rows)


def test_a_sweep_that_was_killed_goes_on_and_ends_like_one_that_was_not(store, undisturbed, tmp_path):
    command = arguments(undisturbed.data, tmp_path / "sweep.log")
    killed = start(store, *command)
    until(killed, r" +\d+ +[\d.]+%")
    killed.kill()
    killed.communicate()

    out = run(store, *command)

    assert re.match(r"sweep of pictures: 6 trials, [1-5] of them done before, ", out)
    assert table_rows(out) == tried(undisturbed.out)
    over = run(store, *command)
    assert tried(over) == []
    assert table_rows(over) == tried(undisturbed.out)


def test_ctrl_c_shows_what_was_found_and_the_same_command_goes_on(store, undisturbed, tmp_path):
    process = start(store, *arguments(undisturbed.data, tmp_path / "sweep.log", trials=100_000), process_group=0)
    until(process, r" +\d+ +[\d.]+%")

    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 130, err
    assert "the same command goes on" in err
    assert "To train the winner: python -m training train pictures" in out
    assert "Traceback" not in err


def test_a_worker_of_a_cluster_that_is_killed_in_mid_trial_loses_nothing(store, undisturbed, cluster, tmp_path):
    file = tmp_path / "sweep.log"
    process = start(store, *arguments(undisturbed.data, file, "--cluster", cluster.address))
    while len(in_mid_trial(file)) < 2:  # both workers are
        assert process.poll() is None
    os.kill(cluster.pids()[0], signal.SIGKILL)
    out, err = process.communicate(timeout=120)

    assert process.returncode == 0, err
    assert re.search(r"^ +\d begins again: its worker at tcp://127.0.0.1:\d+ is gone$", out, re.MULTILINE)
    assert tried(out) == tried(undisturbed.out)


def in_mid_trial(journal: Path) -> set[int]:
    """The trials that have reported an epoch, not one of their last twenty, by the journal."""
    lines = journal.read_text().splitlines() if journal.exists() else []
    reports = (json.loads(line) for line in lines if line.startswith('{"op_code":7') and line.endswith("}"))
    last = {report["trial_id"]: report["step"] for report in reports}
    return {trial for trial, epoch in last.items() if epoch < 20}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--search", "hidden=8|8"), "searched twice"),
        (("--hidden", "8"), "hidden is searched, and given as an option"),
        (("--winner", "best.json"), "ends in .toml"),
        (("--dropout", "2"), "dropout"),
        (("--dataset", "/nowhere"), "no data set at"),
        (("--journal", "/dev/null/sweep.log"), "cannot be read or written"),
    ],
)
def test_what_cannot_be_swept_is_one_line_and_status_1(data, tmp_path, more, says):
    result = CliRunner().invoke(main, [*map(str, arguments(data, tmp_path / "s.log")), *more])

    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert says in result.output


def test_a_cluster_that_does_not_answer_is_one_line_and_status_1(store, data, tmp_path):
    out = run(store, *arguments(data, tmp_path / "sweep.log", "--cluster", "nowhere"), status=1)

    assert out.startswith("Error: no Dask scheduler answers at 'nowhere'")
