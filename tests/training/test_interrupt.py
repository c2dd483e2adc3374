"""Ctrl-C while a process is forked."""

import os
import signal
import threading

import pytest

from training import interrupt


def test_it_waits_for_the_end_of_the_block_in_which_a_fork_would_swallow_it():
    """The signal comes in a function that `os.fork` calls, as `logging` has them, too."""
    moments = iter([True])
    os.register_at_fork(after_in_parent=lambda: next(moments, False) and signal.raise_signal(signal.SIGINT))
    children = []

    @interrupt.put_off()
    def fork():
        if not (child := os.fork()):
            os._exit(0)
        children.append(child)

    with pytest.raises(KeyboardInterrupt):
        fork()

    assert os.waitpid(children[0], 0)[1] == 0
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_without_one_nothing_is_raised_and_who_handled_it_before_does_so_again():
    seen = []
    before = signal.signal(signal.SIGINT, lambda *_: seen.append("handled"))
    try:
        with interrupt.put_off():
            pass
        assert seen == []
        with interrupt.put_off():
            signal.raise_signal(signal.SIGINT)
            assert seen == []
        assert seen == ["handled"]
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread_there_is_nothing_to_put_off():
    done = []

    def fork_nothing():
        with interrupt.put_off():
            done.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=fork_nothing)
    thread.start()
    thread.join()

    assert done == [signal.default_int_handler]


def test_a_line_above_the_bars_is_written_to_its_end(monkeypatch, capsys):
    """In the midst of it tqdm would give back a lock that it had not got yet, and raise RuntimeError."""
    monkeypatch.setattr(interrupt.tqdm, "get_lock", interrupted_once(interrupt.tqdm.get_lock))

    with pytest.raises(KeyboardInterrupt):
        interrupt.write("a line")

    assert capsys.readouterr().out == "a line\n"


def interrupted_once(function):
    moments = iter([True])

    def interrupted(*arguments):
        if next(moments, False):
            signal.raise_signal(signal.SIGINT)
        return function(*arguments)

    return interrupted
