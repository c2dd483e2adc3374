import dataclasses
import itertools
import multiprocessing
import os
import signal

import numpy as np
import pytest

from mlp.network import features
from tests.training.conftest import examples
from training import initialise, parameters
from training.backprop import Backprop
from training.batches import Batches
from training.errors import Diverged, WorkerLost
from training.fit import fit
from training.measure import Examples, measure
from training.recipes import Recipe


def recipe(**fields) -> Recipe:
    return Recipe.model_validate({"hidden": [16], "epochs": 5, "batch_size": 20, "low": 0.0, **fields})


TRAIN, VALIDATION = examples(400), examples(80, seed=1)


def weights(fitted):
    return np.concatenate([array.ravel() for layer in fitted.layers for array in (layer.weights, layer.biases)])


def test_a_network_learns():
    fitted = fit(recipe(epochs=20), TRAIN, VALIDATION, 4)

    assert fitted.epochs[-1].train.loss < 0.5 * fitted.epochs[0].train.loss
    assert fitted.kept.validation.accuracy > 0.9


@pytest.mark.parametrize(
    ("loss", "output", "rate"), [("mse", "sigmoid", 5.0), ("mse", "softmax", 5.0), ("cross_entropy", "sigmoid", 0.1)]
)
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_every_loss_and_activation_lowers_the_loss(loss, output, activation, rate):
    fitted = fit(recipe(loss=loss, output=output, activation=activation, learning_rate=rate), TRAIN, VALIDATION, 4)

    assert fitted.epochs[-1].train.loss < fitted.epochs[0].train.loss


@pytest.mark.parametrize("hidden", [[], [8], [12, 8, 8]])
def test_any_depth_is_trained(hidden):
    fitted = fit(recipe(hidden=hidden), TRAIN, VALIDATION, 4)

    assert len(fitted.layers) == len(hidden) + 1
    assert fitted.epochs[-1].train.loss < fitted.epochs[0].train.loss


@pytest.mark.parametrize(("size", "steps"), [(1, 400), (20, 20), (30, 14), ("full", 1), (1000, 1)])
def test_online_mini_batch_and_full_batch_take_their_number_of_steps_an_epoch(size, steps):
    taken = []

    fit(recipe(batch_size=size, epochs=2), TRAIN, VALIDATION, 4, on_batch=lambda: taken.append(1))

    assert len(taken) == 2 * steps


def test_an_epoch_has_every_example_once_in_a_new_order():
    pixels = np.arange(50, dtype=np.uint8).reshape(50, 1, 1)
    labels = np.arange(50) % 3
    batches = Batches(pixels, labels, classes=3, rows=8)
    rng = np.random.default_rng(0)

    epochs = [
        [(int(i), int(row.argmax())) for x, y, _ in batches.epoch(rng) for i, row in zip(x.ravel(), y, strict=True)]
        for _ in range(2)
    ]

    assert sorted(epochs[0]) == sorted(epochs[1]) == [(i, i % 3) for i in range(50)]
    assert epochs[0] != epochs[1]


@pytest.mark.parametrize("low", [0.0, -1.0])
@pytest.mark.parametrize("workers", [1, 2])
def test_leaving_out_blank_pixels_changes_nothing_but_rounding(workers, low):
    """Pictures with blank edges and now and then a speck there, against plain steps over all pixels."""
    pixels = TRAIN.pixels.copy()
    pixels[:, :2] = pixels[:, :, -2:] = 0
    pixels[::7, 0, 0] = 200
    pixels[::90] = 0
    r = recipe(hidden=[8], epochs=2, workers=workers, keep="last", batch_size=20, low=low, learning_rate=0.02)
    layers = initialise.layers([pixels[0].size, 8, 4], r.activations, np.random.default_rng(r.seed))
    backprop = Backprop(layers, 20, loss=r.loss)
    for epoch in (1, 2):
        order = np.random.default_rng([r.seed, 1, epoch]).permutation(len(pixels))
        for start in range(0, len(order), 20):
            chosen = order[start : start + 20]
            y = np.eye(4, dtype=np.float32)[TRAIN.labels[chosen]]
            for layer, gradient in zip(layers, backprop(features(pixels[chosen], r.low, r.high), y), strict=True):
                layer.weights[...] -= r.learning_rate * gradient.weights
                layer.biases[...] -= r.learning_rate * gradient.biases

    fitted = fit(r, Examples(pixels, TRAIN.labels), VALIDATION, 4)

    for ours, plain in zip(fitted.layers, layers, strict=True):
        np.testing.assert_allclose(ours.weights, plain.weights, atol=1e-5)
        np.testing.assert_allclose(ours.biases, plain.biases, atol=1e-5)


