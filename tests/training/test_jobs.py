"""Jobs on processes of this machine and on a real Dask cluster: what is the same for both is tested on both."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.drafts import ROOT
from tests.training.local_cluster import local_cluster
from training.jobs import run as jobs
from training.jobs.local import Processes
from training.jobs.place import DEATHS, Done


@pytest.fixture(params=["local", "cluster"])
def address(request):
    return "-" if request.param == "local" else request.getfixturevalue("cluster").address


def start(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.training.some_jobs", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def events(*arguments):
    out, err = (process := start(*arguments)).communicate(timeout=60)
    assert process.returncode == 0, err
    return [tuple(json.loads(line)) for line in out.splitlines()]


def results(told):
    return sorted(result[0] for kind, *_, result in told if kind == "over" and result)


def test_every_job_is_done_once(tmp_path, address):
    told = events(tmp_path, address, *(f"fine:{number}" for number in range(9)))

    assert results(told) == list(range(9))
    assert len(told) == 9


def test_a_job_whose_process_is_killed_is_run_again_and_nothing_is_lost(tmp_path, address):
    told = events(tmp_path, address, "fine:0", "killed:1", "fine:2", "fine:3")

    assert [job for kind, job, *_ in told if kind == "again"] == ["killed:1"]
    assert results(told) == [0, 1, 2, 3]
    (killed,) = {message for kind, _, message, *_ in told if kind == "said"}
    (result,) = [result for kind, job, *_, result in told if (kind, job) == ("over", "killed:1")]
    assert result[1] != killed


def test_jobs_that_a_scheduler_gives_up_too_early_are_run_again(tmp_path):
    """It counts each death of a worker for all jobs that are there, be they only in line."""
    with local_cluster(1, allowed_failures=0) as strict:
        told = events(tmp_path, strict.address, "killed:0", "fine:1", "fine:2")

    assert results(told) == [0, 1, 2]
    assert [job for kind, job, *_ in told if kind == "again"] == ["killed:0"]


def test_a_job_that_is_told_to_stop_does_and_makes_room(tmp_path, address):
    told = events(tmp_path, address, "endless:0", "endless:1", "fine:2", "fine:3")

    assert {(job, how) for kind, job, how, *_ in told if kind == "over"} == {
        ("endless:0", "Stopped"), ("endless:1", "Stopped"), ("fine:2", "Done"), ("fine:3", "Done"),
    }  # fmt: skip


def test_a_job_that_kills_every_process_is_given_up_and_no_other(tmp_path):
    told = events(tmp_path, "-", "dies:0", "fine:1", "fine:2", "fine:3")

    assert [(job, how) for kind, job, how, *_ in told if kind == "over" and how != "Done"] == [("dies:0", "Lost")]
    assert results(told) == [1, 2, 3]
    assert sum(kind == "again" and job == "dies:0" for kind, job, *_ in told) == DEATHS


def test_what_a_job_raises_is_raised(tmp_path, address):
    _, err = start(tmp_path, address, "fine:0", "raises:1").communicate(timeout=60)

    assert "ValueError: job 1 raises" in err


def test_the_data_travel_to_each_worker_of_a_cluster_and_not_with_each_job(tmp_path, cluster):
    told = events(tmp_path, cluster.address, *(f"fine:{number}" for number in range(8)))

    workers = {result[1] for *_, result in told}
    assert 1 <= len(workers) <= 2
    travels = sum(len((tmp_path / f"unpickled-{pid}").read_text()) for pid in workers)
    assert travels <= len(workers) + 1  # every two seconds the scheduler drops a copy that no job waits for


def is_over(pid):
    """Whether a process has ended, be it that nobody has asked how."""
    try:
        return not Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return True


def test_jobs_end_when_the_process_that_wants_them_is_killed(tmp_path, address):
    (tmp_path / "go on").touch()
    # On a cluster a job hears of it when it says something.
    kind = "silent" if address == "-" else "endless"
    process = start(tmp_path, address, f"{kind}:0", f"{kind}:1")
    end = time.monotonic() + 30
    pids = set()
    while len(pids) < 2:  # each has a process of its own from the beginning, on a cluster, too
        assert time.monotonic() < end
        pids.add(json.loads(process.stdout.readline())[2])

    process.kill()
    process.wait()

    if address == "-":
        while not all(map(is_over, pids)):
            assert time.monotonic() < end
            time.sleep(0.02)
    else:  # the workers are free for others
        assert results(events(tmp_path, address, "fine:2", "fine:3")) == [2, 3]
    process.stdout.close()
    process.stderr.close()


def test_a_job_is_taken_when_there_is_room_for_it_and_not_before():
    taken, most = [], 0

    def more():
        for number in range(6):
            taken.append(number)
            yield number

    with Processes(lambda data, job, say: data + job, 10, size=2) as where:
        for over, (job, outcome) in enumerate(jobs.run(where, more())):
            most = max(most, len(taken) - over)
            assert outcome == Done(10 + job)

    assert taken == list(range(6))
    assert most == 2
