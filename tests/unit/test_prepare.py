import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from mlp import components, ink, picture, prepare
from mlp.errors import NoInk, WrongPictureSize
from mlp.threshold import otsu

ROOT = Path(__file__).parents[2]
MNIST = ROOT / "data" / "mnist"
DRAWN = ROOT / ".." / "shared" / "data" / "drawn-digits"


def seven(size=(200, 260), pen=12, paper=255, colour=0, at=(60, 50), height=140, mode="L"):
    """A drawn seven: a bar to the right, then a slanted stroke to the lower left."""
    image = Image.new(mode, size, paper)
    x, y = at
    points = [(x, y), (x + height * 0.6, y), (x + height * 0.25, y + height)]
    ImageDraw.Draw(image).line(points, fill=colour, width=pen, joint="curve")
    return image


def digit(image):
    return prepare.digit(image, 28, 28)


def photographed(image, seed=0, noise=3.0, shadow=0.5):
    """Light from one side, a soft shadow over half of the sheet, a camera's blur and noise."""
    rng = np.random.default_rng(seed)
    values = np.asarray(image.filter(ImageFilter.GaussianBlur(1)), np.float32)
    h, w = values.shape
    y, x = np.mgrid[:h, :w] / max(h, w)
    light = (1 - 0.3 * x) * (1 - shadow / (1 + np.exp(-(x + y - 0.7) / 0.04)))
    return Image.fromarray(np.clip(values * light + rng.normal(0, noise, (h, w)), 0, 255).astype(np.uint8))


def likeness(a, b):
    """Correlation of two pictures of equal size, 1 when they are alike; one may be a pixel off to any side."""
    a, b = a.astype(float), b.astype(float)
    shifts = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    return max(float(np.corrcoef(np.roll(a, shift, (0, 1)).ravel(), b.ravel())[0, 1]) for shift in shifts)


REFERENCE = digit(seven())


def test_a_prepared_digit_is_placed_as_mnist_places_it():
    rows, columns = np.nonzero(REFERENCE > 40)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 in {19, 20}
    assert REFERENCE.max() == 255
    weights = REFERENCE / REFERENCE.sum(dtype=float)
    assert abs(weights.sum(axis=1) @ np.arange(28) - 13.5) <= 0.6
    assert abs(weights.sum(axis=0) @ np.arange(28) - 13.5) <= 0.6


def test_another_frame_keeps_the_proportions():
    pixels = prepare.digit(seven(), 56, 56)
    assert pixels.shape == (56, 56)
    assert likeness(np.asarray(Image.fromarray(pixels).reduce(2)), REFERENCE) > 0.95


@pytest.mark.parametrize(
    "image",
    [
        seven(paper=0, colour=255),
        seven(paper=40, colour=200),
        seven(paper=200, colour=150),
        seven(at=(5, 8), height=60, pen=5),
        seven((2000, 1500), at=(1500, 1200), height=120, pen=10),
        seven(mode="RGB", paper=(255, 255, 255), colour=(255, 235, 0)),
        seven(mode="RGB", paper=(60, 60, 200), colour=(200, 60, 60)),
        seven((84, 84), pen=4, at=(20, 15), height=48),
        photographed(seven(paper=220, colour=50)),
        photographed(seven((800, 600), paper=210, colour=60, at=(250, 150), height=240, pen=20), shadow=0.3),
    ],
    ids=[
        "inverted",
        "grey",
        "pale",
        "small-in-a-corner",
        "tiny-on-large",
        "yellow-on-white",
        "red-on-blue",
        "low",
        "photo",
        "large-photo",
    ],
)
def test_the_same_digit_comes_out_however_it_was_drawn(image):
    assert likeness(digit(image), REFERENCE) > 0.85


def test_a_thin_pen_is_thickened():
    hairline = digit(seven(pen=1))
    assert ink.stroke_thickness(hairline > 127) > 1.8
    assert likeness(hairline, REFERENCE) > 0.85


def test_faint_pencil_on_grey_paper_is_found():
    sheet = photographed(seven((400, 400), paper=200, colour=155, at=(120, 90), height=200, pen=9), shadow=0.2, noise=2)
    assert likeness(digit(sheet), REFERENCE) > 0.85


