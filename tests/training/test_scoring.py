"""Batch scoring: what is read, what is answered, and what of it is bad; what happens to killed runs is beside this."""

import gzip
import io
import json
import os
import re
import stat
import struct
import subprocess
import sys
import zipfile

import numpy as np
import pyarrow.parquet as pq
import pytest
from threadpoolctl import threadpool_limits

from mlp import load
from mlp.local_store import LocalStore
from mlp.model import Model
from tests import pictures
from tests.drafts import ROOT, make_draft
from tests.s3_server import BUCKET
from tests.training.scoring import bad, parts, pngs, score, scores, table
from training.errors import DataError, ScoringError
from training.scoring.items import Bad, Layout, Picture, Rows, cut, packed, unpacked
from training.scoring.local import Local
from training.scoring.output import open_output
from training.scoring.source import Unreadable
from training.scoring.summary import summarise
from training.scoring.table import schema


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> LocalStore:
    store = LocalStore(tmp_path_factory.mktemp("models"))
    make_draft(hidden=(12,)).publish(store)
    return store


@pytest.fixture(scope="module")
def model(models) -> Model:
    return load(models.root / "digits", 1)


@pytest.fixture(autouse=True)
def _one_thread():
    """As in the service and in jobs: with more, BLAS rounds differently."""
    with threadpool_limits(1):
        yield


@pytest.fixture
def output(tmp_path):
    return tmp_path / "scores"


def answered(output, expected, keys) -> None:
    """Check that a run has written what `mlp` answers, to the bit."""
    found = table(output)
    assert found["key"].to_pylist() == keys
    assert found["index"].to_pylist() == list(range(len(keys)))
    assert found["label"].to_pylist() == list(expected.labels)
    np.testing.assert_array_equal(found["confidence"].to_numpy(), expected.confidences)
    np.testing.assert_array_equal(scores(found), expected.scores)
    assert found["error"].null_count == len(keys)
    assert bad(output) == {}


# What is answered


def test_pictures_in_a_tree_of_folders_get_the_answers_that_mlp_gives(models, model, mnist_test, tmp_path, output):
    paths = pngs(tmp_path / "tree", mnist_test[0][:130], each=50)

    said = score(models, tmp_path / "tree", output, "--workers", 1).output

    answered(output, model.predict(paths), [str(path.relative_to(tmp_path / "tree")) for path in paths])
    assert "130 pictures, 0 of them bad, in 1 files" in said
    about = model.version.metadata
    for name, value in (("model", "digits"), ("version", 1), ("sha256", about.sha256)):
        assert table(output)[name].unique().to_pylist() == [value]
    assert json.loads(pq.read_schema(output / "part-00000.parquet").metadata[b"classes"]) == list(about.labels)
    labels = table(output)["label"].to_pylist()
    assert json.loads((output / "_summary.json").read_text()) == {
        "model": "digits", "version": 1, "pictures": 130, "bad": 0,
        "labels": {label: labels.count(label) for label in about.labels if label in labels},
    }  # fmt: skip


def test_shards_have_the_size_asked_for_and_follow_each_other(models, model, mnist_test, tmp_path, output):
    images = mnist_test[0][:50]
    np.save(tmp_path / "a.npy", images)

    score(models, tmp_path / "a.npy", output, "--shard-size", 15)

    assert [pq.read_metadata(output / f"part-{n:05d}.parquet").num_rows for n in range(4)] == [15, 15, 15, 5]
    found = table(output)
    assert found["key"].to_pylist() == [f"a.npy[{number}]" for number in range(50)]
    expected = np.concatenate([model.predict(images[at : at + 15]).scores for at in range(0, 50, 15)])
    np.testing.assert_array_equal(scores(found), expected)


