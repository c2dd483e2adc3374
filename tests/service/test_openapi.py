"""GET /openapi.json: every route is in it, it is valid, and what it says of bodies, answers and limits is so."""

import json
import os
import re
from io import BytesIO

import numpy as np
import pytest
from flask import Response
from jsonschema import Draft202012Validator
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from service import errors, feedback, incoming
from service.app import create_app
from service.openapi import answers, examples, failures
from service.openapi.document import Undeclared, document
from service.settings import Settings, variable
from tests.drafts import make_draft

TOKEN = "a token for tests"


@pytest.fixture
def app(published, tmp_path):
    feedback = f"sqlite:///{tmp_path}/corrections.sqlite"
    return create_app(Settings(models=published.root, admin_token=TOKEN, feedback=feedback))


@pytest.fixture
def found(client):
    return client.get("/openapi.json").json


def operations(document):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def resolved(schema, document):
    """A schema with the document's others beside it, so that its references lead somewhere."""
    return Draft202012Validator({**schema, "components": document["components"]})


def test_every_route_and_method_is_in_it(app, found):
    rules = {
        (re.sub(r"<(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }

    assert {(path, method) for path, method, _ in operations(found)} == rules


def test_a_route_without_a_declaration_is_an_error(app):
    app.add_url_rule("/new", view_func=lambda: Response("new"))

    with pytest.raises(Undeclared, match="/new"):
        document(app, app.extensions["settings"])


def test_it_is_valid_openapi_3_1(found):
    text = json.dumps(found).replace(
        '"externalValue": "', '"externalValue": "http://127.0.0.1/'
    )  # as a reader resolves it

    assert [error.message for error in OPENAPI_31_VALIDATOR.iter_errors(json.loads(text))] == []
    for schema in found["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_reference_leads_somewhere(found):
    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(found))):
        place = found
        for part in reference.split("/"):
            place = place[part]


def test_names_that_clients_are_generated_from_are_unique_and_plain(found):
    ids = [operation["operationId"] for *_, operation in operations(found)]

    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z][A-Za-z0-9]+", name) for name in ids)
    assert all(re.fullmatch(r"[A-Z][A-Za-z0-9]+", name) for name in found["components"]["schemas"])


def test_everything_says_what_it_is(found):
    for path, method, operation in operations(found):
        assert re.fullmatch(r"[A-Z][^`]*[^.`]", operation["summary"]), (path, method)
        assert set(operation["tags"]) <= {tag["name"] for tag in found["tags"]}
        for parameter in operation["parameters"]:
            assert re.fullmatch(r"[A-Z].*\.", parameter["description"]), (path, parameter["name"])
        for response in operation["responses"].values():
            assert response["description"]


def test_parts_of_a_path_are_parameters_of_it(found):
    for path, _, operation in operations(found):
        named = [parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"]
        assert named == re.findall(r"\{(\w+)\}", path)


def test_changes_need_the_admin_token_and_nothing_else_does(app, found):
    client = app.test_client()
    for path, method, operation in operations(found):
        asked = client.open(re.sub(r"\{\w+\}", "digits", path), method=method.upper())
        assert (asked.status_code == 401) == ("security" in operation) == ("401" in operation["responses"]), path


def test_limits_are_those_of_the_settings(published):
    settings = Settings(
        models=published.root, max_body_bytes=70_001, max_batch=17, max_image_pixels=90_003, max_upload_bytes=80_002
    )

    found = create_app(settings).test_client().get("/openapi.json").json

    said = re.findall(r": (\d+) \(`(MLP_[A-Z_]+)`\)", json.dumps(found, ensure_ascii=False))
    values = {variable(name): str(getattr(settings, name)) for name in Settings.model_fields}
    assert {name for _, name in said} == {
        "MLP_MAX_BODY_BYTES",
        "MLP_MAX_BATCH",
        "MLP_MAX_IMAGE_PIXELS",
        "MLP_MAX_UPLOAD_BYTES",
    }
    assert all(values[name] == value for value, name in said)
    assert "70001" in found["paths"]["/predict"]["post"]["requestBody"]["description"]
    assert "80002" in found["paths"]["/models/{name}/versions"]["post"]["requestBody"]["description"]


def test_only_settings_that_there_are_are_named(found):
    known = {variable(name) for name in Settings.model_fields}

    assert set(re.findall(r"MLP_[A-Z_]+", json.dumps(found))) <= known


def test_numbers_that_a_description_repeats_are_those_of_the_code(found):
    text = json.dumps(found)
    assert f"{incoming.HEAD_BYTES // 2**10} KB" in text
    assert f"{incoming.BODY_SECONDS:.0f} seconds" in text


@pytest.mark.parametrize("body", [{"version": 0}, {"version": 1.5}, {"version": "1"}, {"version": 1, "force": 1}, {}])
def test_what_the_service_refuses_the_schema_refuses(app, found, body):
    admin = {"Authorization": f"Bearer {TOKEN}"}
    path = "/models/{name}/aliases/{alias}"
    schema = found["paths"][path]["put"]["requestBody"]["content"]["application/json"]["schema"]

    answer = app.test_client().put("/models/digits/aliases/production", json=body, headers=admin)

    assert answer.status_code == 422
    assert not resolved(schema, found).is_valid(body)


def bodies(document):
    for path, method, operation in operations(document):
        for kind, media in operation.get("requestBody", {}).get("content", {}).items():
            yield path, method, kind, media


def test_every_body_has_an_example_that_fits_its_schema(found):
    for path, method, kind, media in bodies(found):
        if (method, path) == ("post", "/models/{name}/versions"):
            continue  # a version file: nobody should store an example
        assert media.get("examples"), (path, kind)
        for example in media["examples"].values():
            if "value" in example:
                resolved(media["schema"], found).validate(example["value"])


def test_every_example_is_accepted(app, published, found):
    published.promote("digits", 2)  # so that there is something to go back to
    app.extensions["live"].refresh()
    client = app.test_client()
    admin = {"Authorization": f"Bearer {TOKEN}"}
    sent = 0
    for path, method, kind, media in sorted(bodies(found), key=lambda one: one[0].endswith("load")):  # unloaded last
        for name, example in media.get("examples", {}).items():
            data = example.get("value")
            data = json.dumps(data).encode() if data is not None else client.get(f"/{example['externalValue']}").data
            url = path.replace("{name}", "digits").replace("{version}", "1").replace("{alias}", "production")
            body = {"image": (BytesIO(data), name)} if kind == "multipart/form-data" else data
            headers = admin | ({"Inference-Header-Content-Length": "0"} if (url[:3], name) == ("/v2", "7.raw") else {})
            query = {"label": "7"} if path == "/feedback" else {}
            answer = client.open(
                url, method=method.upper(), content_type=kind, headers=headers, data=body, query_string=query
            )
            assert answer.status_code in (200, 201), (path, kind, answer.text)
            sent += 1
    assert sent > 20


FORMS = {
    "pixels": lambda: ("application/json", json.dumps({"pixels": examples.rows()})),
    "picture in JSON": lambda: ("application/json", json.dumps({"image": examples.in_base64()})),
    "png": lambda: ("image/png", examples.file("7.png")),
    "raw": lambda: ("application/octet-stream", examples.file("7.raw")),
    "many raw": lambda: ("application/octet-stream", examples.file("7.raw") * 20),
    "npy": lambda: ("application/x-npy", examples.file("7.npy")),
}


@pytest.mark.parametrize("top_k", ["", "?top_k=3"])
@pytest.mark.parametrize("form", FORMS)
def test_predictions_are_as_described(client, found, form, top_k):
    kind, data = FORMS[form]()

    answer = client.post(f"/predict{top_k}", data=data, content_type=kind)

    assert answer.status_code == 200
    answers.Predictions.model_validate(answer.json, extra="forbid")
    assert_described(answer, "/predict", "post", found)


def test_explanations_are_as_described(client, found):
    answer = client.post("/explain?top_k=2", data=examples.file("7.png"), content_type="image/png")

    answers.Explained.model_validate(answer.json, extra="forbid")
    assert_described(answer, "/explain", "post", found)


def test_scores_that_are_no_numbers_are_described(found):
    answers.Prediction.model_validate(
        {"label": "a", "index": 0, "confidence": None, "scores": [None, 0.0], "one_hot": [1, 0]}
    )


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/models", answers.ModelList),
        ("/models/digits", answers.ModelState),
        ("/models/digits/versions/2", answers.VersionDetails),
        ("/healthz", answers.Alive),
        ("/readyz", answers.Ready),
    ],
)
def test_the_catalogue_is_as_described(client, found, path, kind):
    answer = client.get(path)

    kind.model_validate(answer.json, extra="forbid")


