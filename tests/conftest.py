"""What most tests begin from, and where the real data is."""

import gzip

import numpy as np
import pytest

from mlp.local_store import LocalStore
from tests.drafts import ROOT, Draft, make_draft


@pytest.fixture
def draft() -> Draft:
    return make_draft()


@pytest.fixture
def store(tmp_path) -> LocalStore:
    return LocalStore(tmp_path / "models")


@pytest.fixture(scope="session")
def mnist_test():
    """MNIST's 10,000 test pictures (n, 28, 28) and labels, read without the code under test."""
    images = gzip.decompress((ROOT / "data/mnist/t10k-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((ROOT / "data/mnist/t10k-labels-idx1-ubyte.gz").read_bytes())
    return np.frombuffer(images, np.uint8, offset=16).reshape(-1, 28, 28), np.frombuffer(labels, np.uint8, offset=8)
