import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from mlp import picture
from mlp.errors import NotAPicture, PictureError, PictureTooLarge, TruncatedPicture

FORMATS = ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"]


def encode(image, form="PNG", **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def decode(data):
    return picture.decode(data, max_pixels=1_000_000)


def ramp(width=32, height=16):
    return Image.fromarray(np.tile(np.linspace(0, 255, width).astype(np.uint8), (height, 1)))


def corner(image):
    """The darkest quadrant: top or bottom, left or right."""
    values = np.asarray(image.convert("L")).astype(int)
    h, w = values.shape
    top, left = (
        values[: h // 2].mean() < values[h // 2 :].mean(),
        values[:, : w // 2].mean() < values[:, w // 2 :].mean(),
    )
    return ("top" if top else "bottom") + " " + ("left" if left else "right")


def digit(alpha, colour, size=(60, 80)):
    """A stroke of one colour on a transparent (or opaque) sheet."""
    pixels = np.zeros((*size[::-1], 4), np.uint8)
    pixels[..., 3] = alpha
    pixels[20:60, 25:35] = (*colour, 255)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_read(form):
    image = decode(encode(ramp(), form))
    assert image.mode in {"L", "RGB"}
    assert np.abs(np.asarray(image.convert("L")).astype(int) - np.asarray(ramp())).max() <= 8


def test_another_format_is_refused_even_if_pillow_knows_it():
    with pytest.raises(NotAPicture, match="PNG, JPEG"):
        decode(encode(ramp(), "PPM"))


@pytest.mark.parametrize("data", [b"", b"hello", b"\x89PNG", b"GIF89a", b"<svg/>", b"%!PS-Adobe-3.0 EPSF-3.0\n"])
def test_bytes_that_are_no_picture_are_refused(data):
    with pytest.raises(PictureError):
        decode(data)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "BMP", "GIF"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_truncated_picture_is_refused_as_truncated(form, part):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8))
    data = encode(noise, form)
    with pytest.raises(TruncatedPicture, match="ends before"):
        decode(data[: int(len(data) * part)])


def test_damaged_png_is_no_truncated_one():
    data = bytearray(encode(ramp()))
    data[20] ^= 0xFF
    with pytest.raises(NotAPicture, match="damaged"):
        decode(bytes(data))


def test_size_is_refused_before_decoding_and_named():
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 50_000, 40_000, 8, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    with pytest.raises(PictureTooLarge, match=r"50000×40000 = 2000000000 pixels, the most is 1000000"):
        decode(bomb)


def test_a_picture_of_exactly_the_limit_is_read():
    assert picture.decode(encode(ramp(20, 10)), max_pixels=200).size == (20, 10)
    with pytest.raises(PictureTooLarge):
        picture.decode(encode(ramp(20, 10)), max_pixels=199)


def test_a_webp_whose_decoder_needs_far_more_memory_may_have_half_as_many():
    assert picture.decode(encode(ramp(20, 10), "WEBP"), max_pixels=400).size == (20, 10)
    with pytest.raises(PictureTooLarge, match="the most is 199"):
        picture.decode(encode(ramp(20, 10), "WEBP"), max_pixels=399)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_undone(form, orientation):
    upright = Image.new("L", (48, 32), 255)
    upright.paste(0, (0, 0, 24, 16))
    turns = Image.Transpose
    stored = {
        1: None,
        2: turns.FLIP_LEFT_RIGHT,
        3: turns.ROTATE_180,
        4: turns.FLIP_TOP_BOTTOM,
        5: turns.TRANSPOSE,
        6: turns.ROTATE_90,
        7: turns.TRANSVERSE,
        8: turns.ROTATE_270,
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = upright if stored is None else upright.transpose(stored)
    image = decode(encode(turned, form, exif=exif.tobytes() if form != "TIFF" else exif))
    assert image.size == (48, 32)
    assert corner(image) == "top left"


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # as mlp.picture sets for every process but pytest's
def test_damaged_exif_does_not_cost_the_picture():
    assert decode(encode(ramp(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")).size == (32, 16)


@pytest.mark.parametrize(
    ("colour", "ground"), [((0, 0, 0), 255), ((30, 30, 160), 255), ((255, 255, 255), 0), ((250, 220, 30), 0)]
)
def test_ink_on_a_transparent_sheet_gets_the_contrasting_ground(colour, ground):
    values = np.asarray(decode(encode(digit(0, colour))).convert("L"))
    assert values[0, 0] == ground
    assert abs(int(values[40, 30]) - ground) > 100


def test_invisible_colour_under_transparency_does_not_matter():
    pixels = np.full((80, 60, 4), 255, np.uint8)
    pixels[..., 3] = 0
    pixels[20:60, 25:35] = (255, 255, 255, 255)
    assert np.asarray(decode(encode(Image.fromarray(pixels))))[0, 0].tolist() == [0, 0, 0]


def test_transparent_corners_get_the_sheets_own_ground():
    sheet = digit(255, (20, 20, 20))
    pixels = np.array(sheet)
    pixels[..., :3][pixels[..., :3].sum(axis=2) == 0] = 180
    pixels[:6, :6] = 0
    values = np.asarray(decode(encode(Image.fromarray(pixels))))
    assert values[0, 0].tolist() == [180, 180, 180]


def test_a_fully_transparent_picture_is_white():
    assert np.asarray(decode(encode(Image.new("RGBA", (9, 9))))).min() == 255


@pytest.mark.parametrize("mode", ["LA", "PA", "P", "L", "RGB"])
def test_transparency_of_every_kind_is_seen(mode):
    grey = Image.new("L", (40, 40), 0)
    grey.paste(60, (15, 5, 20, 35))
    options, form = {}, "PNG"
    if mode == "LA":
        grey.putalpha(grey.point(lambda value: 255 if value else 0))
        image = grey
    elif mode == "PA":
        image, form = grey.convert("RGBA"), "WEBP"
        image.putalpha(grey.point(lambda value: 255 if value else 0))
        options = {"lossless": True}
    else:
        image = grey.convert(mode)
        options = {"transparency": (0, 0, 0) if mode == "RGB" else 0}
    values = np.asarray(decode(encode(image, form, **options)).convert("L"))
    assert values[0, 0] == 255
    assert values[20, 17] == 60


def test_one_bit_picture_is_black_and_white():
    assert sorted(set(np.asarray(decode(encode(ramp().convert("1", dither=0)))).ravel().tolist())) == [0, 255]


def test_sixteen_bit_png_keeps_its_contrast():
    deep = Image.fromarray(np.tile(np.linspace(0, 65535, 32).astype(np.uint16), (16, 1)))
    assert np.abs(np.asarray(decode(encode(deep))).astype(int) - np.asarray(ramp())).max() <= 1


@pytest.mark.parametrize("top", [255, 4095, 65535])
def test_sixteen_bit_tiff_is_scaled_by_what_its_camera_counts_to(top):
    deep = Image.fromarray(np.tile(np.linspace(0, top, 32).astype(np.uint16), (16, 1)))
    assert np.abs(np.asarray(decode(encode(deep, "TIFF"))).astype(int) - np.asarray(ramp())).max() <= 1


@pytest.mark.parametrize("top", [1.0, 255.0, 1e6])
def test_float_tiff_is_scaled_and_survives_not_a_number(top):
    values = np.tile(np.linspace(0, top, 32).astype(np.float32), (16, 1))
    values[0, 0] = np.nan
    image = decode(encode(Image.fromarray(values), "TIFF"))
    assert np.abs(np.asarray(image).astype(int) - np.asarray(ramp())).max() <= 1


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "RGB"])
def test_colour_spaces_of_jpeg_become_rgb(mode):
    image = decode(encode(ramp().convert("RGB").convert(mode), "JPEG", quality=95))
    assert image.mode == "RGB"
    assert np.abs(np.asarray(image.convert("L")).astype(int) - np.asarray(ramp())).max() <= 6


@pytest.mark.parametrize("mode", ["LAB", "CMYK", "P", "1", "RGBA", "I;16"])
def test_modes_of_tiff_become_grey_or_rgb(mode):
    image = Image.new(mode, (8, 8)) if mode in {"LAB", "I;16"} else ramp().convert("RGB").convert(mode)
    assert decode(encode(image, "TIFF")).mode in {"L", "RGB"}


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_an_animation_the_first_frame_is_taken(form):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("black", "white", "red")]
    image = decode(encode(frames[0], form, save_all=True, append_images=frames[1:]))
    assert np.asarray(image.convert("L")).max() <= 2


def test_a_jpeg_may_be_decoded_smaller_but_never_below_what_is_asked():
    data = encode(ramp(800, 600), "JPEG")
    assert picture.decode(data, max_pixels=10**6).size == (800, 600)
    assert picture.decode(data, max_pixels=10**6, longest=400).size == (400, 300)
    assert picture.decode(data, max_pixels=10**6, longest=401).size == (800, 600)


SAMPLES = [encode(ramp(24, 20), form) for form in FORMATS] + [
    encode(ramp(24, 20).convert("RGBA")),
    encode(ramp(24, 20).convert("P"), "GIF", transparency=3),
    encode(ramp(24, 20).convert("CMYK"), "JPEG"),
    encode(ramp(24, 20), "TIFF", compression="tiff_lzw"),
]


@given(data=st.data())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_mutated_pictures_give_a_picture_or_a_picture_error(data):
    damaged = bytearray(data.draw(st.sampled_from(SAMPLES)))
    for place, value in data.draw(
        st.lists(st.tuples(st.integers(0, len(damaged) - 1), st.integers(0, 255)), max_size=9)
    ):
        damaged[place] = value
    damaged = damaged[: data.draw(st.integers(0, len(damaged)))] if data.draw(st.booleans()) else damaged
    try:
        image = decode(bytes(damaged))
    except PictureError:
        return
    assert image.mode in {"L", "RGB"}


@given(start=st.sampled_from([b"", *[sample[:12] for sample in SAMPLES]]), rest=st.binary(max_size=200))
@settings(deadline=None)
def test_random_bytes_give_a_picture_error(start, rest):
    with pytest.raises(PictureError):
        decode(start + rest)
