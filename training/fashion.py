"""Fashion-MNIST: which files it has, how they are known to be right, and where to get them.

Xiao, Rasul, Vollgraf: "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms" (2017).
"""

from pathlib import Path
from typing import Final

from training.download import TIMEOUT_SECONDS, download
from training.errors import DownloadError

URL: Final = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
"""Where the authors have the files; plain HTTP, so what comes is believed for its digest alone."""

CLASSES: Final = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

FILES: Final = {
    "train-images-idx3-ubyte.gz": (26421880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
    "train-labels-idx1-ubyte.gz": (29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
    "t10k-images-idx3-ubyte.gz": (4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
    "t10k-labels-idx1-ubyte.gz": (5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
}
"""Bytes and SHA-256 of the authors' files, taken from files with the MD5 sums in their README."""


def complete(folder: Path, url: str = URL, *, timeout: float = TIMEOUT_SECONDS) -> None:
    """Fetch those of the four files that `folder` has neither packed nor unpacked; what is there stays as it is.

    Raises DownloadError saying what to do without a network.
    """
    for name, (size, sha256) in FILES.items():
        if (folder / name).exists() or (folder / name.removesuffix(".gz")).exists():
            continue
        try:
            download(f"{url.rstrip('/')}/{name}", folder / name, size=size, sha256=sha256, timeout=timeout)
        except DownloadError as error:
            raise DownloadError(
                f"{error}\nWithout a network, put Fashion-MNIST's four files into {folder}: {', '.join(FILES)}"
            ) from error