@pytest.mark.parametrize(
    "array",
    [
        lambda images: images,
        lambda images: images.reshape(len(images), -1).astype(np.int64),
        lambda images: np.asfortranarray(images),
        lambda images: images.astype(np.float32) / 255,
        lambda images: images.astype(">f8"),
        lambda images: images[0],
        lambda images: np.asfortranarray(images[0].astype(np.float64) / 255),
    ],
    ids=["bytes", "flat", "fortran", "floats to 1", "floats to 255", "one", "one in columns"],
)
def test_an_array_is_read_as_mlp_reads_it(models, model, mnist_test, tmp_path, output, array):
    given = array(mnist_test[0][:20])
    np.save(tmp_path / "a.npy", given)

    score(models, tmp_path / "a.npy", output)

    expected = model.predict(given)
    answered(output, expected, [f"a.npy[{number}]" for number in range(len(expected))])


def test_the_scale_of_floats_is_that_of_the_whole_array_and_not_of_a_shard(models, model, mnist_test, tmp_path, output):
    given = mnist_test[0][:20].astype(np.float32)
    given[:10] /= 255  # by themselves, they would be taken for 0 … 1
    np.save(tmp_path / "a.npy", given)

    score(models, tmp_path / "a.npy", output, "--shard-size", 10)

    expected = np.concatenate([model.version.scores(half) for half in (given[:10], given[10:])])
    np.testing.assert_array_equal(scores(table(output)), expected)


def test_a_scale_that_is_given_is_taken(models, model, mnist_test, tmp_path, output):
    given = np.minimum(mnist_test[0][:5], 1).astype(np.float32)
    np.save(tmp_path / "a.npy", given)

    score(models, tmp_path / "a.npy", output, "--pixel-max", 255)

    np.testing.assert_array_equal(scores(table(output)), model.version.scores(given))


@pytest.mark.parametrize("packed", [False, True])
def test_idx_files_in_a_folder_are_all_that_is_scored_of_it(models, model, mnist_test, tmp_path, output, packed):
    folder = tmp_path / "idx"
    folder.mkdir()
    images, suffix = mnist_test[0][:45], ".gz" if packed else ""
    for name, some in (("t10k", images[:20]), ("train", images[20:])):
        data = struct.pack(">IIII", 0x803, len(some), 28, 28) + some.tobytes()
        (folder / f"{name}-images-idx3-ubyte{suffix}").write_bytes(gzip.compress(data) if packed else data)
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(b"no picture")

    score(models, folder, output, "--shard-size", 45)

    keys = [
        f"{name}-images-idx3-ubyte{suffix}[{n}]" for name, count in (("t10k", 20), ("train", 25)) for n in range(count)
    ]
    answered(output, model.predict(images), keys)


def test_a_zip_is_read_in_its_order(models, model, mnist_test, tmp_path, output):
    images = mnist_test[0][:30]
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number, image in enumerate(images):
            method = zipfile.ZIP_DEFLATED if number % 2 else zipfile.ZIP_STORED
            archive.writestr(f"z/{30 - number}.png", pictures.encoded(image), method)

    score(models, tmp_path / "a.zip", output, "--shard-size", 30, "--workers", 2)

    answered(
        output, model.predict([pictures.encoded(image) for image in images]), [f"z/{30 - n}.png" for n in range(30)]
    )


def test_prepare_none_takes_pictures_as_they_are(models, model, mnist_test, tmp_path, output):
    inverted = 255 - mnist_test[0][:5]  # would be turned round otherwise
    paths = pngs(tmp_path / "tree", inverted)
    (tmp_path / "tree" / "large.png").write_bytes(pictures.encoded(pictures.a_stroke()))

    score(models, tmp_path / "tree", output, "--prepare", "none")

    np.testing.assert_array_equal(scores(table(output)), model.predict(paths, prepare="none").scores)
    assert "the network takes 28×28" in bad(output)["large.png"]