def test_rules_of_notebook_paper_are_no_ink():
    sheet = seven((400, 400), paper=235, colour=40, at=(120, 90), height=200, pen=14)
    draw = ImageDraw.Draw(sheet)
    for y in range(15, 400, 30):
        draw.line([(0, y), (400, y)], fill=195)
    assert likeness(digit(photographed(sheet, shadow=0.2)), REFERENCE) > 0.85


@pytest.mark.parametrize("inset", [0, 4, 12])
def test_a_frame_around_the_picture_is_no_ink(inset):
    image = seven()
    ImageDraw.Draw(image).rectangle((inset, inset, 199 - inset, 259 - inset), outline=0, width=3)
    assert likeness(digit(image), REFERENCE) > 0.95


def test_a_table_around_the_sheet_is_no_ink():
    table = Image.new("L", (320, 380), 60)
    table.paste(seven(paper=225, colour=40), (60, 60))
    assert likeness(digit(photographed(table, shadow=0.2)), REFERENCE) > 0.85


def hard_shadow(image, loss=0.5, noise=3.0, corner=(0.35, 0.45)):
    """The sharp shadow of something with a corner, over all that is right of and below it."""
    values = np.asarray(image, np.float32).copy()
    h, w = values.shape
    values[round(corner[1] * h) :, round(corner[0] * w) :] *= 1 - loss
    values = np.asarray(Image.fromarray(values.astype(np.uint8)).filter(ImageFilter.GaussianBlur(1)))
    return Image.fromarray(np.clip(values + np.random.default_rng(3).normal(0, noise, (h, w)), 0, 255).astype(np.uint8))


@pytest.mark.parametrize("turn", [0, 20, 45])
def test_the_edge_of_a_hard_shadow_through_a_digit_is_no_ink(turn):
    sheet = seven((600, 600), paper=190, colour=40, at=(230, 190), height=220, pen=19)
    shaded = hard_shadow(sheet.rotate(turn, fillcolor=190)).rotate(-turn, Image.Resampling.BICUBIC, fillcolor=190)
    assert likeness(digit(shaded.crop((100, 100, 500, 500))), REFERENCE) > 0.85


@pytest.mark.parametrize("corner", [(0.35, 0.45), (0.5, 0), (0, 0.3)])
def test_a_hard_shadow_on_an_empty_sheet_is_no_ink(corner):
    with pytest.raises(NoInk):
        digit(hard_shadow(Image.new("L", (400, 300), 200), corner=corner))


def test_a_sheet_on_a_table_with_a_shadow_over_both_is_no_ink():
    table = Image.new("L", (320, 380), 60)
    table.paste(seven(paper=225, colour=40), (60, 60))
    assert likeness(digit(hard_shadow(table, corner=(0.0, 0.55))), REFERENCE) > 0.85


def test_a_fine_pen_far_away_is_found():
    """At 400 pixels, where other photographs are searched, its line is half a pixel wide, and weaker than the noise."""
    sheet = seven((1600, 1200), paper=200, colour=110, at=(1200, 800), height=150, pen=3)
    assert likeness(digit(photographed(sheet, shadow=0.3, noise=10)), REFERENCE) > 0.85


@pytest.mark.parametrize("seed", [0, 1])
def test_pencil_hardly_stronger_than_the_noise_is_found_whole(seed):
    """Its 15 to 22 grey levels are about two standard deviations of the noise."""
    sheet = seven((300, 400), paper=140, colour=118, at=(100, 90), height=170, pen=12)
    sheet = photographed(sheet, seed, noise=9, shadow=0.3)
    assert likeness(digit(sheet), REFERENCE) > 0.85


def test_dark_ink_beside_an_empty_middle_is_no_light_ink():
    """Noise in the middle of this sheet is skewed to the light, as light ink would be."""
    sheet = np.asarray(photographed(seven((400, 400), paper=180, colour=40, at=(5, 60), height=70, pen=7), noise=2))
    sheet = sheet.copy()
    sheet[60:340:7, 60:340:7] += 8
    assert likeness(digit(Image.fromarray(sheet)), REFERENCE) > 0.85


