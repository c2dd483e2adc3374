"""`make image-check`: builds the Dockerfile, runs what comes of it, and checks what deployments rely on.

It needs root, Debian and buildah (`apt-get install buildah`), but neither a container engine nor a registry: the image
is built on one made of the Debian packages that this machine has (standin.py), and run by the kernel's own means
(container.py). Exit status 0: all is as it should be; 1: something is not; 2: it could not be tried.
"""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from deploy.image import standin
from deploy.image.container import Container, Image, configuration, running, wait_until

ROOT: Final = Path(__file__).resolve().parents[2]
REQUIREMENTS: Final = "s3 tracing feedback"
"""Everything that the image can have, so that it is the largest."""

LARGEST_MIB: Final = 200
LONGEST_START_SECONDS: Final = 2.0
GRACE_SECONDS: Final = 30.0
"""What deploy/ gives a service to end: more than gunicorn's graceful_timeout."""

_PIP_SETTINGS: Final = ("index-url", "trusted-host", "proxy", "default-timeout")

PICTURE: Final = ROOT / "examples/7.png"
_CLIENTS: Final = "import boto3; [boto3.client(n, region_name='eu-west-1') for n in ('s3', 'sts', 'sso', 'sso-oidc')]"
_HEAD: Final = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nConnection: close\r\nContent-Length: "


class Checks:
    """What was found, each a line as soon as it is."""

    def __init__(self) -> None:
        self.failed = 0

    def note(self, holds: bool, what: str) -> None:
        """Print one."""
        self.failed += not holds
        print(f"{'ok    ' if holds else 'NOT OK'}  {what}", flush=True)


class Builder:
    """buildah with a store of its own, which is gone with its folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._driver = "overlay"
        try:
            self("rm", self._mounted())
        except subprocess.CalledProcessError:  # as in a container whose own root is an overlay
            self._driver = "vfs"

    def __call__(self, *words: str) -> str:
        """Run it with these arguments, and give what it prints."""
        store = ["--root", f"{self._folder}/store", "--runroot", f"{self._folder}/run"]
        program = ["buildah", *store, "--storage-driver", self._driver, *words]
        done = subprocess.run(program, check=False, capture_output=True, text=True, cwd=ROOT)
        if done.returncode:
            print(done.stdout[-2000:], done.stderr[-2000:], sep="\n", file=sys.stderr)
            done.check_returncode()
        return done.stdout.strip()

    def build(self, base: str, tag: str) -> None:
        """Build the Dockerfile on a base, with the machine's own way to a package index."""
        certificates = Path(os.environ.get("PIP_CERT") or os.environ.get("SSL_CERT_FILE") or standin.CERTIFICATES)
        settings = self._folder / "pip.conf"
        settings.write_text(_pip_settings(), encoding="utf-8")
        mounts = [f"{settings}:/etc/pip.conf:ro"]
        mounts += [f"{certificates}:{standin.CERTIFICATES}:ro"] if certificates.is_file() else []
        volumes = [word for mount in mounts for word in ("--volume", mount)]
        arguments = ["--build-arg", f"PYTHON_IMAGE={base}", "--build-arg", f"REQUIREMENTS={REQUIREMENTS}"]
        how = ["--isolation", "chroot", "--format", "docker", "--pull-never", "--no-cache"]
        self("bud", *how, *volumes, *arguments, "-t", tag, ".")

    def image(self, tag: str) -> Image:
        """Give an image, its files in a folder."""
        root = Path(self("mount", self("from", "--pull-never", tag)))
        return Image.of(configuration(self("inspect", "--type", "image", tag)), root)

    def _mounted(self) -> str:
        container = self("from", "scratch")
        self("mount", container)
        return container

    def close(self) -> None:
        """Leave nothing mounted."""
        self("rm", "--all")


