import io
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlp import npy
from mlp.errors import MalformedNpy


def saved(array, **how):
    file = io.BytesIO()
    np.save(file, array, **how)
    return file.getvalue()


def with_header(header: str, data: bytes) -> bytes:
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


@given(hnp.arrays(st.sampled_from(["u1", "<i8", "<f4", ">f8", "?", "<f2"]), hnp.array_shapes(min_dims=0, min_side=0)))
def test_what_numpy_saves_is_read_back(array):
    found = npy.parse(saved(array))

    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


def test_fortran_order_is_read_back():
    array = np.asfortranarray(np.arange(12.0).reshape(3, 4))

    np.testing.assert_array_equal(npy.parse(saved(array)), array)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not a .npy"),
        (b"hello", "not a .npy"),
        (saved(np.arange(9))[:-1], "announces 72 bytes"),
        (saved(np.arange(9)) + b"x", "there are 73"),
        (saved(np.array([{}], dtype=object), allow_pickle=True), "objects"),
        (saved(np.zeros(3, [("a", "f4")])), "plain values"),
        (with_header("{'descr': ('<f4', (2,)), 'fortran_order': False, 'shape': (1,), }", bytes(8)), "plain values"),
        (with_header("{'descr': '|S0', 'fortran_order': False, 'shape': (1,), }", b""), "plain values"),
        (with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }", b""), "announces"),
        (with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", b""), "negative"),
        (with_header("{'descr': '<f4', 'fortran_order': False}", b""), "not a .npy"),
        (with_header("[" * 100, b""), "not a .npy"),
        (b"\x93NUMPY\x09\x00" + saved(np.arange(3))[8:], r"version \(9, 0\)"),
    ],
)
def test_what_is_no_whole_plain_array_is_refused_with_the_reason(data, says):
    with pytest.raises(MalformedNpy, match=says):
        npy.parse(data)


@given(st.data())
def test_damaged_bytes_give_an_array_or_the_one_error(data):
    good = bytearray(saved(np.arange(20, dtype=np.float32)))
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))

    with suppress(MalformedNpy):
        npy.parse(bytes(good[: data.draw(st.integers(0, len(good)))]))
