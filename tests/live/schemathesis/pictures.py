"""What schemathesis sends where bytes are expected: pictures and arrays, whole, cut short and changed, and noise."""

import schemathesis
from hypothesis import strategies as st

from service.openapi import examples
from service.openapi.parts import IMAGES
from tests.drafts import make_draft


@st.composite
def damaged(draw, data):
    """The bytes, cut somewhere, or with one of them changed."""
    place = draw(st.integers(0, len(data) - 1))
    changed = data[:place] + bytes([draw(st.integers(0, 255))]) + data[place + 1 :]
    return draw(st.sampled_from([data, data, data[:place], changed]))


VERSION = make_draft(seed=99).pack()


def bodies(*files):
    return st.one_of(*[damaged(examples.file(name)) for name in files], st.binary(max_size=2000))


for kind in IMAGES:
    schemathesis.openapi.media_type(f"image/{kind}", bodies(f"7.{kind}", "7.png"))
schemathesis.openapi.media_type("application/octet-stream", bodies("7.raw") | st.just(VERSION))
schemathesis.openapi.media_type("application/x-npy", bodies("7.npy"))
schemathesis.openapi.media_type("text/csv", bodies("7.csv"))
