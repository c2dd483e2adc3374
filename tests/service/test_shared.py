"""The memory and the lock that workers share, between real processes."""

import subprocess
import sys

from tests.drafts import ROOT

BEGIN = """
import os, signal, sys, time
from service.errors import SharedLockBusy
from service.shared import Shared
shared = Shared(4096)
ready, told = os.pipe()
child = os.fork()
"""


def run(script):
    return subprocess.run(
        [sys.executable, "-c", BEGIN + script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    ).stdout.split()


def test_what_one_process_writes_the_other_reads():
    out = run("""
if child == 0:
    shared.words[3] = 2**63 + 7
    shared.write_text(64, b"from the child")
    os._exit(0)
os.waitpid(child, 0)
print(shared.words[3], shared.text(64).decode().replace(" ", "-"))
""")

    assert out == [str(2**63 + 7), "from-the-child"]


def test_a_process_that_is_killed_lets_go_of_the_lock():
    out = run("""
if child == 0:
    with shared.locked():
        os.write(told, b"x")
        time.sleep(60)
os.read(ready, 1)
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
with shared.locked():
    print("locked")
""")

    assert out == ["locked"]


def test_a_process_that_keeps_the_lock_is_waited_for_only_so_long():
    out = run("""
if child == 0:
    with shared.locked():
        os.write(told, b"x")
        time.sleep(60)
os.read(ready, 1)
try:
    with shared.locked():
        print("locked")
except SharedLockBusy:
    print("busy")
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
""")

    assert out == ["busy"]


def test_the_lock_keeps_processes_apart():
    out = run("""
for _ in range(2000):
    with shared.locked():
        shared.words[0] += 1
if child == 0:
    os._exit(0)
os.waitpid(child, 0)
print(shared.words[0])
""")

    assert out == ["4000"]