@pytest.mark.parametrize("workers", [1, 2])
def test_real_valued_features_are_trained_on_as_pixels_are(workers):
    scaled = [Examples(e.pixels.reshape(len(e), -1) / np.float32(255), e.labels) for e in (TRAIN, VALIDATION)]

    of_pixels = fit(recipe(workers=workers), TRAIN, VALIDATION, 4)
    of_features = fit(recipe(workers=workers, high=255.0), *scaled, 4)

    np.testing.assert_allclose(weights(of_features), weights(of_pixels), atol=1e-4)
    assert of_features.kept.validation.accuracy == of_pixels.kept.validation.accuracy


def test_without_validation_examples_those_trained_on_decide():
    fitted = fit(recipe(), TRAIN, None, 4)

    assert all(epoch.validation == epoch.train for epoch in fitted.epochs)
    assert fitted.kept == max(fitted.epochs, key=lambda epoch: (epoch.train.accuracy, -epoch.train.loss))


def test_features_are_no_pictures():
    with pytest.raises(TypeError, match="float32 are features"):
        Examples(np.zeros((2, 3), np.float32), np.array([0, 1])).pictures  # noqa: B018


def test_full_batch_is_the_mean_of_online_gradients_and_not_their_sum():
    """One full-batch step moves by the mean gradient, so it is as long whatever the number of examples."""
    once = fit(recipe(batch_size="full", epochs=1, seed=3), TRAIN, VALIDATION, 4)
    doubled = Examples(np.concatenate([TRAIN.pixels] * 2), np.concatenate([TRAIN.labels] * 2))
    twice = fit(recipe(batch_size="full", epochs=1, seed=3), doubled, VALIDATION, 4)

    np.testing.assert_allclose(weights(once), weights(twice), atol=1e-5)


def test_the_same_seed_gives_the_same_weights_bit_for_bit_and_another_does_not():
    one, same, other = (weights(fit(recipe(seed=seed), TRAIN, VALIDATION, 4)) for seed in (7, 7, 8))

    assert one.tobytes() == same.tobytes()
    assert one.tobytes() != other.tobytes()


def test_l2_keeps_weights_small():
    free, bound = (fit(recipe(l2=l2, epochs=20), TRAIN, VALIDATION, 4) for l2 in (0.0, 0.05))

    assert np.square(bound.layers[0].weights).sum() < 0.7 * np.square(free.layers[0].weights).sum()


def test_best_keeps_the_epoch_that_was_best_on_validation_and_last_the_last():
    best, last = (
        fit(recipe(keep=keep, epochs=12, learning_rate=1.0), TRAIN, VALIDATION, 4) for keep in ("best", "last")
    )

    assert best.kept.validation.accuracy == max(epoch.validation.accuracy for epoch in best.epochs)
    assert last.kept.number == 12
    assert [e.validation for e in best.epochs] == [e.validation for e in last.epochs]


def test_the_kept_weights_are_those_that_were_measured():
    r = recipe(epochs=12, learning_rate=1.0)
    fitted = fit(r, TRAIN, VALIDATION, 4)

    assert measure(fitted.layers, VALIDATION, r) == fitted.kept.validation


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
def test_a_run_that_diverges_says_so():
    with pytest.raises(Diverged, match="smaller learning_rate"):
        fit(recipe(loss="mse", output="identity", learning_rate=1e6), TRAIN, VALIDATION, 4)


