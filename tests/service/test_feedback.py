"""POST /feedback, DELETE /feedback/{id}, GET /feedback: what is kept, and of whom nothing is taken."""

import io
import sqlite3
import sys
from contextlib import closing

import numpy as np
import pytest
from PIL import Image, ImageCms

from mlp.corrections import Corrections
from mlp.version import Version
from service import kept_picture
from service.app import create_app
from service.errors import SettingsError
from service.settings import Settings
from tests.pictures import a_stroke, base64_text, encoded, form, npy

PNG = {"content_type": "image/png"}
OTHER_SITE = "https://elsewhere.example"


@pytest.fixture
def picture():
    return encoded(a_stroke())


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/corrections.sqlite"


@pytest.fixture
def make_client(published, url):
    def make(database=url, **settings):
        app = create_app(Settings(models=published.root, feedback=database, **settings))
        apps.append(app)
        return app.test_client()

    apps = []
    yield make
    for app in apps:
        if app.extensions["corrections"]:
            app.extensions["corrections"].close()


@pytest.fixture
def client(make_client):
    return make_client()


@pytest.fixture
def kept(url):
    return lambda: list(Corrections(url).read())


def test_a_picture_is_kept_with_what_was_answered_and_what_is_right(client, kept, picture):
    predicted = client.post("/predict", data=picture, **PNG).get_json()["predictions"][0]

    answer = client.post("/feedback?label=7", data=picture, **PNG)

    assert answer.status_code == 201
    body = answer.get_json()
    (found,) = kept()
    assert (found.model, found.version, found.label) == ("digits", 1, "7")
    assert (found.answered, round(found.confidence, 7)) == (predicted["label"], predicted["confidence"])
    assert body == {
        "id": found.id,
        "model": "digits",
        "version": 1,
        "answered": predicted["label"],
        "label": "7",
        "kept": {
            "picture": {"width": 160, "height": 200, "bytes": len(found.picture)},
            "pixels": [28, 28],
            "confidence": predicted["confidence"],
            "created_at": body["kept"]["created_at"],
        },
    }
    assert answer.headers["Location"] == f"/feedback/{found.id}"
    assert answer.headers["X-Model-Version"] == "1"
    assert (np.asarray(Image.open(io.BytesIO(found.picture))) == a_stroke()).all()


def test_the_pixels_that_are_kept_are_those_that_the_network_was_given(client, kept, picture):
    why = client.post("/explain", data=picture, **PNG).get_json()["explanation"]

    client.post("/feedback?label=7", data=picture, **PNG)

    assert kept()[0].pixels.tolist() == why["pixels"]


def test_the_version_that_answered_is_corrected_though_another_is_live(client, kept, picture):
    asked = client.post("/predict?version=2", data=picture, **PNG)

    client.post(f"/feedback?label=7&version={asked.headers['X-Model-Version']}", data=picture, **PNG)

    (found,) = kept()
    assert (found.version, found.answered) == (2, asked.get_json()["predictions"][0]["label"])


def test_that_an_answer_was_right_may_be_said_too(client, kept, picture):
    label = client.post("/predict", data=picture, **PNG).get_json()["predictions"][0]["label"]

    assert client.post(f"/feedback?label={label}", data=picture, **PNG).status_code == 201
    assert kept()[0].label == kept()[0].answered == label


@pytest.mark.parametrize("kind", ["form", "json", "data: URL"])
def test_a_picture_may_come_in_every_form(client, kept, picture, kind):
    body, content_type = form(picture)
    text = base64_text(picture)
    bodies = {
        "form": {"data": body, "content_type": content_type},
        "json": {"json": {"images": [text]}},
        "data: URL": {"json": {"image": f"data:image/png;base64,{text}"}},
    }

    answer = client.post("/feedback?label=7", **bodies[kind])

    assert answer.get_json()["kept"]["picture"]["width"] == 160
    assert kept()[0].picture


