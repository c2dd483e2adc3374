"""Memory that all worker processes share: words of 64 bits, short texts, and the lock for changing several of them.

What the words mean is service/layout.py's matter. The memory is made before the workers are forked, and outlives them.
"""

import fcntl
import mmap
import os
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from service.errors import SharedLockBusy

WORD: Final = 8
"""Bytes of a word."""

_LOCK_SECONDS: Final = 1.0
"""A lock is held for microseconds, so this is reached only when its holder was stopped in between."""


class Shared:
    """`size` bytes of zeros, shared with every process that is forked from this one.

    One word is read and written in one piece: a reader finds the old value or the new one. What takes several words is
    changed under `locked`. The lock is the kernel's, so a process that is killed while it holds it lets go of it.
    """

    def __init__(self, size: int) -> None:
        self._memory = mmap.mmap(-1, size)
        self.bytes = memoryview(self._memory)
        self.words = self.bytes.cast("Q")
        self._descriptor = os.memfd_create("mlp-lock")
        self._among_threads = threading.Lock()
        weakref.finalize(self, os.close, self._descriptor)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other thread and process out until the block ends. Raises SharedLockBusy."""
        end = time.monotonic() + _LOCK_SECONDS
        if not self._among_threads.acquire(timeout=_LOCK_SECONDS):
            raise SharedLockBusy("another thread of this worker has held the shared state's lock for too long")
        try:
            while not self._locked_among_processes():
                if time.monotonic() > end:
                    raise SharedLockBusy("another worker has held the shared state's lock for too long")
                time.sleep(0.0005)
            try:
                yield
            finally:
                fcntl.lockf(self._descriptor, fcntl.LOCK_UN)
        finally:
            self._among_threads.release()

    def _locked_among_processes(self) -> bool:
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def text(self, offset: int) -> bytes:
        """Give the text at byte `offset`: a word with its length, then the text."""
        start = offset + WORD
        return bytes(self.bytes[start : start + self.words[offset // WORD]])

    def write_text(self, offset: int, text: bytes) -> None:
        """Put a text at byte `offset`; that there is room for it is the caller's care."""
        start = offset + WORD
        self.words[offset // WORD] = 0
        self.bytes[start : start + len(text)] = text
        self.words[offset // WORD] = len(text)
