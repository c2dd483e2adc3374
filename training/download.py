"""One file over HTTP, there whole and with the right digest or not at all."""

import hashlib
import http.client
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO, Final

from tqdm import tqdm

from training.errors import DownloadError
from training.whole_file import whole

TIMEOUT_SECONDS: Final = 30
"""Longest silence of the server that is waited for, in connecting and in between."""

_CHUNK: Final = 2**16


def download(url: str, path: Path, *, size: int, sha256: str, timeout: float = TIMEOUT_SECONDS) -> None:
    """Fetch `url`, which must have `size` bytes and the hex digest `sha256`, and put it at `path`.

    What is at `path` is replaced only when everything is right. A terminal shows a progress bar. Raises DownloadError.
    """
    if not url.startswith(("http://", "https://")):
        raise DownloadError(f"{url} cannot be fetched, expected an address that begins with http:// or https://")
    try:
        with whole(path) as file:
            found = _fetch(url, file, size, timeout)
            if found != sha256:
                raise DownloadError(f"{url} has the SHA-256 {found}, expected {sha256}: not the file that it should be")
    except urllib.error.HTTPError as error:
        error.close()
        raise DownloadError(f"{url} was answered with {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise DownloadError(f"{url} cannot be reached: {error.reason}") from error
    except (TimeoutError, ConnectionError, http.client.HTTPException) as error:
        raise DownloadError(f"{url}: the transfer broke off: {error or type(error).__name__}") from error
    except (OSError, ValueError) as error:
        raise DownloadError(f"{url} could not be fetched to {path}: {error}") from error


def _fetch(url: str, file: IO[bytes], size: int, timeout: float) -> str:
    """Copy the answer into `file`, at most `size` bytes, and give its SHA-256."""
    sha, received = hashlib.sha256(), 0
    with (
        urllib.request.urlopen(url, timeout=timeout) as answer,  # noqa: S310 - the scheme is checked
        tqdm(desc=url.rpartition("/")[2], total=size, unit="B", unit_scale=True, disable=None, leave=False) as bar,
    ):
        while chunk := answer.read(_CHUNK):
            received += len(chunk)
            if received > size:
                raise DownloadError(f"{url} gives more than {size} bytes, expected exactly that many")
            sha.update(chunk)
            file.write(chunk)
            bar.update(len(chunk))
    if received < size:
        raise DownloadError(f"{url} ended after {received} of {size} bytes; try again")
    return sha.hexdigest()
