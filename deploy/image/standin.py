"""What the image is built on where no registry can be asked: an image of the Debian packages that this machine has.

It stands for python:3.x-slim: what is essential in Debian, a Python, a pip, and nothing else. deploy/image/check.py
builds the Dockerfile on it.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Final

LEAVE_OUT: Final = ("/usr/share/doc/", "/usr/share/man/", "/usr/share/locale/", "/usr/share/info/")
"""As the slim images do."""

TAG: Final = "localhost/python"
CERTIFICATES: Final = "/etc/ssl/certs/ca-certificates.crt"
"""Where Debian's programs look for the authorities that they trust."""

_MORE: Final = ("apt", "netbase", "tzdata", "ca-certificates")
_NOT_COPIED: Final = ("site-packages", "test", "tests", "__pycache__", "idlelib", "tkinter", "turtledemo", "config-*")
_VERSION: Final = f"{sys.version_info.major}.{sys.version_info.minor}"
_PIP: Final = '#!/bin/sh\nexec python3 /usr/local/lib/pip.whl/pip "$@"\n'

Buildah = Callable[..., str]


def make(buildah: Buildah, tag: str) -> str:
    """Make the image; give its name with its digest. `buildah` runs that program and gives what it prints."""
    container = buildah("from", "scratch")
    root = Path(buildah("mount", container))
    _lay_out(root)
    packages = _needed()
    _copy(sorted(_files(packages)), root)
    status = root / "var/lib/dpkg/status"
    status.parent.mkdir(parents=True, exist_ok=True)
    status.write_text(_output("dpkg-query", "-s", *packages), encoding="utf-8")
    _add_python(root)
    _add_pip(root)
    subprocess.run(["ldconfig", "-r", root], check=True)
    path = "PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
    buildah("config", "--env", path, "--env", "LANG=C.UTF-8", "--cmd", '["python3"]', container)
    buildah("umount", container)
    buildah("commit", "-q", "--rm", container, tag)
    return f"{tag}@{buildah('inspect', '--type', 'image', '--format', '{{.FromImageDigest}}', tag)}"


def _lay_out(root: Path) -> None:
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    for name in ("dev", "proc", "sys", "etc", "root", "run", "var/tmp", "home", "usr/local/bin", "usr/local/lib"):
        (root / name).mkdir(parents=True)
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    for name in ("passwd", "group"):
        shutil.copy(f"/usr/share/base-passwd/{name}.master", root / "etc" / name)


def _needed() -> list[str]:
    """Give the packages: what is essential, what Python may ask for, and what these depend on."""
    form = "${Package}\t${Essential}\t${Pre-Depends}, ${Depends}\t${Provides}\n"
    depends: dict[str, list[str]] = {}
    gives: dict[str, list[str]] = {}
    wanted = list(_MORE) + ([f"python{_VERSION}", f"python{_VERSION}-venv"] if _is_debian_s() else [])
    for line in _output("dpkg-query", "-W", "-f", form).splitlines():
        name, essential, needs, provides = line.split("\t")
        depends[name] = _names(needs)
        for other in [name, *_names(provides)]:
            gives.setdefault(other, []).append(name)
        if essential == "yes":
            wanted.append(name)
    found: set[str] = set()
    while wanted:
        for name in gives.get(wanted.pop(), []):
            if name not in found:
                found.add(name)
                wanted += depends[name]
    return sorted(found)


def _names(relation: str) -> list[str]:
    """Give the packages that a relation names, alternatives too: `a (>= 1) | b, c:any` has three."""
    return [re.split(r"[ (:]", part.strip())[0] for part in re.split(r"[,|]", relation) if part.strip()]


def _files(packages: list[str]) -> Iterator[str]:
    """Yield the files of packages and of what Python is linked against, without symbolic links in their folders."""
    listed = _output("dpkg-query", "-L", *packages).splitlines()
    for name in chain(listed, [] if _is_debian_s() else _libraries()):
        path = Path(name)
        real = path.parent.resolve() / path.name
        if real.parent != Path("/") and not name.startswith(LEAVE_OUT) and (real.is_symlink() or real.is_file()):
            yield str(real)
            if real.is_symlink() and real.resolve().is_file():
                yield str(real.resolve())


def _libraries() -> Iterator[str]:
    """Yield the shared libraries of a Python that is not Debian's."""
    prefix = Path(sys.base_prefix)
    for binary in [prefix / f"bin/python{_VERSION}", *prefix.glob(f"lib/python{_VERSION}/lib-dynload/*.so")]:
        for name in re.findall(r"=> (/\S+)", _output("ldd", str(binary))):
            if not name.startswith(str(prefix)):
                yield name


def _copy(files: list[str], root: Path) -> None:
    """Copy files to their places below another root, links as links."""
    names = "".join(f".{name}\n" for name in dict.fromkeys(files)).encode()
    pack = ["tar", "-C", "/", "--no-recursion", "-cf", "-", "-T", "-"]
    packed = subprocess.run(pack, check=True, input=names, stdout=subprocess.PIPE).stdout
    subprocess.run(["tar", "-C", root, "--keep-directory-symlink", "-xf", "-"], check=True, input=packed)


def _is_debian_s() -> bool:
    return sys.base_prefix == "/usr"


def _add_python(root: Path) -> None:
    """Put this Python to /usr/local, where the official image has its own, or links to Debian's."""
    to, prefix = root / "usr/local", Path(sys.base_prefix)
    if not _is_debian_s():
        ignore = shutil.ignore_patterns(*_NOT_COPIED)
        shutil.copytree(prefix / f"lib/python{_VERSION}", to / f"lib/python{_VERSION}", symlinks=True, ignore=ignore)
        shutil.copy2(prefix / f"bin/python{_VERSION}", to / "bin")
        for library in prefix.glob("lib/libpython*.so*"):
            shutil.copy2(library, to / "lib", follow_symlinks=False)
    place = "/usr/bin" if _is_debian_s() else "/usr/local/bin"
    for name in ("python", "python3"):
        (to / "bin" / name).symlink_to(f"{place}/python{_VERSION}")


def _add_pip(root: Path) -> None:
    """Put the pip there that this Python brings along for virtual environments."""
    folders = (Path("/usr/share/python-wheels"), Path(sys.base_prefix) / f"lib/python{_VERSION}/ensurepip/_bundled")
    wheel = next(chain.from_iterable(sorted(folder.glob("pip-*.whl")) for folder in folders), None)
    if wheel is None:
        raise FileNotFoundError("no wheel of pip comes with this Python; on Debian it is in python3-venv")
    shutil.copy(wheel, root / "usr/local/lib/pip.whl")
    script = root / "usr/local/bin/pip"
    script.write_text(_PIP, encoding="ascii")
    script.chmod(0o755)


def _output(*program: str) -> str:
    return subprocess.run(program, check=True, capture_output=True, text=True).stdout