def _pip_settings() -> str:
    """Give this machine's settings of pip that say where packages are, but for folders, which a build cannot see."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    settings = {"cert": standin.CERTIFICATES, "disable-pip-version-check": "true"}
    for line in listed.stdout.splitlines():
        key, _, value = line.partition("=")
        places = [place for place in value.strip("'\"").split() if not place.startswith(("/", "file:"))]
        if places and (name := key.rpartition(".")[2]) in _PIP_SETTINGS:
            settings[name] = " ".join(places)
    return "\n".join(["[global]", *(f"{name} = {value}" for name, value in settings.items()), ""])


def why_not() -> str:
    """Give why this machine cannot build an image; nothing when it can."""
    if os.geteuid() != 0:
        return "it takes root"
    tools = ("dpkg-query", "buildah", "unshare", "nsenter", "setpriv", "curl")
    missing = [tool for tool in tools if shutil.which(tool) is None]
    return f"there is no {', no '.join(missing)}" if missing else ""


def size_mib(root: Path) -> float:
    """Give how much the files below a folder hold."""
    done = subprocess.run(["du", "-sxk", "--apparent-size", root], check=True, capture_output=True, text=True)
    return int(done.stdout.split()[0]) / 1024


def free_port() -> int:
    """Give a port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def status(port: int, path: str = "/readyz", host: str = "127.0.0.1") -> int:
    """Give the status of a GET, 0 where nobody answers."""
    with closing(http.client.HTTPConnection(host, port, timeout=5)) as connection:
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            return 0


@contextmanager
def serving(image: Image, **environment: str) -> Iterator[tuple[Container, int, tuple[float, float]]]:
    """Run the service; give it, its port, and its start, until /readyz answered with anything: seconds, and of work."""
    port = free_port()
    begun = time.monotonic()
    with running(image, PORT=str(port), **environment) as container:
        if not wait_until(lambda: status(port) or container.process.poll() is not None, 30) or not status(port):
            raise RuntimeError("it does not answer: " + "".join(container.log[-20:]))
        took = time.monotonic() - begun
        yield container, port, (took, container.processor_seconds())


def check_image(checks: Checks, builder: Builder, image: Image) -> None:
    """Check what can be said of an image that does not run."""
    base = builder.image(standin.TAG)
    grown = size_mib(image.root) - size_mib(base.root)
    checks.note(grown < LARGEST_MIB, f"{grown:.0f} MiB beyond its base, with {REQUIREMENTS} (limit {LARGEST_MIB})")
    checks.note(image.user.isdigit() and int(image.user) > 0, f"its user is a number, and not root: {image.user}")
    bill = json.loads((image.root / "app/sbom.cdx.json").read_text(encoding="utf-8"))
    named = {component["purl"].partition("@")[0] for component in bill["components"]}
    complete = {"pkg:pypi/numpy", "pkg:pypi/boto3", "pkg:deb/debian/libc6", "pkg:generic/python"} <= named
    checks.note(complete, f"/app/sbom.cdx.json names {len(named)} components, Python's and Debian's")
    unwanted = [name for name in ("training", "tests", "data") if (image.root / "app" / name).exists()]
    checks.note(not unwanted, "it holds nothing of training or tests")
    base_name = image.labels["org.opencontainers.image.base.name"]
    checks.note("@sha256:" in base_name, f"it says what it was built on, by its digest: {base_name}")


def check_running(checks: Checks, image: Image) -> None:
    """Check what has to hold while it runs."""
    with serving(image) as (container, port, first):
        uids = {Path(f"/proc/{pid}").stat().st_uid for pid in container.processes()}
        checks.note(uids == {int(image.user)}, f"all its {len(container.processes())} processes run as {image.user}")
        checks.note(_is_read_only(container), "its root cannot be written to")
        checks.note(
            status(port, host="127.0.0.2") == 200, "it listens on every address, so a published port reaches it"
        )
        checks.note(_predicts(port), "curl --data-binary @7.png is answered with a 7")
        checks.note(container.run(["python", "-c", _CLIENTS]) == 0, "boto3 knows S3 and every way to log in")
        checks.note(container.run(image.health) == 0, "its HEALTHCHECK says healthy of a service that answers")
        for pid in container.processes():
            os.kill(pid, signal.SIGSTOP)
        checks.note(container.run(image.health) == 1, "its HEALTHCHECK says unhealthy of a service that hangs")
        for pid in container.processes():
            os.kill(pid, signal.SIGCONT)
        _check_end(checks, container, port)
    with serving(image, MLP_MODELS="/none") as (container, _, second):
        checks.note(container.run(image.health) == 1, "its HEALTHCHECK says unhealthy of a service without a model")
        dead = {**container.environment, "PORT": str(free_port())}
        container.environment = dead
        checks.note(container.run(image.health) == 1, "its HEALTHCHECK says unhealthy where nobody listens")
    with serving(image) as (_, _, third):
        pass
    _check_starts(checks, [first, second, third])