@pytest.mark.parametrize("side", [28, 40, 64])
def test_a_photograph_of_few_pixels_is_read(side):
    sheet = photographed(seven((400, 400), paper=190, colour=50, at=(110, 80), height=240, pen=30), shadow=0.3)
    assert likeness(digit(sheet.resize((side, side), Image.Resampling.BOX)), digit(sheet)) > 0.9


def test_squared_paper_without_anything_on_it_has_no_ink():
    sheet = Image.new("L", (400, 300), 220)
    draw = ImageDraw.Draw(sheet)
    for place in range(10, 400, 25):
        draw.line([(place, 0), (place, 300)], fill=165, width=2)
        draw.line([(0, place), (400, place)], fill=165, width=2)
    with pytest.raises(NoInk):
        digit(photographed(sheet, shadow=0.2))


def test_specks_are_no_ink():
    image = seven()
    ImageDraw.Draw(image).rectangle((185, 240, 188, 243), fill=0)
    assert likeness(digit(image), REFERENCE) > 0.98


def test_a_part_that_the_pen_left_apart_belongs_to_the_digit():
    image = Image.new("L", (200, 200), 255)
    draw = ImageDraw.Draw(image)
    draw.line([(70, 60), (70, 100), (120, 110), (120, 150), (60, 160)], fill=0, width=8)
    without = digit(image)
    draw.line([(84, 54), (135, 50)], fill=0, width=8)
    assert np.count_nonzero(digit(image)[:6] > 60) > np.count_nonzero(without[:6] > 60)


def _texture(level, noise, size=(240, 200)):
    values = np.random.default_rng(1).normal(level, noise, size[::-1])
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def _gradient(first, last):
    row = np.linspace(first, last, 240)
    return Image.fromarray((row[None, :] + np.linspace(0, 30, 200)[:, None]).clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize(
    "image",
    [
        *[Image.new("L", size, level) for level in (0, 128, 255) for size in ((28, 28), (300, 200), (1, 1), (28, 1))],
        *[_texture(level, noise) for level in (5, 128, 240) for noise in (1, 3, 6)],
        *[_texture(level, 4, (28, 28)) for level in (5, 128, 240)],
        _gradient(90, 220),
        _gradient(0, 60),
        photographed(Image.new("L", (400, 300), 215), shadow=0.4),
        photographed(Image.new("L", (400, 300), 215), shadow=0.1),
    ],
)
def test_an_empty_sheet_has_no_ink(image):
    with pytest.raises(NoInk, match="nothing is drawn"):
        digit(image)


@pytest.mark.parametrize("name", ["train", "t10k"])
def test_every_mnist_picture_passes_unchanged(name):
    data = gzip.decompress((MNIST / f"{name}-images-idx3-ubyte.gz").read_bytes())
    images = np.frombuffer(data, np.uint8, offset=16).reshape(-1, 28, 28)
    assert all(np.array_equal(digit(Image.fromarray(pixels)), pixels) for pixels in images)


def test_light_on_dark_in_another_size_is_prepared():
    assert likeness(digit(Image.fromarray(REFERENCE).resize((84, 84), Image.Resampling.NEAREST)), REFERENCE) > 0.95


@pytest.mark.skipif(not DRAWN.is_dir(), reason="the drawn digits are not there")
def test_every_drawn_digit_has_ink_that_fills_the_box():
    for path in sorted(DRAWN.glob("*.png")):
        image = picture.decode(path.read_bytes(), max_pixels=10**7)
        rows, columns = np.nonzero(digit(image) > 40)
        assert max(np.ptp(rows), np.ptp(columns)) + 1 >= 17, path.name


@given(
    width=st.integers(1, 40),
    height=st.integers(1, 40),
    mode=st.sampled_from(["L", "RGB"]),
    seed=st.integers(0, 2**32 - 1),
    coarse=st.integers(1, 9),
)
@settings(deadline=None)
def test_any_picture_is_prepared_or_has_no_ink(width, height, mode, seed, coarse):
    values = np.random.default_rng(seed).integers(0, coarse + 1, (height, width, 3)) * 28
    image = Image.fromarray(values.astype(np.uint8)).convert(mode)
    assert prepare.fit(image, 28, 20).shape == (28, 20)
    try:
        pixels = digit(image)
    except NoInk:
        return
    assert pixels.shape == (28, 28)
    assert pixels.dtype == np.uint8


def test_exact_takes_the_picture_as_it_is():
    pixels = np.arange(28 * 20, dtype=np.uint16).astype(np.uint8).reshape(28, 20)
    assert np.array_equal(prepare.exact(Image.fromarray(pixels), 28, 20), pixels)


def test_exact_refuses_another_size_and_names_both():
    with pytest.raises(WrongPictureSize, match="30×28, the network takes 20×28"):
        prepare.exact(Image.new("L", (30, 28)), 28, 20)


def test_fit_keeps_the_shape_and_pads_with_the_pictures_ground():
    pixels = prepare.fit(seven((200, 100), paper=210, at=(60, 20), height=60), 28, 28)
    assert (pixels[:7] == 210).all()
    assert (pixels[21:] == 210).all()
    assert pixels[7:21].min() < 100


def test_fit_takes_even_pictures_and_keeps_polarity():
    assert (prepare.fit(Image.new("RGB", (50, 90), (7, 7, 7)), 28, 28) == 7).all()
    assert prepare.fit(seven(paper=0, colour=255), 28, 28)[0, 0] == 0


def test_fit_keeps_a_picture_of_the_right_size():
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)
    assert np.array_equal(prepare.fit(Image.fromarray(pixels), 28, 28), pixels)