def interrupt_at(batch):
    """Send this process a real Ctrl-C when so many batches are done."""
    done = []

    def on_batch():
        done.append(1)
        if len(done) == batch:
            os.kill(os.getpid(), signal.SIGINT)

    return on_batch


def test_ctrl_c_keeps_the_best_epoch_so_far():
    undisturbed = fit(recipe(epochs=3), TRAIN, VALIDATION, 4)

    stopped = fit(recipe(epochs=9), TRAIN, VALIDATION, 4, on_batch=interrupt_at(3 * 20 + 7))

    assert stopped.interrupted
    assert [dataclasses.replace(e, seconds=0) for e in stopped.epochs] == [
        dataclasses.replace(e, seconds=0) for e in undisturbed.epochs
    ]
    assert weights(stopped).tobytes() == weights(undisturbed).tobytes()


def test_ctrl_c_before_the_first_epoch_is_over_has_nothing_to_keep():
    with pytest.raises(KeyboardInterrupt):
        fit(recipe(), TRAIN, VALIDATION, 4, on_batch=interrupt_at(3))


def test_augmented_pictures_are_what_is_trained_on_and_only_in_training():
    plain, augmented = (fit(recipe(shift=shift, epochs=2), TRAIN, VALIDATION, 4) for shift in (0, 2))

    assert weights(plain).tobytes() != weights(augmented).tobytes()
    assert measure(augmented.layers, VALIDATION, recipe()) == augmented.kept.validation


@pytest.mark.parametrize(
    "fields",
    [
        {"batch_size": 64},
        {"batch_size": 7, "l2": 0.01},  # 400 = 57 · 7 + 1: parts of unequal size, and one that is empty
        {"optimiser": "adamw", "learning_rate": 0.005, "weight_decay": 0.1, "average": 0.9},
        {"optimiser": "nesterov", "momentum": 0.9, "learning_rate": 0.02, "hidden": [12, 8]},
    ],
    ids=str,
)
@pytest.mark.parametrize("workers", [2, 3])
def test_several_processes_give_the_weights_of_one_up_to_rounding(workers, fields):
    one, several = (fit(recipe(workers=number, **fields), TRAIN, VALIDATION, 4) for number in (1, workers))

    np.testing.assert_allclose(weights(several), weights(one), atol=2e-4)
    assert weights(several).tobytes() != weights(one).tobytes()  # they did share the work


def test_several_processes_with_dropout_and_augmentation_repeat_themselves_bit_for_bit():
    one, same = (fit(recipe(workers=2, dropout=0.3, shift=1), TRAIN, VALIDATION, 4) for _ in range(2))

    assert weights(one).tobytes() == weights(same).tobytes()


def test_ctrl_c_ends_all_processes_and_keeps_the_best_epoch_so_far():
    stopped = fit(recipe(epochs=9, workers=2), TRAIN, VALIDATION, 4, on_batch=interrupt_at(3 * 20 + 7))

    assert stopped.interrupted
    assert len(stopped.epochs) == 3
    assert not multiprocessing.active_children()


def test_a_process_that_dies_ends_the_run_with_a_reason():
    def kill():
        for process in multiprocessing.active_children():
            process.kill()

    with pytest.raises(WorkerLost, match="exit code -9"):
        fit(recipe(workers=2), TRAIN, VALIDATION, 4, on_batch=kill)


def test_ctrl_c_while_an_epoch_is_taken_note_of_waits_until_it_is(monkeypatch):
    """Else it would be the best of epochs among which it is not yet."""
    told, calls = [], itertools.count()

    def fill(*arguments, fill=parameters.fill):
        if next(calls) == 1:  # the first is before the first epoch
            signal.raise_signal(signal.SIGINT)
        fill(*arguments)

    monkeypatch.setattr(parameters, "fill", fill)

    fitted = fit(recipe(), TRAIN, VALIDATION, 4, on_epoch=told.append)

    assert fitted.interrupted
    assert told == list(fitted.epochs) == [fitted.kept]
    assert np.abs(weights(fitted)).max() > 0
