"""The commands of a page of documentation, and what it says they print.

A block that begins with ```console holds commands after `$ `, each followed by its output, if that is shown at all;
"…" in an output stands for anything. `python -m tests.repository.console README.md` runs a page's commands in a copy
of the repository and writes the outputs of its `curl` commands into the page, but for those with "…".
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from tests.drafts import ROOT

BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FRACTION = re.compile(r"\d+\.\d+(?:e-\d+)?")
PORT = "127.0.0.1:8000"
NOT_RUN = ("make test",)
"""It is what runs this."""


@dataclass
class Command:
    text: str
    output: str


def commands(page: str) -> list[Command]:
    """Every command of a page, in order."""
    found = []
    for block in BLOCK.findall(page):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            text, _, output = part.partition("\n")
            found.append(Command(text, output))
    return found


def matches(said: str, printed: str) -> bool:
    """Whether a command printed what the page says; fractions may differ by 1e-5, as they do between processors."""
    pattern = "".join(
        ".*" if piece == "…" else f"({FRACTION.pattern})" if FRACTION.fullmatch(piece) else re.escape(piece)
        for piece in re.split(f"({FRACTION.pattern}|…)", said.strip())
    )
    found = re.fullmatch(pattern, printed.strip(), re.DOTALL)
    fractions = [float(text) for text in FRACTION.findall(said)]
    return found is not None and all(
        abs(float(text) - fraction) <= 1e-5 for text, fraction in zip(found.groups(), fractions, strict=True)
    )


def a_folder_of_leaves(folder: Path) -> None:
    """Pictures of two classes, as a reader of the page might have them: round leaves and long ones."""
    rng = np.random.default_rng(0)
    for name, (across, along) in {"birch": (60, 70), "oak": (25, 95)}.items():
        (folder / name).mkdir(parents=True)
        for number in range(40):
            image = Image.new("RGB", (240, 200), (235, 235, 225))
            x, y = rng.normal((120, 100), 6)
            ImageDraw.Draw(image).ellipse([x - along, y - across, x + along, y + across], fill=(60, 110, 50))
            image.save(folder / name / f"{number}.png")


class Workplace:
    """A copy of the repository in which a page's commands are run one after the other, as a reader would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server: subprocess.Popen | None = None
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        (folder / ".venv").symlink_to(ROOT / ".venv")
        a_folder_of_leaves(folder / "leaves")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def run(self, command: Command) -> str:
        """Run a command and give what it prints; `make run` goes on in the background."""
        if command.text == "make run":
            return self._serve()
        # A service that runs follows a promotion when it next looks; a reader would try again, too.
        end = time.monotonic() + (10 if command.text.startswith("curl") else 0)
        while True:
            done = self._shell(command.text)
            if done.returncode == 0 and (matches(command.output, done.stdout) or not command.output):
                break
            if time.monotonic() > end:
                break
            time.sleep(0.2)
        assert done.returncode == 0, f"$ {command.text}\n{done.stdout}{done.stderr}"
        return done.stdout

    def _shell(self, text: str) -> subprocess.CompletedProcess[str]:
        text = text.replace(PORT, f"127.0.0.1:{self.port}")
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text], cwd=self.folder, capture_output=True, text=True, timeout=300
        )

    def _serve(self) -> str:
        self.server = subprocess.Popen(
            ["make", "run"],
            cwd=self.folder,
            env={**os.environ, "PORT": str(self.port), "MAKEFLAGS": ""},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + 120
        while self._shell(f"curl -sf http://{PORT}/readyz").returncode:
            assert self.server.poll() is None, "make run ended"
            assert time.monotonic() < end, "make run does not get ready"
            time.sleep(0.1)
        return ""

    def close(self) -> None:
        """End the server."""
        if self.server is not None:
            self.server.terminate()
            self.server.wait(30)


@contextmanager
def workplace(folder: Path) -> Iterator[Workplace]:
    """A workplace until the block ends."""
    place = Workplace(folder)
    try:
        yield place
    finally:
        place.close()


def main(page: Path) -> None:
    """Write what the page's curl commands print into it."""
    text = page.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder, workplace(Path(folder)) as place:
        for command in commands(text):
            if command.text in NOT_RUN:
                continue
            printed = re.sub(r"\b[0-9a-f]{32}\b", "…", place.run(Command(command.text, "")))  # request ids
            if "promote" in command.text:
                time.sleep(3)  # the service follows
            if command.text.startswith(("curl", "echo")) and "…" not in command.output:
                text = text.replace(f"$ {command.text}\n{command.output}", f"$ {command.text}\n{printed}")
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
