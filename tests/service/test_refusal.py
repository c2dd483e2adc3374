"""Why a change was not served, as a text of bounded length."""

import pytest

from service.refusal import Refusal


def test_it_is_read_as_it_was_written():
    refusal = Refusal.now(7, "version 3 is damaged", {3: "a byte is wrong"})

    assert Refusal.parse(refusal.text()) == refusal
    assert refusal.body() == {"generation": 7, "reason": "version 3 is damaged", "at": refusal.at}


@pytest.mark.parametrize("letter", ["x", "ü", "\N{GRINNING FACE}", "\0"])
def test_however_long_the_reasons_are_there_is_room_for_the_first(letter):
    refusal = Refusal.now(2**62, letter * 5000, dict.fromkeys(range(1, 100), letter * 5000))

    text = refusal.text()

    assert len(text) < 4096
    read = Refusal.parse(text)
    assert (read.generation, read.reason, read.at) == (2**62, letter * 400, refusal.at)
    assert read.versions in (refusal.versions, {})
    assert list(refusal.versions) == [1, 2, 3, 4, 5]
