"""What is counted of answers, here made up, and how it is set out."""

import pytest

from benchmarks.accuracy import table
from benchmarks.accuracy.drawings import by_writer, drawings
from benchmarks.accuracy.encoded import Picture
from benchmarks.accuracy.kinds import Kind
from benchmarks.accuracy.service import Answer
from benchmarks.accuracy.table import Result


def result(section, name, *pairs, strength=0):
    """A result of (label, answered label, confidence); an answered label of "" is a refusal."""
    return Result(
        Kind(section, name, list, strength),
        [Picture(b"", label) for label, _, _ in pairs],
        [Answer(answered, confidence) for _, answered, confidence in pairs],
    )


MNIST = result("mnist", "as it is", ("1", "1", 0.9), ("2", "2", 0.8), ("3", "5", 0.6), ("4", "", 0), ("4", "", 0))


def test_a_refused_digit_is_not_right_and_is_counted_as_refused():
    assert table.digit_rows([MNIST]) == [["as it is", "5", "2", "40.00", "2", "4 refused: 2, 3 as 5: 1"]]


def test_a_corruption_has_a_row_of_five_strengths_and_all_have_a_mean():
    right, wrong = ("1", "1", 0.9), ("1", "7", 0.9)
    found = [result("corruptions", "blur", *[right] * (6 - k), *[wrong] * (k - 1), strength=k) for k in range(1, 6)]

    rows = table.corruption_rows(found)

    assert rows[0] == ["blur", "100.0", "80.0", "60.0", "40.0", "20.0", "σ, pixels: 0.5, 0.8, 1.2, 1.6, 2"]
    assert rows[1][0] == "mean"
    assert rows[1][-1] == "all: 60.00"


def test_confidence_without_a_digit_is_compared_with_that_of_mnist():
    letters = result("nothing", "letters", ("", "8", 0.7), ("", "4", 0.95), ("", "", 0), ("", "", 0))

    (row,) = table.nothing_rows([MNIST, letters])

    # Of 5 · 4 pairs MNIST is above in 3 + 3 + 2 + 0 + 0, and equal in 4.
    assert row == ["letters", "4", "2", "0.825", "50.0 %", "25.0 %", "0.5000"]


def test_the_calibration_error_counts_all_answers():
    certain = result("mnist", "certain", ("1", "1", 1.0), ("2", "2", 1.0), ("3", "8", 1.0), ("4", "9", 1.0))

    assert table.calibration_error(certain) == pytest.approx(0.5)


def test_markdown_has_a_rule_and_a_row_each():
    found = table.table(["kind", "right"], [["pen", "7"], ["pencil", "12"]], markdown=True)

    assert found.splitlines() == [
        "| kind   | right |",
        "| ------ | ----: |",
        "| pen    |     7 |",
        "| pencil |    12 |",
    ]


def test_plain_text_is_aligned():
    found = table.table(["kind", "right"], [["pen", "7"], ["pencil", "12"]], markdown=False)

    assert found.splitlines() == ["kind    right", "pen         7", "pencil     12"]


def test_drawings_are_those_whose_names_say_label_and_writer(tmp_path):
    for name in ("7_anna_1.png", "3_bert.jpg", "notes.txt", "7.png", "_bert_2.png"):
        (tmp_path / name).write_bytes(name.encode())

    found = list(drawings(tmp_path))

    assert [(picture.label, picture.source) for picture in found] == [("3", "3_bert.jpg"), ("7", "7_anna_1.png")]
    assert by_writer([picture.source for picture in found], [True, False]) == {"anna": [False], "bert": [True]}


def test_a_folder_without_drawings_is_an_error(tmp_path):
    with pytest.raises(SystemExit, match="no pictures named"):
        drawings(tmp_path)
