"""The measurement of accuracy with a real service over the shipped store."""

import re
import sys
import urllib.error
import urllib.request

import numpy as np
import pytest

from benchmarks.accuracy.__main__ import main
from benchmarks.accuracy.encoded import Picture, png
from benchmarks.accuracy.service import Service, started


@pytest.fixture(scope="module")
def url():
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("WEB_CONCURRENCY", "1")
        with started() as address:
            yield address
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{address}/healthz", timeout=5)


def test_answers_come_in_order_and_a_refused_picture_costs_no_other_its_answer(url, mnist_test):
    images, labels = mnist_test
    pictures = [Picture(png(image), str(label)) for image, label in zip(images[:40], labels[:40], strict=True)]
    pictures.insert(30, Picture(png(np.full((50, 50), 255, np.uint8)), ""))

    found = list(Service(url, "digits", "1").answers(pictures))

    assert [picture for picture, _ in found] == pictures
    assert [answer.label for _, answer in found].index("") == 30
    assert found[30][1].refusal.startswith("422: ")
    assert sum(picture.label == answer.label for picture, answer in found) >= 36
    assert all(0 < answer.confidence <= 1 for _, answer in found[:30])


def test_the_table_of_a_running_service(url, monkeypatch, capsys):
    command = ["accuracy", "--url", url, "--only", "pens,corruptions", "--pictures", "2", "--markdown"]
    monkeypatch.setattr(sys, "argv", command)

    main()

    printed = capsys.readouterr().out
    assert re.match(r"digits version \d+, validation part", printed)
    assert "| thin pen, dark on light" in printed
    assert "| zigzag" in printed


def test_an_unknown_version_is_said_in_a_sentence(url):
    with pytest.raises(SystemExit, match="has no version 99"):
        Service(url, "digits", "99").metadata()