@pytest.mark.parametrize("kind", ["json", "raw", "npy"])
def test_of_numbers_there_is_no_picture_to_keep(client, kept, digits, kind):
    bodies = {
        "json": {"json": {"pixels": (digits[0] / 255).tolist(), "pixel_max": 1}},
        "raw": {"data": digits[0].tobytes(), "content_type": "application/octet-stream"},
        "npy": {"data": npy(digits[0]), "content_type": "application/x-npy"},
    }

    answer = client.post("/feedback?label=7", **bodies[kind])

    assert answer.get_json()["kept"]["picture"] is None
    (found,) = kept()
    assert found.picture is None
    assert (found.pixels == digits[0]).all()


def a_photograph() -> bytes:
    image = Image.fromarray(np.dstack([a_stroke(300, 900)] * 3))
    exif = Image.Exif()
    exif[0x0110] = "a camera of a certain make"
    exif[0x0112] = 6  # to be turned by a quarter
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)  # where it was taken
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    file = io.BytesIO()
    image.save(file, "JPEG", exif=exif, icc_profile=profile, comment=b"a comment", quality=90)
    return file.getvalue()


def test_a_photograph_is_kept_upright_small_and_without_what_it_says_besides(client, kept):
    sent = a_photograph()
    assert b"certain make" in sent

    answer = client.post("/feedback?label=1", data=sent, content_type="image/jpeg")

    assert answer.status_code == 201
    with Image.open(io.BytesIO(kept()[0].picture)) as image:
        image.load()
        assert (image.format, image.size) == ("PNG", (85, 256))
        assert not image.info
        assert not image.getexif()
    assert b"iCCP" not in kept()[0].picture


def test_what_is_kept_of_a_picture_has_a_limit_in_bytes():
    noise = np.random.default_rng(0).integers(0, 256, (600, 500, 3), dtype=np.uint8)

    png = kept_picture.kept(encoded(noise), max_pixels=10**6)

    assert len(png) <= kept_picture.BYTES
    width, height = kept_picture.size(png)
    assert (height, round(width / height, 1)) > (100, 0.8)


def test_the_same_once_more_is_kept_once_and_answered_200(client, kept, picture):
    first, again, other = (client.post(f"/feedback?label={label}", data=picture, **PNG) for label in "778")

    assert [first.status_code, again.status_code, other.status_code] == [201, 200, 201]
    assert first.get_json() == again.get_json()
    assert len(kept()) == 2


def test_whoever_has_its_id_takes_it_back(client, kept, picture):
    place = client.post("/feedback?label=7", data=picture, **PNG).headers["Location"]
    client.post("/feedback?label=8", data=picture, **PNG)

    answer = client.delete(place)

    assert (answer.status_code, answer.data) == (204, b"")
    assert [found.label for found in kept()] == ["8"]
    assert client.delete(place).status_code == 404


@pytest.mark.parametrize("what", ["0" * 32, "x", "A" * 32, "%00", "' OR ''='"])
def test_an_id_that_there_is_not_is_404(client, kept, picture, what):
    client.post("/feedback?label=7", data=picture, **PNG)

    assert client.delete(f"/feedback/{what}").status_code == 404
    assert len(kept()) == 1


def test_it_says_what_is_kept(client):
    assert client.get("/feedback").get_json() == {
        "on": True,
        "kept": ["picture", "pixels", "model", "version", "answered", "confidence", "label", "created_at"],
        "picture_side": 256,
        "picture_bytes": 65536,
        "per_minute": 60,
        "most": 10000,
    }


def test_what_is_said_to_be_kept_is_what_is_in_the_database(client, picture, tmp_path):
    client.post("/feedback?label=7", data=picture, **PNG)

    with closing(sqlite3.connect(tmp_path / "corrections.sqlite")) as connection:
        columns = {row[1] for row in connection.execute("PRAGMA table_info(mlp_corrections)")}

    of_pixels = {"height", "width", "pixels_sha256"}
    assert columns - of_pixels - {"id", "part"} == set(client.get("/feedback").get_json()["kept"])


