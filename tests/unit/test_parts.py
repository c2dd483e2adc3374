"""Pictures of more parts than any needs are refused before Pillow reads them, and all others are not."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from fuzz.attacks import pictures
from mlp import parts, picture, shrinking
from mlp.errors import NotAPicture, PictureTooLarge

MANY = {
    "PNG of chunks": lambda: pictures.png(28, 28, before=pictures.chunk(b"teXt") * 30_000),
    "JPEG of markers": pictures._markers_jpeg,
    "JPEG of scans": pictures._scans_jpeg,
    "JPEG of EXIF tags in one place": pictures._exif_jpeg,
    "TIFF of tags": pictures._many_tags_tiff,
    "TIFF of tags in one place": lambda: pictures._overlapping_tiff(500, 50_000),
    "TIFF of strips": lambda: pictures._strips_tiff(200_000),
    "GIF with a long comment": pictures._comments_gif,
    "GIF of comments": lambda: pictures._extensions_gif()[:200_000],
    "BMP of runs": lambda: pictures._runs_bmp(1_000_000),
}


@pytest.mark.parametrize("made", MANY.values(), ids=MANY)
def test_a_picture_of_too_many_parts_is_refused_and_the_reason_named(made):
    with pytest.raises(NotAPicture, match=r"more than|the most is|larger than"):
        picture.decode(made(), max_pixels=50_000_000)


@pytest.mark.parametrize("before", [b"", b"\0!\xf9\0\2ab\0", b"!\xff\x0bNETSCAPE2.0\3\1\0\0\0", b"!\xfe\1x\0"])
def test_a_frame_larger_than_its_gif_is_refused_before_pillow_makes_room_for_it(before):
    """Found by a machine: Pillow makes a canvas for the frame of a GIF that says how to dispose of it."""
    frame = b"!\xf9\4\xff\0\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\2\0"
    for data in (b"GIF89a\x14\0\x10\0\0\0\0" + before + frame, b"GIF89a\x14\0\x10\0\x80\0\0abcdef" + before + frame):
        with pytest.raises(PictureTooLarge, match="65535×65535"):
            picture.decode(data, max_pixels=50_000_000)


def test_exif_tags_in_one_place_say_nothing_of_a_png():
    assert picture.decode(pictures._exif_png(), max_pixels=1000).size == (28, 28)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("is_big", [False, True])
def test_tags_are_counted_in_both_byte_orders_and_in_large_tiffs(order, is_big):
    def tiff(values):
        name = b"II" if order == "<" else b"MM"
        if is_big:
            head = name + struct.pack(f"{order}HHHQ", 43, 8, 0, 16)
            return head + struct.pack(f"{order}QHHQQ", 1, 256, 1, values, 0) + bytes(50)
        return name + struct.pack(f"{order}HI", 42, 8) + struct.pack(f"{order}HHHII", 1, 256, 1, values, 0) + bytes(50)

    assert parts.is_plain(tiff(4))
    assert not parts.is_plain(tiff(1000))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP"])
def test_an_ordinary_picture_is_no_matter_of_parts(form):
    file = io.BytesIO()
    Image.effect_noise((900, 700), 60).save(file, form, **({"progressive": True} if form == "JPEG" else {}))

    parts.check(file.getvalue(), 10**6)


def test_a_large_picture_is_made_smaller_to_the_same_picture(monkeypatch):
    monkeypatch.setattr(shrinking, "_LARGE", 1000)
    pixels = np.tile(np.linspace(0, 65535, 402).astype(np.uint16), (302, 1))
    for image in (Image.fromarray((pixels >> 8).astype(np.uint8)), Image.fromarray(pixels)):
        file = io.BytesIO()
        image.save(file, "PNG")

        small = picture.decode(file.getvalue(), max_pixels=10**6, longest=40)

        assert small.size == (81, 61)
        whole = picture.decode(file.getvalue(), max_pixels=10**6)
        expected = np.asarray(whole.resize(small.size, Image.Resampling.BOX))
        assert np.abs(np.asarray(small).astype(int) - expected).max() <= 2
