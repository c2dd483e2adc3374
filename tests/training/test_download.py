import gzip
import hashlib
import http.server
import socket
import struct
import threading

import numpy as np
import pytest

from training import datasets, fashion
from training.download import download
from training.errors import DownloadError

CONTENT = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Site(http.server.ThreadingHTTPServer):
    """A server of `files`; of those in `cut_short` it announces all and sends half."""

    def __init__(self):
        self.files, self.cut_short, self.asked = {}, set(), []
        self.silent = threading.Event()
        super().__init__(("127.0.0.1", 0), Answer)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.lstrip("/")
        self.server.asked.append(name)
        if name == "silent":
            self.server.silent.wait(10)
            return
        if name not in self.server.files:
            self.send_error(404)
            return
        content = self.server.files[name]
        self.send_response(200)
        if name != "endless":
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if name in self.server.cut_short else content)

    def log_message(self, *args):
        pass


@pytest.fixture
def site(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Site() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.silent.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def target(tmp_path):
    return tmp_path / "new" / "file.gz"


def get(site, name, target, **how):
    download(f"{site.url}/{name}", target, size=len(CONTENT), sha256=SHA256, **how)


def assert_nothing_was_left(target):
    assert not target.parent.exists() or list(target.parent.iterdir()) == []


def test_the_right_file_is_stored_and_readable_by_others(site, target):
    site.files["file"] = CONTENT

    get(site, "file", target)

    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    assert target.stat().st_mode & 0o777 == 0o644


def test_a_wrong_digest_is_refused_and_nothing_is_left(site, target):
    site.files["file"] = CONTENT[:-1] + b"!"

    with pytest.raises(DownloadError, match=f"has the SHA-256 [0-9a-f]{{64}}, expected {SHA256}"):
        get(site, "file", target)

    assert_nothing_was_left(target)


def test_what_was_there_before_stays_when_the_download_is_refused(site, target):
    target.parent.mkdir()
    target.write_bytes(b"old")
    site.files["file"] = CONTENT[::-1]

    with pytest.raises(DownloadError):
        get(site, "file", target)

    assert target.read_bytes() == b"old"


def test_a_transfer_that_breaks_off_is_refused_and_nothing_is_left(site, target):
    site.files["file"] = CONTENT
    site.cut_short.add("file")

    with pytest.raises(DownloadError, match="ended after 128000 of 256000 bytes"):
        get(site, "file", target)

    assert_nothing_was_left(target)


@pytest.mark.parametrize("name", ["file", "endless"])
def test_a_file_that_is_too_long_is_refused_and_nothing_is_left(site, target, name):
    site.files[name] = CONTENT + b"more"

    with pytest.raises(DownloadError, match="more than 256000 bytes"):
        get(site, name, target)

    assert_nothing_was_left(target)


def test_not_found_is_said_with_the_address(site, target):
    with pytest.raises(DownloadError, match=rf"{site.url}/gone was answered with 404"):
        get(site, "gone", target)

    assert_nothing_was_left(target)


def test_a_silent_server_is_not_waited_on_for_ever(site, target):
    with pytest.raises(DownloadError, match="timed out"):
        get(site, "silent", target, timeout=0.2)

    assert_nothing_was_left(target)


def test_a_refused_connection_is_said_with_the_address(target, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound and not listening: whoever connects is refused
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/file"

        with pytest.raises(DownloadError, match=rf"{url} cannot be reached: .*refused"):
            download(url, target, size=1, sha256=SHA256)

    assert_nothing_was_left(target)


def test_a_folder_that_cannot_be_made_is_said(site, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    site.files["file"] = CONTENT

    with pytest.raises(DownloadError, match="could not be fetched to"):
        get(site, "file", tmp_path / "file" / "below")


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://127.0.0.1/x", "127.0.0.1/x"])
def test_only_http_addresses_are_fetched(url, target):
    with pytest.raises(DownloadError, match="expected an address that begins with http"):
        download(url, target, size=1, sha256=SHA256)


@pytest.fixture
def small_fashion(monkeypatch):
    """Four files in the form of Fashion-MNIST's, and their sizes and digests in place of the real ones."""
    rng = np.random.default_rng(0)
    files = {}
    for part, n in (("train", 20), ("t10k", 10)):
        pictures = rng.integers(0, 256, n * 28 * 28, dtype=np.uint8).tobytes()
        images = struct.pack(">IIII", 0x803, n, 28, 28) + pictures
        labels = struct.pack(">II", 0x801, n) + bytes(at % 10 for at in range(n))
        files[f"{part}-images-idx3-ubyte.gz"] = gzip.compress(images)
        files[f"{part}-labels-idx1-ubyte.gz"] = gzip.compress(labels)
    known = {name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in files.items()}
    monkeypatch.setattr(fashion, "FILES", known)
    return files


def test_fashion_mnist_is_fetched_once_and_then_read_from_its_folder(site, small_fashion, tmp_path):
    site.files = small_fashion

    first = datasets.load("fashion-mnist", data=tmp_path, url=site.url + "/")
    again = datasets.load("fashion-mnist", data=tmp_path, url=site.url)

    assert sorted(site.asked) == sorted(small_fashion)
    assert first.sha256 == again.sha256
    assert first.name == "fashion-mnist"
    assert first.classes[9] == "Ankle boot"
    assert (first.train.images.shape, first.test.images.shape) == ((20, 28, 28), (10, 28, 28))


def test_only_the_files_that_are_missing_are_fetched_and_unpacked_ones_count(site, small_fashion, tmp_path):
    site.files = small_fashion
    name = "train-images-idx3-ubyte"
    (tmp_path / name).write_bytes(gzip.decompress(small_fashion[f"{name}.gz"]))

    datasets.load_fashion(tmp_path, url=site.url)

    assert f"{name}.gz" not in site.asked
    assert len(site.asked) == 3


def test_without_a_network_the_error_says_which_files_to_put_where(site, small_fashion, tmp_path):
    with pytest.raises(DownloadError, match=rf"404 .*\n.*put .* into {tmp_path}: .*t10k-labels-idx1-ubyte\.gz"):
        datasets.load_fashion(tmp_path, url=site.url)


def test_nothing_is_fetched_when_that_is_not_allowed(site, small_fashion, tmp_path):
    with pytest.raises(datasets.DataError, match="has no train-images-idx3-ubyte"):
        datasets.load_fashion(tmp_path, url=site.url, download=False)

    assert site.asked == []
