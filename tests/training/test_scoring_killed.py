"""Batch scoring in processes that are killed: the whole run, one of its processes, a worker of a real Dask cluster."""

import contextlib
import os
import pty
import re
import signal
import termios
import time

import pytest

from mlp.local_store import LocalStore
from tests.drafts import make_draft
from tests.training.scoring import children, large_pictures, parts, pngs, processor_seconds, score, start
from training.scoring import shard
from training.scoring.output import open_output

HOW = ("--shard-size", 10, "--workers", 2)


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> LocalStore:
    store = LocalStore(tmp_path_factory.mktemp("models"))
    make_draft(hidden=(12,)).publish(store)
    return store


@pytest.fixture(scope="module")
def drawings(tmp_path_factory):
    """50 pictures that take a shard of ten some tenths of a second, and one that is none."""
    folder = tmp_path_factory.mktemp("drawings")
    large_pictures(folder, 50)
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def undisturbed(models, drawings, tmp_path_factory):
    """What a run writes that nothing has happened to."""
    output = tmp_path_factory.mktemp("undisturbed") / "scores"
    score(models, drawings, output, *HOW)
    written = parts(output)
    assert len(written) == 6 + 2
    return written


def until(condition, process):
    """Wait for something while a process runs, and give what is true of it then."""
    end = time.monotonic() + 60
    while not (found := condition()):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end
        time.sleep(0.005)
    return found


def finished(output):
    return {path.name: path.stat() for path in output.glob("part-*.parquet")}


def test_a_run_that_was_killed_goes_on_and_makes_nothing_again(models, undisturbed, drawings, tmp_path):
    output = tmp_path / "scores"
    killed = start(models, drawings, output, *HOW)
    until(lambda: len(finished(output)) >= 2, killed)
    killed.kill()
    killed.communicate()
    with open_output(str(output)).held():  # its processes are over
        before = finished(output)
    assert 2 <= len(before) < 6

    said = score(models, drawings, output, *HOW).output

    assert f"in 6 shards, {len(before)} of them done before" in said
    assert parts(output) == undisturbed
    after = finished(output)
    for name, status in before.items():
        assert (after[name].st_ino, after[name].st_mtime_ns) == (status.st_ino, status.st_mtime_ns)
    again = score(models, drawings, output, "--shard-size", 10, "--workers", 1).output
    assert "scored now" not in again
    assert finished(output) == after


def test_a_process_that_is_killed_in_mid_shard_loses_nothing(models, undisturbed, drawings, tmp_path):
    output = tmp_path / "scores"
    process = start(models, drawings, output, *HOW)
    until(lambda: len(finished(output)) >= 2, process)
    time.sleep(0.05)  # the next shards have been begun

    os.kill(max(children(process.pid), key=processor_seconds), signal.SIGKILL)
    said = process.communicate(timeout=120)[0]

    assert process.returncode == 0, said
    assert re.search(r"^shard \d begins again: its process was ended by signal 9$", said, re.MULTILINE), said
    assert parts(output) == undisturbed


def test_ctrl_c_ends_a_run_and_the_same_command_goes_on(models, undisturbed, drawings, tmp_path):
    output = tmp_path / "scores"
    process = start(models, drawings, output, *HOW)
    until(lambda: finished(output), process)

    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[0]

    assert process.returncode == 130, said
    assert said.endswith("interrupted; the same command goes on\n")
    assert "Traceback" not in said
    assert len(finished(output)) < 6
    score(models, drawings, output, *HOW)
    assert parts(output) == undisturbed
    assert not list(output.glob(".*"))


def test_a_cluster_writes_the_same_files_also_when_a_worker_is_killed(
    models, undisturbed, drawings, cluster, mnist_test, tmp_path
):
    score_there = ("--shard-size", 10, "--cluster", cluster.address)
    pngs(tmp_path / "few", mnist_test[0][:30])
    warm = start(models, tmp_path / "few", tmp_path / "warm", *score_there)  # the workers import what they need
    assert "30 pictures, 0 of them bad, in 3 files" in warm.communicate(timeout=120)[0]
    score(models, tmp_path / "few", tmp_path / "here", *HOW)
    assert parts(tmp_path / "warm") == parts(tmp_path / "here")

    output = tmp_path / "scores"
    process = start(models, drawings, output, *score_there)
    until(lambda: finished(output), process)
    before = {pid: processor_seconds(pid) for pid in cluster.pids()}
    until(lambda: all(processor_seconds(pid) - seconds > 0.1 for pid, seconds in before.items()), process)
    os.kill(min(before), signal.SIGKILL)
    said = process.communicate(timeout=120)[0]

    assert process.returncode == 0, said
    assert re.search(r"^shard \d begins again: its worker at tcp://127.0.0.1:\d+ is gone$", said, re.MULTILINE), said
    assert parts(output) == undisturbed


def test_a_place_is_used_by_one_run_at_a_time(models, drawings, tmp_path, monkeypatch):
    monkeypatch.setattr("training.scoring.output._PATIENCE_SECONDS", 0.1)

    with open_output(str(tmp_path / "scores")).held():
        said = score(models, drawings, tmp_path / "scores", *HOW, status=1).output

    assert "is in use by another run" in said


def test_a_shard_that_kills_every_process_is_given_up_and_the_others_are_scored(
    models, drawings, tmp_path, monkeypatch
):
    def decode(task, data, prepared=shard._prepared):
        if data == b"no picture":
            os.kill(os.getpid(), signal.SIGKILL)
        return prepared(task, data)

    monkeypatch.setattr(shard, "_prepared", decode)

    said = score(models, drawings, tmp_path / "scores", *HOW, status=1).output

    assert "Error: 1 of 6 shards were lost, the first one 5, of broken.png and what follows" in said
    assert len(finished(tmp_path / "scores")) == 5
    monkeypatch.undo()
    score(models, drawings, tmp_path / "scores", *HOW)
    assert len(finished(tmp_path / "scores")) == 6


def test_a_terminal_has_a_bar_of_the_pictures(models, drawings, tmp_path):
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (30, 100))
    process = start(models, drawings, tmp_path / "scores", *HOW, stderr=theirs)
    os.close(theirs)

    shown = b""
    with contextlib.suppress(OSError):  # so it ends when nobody has the other side open
        while piece := os.read(ours, 1000):
            shown += piece
    os.close(ours)

    assert "51 pictures, 1 of them bad" in process.communicate(timeout=60)[0]
    counts = [int(count) for count in re.findall(rb"(\d+)/51 \[.*?picture", shown)]
    assert counts[0] == 0
    assert counts == sorted(counts)
    assert len({count for count in counts if count % 10}) > 1  # it moves within a shard, too
