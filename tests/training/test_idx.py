import gzip
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training import idx
from training.errors import DataError, MalformedIdx

PICTURES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def packed(array):
    code = CODES[array.dtype.str[1:]]
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.fixture
def file(tmp_path):
    def write(data, name="pictures"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


@pytest.mark.parametrize("name", ["pictures", "pictures.gz"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_reads_plain_and_gzip_whatever_the_name_says(file, pack, name):
    found = idx.read(file(pack(packed(PICTURES)), name), 3)

    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, PICTURES)


@pytest.mark.parametrize("dtype", CODES)
def test_reads_every_type_of_the_format(file, dtype):
    array = np.array([1, 2, 3, 100], dtype)

    np.testing.assert_array_equal(idx.read(file(packed(array)), 1), array)


HEADER = packed(PICTURES)[:16]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "begins with nothing, expected 00 00 08 03"),
        (b"\0\0\x08", "begins with 00 00 08, expected"),
        (b"PK\x03\x04" + bytes(50), "begins with 50 4b 03 04, expected 00 00 08 03"),
        (b"\0\0\x0a\x03" + bytes(50), "begins with 00 00 0a 03"),
        (packed(PICTURES.ravel()), "1 dimensions, expected 3"),
        (HEADER[:13], "header ends after 13 bytes, expected 16"),
        (packed(PICTURES)[:-1], r"2×3×4 values, 24 bytes; there are only 23"),
        (packed(PICTURES) + b"\0", r"2×3×4 values, 24 bytes; there are more"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "announces 4294967295×4294967295×4294967295 values"),
        (b"\0\0\x08\x03" + struct.pack(">III", 0, 2**32 - 1, 2**32 - 1), "0 bytes; expected 1 to"),
        (gzip.compress(packed(PICTURES))[:-9], "gzip data is damaged or cut short"),
        (gzip.compress(packed(PICTURES))[:-8] + bytes(8), "gzip data is damaged"),
        (b"\x1f\x8bnot gzip at all", "gzip data is damaged"),
    ],
)
def test_what_is_no_whole_array_is_refused_with_the_file_and_the_reason(file, data, says):
    path = file(data)

    with pytest.raises(MalformedIdx, match=says) as caught:
        idx.read(path, 3)

    assert str(path) in str(caught.value)


def test_a_header_that_announces_more_than_the_limit_is_refused_before_reading(file):
    path = file(packed(PICTURES))

    with pytest.raises(MalformedIdx, match="24 bytes; expected 1 to 23 bytes"):
        idx.read(path, 3, max_bytes=23)


def test_a_small_file_that_announces_a_gigabyte_takes_no_memory(file):
    path = file(gzip.compress(b"\0\0\x08\x01" + struct.pack(">I", 2**30)))

    tracemalloc.start()
    try:
        with pytest.raises(MalformedIdx, match="there are only 0"):
            idx.read(path, 1)
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    finally:
        tracemalloc.stop()


def test_a_gzip_bomb_is_not_unpacked_beyond_what_its_header_announces(file):
    path = file(gzip.compress(packed(PICTURES) + bytes(64 * 2**20)))

    tracemalloc.start()
    try:
        with pytest.raises(MalformedIdx, match="there are more"):
            idx.read(path, 3)
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    finally:
        tracemalloc.stop()


def test_a_missing_file_is_a_data_error(tmp_path):
    with pytest.raises(DataError, match="cannot be read: No such file"):
        idx.read(tmp_path / "nothing", 3)


@given(st.data(), st.sampled_from([bytes, gzip.compress]))
def test_damage_gives_the_array_or_the_one_error(tmp_path_factory, data, pack):
    whole = bytearray(pack(packed(PICTURES)))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])

    try:
        found = idx.read(path, 3, max_bytes=10_000)
    except MalformedIdx:
        return
    assert found.ndim == 3


@given(st.integers(0, 15), st.integers(0, 7))
def test_one_flipped_bit_in_the_header_is_an_error(tmp_path_factory, at, bit):
    data = bytearray(packed(PICTURES))
    data[at] ^= 1 << bit
    path = tmp_path_factory.getbasetemp() / "flipped"
    path.write_bytes(data)

    if data[2] == CODES["i1"]:  # the one bit that makes another valid file: bytes with a sign
        assert idx.read(path, 3).dtype == np.int8
    else:
        with pytest.raises(MalformedIdx):
            idx.read(path, 3)