def test_a_model_with_all_that_it_can_have_is_as_described(published):
    app = create_app(Settings(models=published.root, shadow_examples=3))
    client, slot = app.test_client(), app.extensions["live"].join(os.getpid())
    published.promote("digits", 2, "shadow")
    published.set_rule("digits", answers.Rule(min_requests=5, min_agreement=0.5))
    published.set_traffic("digits", {"shadow": 0.0001})
    app.extensions["live"].refresh()
    pixels = np.random.default_rng(0).integers(0, 256, 30 * 784, dtype=np.uint8).tobytes()
    with client.post("/predict", data=pixels, content_type="application/octet-stream", headers={"X-Client-Key": "k"}):
        pass
    while app.extensions["shadow"].compare_next(slot, wait_seconds=0):
        pass

    found = client.get("/models/digits").json

    assert {"traffic", "rule", "shadow"} <= set(found)
    assert found["shadow"]["lacks"]
    assert found["shadow"]["examples"]
    answers.ModelState.model_validate(found, extra="forbid")


def test_a_refused_change_is_as_described(published, app):
    client = app.test_client()
    published.promote("digits", 2)
    (published.root / "digits/2.npz").write_bytes(b"not a version")
    app.extensions["live"].refresh()

    found = client.get("/models/digits").json

    assert found["refused"]
    assert found["versions"][1]["state"] == "refused"
    answers.ModelState.model_validate(found, extra="forbid")