def test_a_bucket_is_read_and_written(models, model, mnist_test, s3_server, s3_store, tmp_path):
    images = mnist_test[0][:40]
    objects = {f"scans/{number:03d}.png": pictures.encoded(image) for number, image in enumerate(images[:25])}
    objects |= {"scans/more/a.npy": pictures.npy(images[25:]), "scans/broken.png": b"no picture"}
    objects |= {
        "scans/f.npy": pictures.npy(np.asfortranarray(images)),
        "scans/other.npy": pictures.npy(np.ones((3, 3))),
    }
    s3_server.fill(BUCKET, {**objects, "scans/": b"", "scans/.hidden.png": b"", "scans-of-others/1.png": b""})

    said = score(models, f"s3://{BUCKET}/scans", f"s3://{BUCKET}/scores", "--shard-size", 20, "--workers", 2).output

    written = {key: data for key, data in s3_server.objects(BUCKET).items() if key.startswith("scores/")}
    for key, data in written.items():
        (tmp_path / key).parent.mkdir(exist_ok=True)
        (tmp_path / key).write_bytes(data)
    found = table(tmp_path / "scores")
    good = found.filter(found["error"].is_null())
    assert good["key"].to_pylist() == [*sorted(objects)[:25], *(f"scans/more/a.npy[{number}]" for number in range(15))]
    np.testing.assert_allclose(scores(good), model.predict(images).scores, rtol=1e-5)
    why = bad(tmp_path / "scores")
    assert set(why) == {"scans/broken.png", "scans/f.npy", "scans/other.npy"}
    assert "Fortran order" in why["scans/f.npy"]
    assert "43 pictures, 3 of them bad" in said

    again = score(models, f"s3://{BUCKET}/scans", f"s3://{BUCKET}/scores", "--shard-size", 20).output
    assert "scored now" not in again
    assert written == {key: data for key, data in s3_server.objects(BUCKET).items() if key.startswith("scores/")}
    s3_server.fill(BUCKET, {"scans/new.png": b""})
    refused = score(models, f"s3://{BUCKET}/scans", f"s3://{BUCKET}/scores", "--shard-size", 20, status=1).output
    assert "differs in: listing (files of the source were added, removed or changed), pictures" in refused
    score(models, f"s3://{BUCKET}/scans", f"s3://{BUCKET}/scores", "--overwrite")
    one = f"s3://{BUCKET}/scans/more/a.npy"
    score(models, one, tmp_path / "one")
    np.testing.assert_array_equal(scores(table(tmp_path / "one")), model.predict(images[25:]).scores)
    assert "is inside the source" in score(models, f"s3://{BUCKET}/scans", f"s3://{BUCKET}/scans/out", status=1).output


# What is bad


