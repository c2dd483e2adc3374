"""Other people's clients, as they are published, against a server with two workers.

They live in an environment of their own, which `make test` makes; tests/clients/ has what each of them is told to do.
"""

import json
import subprocess

import numpy as np
import pytest

from mlp.local_store import LocalStore
from tests import pictures
from tests.drafts import ROOT, make_draft
from tests.live.conftest import serving

CLIENTS = ROOT / ".venv-clients/bin"
TOKEN = "secret"
N = 12

pytestmark = pytest.mark.skipif(
    not (CLIENTS / "python").exists(), reason="needs the clients: make .venv-clients/.clients"
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = LocalStore(tmp_path_factory.mktemp("store") / "models")
    make_draft(seed=1).publish(store)
    make_draft(seed=2).publish(store)
    store.promote("digits", 2)
    store.promote("digits", 1, "candidate")
    return store


@pytest.fixture(scope="module")
def server(store):
    with serving(store.root, MLP_POLL_SECONDS="0.1", MLP_ADMIN_TOKEN=TOKEN) as running:
        yield running


@pytest.fixture(scope="module")
def digits(mnist_test):
    return mnist_test[0][:N]


@pytest.fixture(scope="module")
def files(tmp_path_factory, digits):
    """The pictures as an array and as PNGs in base64."""
    folder = tmp_path_factory.mktemp("pictures")
    np.save(folder / "pictures.npy", digits)
    pngs = [pictures.base64_text(pictures.encoded(picture)) for picture in digits]
    (folder / "pngs.json").write_text(json.dumps(pngs))
    return folder


@pytest.fixture(scope="module")
def expected(store, digits):
    """The offline scores of both versions."""
    return {number: store.read("digits", number).scores(digits) for number in (1, 2)}


def run(*command):
    command = [CLIENTS / command[0], *command[1:]]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def asked(script, *arguments):
    return json.loads(run("python", ROOT / "tests/clients" / script, *arguments))


def address(server):
    return f"127.0.0.1:{server.port}"


@pytest.fixture(scope="module")
def triton(server, files):
    return asked("triton_calls.py", address(server), files / "pictures.npy", files / "pngs.json", TOKEN)


@pytest.fixture(scope="module")
def kserve(server, files):
    if not list(CLIENTS.parent.glob("lib/*/site-packages/kserve")):
        pytest.skip("KServe is not to be had for this Python")
    return asked("kserve_calls.py", server.url, files / "pictures.npy")


def test_tritonclient_sees_what_is_live_and_what_is_not(triton):
    assert [triton[what] for what in ("live", "ready", "model ready", "alias ready")] == [True] * 4
    assert [triton[what] for what in ("missing version ready", "missing model ready")] == [False] * 2


def test_tritonclient_reads_metadata_and_configuration(triton):
    metadata, config = triton["metadata"], triton["config"]

    assert "binary_tensor_data" in triton["server"]["extensions"]
    assert metadata["versions"] == ["1", "2"]
    assert metadata["inputs"] == [{"name": "images", "datatype": "UINT8", "shape": [-1, 28, 28]}]
    assert {output["name"]: output["shape"] for output in metadata["outputs"]} == {
        "scores": [-1, 10],
        "one_hot": [-1, 10],
        "index": [-1],
        "label": [-1],
    }
    assert config["max_batch_size"] == 4096
    assert config["input"] == [{"name": "images", "data_type": "TYPE_UINT8", "dims": [28, 28]}]


@pytest.mark.parametrize(
    "form",
    ["uint8", "fp32", "fp64 of 255", "flat", "fp32 in JSON", "uint8 in JSON", "pictures", "pictures in JSON"],
)
def test_tritonclient_gets_every_output_whatever_it_sends(triton, expected, form):
    found, scores = triton["infer"][form], expected[2]
    best = scores.argmax(axis=1)

    assert {name: output["dtype"] for name, output in found.items()} == {
        "scores": "float32",
        "one_hot": "uint8",
        "index": "int64",
        "label": "object",
    }
    assert all(output["binary"] for output in found.values())  # what it asks for unless told otherwise
    np.testing.assert_allclose(found["scores"]["values"], scores, atol=1e-5)
    assert found["one_hot"]["values"] == np.eye(10, dtype=int)[best].tolist()
    assert found["index"]["values"] == best.tolist()
    assert found["label"]["values"] == [str(index) for index in best]


def test_tritonclient_asks_an_alias_as_a_version_and_gets_its_id_back(triton):
    assert (triton["alias"]["model_version"], triton["alias"]["id"]) == ("1", "abc")


def test_tritonclient_gets_the_best_classes_by_name(triton, expected):
    found, scores = triton["classified"], expected[2]

    best = np.argsort(-scores, axis=1)[:, :3]
    assert found["scores"]["shape"] == [N, 3]
    for row, text in zip(best, found["scores"]["values"], strict=True):
        assert [part.split(":")[1:] for part in text] == [[str(index), str(index)] for index in row]
    np.testing.assert_allclose(
        [[float(part.split(":")[0]) for part in text] for text in found["scores"]["values"]],
        np.take_along_axis(scores, best, axis=1),
        atol=1e-5,
    )
    assert list(found) == ["scores", "label"]
    assert (found["scores"]["binary"], found["label"]["binary"]) == (True, False)


@pytest.mark.parametrize("way", ["gzip", "deflate"])
def test_tritonclient_compresses_both_ways(triton, expected, way):
    assert triton["compressed"][way] == triton["infer"]["uint8"]


def test_tritonclient_gets_the_same_asynchronously(triton):
    assert triton["asynchronous"] == triton["infer"]["uint8"]


def test_tritonclient_is_told_what_is_wrong(triton):
    assert triton["wrong shape"]["status"] == "400"
    assert "(12, 27, 28)" in triton["wrong shape"]["message"]
    assert "nothing" in triton["wrong output"]["message"]
    assert triton["not an admin"]["status"] == "401"


def test_tritonclient_reads_the_index_and_the_statistics(triton):
    assert [(row["name"], row["version"], row["state"]) for row in triton["index"]] == [
        ("digits", "1", "READY"),
        ("digits", "2", "READY"),
    ]
    candidate, production = triton["statistics"]["model_stats"]
    assert candidate["execution_count"] == 1
    assert production["inference_count"] == N * production["execution_count"] > 0
    assert production["inference_stats"]["success"]["count"] == production["execution_count"]
    assert production["inference_stats"]["fail"]["count"] >= 1  # the wrong shape


def test_tritonclient_unloads_a_model_and_loads_its_newest_version(triton):
    assert triton["unloaded"]["ready"] is False
    assert triton["unloaded"]["infer"]["status"] == "404"
    assert triton["loaded"] == "2"


def test_tritonclient_s_asynchronous_client_gets_all_of_it(triton, server, files, expected):
    found = asked("triton_aio_calls.py", address(server), files / "pictures.npy")

    assert [found[what] for what in ("live", "ready", "model ready")] == [True] * 3
    for scores in found["scores"]:
        np.testing.assert_allclose(scores, expected[2], atol=1e-5)
    assert found["metadata"] == triton["metadata"]
    assert found["index"] == triton["index"]
    assert found["refused"]["status"] == "404"
    assert found["statistics"]["model_stats"]


@pytest.mark.parametrize("form", ["binary", "JSON"])
def test_kserve_s_client_infers_by_the_second_protocol(kserve, expected, form):
    found = kserve["v2"]["infer"][form]

    assert (found["id"], found["model"]) == ("abc", "digits")
    np.testing.assert_allclose(found["scores"], expected[2], atol=1e-5)
    assert found["index"] == expected[2].argmax(axis=1).tolist()
    assert found["label"] == [str(index) for index in found["index"]]


def test_kserve_s_client_sees_what_is_live_and_what_is_wrong(kserve):
    found = kserve["v2"]

    assert [found[what] for what in ("live", "ready", "model ready")] == [True] * 3
    assert found["missing model ready"] is False
    assert "(12, 27, 28)" in found["wrong"]


def test_kserve_s_client_predicts_by_the_first_protocol(kserve, expected):
    found = kserve["v1"]

    assert found["model ready"] is True
    np.testing.assert_allclose([row["scores"] for row in found["predict"]["predictions"]], expected[2], atol=1e-6)
    assert "shape (1, 2)" in found["wrong"]


@pytest.mark.skipif(not (CLIENTS / "mlserver").exists(), reason="MLServer is not to be had for this Python")
@pytest.mark.parametrize("binary", [False, True])
def test_mlserver_s_client_infers_batches_from_a_file(server, triton, digits, expected, tmp_path, binary):
    rows = [
        {
            "id": str(index),
            "inputs": [{"name": "images", "shape": [1, 28, 28], "datatype": "UINT8", "data": picture.ravel().tolist()}],
        }
        for index, picture in enumerate(digits)
    ]
    given, answers = tmp_path / "given.jsonl", tmp_path / "answers.jsonl"
    given.write_text("\n".join(map(json.dumps, rows)))

    how = ["--binary-data"] if binary else []
    run("mlserver", "infer", "-u", address(server), "-m", "digits", "-i", given, "-o", answers, "-s", "5", *how)

    found = sorted(map(json.loads, answers.read_text().splitlines()), key=lambda row: row["parameters"]["batch_index"])
    assert [row["id"] for row in found] == [row["id"] for row in rows]
    assert {row["model_version"] for row in found} == {"2"}
    scores = [next(o["data"] for o in row["outputs"] if o["name"] == "scores") for row in found]
    np.testing.assert_allclose(scores, expected[2], atol=1e-5)