def test_without_a_database_nothing_is_kept(make_client, picture):
    client = make_client(None)

    assert client.get("/feedback").get_json() == {"on": False}
    for answer in (client.post("/feedback?label=7", data=picture, **PNG), client.delete(f"/feedback/{'0' * 32}")):
        assert answer.status_code == 403
        assert "set MLP_FEEDBACK" in answer.get_json()["detail"]


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("", "label"),
        ("label=", "label"),
        ("label=seven", "label"),
        ("label=7&label=8", "label"),
        ("label=7&top_k=2", "top_k"),
        ("label=7&prepare=x", "prepare"),
        ("label=7&version=", "version"),
    ],
)
def test_a_wrong_query_is_422_and_names_the_place(client, picture, query, place, tmp_path):
    answer = client.post(f"/feedback?{query}", data=picture, **PNG)

    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["loc"] == ["query", place]
    assert not (tmp_path / "corrections.sqlite").exists()


def test_a_label_that_there_is_not_is_told_those_that_there_are(client, picture):
    assert "there are 0, 1, 2" in client.post("/feedback?label=x", data=picture, **PNG).get_json()["detail"]


@pytest.mark.parametrize(
    ("query", "body", "status"),
    [
        ("model=none", {"data": encoded(a_stroke()), **PNG}, 404),
        ("version=9", {"data": encoded(a_stroke()), **PNG}, 404),
        ("", {"data": b"x", **PNG}, 422),
        ("", {"data": bytes(2 * 784), "content_type": "application/octet-stream"}, 422),
        ("", {"data": encoded(np.full((50, 50), 255, np.uint8)), **PNG}, 422),
        ("", {"data": "label=7", "content_type": "application/x-www-form-urlencoded"}, 415),
        ("", {"data": "{", "content_type": "application/json"}, 400),
    ],
)
def test_what_cannot_be_answered_is_not_kept(client, query, body, status, tmp_path):
    assert client.post(f"/feedback?label=7&{query}", **body).status_code == status
    assert not (tmp_path / "corrections.sqlite").exists()


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
        {"Origin": OTHER_SITE},
        {"Origin": "null"},
        {"Origin": "http://localhost:8001"},
        {"Origin": "http://localhost.elsewhere.example"},
    ],
)
@pytest.mark.parametrize("kind", ["multipart/form-data", "text/plain", "image/png"])
def test_nothing_is_taken_from_a_page_of_another_site(client, picture, headers, kind, tmp_path):
    body, content_type = form(picture)
    data, content_type = (body, content_type) if kind.startswith("multipart") else (picture, kind)

    answer = client.post("/feedback?label=7", data=data, content_type=content_type, headers=headers)

    assert answer.status_code == 403
    assert "pages of other sites" in answer.get_json()["detail"]
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert not (tmp_path / "corrections.sqlite").exists()
    assert client.delete(f"/feedback/{'0' * 32}", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "http://localhost"}, {"Sec-Fetch-Site": "same-origin", "Origin": "https://behind.example"}],
)
def test_its_own_page_and_programs_are_heard(client, picture, headers):
    assert client.post("/feedback?label=7", data=picture, headers=headers, **PNG).status_code == 201


def test_no_more_than_so_many_within_a_minute(make_client, picture):
    client = make_client(feedback_per_minute=2)
    statuses = [client.post(f"/feedback?label={label}", data=picture, **PNG).status_code for label in "12"]

    answer = client.post("/feedback?label=3", data=picture, **PNG)

    assert statuses == [201, 201]
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")
    assert "2 corrections came within a minute" in answer.get_json()["detail"]


def test_no_more_than_so_many_in_all(make_client, picture):
    client = make_client(feedback_max=1)
    client.post("/feedback?label=1", data=picture, **PNG)

    answer = client.post("/feedback?label=2", data=picture, **PNG)

    assert answer.status_code == 507
    assert "Retry-After" not in answer.headers