def _check_starts(checks: Checks, starts: list[tuple[float, float]]) -> None:
    """Hold the quickest start against its limit, or where it had to wait for a processor, what two would have done."""
    seconds, work = min(starts)
    waited = seconds > work
    text = f"it answers {', '.join(f'{took:.2f}' for took, _ in starts)} s after its start, with {work:.2f} s of work"
    limit = (
        f"{2 * LONGEST_START_SECONDS} s of work, since others use this machine"
        if waited
        else f"{LONGEST_START_SECONDS} s"
    )
    checks.note((work / 2 if waited else seconds) < LONGEST_START_SECONDS, f"{text} (limit {limit})")


def _is_read_only(container: Container) -> bool:
    writes = ["/bin/sh", "-c", "(echo > /app/x || echo > /venv/x || echo > /models/x) 2> /dev/null"]
    mounts = Path(f"/proc/{container.first}/mountinfo").read_text(encoding="utf-8").splitlines()
    options = [line.split()[5] for line in mounts if line.split()[4] == "/"]
    return container.run(writes) != 0 and all("ro" in option.split(",") for option in options)


def _predicts(port: int) -> bool:
    address = f"http://127.0.0.1:{port}/predict"
    words = ["curl", "-sf", address, "-H", "Content-Type: image/png", "--data-binary", f"@{PICTURE}"]
    return '"label":"7"' in subprocess.run(words, capture_output=True, text=True, check=False).stdout


def _check_end(checks: Checks, container: Container, port: int) -> None:
    """Send SIGTERM while half a request has come, and the other half after it."""
    body = PICTURE.read_bytes()
    with socket.create_connection(("127.0.0.1", port), timeout=GRACE_SECONDS) as connection:
        connection.sendall(_HEAD + str(len(body)).encode() + b"\r\n\r\n" + body[:100])
        for _ in range(20):  # whichever worker has it has taken it in by now
            status(port)
        begun = time.monotonic()
        container.send(signal.SIGTERM)
        wait_until(lambda: "Handling signal: term" in "".join(container.log), 10)
        connection.sendall(body[100:])
        answer = connection.makefile("rb").read()
    checks.note(answer.startswith(b"HTTP/1.1 200"), "a request that was on its way when SIGTERM came is answered")
    code = container.exit_code(GRACE_SECONDS)
    took = time.monotonic() - begun
    checks.note(code == 0, f"SIGTERM ends it with {code} after {took:.1f} s (grace {GRACE_SECONDS:.0f})")


def main() -> int:
    """Give the exit status."""
    if reason := why_not():
        print(f"the image cannot be built here: {reason}", file=sys.stderr)
        return 2
    checks, tag = Checks(), "localhost/mlp"
    with tempfile.TemporaryDirectory() as folder, closing(Builder(Path(folder))) as builder:
        begun = time.monotonic()
        base = standin.make(builder, standin.TAG)
        print(f"        the base was made of this machine's Debian packages in {time.monotonic() - begun:.0f} s")
        begun = time.monotonic()
        builder.build(base, tag)
        print(f"        the Dockerfile was built on {base} in {time.monotonic() - begun:.0f} s")
        image = builder.image(tag)
        check_image(checks, builder, image)
        check_running(checks, image)
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