def test_what_cannot_be_read_is_listed_and_the_rest_is_scored(models, model, mnist_test, tmp_path, output):
    folder, images = tmp_path / "tree", mnist_test[0]
    paths = pngs(folder, images[:3])
    png = pictures.encoded(images[3])
    (folder / "empty.png").touch()
    (folder / "short.png").write_bytes(png[: len(png) // 2])
    (folder / "letter.txt").write_text("no picture")
    (folder / "blank.png").write_bytes(pictures.encoded(np.full((50, 50), 255, np.uint8)))
    with (folder / "large.png").open("wb") as file:
        file.truncate(2**26 + 1)
    (folder / "bomb.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + (chunk := b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)).join(
            (struct.pack(">I", 13), struct.pack(">I", __import__("zlib").crc32(chunk)))
        ) + b"\0\0\0\0IDAT"
    )  # fmt: skip
    (folder / "folder.png").mkdir()
    (folder / "nowhere.png").symlink_to(folder / "nothing")
    (folder / "round").symlink_to(folder)
    (folder / "self.png").symlink_to(folder / "self.png")
    os.mkfifo(folder / "pipe.png")
    np.save(folder / "small.npy", images[:4, :20])
    np.save(folder / "texts.npy", np.array(["a", "b"]))
    np.save(folder / "objects.npy", np.array([{}, None], object), allow_pickle=True)
    (folder / "half.npy").write_bytes(pictures.npy(images[:10])[:5000])
    np.save(folder / "between.npy", np.full((2, 28, 28), 1.5))
    (folder / os.fsdecode(b"caf\xe9.png")).write_bytes(b"no picture")
    (folder / ".hidden.png").write_bytes(b"no picture")

    said = score(models, folder, output, "--workers", 1).output

    why = bad(output)
    for key, reason in {
        "empty.png": "no bytes", "short.png": "ends before", "letter.txt": "no picture", "blank.png": "nothing",
        "large.png": "larger than", "bomb.png": "3600000000 pixels", "folder.png": "a folder",
        "nowhere.png": "not a file", "round": "a link to a folder", "pipe.png": "not a file",
        "self.png": "symbolic links",
        "small.npy": "expected (28, 28)", "texts.npy": "must be a number",
        "objects.npy": "Python objects", "half.npy": "announces",
        "between.npy": "say which by --pixel-max", r"caf\xe9.png": "no picture",
    }.items():  # fmt: skip
        assert reason in why.pop(key), key
    assert why == {}
    found = table(output)
    good = found.filter(found["error"].is_null())
    np.testing.assert_array_equal(scores(good), model.predict(paths).scores)
    wrong = found.filter(found["error"].is_valid())
    assert wrong.num_rows == 17
    for column in ("label", "confidence", "scores"):
        assert wrong[column].null_count == 17
    assert "20 pictures, 17 of them bad" in said
    assert "… and 12 more" in said
    assert score(models, folder, output, "--workers", 1, "--strict", status=3)


def test_single_pictures_of_an_array_can_be_bad(models, model, mnist_test, tmp_path, output):
    given = mnist_test[0][:6].astype(np.float32) / 255
    given[2, 5, 5], given[4, 0, 0] = np.nan, np.inf
    np.save(tmp_path / "a.npy", given)

    score(models, tmp_path / "a.npy", output)

    assert set(bad(output)) == {"a.npy[2]", "a.npy[4]"}
    np.testing.assert_array_equal(scores(table(output)), model.predict(given[[0, 1, 3, 5]]).scores)


def test_members_of_a_zip_can_be_bad_and_their_names_are_only_keys(models, model, mnist_test, tmp_path, output):
    png, path = pictures.encoded(mnist_test[0][0]), tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("good.png", png)
        archive.writestr("../../../etc/passwd.png", png)
        archive.writestr("/absolute.png", png)
        archive.writestr("good.png/", b"")
        archive.writestr("bomb.png", bytes(2**26 + 1))
        archive.writestr("lzma.png", png, zipfile.ZIP_LZMA)
        archive.writestr("a.npy", pictures.npy(mnist_test[0][:2]))
        archive.writestr("__MACOSX/._good.png", b"")
        archive.writestr("encrypted.png", png)
        archive.writestr("liar.png", bytes(10_000))
        archive.writestr("flipped.png", png, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    at = data.rindex(b"encrypted.png") - 46
    data[at + 8] |= 1
    at = data.rindex(b"liar.png") - 46
    data[at + 24 : at + 28] = struct.pack("<I", 5_000)
    data[data.index(png, data.index(b"flipped.png")) + 60] ^= 1
    path.write_bytes(data)

    score(models, path, output, "--workers", 1)

    why = bad(output)
    for key, reason in {
        "bomb.png": "unpacks to 67108865 bytes", "lzma.png": "method 14", "a.npy": "an array",
        "encrypted.png": "encrypted", "liar.png": "damaged", "flipped.png": "damaged",
    }.items():  # fmt: skip
        assert reason in why.pop(key), key
    assert why == {}
    found = table(output)
    good = found.filter(found["error"].is_null())
    assert good["key"].to_pylist() == ["good.png", "../../../etc/passwd.png", "/absolute.png"]
    np.testing.assert_array_equal(scores(good), model.predict([png] * 3).scores)


def test_pictures_that_vanish_after_they_were_listed_are_bad_and_a_folder_that_does_is_an_error(
    models, mnist_test, tmp_path
):
    pngs(tmp_path / "tree", mnist_test[0][:2])
    source = Local("tree", str(tmp_path / "tree"))

    first, second = source.encoded([Picture("000/00000.png"), Picture("gone.png")])

    assert first == pictures.encoded(mnist_test[0][0])
    assert isinstance(second, Unreadable)
    with pytest.raises(DataError, match="on a cluster, every worker must have it"):
        list(Local("elsewhere", str(tmp_path / "elsewhere")).encoded([Picture("000/00000.png")]))


def npz(**arrays) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: None, "there is nothing at"),
        (lambda path: path.mkdir(), "there are no pictures in"),
        (lambda path: path.write_text("letters"), "a file that is none of these"),
        (lambda path: path.write_bytes(pictures.npy(np.zeros((3, 5)))), "expected (28, 28)"),
        (lambda path: path.write_bytes(pictures.npy(np.zeros((3, 28, 28)))[:-1]), "announces"),
        (lambda path: path.write_bytes(npz(a=np.zeros((3, 28, 28)))), "arrays, which are not read from a zip"),
        (lambda path: (path.mkdir(), (path / "t10k-images-idx3-ubyte").write_bytes(b"x")), "not IDX"),
    ],
    ids=["nothing", "empty", "letters", "wrong size", "cut short", "npz", "no idx"],
)  # fmt: skip
def test_a_source_that_is_wrong_as_a_whole_is_one_line_and_nothing_is_written(models, tmp_path, output, make, says):
    make(tmp_path / "source")

    said = score(models, tmp_path / "source", output, status=1).output

    assert said.startswith("Error: ")
    assert says in said
    assert not output.exists()


