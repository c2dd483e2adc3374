import tracemalloc

import numpy as np
import pytest

from training.augment import PIECE, Augment, Augmentation
from training.displacement import Displacement, elastic_modes
from training.strokes import Strokes
from training.warp import EDGE, Warp

EVERYTHING = Augmentation(
    mirror=0.5,
    rotation=12,
    scale=0.1,
    shear=0.1,
    shift=1.5,
    elastic=1,
    thickness=0.5,
    blur=0.3,
    coarse=0.3,
    contrast=0.15,
    fading=0.2,
    noise=10,
)
SIZES = [(28, 28), (20, 31)]


def blobs(n: int, height: int = 28, width: int = 28, seed: int = 0) -> np.ndarray:
    """n pictures (n, height, width) of bright random pixels with a dark margin."""
    images = np.zeros((n, height, width), np.uint8)
    images[:, 6:-6, 6:-6] = np.random.default_rng(seed).integers(0, 256, (n, height - 12, width - 12))
    return images


def bars(n: int, wide: int) -> np.ndarray:
    images = np.zeros((n, 28, 28), np.uint8)
    images[:, 5:23, 14 - wide // 2 : 14 - wide // 2 + wide] = 255
    return images


def padded(images: np.ndarray, dtype: type) -> np.ndarray:
    return np.pad(images, ((0, 0), (EDGE, EDGE), (EDGE, EDGE))).astype(dtype)


def augmented(images: np.ndarray, settings: Augmentation, seed: int = 7, rows: int | None = None) -> np.ndarray:
    n, height, width = images.shape
    out = np.full((n, height * width), np.nan, np.float32)
    augment = Augment(height, width, rows or n, settings, np.random.default_rng(seed))
    augment(images.reshape(n, -1), out)
    return out.reshape(images.shape)


def warped(images: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Read images (n, height, width) at rows y and columns x, each (height, width), of the picture itself."""
    n, height, width = images.shape
    places = np.stack([y, x]).astype(np.float32).reshape(2, 1, -1) + EDGE
    out = np.empty((n, height * width), np.float32)
    Warp(height, width, n)(padded(images, np.float32), np.repeat(places, n, axis=1), out)
    return out.reshape(images.shape)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_no_setting_leaves_every_pixel_as_it_is(height, width):
    images = np.random.default_rng(0).integers(0, 256, (PIECE + 3, height, width), dtype=np.uint8)

    np.testing.assert_array_equal(augmented(images, Augmentation()), images)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_a_map_that_moves_nothing_reads_every_pixel_as_it_is(height, width):
    images = np.random.default_rng(0).integers(0, 256, (5, height, width), dtype=np.uint8)

    still = Displacement(height, width, 5, np.random.default_rng(0))(5)
    out = np.empty((5, height * width), np.float32)
    Warp(height, width, 5)(padded(images, np.float32), still, out)

    np.testing.assert_allclose(out.reshape(images.shape), images, atol=1e-3)


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize(("down", "right"), [(3, 0), (0, -4), (-5, 2)])
def test_whole_pixel_shift_is_a_roll(height, width, down, right):
    images = blobs(3, height, width)
    y, x = np.mgrid[:height, :width]

    out = warped(images, y - down, x - right)

    np.testing.assert_array_equal(out, np.roll(images, (down, right), axis=(1, 2)))


def test_half_a_pixel_is_the_mean_of_two():
    images = blobs(2)
    y, x = np.mgrid[:28, :28]

    out = warped(images, y, x + 0.5)

    np.testing.assert_allclose(out[..., :-1], (images[..., :-1] / 2 + images[..., 1:] / 2), atol=1e-4)


def test_a_quarter_turn_is_rot90():
    images = blobs(3)
    y, x = np.mgrid[:28, :28]

    np.testing.assert_array_equal(warped(images, x, 27 - y), np.rot90(images, axes=(1, 2)))


@pytest.mark.parametrize(("y", "x"), [(-50, 0), (90, 0), (0, -2), (0, 28), (1e9, -1e9), (27.9999, 5e5)])
def test_outside_of_the_picture_is_dark(y, x):
    images = np.full((4, 28, 28), 255, np.uint8)

    out = warped(images, np.full((28, 28), y), np.full((28, 28), x))

    np.testing.assert_allclose(out, 0, atol=0.1)


class Most:
    """A generator of which every even draw is the upper bound."""

    def uniform(self, low, high, size):
        return np.full(size, high)


@pytest.mark.parametrize(
    ("setting", "point", "read"),
    [
        ({"shift": 2}, (4, 5), (2, 3)),
        ({"scale": 0.25}, (4, 5), (3.2, 4)),
        ({"shear": 0.5}, (4, 5), (4, 7)),
        ({"rotation": 90}, (4, 5), (-5, 4)),
        ({"rotation": 30}, (0, 1), (-0.5, 3**0.5 / 2)),
    ],
)
def test_affine_settings_are_the_most_that_is_drawn(setting, point, read):
    y, x = Displacement(41, 41, 1, Most(), **setting)(1).reshape(2, 41, 41) - EDGE - 20

    row, column = point[0] + 20, point[1] + 20
    assert (y[row, column], x[row, column]) == pytest.approx(read, abs=1e-4)


@pytest.mark.parametrize("sigma", [3, 4, 6])
def test_elastic_field_has_its_deviation_and_the_correlation_of_the_gaussian(sigma):
    draw = Displacement(28, 28, 500, np.random.default_rng(0), elastic=1.5, elastic_sigma=sigma)
    still = Displacement(28, 28, 500, np.random.default_rng(0))

    field = (draw(500) - still(500)).reshape(1000, 28, 28)

    assert field.std() == pytest.approx(1.5, rel=0.05)
    apart = (field[:, 14, 10] * field[:, 14, 10 + sigma]).mean() / field[:, 14, 10:15].var()
    assert apart == pytest.approx(np.exp(-1 / 4), abs=0.1)


def test_elastic_modes_of_any_shape_have_variance_one_in_sum():
    modes = elastic_modes(20, 31, 4)

    assert modes.dtype == np.float32
    assert modes.shape[1] == 20 * 31
    assert (modes**2).sum(axis=0).mean() == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize("field", [name for name in Augmentation.model_fields if name != "elastic_sigma"])
def test_every_setting_alone_changes_pictures_within_their_range(field):
    images = blobs(40)

    out = augmented(images, Augmentation(**{field: getattr(EVERYTHING, field)}))

    assert not np.array_equal(out, images)
    assert out.min() >= 0
    assert out.max() <= 255


def test_all_settings_at_their_highest_stay_within_the_range():
    images = np.random.default_rng(0).integers(0, 256, (200, 28, 28), dtype=np.uint8)

    out = augmented(
        images,
        Augmentation(
            rotation=180,
            scale=0.9,
            shear=1,
            shift=20,
            elastic=9,
            thickness=1,
            blur=1,
            contrast=0.45,
            fading=1,
            noise=200,
        ),
    )

    assert np.isfinite(out).all()
    assert out.min() >= 0
    assert out.max() <= 255


def test_the_same_seed_gives_the_same_pictures_bit_for_bit():
    images = blobs(150)

    np.testing.assert_array_equal(augmented(images, EVERYTHING), augmented(images, EVERYTHING))
    assert not np.array_equal(augmented(images, EVERYTHING), augmented(images, EVERYTHING, seed=8))


def test_pictures_of_a_batch_are_changed_each_in_its_own_way():
    images = np.repeat(blobs(1), 130, axis=0)

    out = augmented(images, Augmentation(elastic=1))

    assert len(np.unique(out.reshape(130, -1), axis=0)) == 130


@pytest.mark.parametrize("k", [1, PIECE - 1, PIECE, PIECE + 1])
def test_fewer_pictures_than_rows_fill_all_of_out_after_a_full_batch(k):
    images = blobs(2 * PIECE)
    augment = Augment(28, 28, 2 * PIECE, EVERYTHING, np.random.default_rng(0))
    augment(images.reshape(2 * PIECE, -1), np.empty((2 * PIECE, 784), np.float32))
    out = np.full((k, 784), np.nan, np.float32)

    augment(images[:k].reshape(k, -1), out)

    assert np.isfinite(out).all()
    assert (out.max(axis=1) > 0).all()


@pytest.mark.parametrize("rows", [1, 5])
def test_few_rows_are_enough(rows):
    assert augmented(blobs(rows), EVERYTHING, rows=rows).shape == (rows, 28, 28)


def test_pixels_that_come_in_are_not_changed():
    images = blobs(9)
    before = images.copy()

    augmented(images, EVERYTHING)

    np.testing.assert_array_equal(images, before)


@pytest.mark.parametrize("wide", [3, 5])
def test_ink_grows_with_thickness_from_thinner_to_thicker(wide):
    strengths = np.linspace(-1, 1, 21)
    pictures = padded(bars(21, wide), np.uint8)

    Strokes(28, 28, 21).thicken(pictures, strengths)

    ink = pictures.sum(axis=(1, 2), dtype=np.int64)
    assert (np.diff(ink) > 0).all()
    np.testing.assert_array_equal(pictures[10], padded(bars(1, wide), np.uint8)[0])
    assert (pictures[:, 14] > 0).sum(axis=1)[[0, 10, 20]].tolist() == [wide - 2, wide, wide + 2]


def test_half_a_pixel_of_thickness_is_half_as_bright_around():
    pictures = padded(bars(1, 3), np.uint8)

    Strokes(28, 28, 1).thicken(pictures, np.array([0.5]))

    assert pictures[0, 14, 13:18].tolist() == [127, 255, 255, 255, 127]


@pytest.mark.parametrize("strength", [-1.0, 0.7, 1.0])
def test_thickness_keeps_neighbouring_pictures_apart(strength):
    pictures = np.zeros((3, 30, 30), np.uint8)
    pictures[1, 1:-1, 1:-1] = 255

    Strokes(28, 28, 3).thicken(pictures, np.full(3, strength))

    assert not pictures[[0, 2]].any()
    assert not pictures[1, 0].any()
    assert not pictures[1, :, -1].any()


def test_blur_is_the_mean_over_the_plus_at_four_fifths():
    pictures = np.zeros((2, 30, 30), np.uint8)
    pictures[:, 10, 10] = 255

    Strokes(28, 28, 2).blur(pictures, np.array([0.8, 0.0]))

    plus = np.array([[0, 51, 0], [51, 51, 51], [0, 51, 0]])
    np.testing.assert_allclose(pictures[0, 9:12, 9:12], plus, atol=1)
    assert pictures[1, 10, 10] == 255
    assert pictures[1].sum() == 255


def test_contrast_stretches_what_it_leaves_and_keeps_the_ground_dark():
    images = np.tile(np.arange(256, dtype=np.uint8).reshape(1, 16, 16), (50, 1, 1))

    out = augmented(images, Augmentation(contrast=0.3)).reshape(50, -1)

    assert (np.diff(out, axis=1) >= 0).all()
    assert (out[:, 0] == 0).all()
    np.testing.assert_allclose(out[:, -1], 255, atol=1e-3)
    assert (out == 0).sum(axis=1).max() == pytest.approx(0.3 * 255, abs=8)


def test_fading_darkens_ink_by_its_share_at_most():
    out = augmented(bars(300, 3), Augmentation(fading=0.4)).reshape(300, -1).max(axis=1)

    assert 0.6 * 255 <= out.min() < 0.62 * 255
    assert out.max() > 0.98 * 255


def test_noise_has_up_to_its_deviation():
    images = np.full((400, 28, 28), 128, np.uint8)

    deviations = augmented(images, Augmentation(noise=20)).reshape(400, -1).std(axis=1)

    assert deviations.min() < 1
    assert deviations.max() == pytest.approx(20, rel=0.1)
    assert deviations.mean() == pytest.approx(10, rel=0.1)


def test_a_call_makes_no_arrays_as_large_as_the_batch():
    images = blobs(512).reshape(512, -1)
    out = np.empty(images.shape, np.float32)
    augment = Augment(28, 28, 512, EVERYTHING, np.random.default_rng(0))
    augment(images, out)

    tracemalloc.start()
    augment(images, out)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < out.nbytes / 10


def test_a_share_is_mirrored_left_to_right_and_the_rest_stays():
    images = blobs(640)

    out = augmented(images, Augmentation(mirror=0.25))

    mirrored = (out == images[:, :, ::-1]).all(axis=(1, 2))
    assert mirrored.mean() == pytest.approx(0.25, abs=0.05)
    assert (mirrored | (out == images).all(axis=(1, 2))).all()
