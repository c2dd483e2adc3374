"""What the preparations give is what they gave when networks were trained on it (tests/scenes.py)."""

import numpy as np
import pytest

from mlp.prepare import PREPARATIONS
from tests import scenes

LEVELS = 1
"""Of 255, by which a pixel may differ where another processor or another Pillow rounds in another way."""


@pytest.fixture(scope="module", params=PREPARATIONS)
def both(request):
    now = scenes.prepared(request.param)
    return now, {name: pixels for (kind, name), pixels in scenes.record().items() if kind == request.param}


def test_every_scene_is_prepared_as_it_always_was(both):
    now, before = both

    assert now.keys() == before.keys()
    off = {name: int(np.abs(now[name].astype(int) - before[name]).max()) for name in now}
    assert {name: levels for name, levels in off.items() if levels > LEVELS} == {}


def test_in_nearly_all_of_them_a_digit_is_found():
    """Else the record would tell little."""
    found = [pixels.any() for (kind, _), pixels in scenes.record().items() if kind == "digit"]

    assert len(found) > 80
    assert sum(found) >= 0.9 * len(found)
