"""A small data set that a network can learn: which quarter of a picture is bright."""

import numpy as np
import pytest

from tests.training.local_cluster import local_cluster
from training.labelled import DataSet, Part, data_set
from training.measure import Examples


def quarters(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """n noisy 8×8 pictures, and which of their four quarters is bright."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 4
    images = rng.integers(0, 120, (n, 8, 8), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        row, column = divmod(int(label), 2)
        image[row * 4 : row * 4 + 4, column * 4 : column * 4 + 4] += 60
    return images, labels.astype(np.intp)


def examples(n: int, seed: int = 0) -> Examples:
    images, labels = quarters(n, seed)
    return Examples(images, labels)


@pytest.fixture
def small() -> DataSet:
    return data_set("quarters", tuple("abcd"), Part(*quarters(400)), Part(*quarters(80, seed=1)))


@pytest.fixture(scope="session")
def cluster():
    """A Dask cluster of two workers."""
    with local_cluster(2) as running:
        yield running