def test_a_database_that_is_gone_is_503_until_it_is_back(make_client, own_postgres, picture):
    client = make_client(own_postgres.emptied())
    place = client.post("/feedback?label=1", data=picture, **PNG).headers["Location"]

    own_postgres.stop()
    for answer in (client.post("/feedback?label=2", data=picture, **PNG), client.delete(place)):
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert "not for everybody" not in answer.text
    assert client.post("/predict", data=picture, **PNG).status_code == 200
    assert client.get("/readyz").status_code == 200
    own_postgres.start()

    assert client.post("/feedback?label=2", data=picture, **PNG).status_code == 201
    assert client.delete(place).status_code == 204


def test_a_file_that_cannot_be_written_is_503(make_client, picture, tmp_path):
    client = make_client(f"sqlite:///{tmp_path}/none/corrections.sqlite")

    assert client.post("/feedback?label=1", data=picture, **PNG).status_code == 503


def test_a_database_that_is_full_in_the_middle_is_503_and_nothing_is_kept(client, kept, picture, monkeypatch):
    client.post("/feedback?label=1", data=picture, **PNG)

    def full(*_arguments, **_how):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mlp.corrections._row", full)
    answer = client.post("/feedback?label=2", data=picture, **PNG)
    monkeypatch.undo()

    assert answer.status_code == 503
    assert [found.label for found in kept()] == ["1"]


def test_they_are_counted_by_version_and_by_what_was_said(client, picture):
    label = client.post("/predict", data=picture, **PNG).get_json()["predictions"][0]["label"]
    wrong = str((int(label) + 1) % 10)
    for said in (label, wrong, wrong):
        client.post(f"/feedback?label={said}", data=picture, **PNG)
    client.post("/feedback?label=2", data=picture, headers={"Origin": OTHER_SITE}, **PNG)

    text = client.get("/metrics").text

    assert 'mlp_corrections_total{answer="right",model="digits",version="1"} 1.0' in text
    assert 'mlp_corrections_total{answer="wrong",model="digits",version="1"} 1.0' in text
    assert 'mlp_rejections_total{reason="CrossSite"} 1.0' in text
    assert 'mlp_images_total{model="digits",version="1"} 1.0' in text  # what is corrected was counted when it was asked


def test_the_log_has_its_id_and_not_what_was_said(client, picture, caplog):
    caplog.set_level("INFO", "service")

    stored = client.post("/feedback?label=7", data=picture, **PNG).get_json()

    (line,) = [record for record in caplog.records if record.getMessage() == "correction kept"]
    assert line.correction == stored["id"]
    assert "label" not in line.__dict__


def test_a_score_that_is_no_number_is_kept_as_0(client, kept, picture, monkeypatch):
    monkeypatch.setattr(Version, "scores", lambda _self, pixels: np.full((len(pixels), 10), np.nan, np.float32))

    assert client.post("/feedback?label=7", data=picture, **PNG).status_code == 201
    assert kept()[0].confidence == 0


@pytest.mark.parametrize(
    ("url", "says"),
    [("redis://host", "cannot be used"), ("postgresql://someone:secret@host:port/x", "no address of a database")],
)
def test_a_wrong_database_ends_the_start_without_showing_a_password(monkeypatch, url, says):
    monkeypatch.setenv("MLP_FEEDBACK", url)

    with pytest.raises(SettingsError, match=f"MLP_FEEDBACK: .*{says}") as refused:
        Settings.load()
    assert "secret" not in str(refused.value)


def test_without_the_extra_the_start_says_what_is_missing(monkeypatch):
    monkeypatch.setenv("MLP_FEEDBACK", "sqlite:///corrections.sqlite")
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)

    with pytest.raises(SettingsError, match=r"MLP_FEEDBACK: .*sqlalchemy is not installed; it is in the extra"):
        Settings.load()


def test_an_empty_setting_is_off(monkeypatch):
    monkeypatch.setenv("MLP_FEEDBACK", "")

    assert Settings.load().feedback is None
    assert "secret" not in repr(Settings(feedback="postgresql://someone:secret@host/x"))