@pytest.mark.parametrize("source", ["ftp://a/b", "s3://A/b", "s3://"])
def test_an_address_of_something_else_says_what_is_accepted(models, output, source):
    assert "expected one of" in score(models, source, output, status=1).output


# Where it is written


def test_the_scores_of_another_run_are_refused_and_replaced_only_when_told(models, mnist_test, tmp_path, output):
    np.save(tmp_path / "a.npy", mnist_test[0][:20])
    np.save(tmp_path / "b.npy", mnist_test[0][:10])
    score(models, tmp_path / "a.npy", output, "--shard-size", 5)
    before = parts(output)

    for source, more, differs in (
        ("b.npy", ("--shard-size", 5), "in: listing (files of the source were added, removed or changed), pictures;"),
        ("a.npy", (), "differs in: shard_size;"),
        ("a.npy", ("--shard-size", 5, "--prepare", "none"), "differs in: prepare;"),
    ):  # fmt: skip
        assert differs in score(models, tmp_path / source, output, *more, status=1).output
    assert parts(output) == before

    score(models, tmp_path / "b.npy", output, "--shard-size", 5, "--overwrite")
    assert table(output).num_rows == 10
    (tmp_path / "scores" / "_plan.json").write_text("{")
    assert "damaged" in score(models, tmp_path / "b.npy", output, "--shard-size", 5, status=1).output


def test_a_folder_with_other_things_in_it_is_left_alone(models, mnist_test, tmp_path, output):
    np.save(tmp_path / "a.npy", mnist_test[0][:20])
    output.mkdir()
    (output / "letter.txt").touch()

    for more in ((), ("--overwrite",)):
        assert (
            "has other files, such as 'letter.txt'" in score(models, tmp_path / "a.npy", output, *more, status=1).output
        )
    assert [path.name for path in output.iterdir()] == ["letter.txt"]


def test_scores_are_not_written_into_their_source(models, mnist_test, tmp_path):
    pngs(tmp_path / "tree", mnist_test[0][:3])

    for inside in ("tree", "tree/scores"):
        assert "is inside the source" in score(models, tmp_path / "tree", tmp_path / inside, status=1).output
    assert not (tmp_path / "tree" / "scores").exists()


