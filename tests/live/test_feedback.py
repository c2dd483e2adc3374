"""Corrections where several workers keep them in one database, which goes away and comes back."""

import json
import re
import urllib.error
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import numpy as np
import pytest

from mlp.corrections import Corrections
from tests.drafts import make_draft
from tests.live.conftest import serving

PER_MINUTE = 20


def ask(server, path, body=None, method=None):
    headers = {"Content-Type": "application/octet-stream"}
    request = urllib.request.Request(f"{server.url}{path}", body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def correct(server, number):
    pixels = np.full(784, 1, np.uint8)
    pixels[:4] = np.frombuffer(np.int32(number).tobytes(), np.uint8)
    return ask(server, "/feedback?label=7", pixels.tobytes())


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_workers_share_the_limit_and_lose_nothing(store, tmp_path, request, kind):
    make_draft().publish(store)
    store.promote("digits", 1)
    url = f"sqlite:///{tmp_path}/c.sqlite" if kind == "sqlite" else request.getfixturevalue("own_postgres").url()
    with serving(store.root, MLP_FEEDBACK=url, MLP_FEEDBACK_PER_MINUTE=str(PER_MINUTE)) as server:
        server.wait_until(lambda: len(server.workers()) == 2)
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda number: correct(server, number), range(2 * PER_MINUTE)))
        assert Counter(status for status, _, _ in answers) == {201: PER_MINUTE, 429: PER_MINUTE}
        ids = {json.loads(body)["id"] for status, _, body in answers if status == 201}
        counted = re.findall(r"^mlp_corrections_total{.*} (.*)$", ask(server, "/metrics")[2].decode(), re.MULTILINE)
        assert sum(map(float, counted)) == PER_MINUTE
        if kind == "postgresql":
            outage(server, request.getfixturevalue("own_postgres"), ids)
    with closing(Corrections(url)) as corrections:
        assert {found.id for found in corrections.read()} == ids
    assert not [line for line in server.lines if '"level":"error"' in line or "Traceback" in line]


def outage(server, postgres, ids):
    one = ids.pop()
    postgres.stop()
    status, headers, _ = ask(server, f"/feedback/{one}", method="DELETE")
    assert (status, headers["Retry-After"]) == (503, "1")
    assert ask(server, "/readyz")[0] == 200
    postgres.start()
    with ThreadPoolExecutor(8) as pool:  # whichever worker is asked
        answers = pool.map(lambda number: ask(server, f"/feedback/{number:032x}", method="DELETE"), range(24))
        assert {status for status, _, _ in answers} == {404}
    assert ask(server, f"/feedback/{one}", method="DELETE")[0] == 204