@pytest.mark.parametrize("size", [(5000, 1), (1, 5000), (3, 900)])
def test_very_long_pictures_fit(size):
    assert prepare.fit(Image.new("L", size, 9), 28, 28).shape == (28, 28)


def test_parts_of_a_mask_are_found_over_corners():
    mask = np.array([[1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 0, 1], [1, 1, 0, 0]], np.bool_)
    parts = components.parts(mask)
    found = sorted(zip(parts.areas.tolist(), map(tuple, parts.boxes.tolist()), strict=True))
    assert found == [(2, (0, 0, 2, 2)), (2, (3, 0, 4, 2)), (3, (0, 3, 3, 4))]


def test_otsu_splits_two_classes_between_them():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(20, 4, 900), rng.normal(120, 9, 300)]).astype(np.float32)
    assert 35 < otsu(values) < 95


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("height", [8, 12])
def test_a_drawing_of_few_pixels_cropped_to_its_edges_and_enlarged_is_found(height, inverted):
    """It touches opposite edges, and covers so much that it could be a frame, or a sheet on a table."""
    ink = digit(seven())
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    tight = Image.fromarray(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    few = Image.new("L", (height, height))
    few.paste(tight.resize((height - 2, height), Image.Resampling.BOX), (1, 0))
    large = few.resize((10 * height, 10 * height), Image.Resampling.NEAREST)

    assert likeness(digit(ImageOps.invert(large) if inverted else large), REFERENCE) > 0.7


def test_a_ring_from_edge_to_edge_is_a_zero_and_a_box_a_frame():
    ring, box = Image.new("L", (80, 80)), Image.new("L", (80, 80))
    ImageDraw.Draw(ring).ellipse((10, 0, 69, 79), outline=255, width=12)
    ImageDraw.Draw(box).rectangle((0, 0, 79, 79), outline=255, width=6)

    assert np.count_nonzero(digit(ring) > 127) > 60
    with pytest.raises(NoInk):
        digit(box)


def test_a_28_by_28_digit_on_a_grey_ground_loses_it():
    pixels = REFERENCE // 2 + 60

    assert likeness(digit(Image.fromarray(pixels)), REFERENCE) > 0.9


def test_levels_that_float32_can_hardly_tell_apart_have_a_threshold():
    values = np.float32([100, 100.00001, 100.00002])

    assert 99.9 < otsu(values) < 100.1
    assert otsu(np.full(5, 7, np.float32)) == 7