def test_a_place_that_cannot_be_written_is_one_line(models, mnist_test, tmp_path):
    np.save(tmp_path / "a.npy", mnist_test[0][:3])

    assert "cannot be written" in score(models, tmp_path / "a.npy", "/proc/scores", status=1).output
    assert "no place for scores" in score(models, tmp_path / "a.npy", "ftp://a/b", status=1).output


def test_a_damaged_file_says_what_to_do_and_a_missing_one_is_made_again(models, mnist_test, tmp_path, output):
    np.save(tmp_path / "a.npy", mnist_test[0][:20])
    score(models, tmp_path / "a.npy", output, "--shard-size", 5)
    before = parts(output)
    file = output / "part-00002.parquet"
    file.write_bytes(file.read_bytes()[:-10])

    assert "part-00002.parquet" in score(models, tmp_path / "a.npy", output, "--shard-size", 5, status=1).output
    file.unlink()
    assert "3 of them done before" in score(models, tmp_path / "a.npy", output, "--shard-size", 5).output

    assert parts(output) == before


def test_a_folder_that_workers_do_not_share_is_an_error_and_no_loss(model, tmp_path):
    elsewhere = open_output(str(tmp_path / "not on this machine"))
    with pytest.raises(ScoringError, match="on a cluster, every worker must have it"):
        elsewhere.write("part-00000.parquet", [b""])
    assert not (tmp_path / "not on this machine").exists()
    (tmp_path / "here").mkdir()
    with pytest.raises(ScoringError, match="that all workers have in common"):
        summarise(open_output(str(tmp_path / "here")), 1, model.version.metadata)


def test_others_may_read_the_files(models, mnist_test, tmp_path, output):
    np.save(tmp_path / "a.npy", mnist_test[0][:20])
    score(models, tmp_path / "a.npy", output)

    assert {stat.S_IMODE(path.stat().st_mode) for path in output.iterdir()} == {0o644}


# How it is cut, and what it takes


def test_shards_cut_arrays_and_keep_the_order():
    layout = Layout(128, (7, 2, 2), "|u1")
    items = [Picture("a"), Rows("b", "m", layout, 0, 7), Bad("c", "why"), Picture("d")]

    shards = list(cut(items, 4))

    assert [shard.count for shard in shards] == [4, 4, 2]
    assert [shard.first for shard in shards] == [0, 4, 8]
    assert [(item.start, item.stop) for shard in shards for item in shard.items if isinstance(item, Rows)] == [
        (0, 3),
        (3, 7),
    ]
    assert [unpacked(packed(shard).line) for shard in shards] == shards


PEAK = """
import resource, sys
from training.cli import main
main(sys.argv[1:], standalone_mode=False)
print("peak", *(resource.getrusage(who).ru_maxrss // 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))
"""


def test_memory_does_not_grow_with_the_source(tmp_path):
    models = LocalStore(tmp_path / "models")
    make_draft(hidden=(4,), height=64, width=64).publish(models)

    def peak(count):
        with (tmp_path / f"{count}.npy").open("wb") as file:  # sparse, so no disk is filled
            header = {"descr": "|u1", "fortran_order": False, "shape": (count, 64, 64)}
            np.lib.format.write_array_header_1_0(file, header)
            file.truncate(file.tell() + count * 64 * 64)
        arguments = ["score", "digits", "1", tmp_path / f"{count}.npy", "--output", tmp_path / f"scores-{count}"]
        done = subprocess.run(
            [sys.executable, "-c", PEAK, "--models", models.root, *arguments, "--workers", "2"],
            cwd=ROOT, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return max(map(int, done.stdout.rpartition("peak")[2].split()))

    small, large = peak(4_096), peak(32_768)  # 16 and 128 MiB

    assert large < small + 32


def test_the_columns_are_documented(model):
    page = (ROOT / "docs/scoring.md").read_text(encoding="utf-8")
    columns = re.findall(r"^\| (`.*?) \|", page, re.MULTILINE)

    assert [name for cell in columns for name in re.findall(r"`(\w+)`", cell)] == schema(model.version.metadata).names
