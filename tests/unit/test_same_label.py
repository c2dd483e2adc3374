"""A drawing keeps its label when it is moved, scaled, lit or stored in another way (tests/changes.py)."""

import pytest

import mlp
from tests.changes import CHANGES, PICTURES, drawings, encoded, label, share
from tests.drafts import ROOT


@pytest.fixture(scope="module")
def model():
    return mlp.load(ROOT / "models/digits")


@pytest.fixture(scope="module")
def sheets():
    return drawings()


@pytest.fixture(scope="module")
def expected(model, sheets):
    return [label(model, encoded(sheet)) for sheet in sheets]


def test_nearly_every_drawing_is_read_right_to_begin_with(expected, mnist_test):
    assert sum(a == str(b) for a, b in zip(expected, mnist_test[1], strict=False)) >= 0.97 * PICTURES


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_leaves_what_is_drawn_leaves_the_label(model, sheets, expected, change):
    kept = share(model, CHANGES[change], sheets, expected)

    assert kept >= CHANGES[change].at_least
