"""An app in process, over a store with one model of two versions."""

import pytest

from service.app import create_app
from service.settings import Settings
from tests.drafts import make_draft

MAX_BATCH = 50


@pytest.fixture
def published(store):
    make_draft(seed=1).publish(store)
    make_draft(seed=2).publish(store)
    store.promote("digits", 1)
    return store


@pytest.fixture
def app(published):
    return create_app(Settings(models=published.root, max_batch=MAX_BATCH, max_image_pixels=1_000_000))


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def digits(mnist_test):
    return mnist_test[0][:3]


@pytest.fixture
def expected(published, digits):
    """The offline scores of the same three pictures."""
    return published.read("digits", 1).scores(digits)
