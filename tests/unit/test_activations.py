import numpy as np
import pytest

from mlp.activations import ACTIVATIONS
from mlp.network import Layer, scores


def applied(name, z):
    a = np.array(z)
    with np.errstate(over="ignore"):
        ACTIVATIONS[name](a)
    return a


def test_sigmoid_equals_its_formula_where_that_can_be_computed():
    z = np.linspace(-30, 30, 601)

    np.testing.assert_allclose(applied("sigmoid", z), 1 / (1 + np.exp(-z)), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu", "softmax"])
def test_extreme_values_stay_finite_and_the_forward_pass_warns_of_nothing(name, dtype):
    one = Layer(np.eye(5, dtype=dtype), np.zeros(5, dtype), name)

    a = scores([one], np.array([[-3e4, -100, 0, 100, 3e4]], dtype))

    assert np.isfinite(a).all()
    assert a.dtype == dtype


def test_sigmoid_saturates_at_0_and_1():
    np.testing.assert_allclose(applied("sigmoid", np.float32([-1e9, 1e9])), [0, 1], atol=1e-30)


def test_softmax_rows_sum_to_one_and_do_not_change_when_all_move_together():
    z = np.random.default_rng(0).normal(size=(7, 10))

    a = applied("softmax", z)

    np.testing.assert_allclose(a.sum(axis=1), 1)
    np.testing.assert_allclose(applied("softmax", z + 1000), a)
    np.testing.assert_allclose(a, np.exp(z) / np.exp(z).sum(axis=1, keepdims=True))


def test_relu_and_identity():
    np.testing.assert_array_equal(applied("relu", [-1.0, 0.0, 2.0]), [0, 0, 2])
    np.testing.assert_array_equal(applied("identity", [-1.0, 0.0, 2.0]), [-1, 0, 2])