def test_changes_are_as_described(app, found):
    client = app.test_client()
    admin = {"Authorization": f"Bearer {TOKEN}"}

    stored = client.post("/models/digits/versions", data=make_draft(seed=5).pack(), headers=admin)
    moved = client.put("/models/digits/aliases/production", json={"version": 2}, headers=admin)
    back = client.post("/models/digits/rollback", headers=admin)
    deleted = client.delete("/models/digits/versions/3", headers=admin)

    answers.VersionStored.model_validate(stored.json, extra="forbid")
    for answer in (moved, back):
        answers.AliasesMoved.model_validate(answer.json, extra="forbid")
    assert [stored.status_code, deleted.status_code] == [201, 204]


def test_corrections_are_as_described(app, found):
    client = app.test_client()
    about = client.get("/feedback")
    kept = client.post("/feedback?label=7", data=examples.file("7.png"), content_type="image/png")
    again = client.post("/feedback?label=7", data=examples.file("7.png"), content_type="image/png")

    assert about.json["on"]
    feedback.FeedbackTerms.model_validate(about.json, extra="forbid")
    assert kept.status_code == 201
    for answer in (kept, again):
        feedback.StoredCorrection.model_validate(answer.json, extra="forbid")
        assert_described(answer, "/feedback", "post", found)
    assert client.delete(kept.headers["Location"]).status_code == 204


def test_problems_are_as_described(client, found):
    wrong = client.post("/predict?top_k=-1", data=examples.file("7.png"), content_type="image/png")

    failures.Problem.model_validate(wrong.json, extra="forbid")
    assert_described(wrong, "/predict", "post", found)


def test_errors_have_the_forms_that_they_are_described_with(client, found):
    assert set(failures.FORMS) == set(errors.FORMS)

    for path in ("/v1/models/none:predict", "/v2/models/none/infer", "/invocations"):
        answer = client.post(path, data=b"[", content_type="application/json")
        failures.FORMS[path.split("/")[1]].model_validate(answer.json, extra="forbid")


def assert_described(answer, path, method, document):
    """Hold an answer against what the document says of it."""
    described = document["paths"][path][method]["responses"][str(answer.status_code)]
    media = described["content"][answer.mimetype]
    resolved(media["schema"], document).validate(answer.json)
    for name in described["headers"]:
        header = document["components"]["headers"][name]
        assert name in answer.headers or not header["required"], name


def test_it_is_sent_once(client):
    first = client.get("/openapi.json")

    again = client.get("/openapi.json", headers={"If-None-Match": first.headers["ETag"]})

    assert first.headers["Cache-Control"] == "no-cache"
    assert first.content_type == "application/json"
    assert (again.status_code, again.data) == (304, b"")
