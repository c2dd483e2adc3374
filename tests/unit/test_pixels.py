import numpy as np
import pytest

from mlp import pixels
from mlp.errors import ValueOutOfRange, WrongShape
from mlp.metadata import Input

SPEC = Input(height=2, width=3, low=0, high=1, preparation="fit")


@pytest.mark.parametrize("wrong", [-0.5, 255.5, np.nan, np.inf])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_first_picture_with_a_value_out_of_range_is_named(wrong, place):
    array = np.zeros((4, 2, 3))
    array[:, 0, 0] = 255  # as much as there may be
    array[place, 1, 2] = array[3, 1, 2] = wrong

    with pytest.raises(ValueOutOfRange, match="0 to 255, found") as refused:
        pixels.batch(array, SPEC, 255)

    assert refused.value.index == place


def test_the_range_that_was_found_is_that_of_the_picture_it_is_about():
    array = np.array([[0, 1, 2, 3, 4, 5], [7, 300, 8, 9, 10, 11], [0, 999, 0, 0, 0, 0]])

    with pytest.raises(ValueOutOfRange, match="found 7 to 300"):
        pixels.batch(array, SPEC, 255)


def test_of_one_picture_no_index_is_told():
    with pytest.raises(ValueOutOfRange, match=r"0 to 1, found 0 to 1\.5") as refused:
        pixels.batch(np.array([0, 0, 0, 0, 0, 1.5]), SPEC, 1)

    assert refused.value.index is None


@pytest.mark.parametrize("shape", [(2, 3), (6,), (1, 2, 3), (1, 6)])
def test_every_arrangement_of_one_picture_is_the_same_picture(shape):
    values = np.arange(6)

    found = pixels.batch(values.reshape(shape), SPEC, 255)

    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, values.reshape(1, 2, 3))


@pytest.mark.parametrize("shape", [(3, 2), (5,), (7,), (0, 6), (0, 2, 3), (1, 1, 2, 3), ()])
def test_other_arrangements_are_refused_with_what_was_got_and_what_is_expected(shape):
    with pytest.raises(WrongShape) as refused:
        pixels.batch(np.zeros(shape), SPEC, 255)

    assert str(refused.value) == (
        f"got an array of shape {shape}; expected (2, 3) or (6,) for one picture, (n, 2, 3) or (n, 6) for several"
    )


def test_fractions_become_pixels_in_float32_and_whole_numbers_in_uint8():
    fractions = pixels.batch(np.array([0, 0.5, 1, 0.25, 0, 0]), SPEC, 1)
    whole = pixels.batch(np.array([0.0, 127.5, 255, 0, 0, 0]), SPEC, 255)

    assert fractions.dtype == whole.dtype == np.float32
    np.testing.assert_array_equal(fractions.ravel(), np.float32([0, 127.5, 255, 63.75, 0, 0]))
    np.testing.assert_array_equal(whole.ravel(), np.float32([0, 127.5, 255, 0, 0, 0]))
    np.testing.assert_array_equal(pixels.batch(np.ones(6, np.uint8), SPEC, 1), np.full((1, 2, 3), 255))


@pytest.mark.parametrize(
    ("values", "scale"), [([0.0, 1.0], 1), ([0.0, 2.0], 255), ([0.0, 255.0], 255), ([0, 1], 255), ([], 255)]
)
def test_floats_up_to_one_are_fractions(values, scale):
    assert pixels.full_scale(np.array(values)) == scale


@pytest.mark.parametrize("largest", [1.0000001, 1.999])
def test_a_largest_float_between_one_and_two_is_refused(largest):
    with pytest.raises(ValueOutOfRange, match="neither a scale of 0 … 1 nor one of 0 … 255"):
        pixels.full_scale(np.array([0, largest]))
