"""Runs an image's files as a container would be run: its own user, no rights, a read-only root, its own processes.

It takes Linux, root and util-linux, no container engine. Only the network is the machine's own, so that a client needs
no way in. deploy/image/check.py says what has to hold of what runs.
"""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

_INSIDE: Final = """
set -e
root=$1 user=$2 group=$3 folder=$4; shift 4
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t tmpfs -o nosuid,mode=755 tmpfs "$root/dev"
mkdir "$root/dev/shm"
mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs "$root/dev/shm"
for name in null zero full random urandom; do : > "$root/dev/$name"; mount --bind "/dev/$name" "$root/dev/$name"; done
mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs "$root/tmp"
mount -o remount,bind,ro "$root"
ulimit -n 4096
exec setpriv --no-new-privs --inh-caps=-all chroot --userspec="$user:$group" --groups="$group" \\
  "$root" /bin/sh -c 'cd "$0" && exec "$@"' "$folder" "$@"
"""


@dataclass(frozen=True)
class Image:
    """What an image says of how it is to be run."""

    root: Path
    user: str
    group: str
    folder: str
    environment: dict[str, str]
    command: list[str]
    health: list[str]
    """The command of its HEALTHCHECK."""
    labels: dict[str, str]

    @classmethod
    def of(cls, config: dict[str, Any], root: Path) -> "Image":
        """Read an image's configuration, as Docker keeps it."""
        user, _, group = (config.get("User") or "0").partition(":")
        environment = dict(line.split("=", 1) for line in config.get("Env") or [])
        command = [*(config.get("Entrypoint") or []), *(config.get("Cmd") or [])]
        health = (config.get("Healthcheck") or {}).get("Test") or ["NONE"]
        folder, labels = config.get("WorkingDir") or "/", config.get("Labels") or {}
        return cls(root, user, group or user, folder, environment, command, health[1:], labels)


@dataclass
class Container:
    """One that runs."""

    image: Image
    environment: dict[str, str]
    process: subprocess.Popen[str]
    log: list[str] = field(default_factory=list)

    @property
    def first(self) -> int:
        """The number of its first process, by the machine's count."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int(children.read_text(encoding="ascii").split()[0])

    def processes(self) -> list[int]:
        """Give the numbers of all its processes."""
        space = (Path("/proc") / str(self.first) / "ns/pid").readlink()
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if (path / "ns/pid").readlink() == space:
                    found.append(int(path.name))
        return found

    def processor_seconds(self) -> float:
        """Give how long processors have worked for it."""
        ticks = 0
        for pid in self.processes():
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def run(self, command: list[str], seconds: float = 20) -> int:
        """Run a command inside, as an engine runs a health check; give its status."""
        as_user = ["-S", self.image.user, "-G", self.image.group]
        enter = ["nsenter", "-t", str(self.first), "-m", "-p", "-r", "-w", *as_user, "env", "-i"]
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        return subprocess.run([*enter, *variables, *command], timeout=seconds, check=False).returncode

    def send(self, number: signal.Signals) -> None:
        """Send the first process a signal."""
        os.kill(self.first, number)

    def exit_code(self, seconds: float) -> int | None:
        """Wait for the end; give the first process's exit code, None when it does not end in time."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None


@contextlib.contextmanager
def running(image: Image, **environment: str) -> Iterator[Container]:
    """Run an image until the block ends."""
    variables = {"HOME": "/", **image.environment, **environment}
    with tempfile.NamedTemporaryFile("w", suffix=".sh") as script:
        script.write(_INSIDE)
        script.flush()
        words = ["unshare", "--mount", "--pid", "--ipc", "--uts", "--fork", "bash", script.name]
        words += [str(image.root), image.user, image.group, image.folder, *image.command]
        process = subprocess.Popen(
            words, env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        container = Container(image, variables, process)
        reader = threading.Thread(target=lambda: container.log.extend(process.stdout or ()))
        reader.start()
        try:
            yield container
        finally:
            if process.poll() is None:
                container.send(signal.SIGKILL)  # with its first process end all
            process.wait()
            reader.join()
            if process.stdout:
                process.stdout.close()


def wait_until(condition: Any, seconds: float) -> Any:
    """Give a condition's first true value, or its last value when the time is over."""
    end = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return value


def configuration(inspected: str) -> dict[str, Any]:
    """Give the configuration in what `buildah inspect --type image` prints."""
    found: dict[str, Any] = json.loads(inspected)["Docker"]["config"]
    return found
