"""The pictures that the accuracy is measured on show what they should, and are the same in every run."""

import io

import numpy as np
import pytest
from PIL import Image

from benchmarks.accuracy import corruptions, fonts, nothing, paper, pens, phone
from benchmarks.accuracy.encoded import generator
from benchmarks.accuracy.kinds import kinds


@pytest.fixture
def digits(mnist_test):
    return mnist_test[0][:20]


def test_a_bar_is_thinned_to_a_line():
    bar = np.zeros((30, 20), bool)
    bar[5:25, 8:13] = True

    line = pens.thinned(bar)

    assert (line.sum(axis=1) <= 1).all()
    assert 14 <= line.sum() <= 20
    assert not (line & ~bar).any()


def test_a_wider_pen_leaves_more_ink_and_all_leave_some(digits):
    shares = [
        np.mean([(255 - pens.drawn(digit, width, generator("pen", 1))).mean() / 255 for digit in digits])
        for width in pens.WIDTHS.values()
    ]

    assert 0.003 < shares[0] < shares[1] / 2 < shares[2] / 3


def test_light_on_dark_is_dark_on_light_inverted(digits):
    dark = pens.drawn(digits[0], 12, generator("pen"))
    light = pens.drawn(digits[0], 12, generator("pen"), light_on_dark=True)

    np.testing.assert_allclose(light.astype(int), 255 - dark.astype(int), atol=1)


@pytest.mark.parametrize("scene", paper.SCENES, ids=lambda scene: scene.name)
def test_a_photograph_shows_darker_ink_than_its_empty_sheet(digits, scene):
    photograph = paper.photographed(digits[0], scene, generator(scene.name))

    assert photograph.shape == (paper.HEIGHT, paper.WIDTH, 3)
    np.testing.assert_array_equal(photograph, paper.photographed(digits[0], scene, generator(scene.name)))
    local = photograph.min(axis=2).astype(int)
    assert (np.median(local) - local.min()) > 40


@pytest.mark.parametrize("name", phone.VIEWS)
def test_a_phones_view_is_the_same_in_every_run_and_shows_its_digit(digits, name):
    seen = phone.VIEWS[name](digits[0], generator(name))
    other = phone.VIEWS[name](digits[1], generator(name))

    np.testing.assert_array_equal(seen, phone.VIEWS[name](digits[0], generator(name)))
    assert seen.ndim == 3
    assert np.abs(seen.astype(int) - other).max() > 40  # all but the digit is the same


@pytest.mark.parametrize("name", corruptions.CORRUPTIONS)
def test_a_corruption_of_more_strength_is_further_from_the_original(digits, name):
    distances = [
        np.mean([np.abs(digit - 1.0 * corruptions.corrupted(digit, name, k, generator(name, 3))) for digit in digits])
        for k in range(1, 6)
    ]

    assert distances[0] > 0.5
    assert (np.diff(distances) > 0).all(), distances


@pytest.fixture
def bundled(monkeypatch):
    """The faces that come with matplotlib, whatever else is on the machine."""
    monkeypatch.setattr(fonts, "FOLDERS", fonts.FOLDERS[-1:])
    return fonts.faces.__wrapped__()


def test_faces_have_ten_different_digits_and_no_ornaments(bundled):
    assert len(bundled) > 8
    for face in bundled:
        looks = {fonts.glyph(face, digit, 40).tobytes() for digit in fonts.DIGITS}
        assert len(looks) == 10, face


def test_a_face_that_is_there_twice_counts_once(bundled, monkeypatch):
    monkeypatch.setattr(fonts, "FOLDERS", fonts.FOLDERS * 2)

    assert fonts.faces.__wrapped__() == bundled


@pytest.mark.parametrize("make", [nothing.fine_noise, nothing.large_noise, nothing.frame, nothing.scribble])
def test_pictures_of_nothing_are_not_even(make):
    assert make(generator("nothing")).std() > 10


def test_every_kind_is_the_same_in_every_run(digits):
    for kind in kinds([(digit, "1") for digit in digits[:2]], 2, None, {"mnist", "pens", "paper", "corruptions"}):
        first, again = list(kind.pictures()), list(kind.pictures())

        assert first == again, kind.name
        assert len(first) == 2
        assert Image.open(io.BytesIO(first[0].data)).size[0] >= 28
