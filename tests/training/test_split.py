import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.errors import DataError
from training.split import stratified


def rng(seed=0):
    return np.random.default_rng(seed)


@st.composite
def examples_and_sizes(draw):
    parts = draw(st.integers(1, 4))
    totals = draw(st.lists(st.integers(parts, 40), min_size=1, max_size=8))
    labels = np.array(draw(st.permutations(np.repeat(np.arange(len(totals)), totals).tolist())), np.intp)
    cuts = sorted(draw(st.lists(st.integers(0, len(labels)), min_size=parts, max_size=parts)))
    return labels, np.diff([0, *cuts]).tolist()


@given(examples_and_sizes())
def test_sizes_are_exact_parts_are_disjoint_and_each_class_is_within_one_of_its_share(given_):
    labels, sizes = given_

    parts = stratified(labels, sizes, rng())

    assert [len(part) for part in parts] == sizes
    together = np.concatenate(parts)
    assert len(np.unique(together)) == len(together)
    totals = np.bincount(labels)
    for part, size in zip(parts, sizes, strict=True):
        share = size * totals / len(labels)
        assert (np.abs(np.bincount(labels[part], minlength=len(totals)) - share) <= 1 + 1e-9).all()


@given(examples_and_sizes(), st.integers(0, 2**32))
def test_same_seed_gives_the_same_parts(given_, seed):
    labels, sizes = given_

    for one, other in zip(stratified(labels, sizes, rng(seed)), stratified(labels, sizes, rng(seed)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_two_parts_are_rounded_by_the_largest_remainder():
    labels = np.repeat([0, 1, 2], [17, 28, 55])

    held, _ = stratified(labels, [10, 90], rng())

    # Shares are 1.7, 2.8 and 5.5: rounded down 8 of 10, and the two largest remainders are the first two.
    assert np.bincount(labels[held]).tolist() == [2, 3, 5]


def test_parts_are_shuffled_across_classes():
    labels = np.repeat([0, 1], 500)

    part, _ = stratified(labels, [800, 200], rng())

    assert not (np.diff(labels[part]) >= 0).all()
    assert not (np.diff(part) >= 0).all()


def test_another_seed_gives_other_parts():
    labels = np.repeat([0, 1], 50)

    assert stratified(labels, [20], rng(1))[0].tolist() != stratified(labels, [20], rng(2))[0].tolist()


def test_a_part_of_size_zero_is_empty_and_can_index():
    labels = np.repeat([0, 1], 5)

    whole, nothing = stratified(labels, [10, 0], rng())

    assert sorted(whole) == list(range(10))
    assert labels[nothing].shape == (0,)


def test_labels_need_not_begin_at_zero_nor_be_without_gaps():
    labels = np.array([7, 3, 7, 3, 3, 7])

    first, second = stratified(labels, [2, 4], rng())

    assert sorted(labels[first]) == [3, 7]
    assert sorted(labels[second]) == [3, 3, 7, 7]


@pytest.mark.parametrize(
    ("labels", "sizes", "says"),
    [
        ([0, 1, 0, 1], [3, 2], "parts of 3, 2 examples were asked for, and there are 4"),
        ([0, 1, 0, 1], [5, -1], "parts of 5, -1"),
        ([], [0], "there are 0"),
        ([0, 0, 0, 1], [2, 2], "class of index 1 has 1 of the examples, expected 2 or more"),
    ],
)
def test_what_cannot_be_divided_is_refused_with_the_numbers(labels, sizes, says):
    with pytest.raises(DataError, match=says):
        stratified(np.array(labels, np.intp), sizes, rng())
