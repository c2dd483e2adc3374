import numpy as np
import pytest

from training.page.calibration import reliability
from training.page.out_of_distribution import auroc


def test_the_calibration_error_is_the_mean_gap_weighted_by_examples():
    # Bin (0.4, 0.6]: confidence 0.5, accuracy 0.25, 4 examples. Bin (0.8, 1]: confidence 0.9, accuracy 1, 1 example.
    confidence = np.array([0.45, 0.5, 0.5, 0.55, 0.9])
    right = np.array([True, False, False, False, True])

    found = reliability(confidence, right, bins=5)

    assert found.counts.tolist() == [0, 0, 4, 0, 1]
    np.testing.assert_allclose(found.accuracy, [0, 0, 0.25, 0, 1])
    np.testing.assert_allclose(found.confidence, [0, 0, 0.5, 0, 0.9])
    assert found.error == pytest.approx(4 / 5 * 0.25 + 1 / 5 * 0.1)


def test_a_bin_has_its_upper_edge_and_the_first_has_0():
    found = reliability(np.array([0.0, 0.5, 0.500001, 1.0]), np.ones(4, bool), bins=2)

    assert found.counts.tolist() == [2, 2]


@pytest.mark.parametrize(("right", "error"), [([True] * 3, 0.0), ([False] * 3, 1.0), ([True, True, False], 1 / 3)])
def test_full_confidence_is_off_by_the_share_of_mistakes(right, error):
    assert reliability(np.ones(3), np.array(right)).error == pytest.approx(error)


@pytest.mark.parametrize(
    ("higher", "lower", "area"),
    [([0.9, 0.8], [0.1, 0.2], 1), ([0.1], [0.9], 0), ([0.5], [0.5, 0.5], 0.5), ([0.3, 0.7], [0.2, 0.5, 0.7], 3.5 / 6)],
)
def test_the_area_under_the_curve_counts_pairs_and_equal_ones_half(higher, lower, area):
    assert auroc(np.array(higher), np.array(lower)) == pytest.approx(area)
