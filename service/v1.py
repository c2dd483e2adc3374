"""TF Serving's REST API, which is KServe's first protocol, too: POST …:predict, and whether a model answers."""

from time import perf_counter
from typing import Annotated, Any, Final

from flask import Blueprint, Response, g, request
from pydantic import BaseModel, ConfigDict, StrictStr, WithJsonSchema, model_validator
from pydantic_core import to_json

from mlp import network
from mlp.aliases import PRODUCTION
from mlp.arrays import Float, Ints, Pixels
from mlp.version import Version
from service import answer, body, content_encoding, instances, reply
from service.body import Reading
from service.inference import Inference, key_of
from service.json_body import parsed
from service.live import LiveModels
from service.openapi import examples, failures, parts
from service.openapi.answers import ColumnsAnswer, Predictions
from service.openapi.operation import Answer, Body, Media, describes, json
from service.settings import Settings
from service.v2.schemas import ModelNames

_SIGNATURE: Final = "serving_default"

_DECIMALS: Final = 7
"""Of a score; float32 has no more to give near 1."""


class PredictRequest(BaseModel):
    """The body of POST …:predict: exactly one of `instances`, picture by picture, and `inputs`, as one array."""

    model_config = ConfigDict(
        use_attribute_docstrings=True,
        json_schema_extra=parts.one_of("instances", "inputs"),
    )

    instances: Annotated[Any, WithJsonSchema({"type": ["array", "null"], "minItems": 1, "items": {}})] = None
    """A picture each: numbers, as rows or flat; base64, alone or as `{"b64": "…"}`; or these in `{"images": …}`."""
    inputs: Annotated[Any, WithJsonSchema({"type": ["array", "object", "null"]})] = None
    """The pictures as a list, or `{"images": […]}`."""
    signature_name: Annotated[StrictStr | None, WithJsonSchema({"enum": [_SIGNATURE, "", None]})] = None

    @model_validator(mode="after")
    def _one_of(self) -> "PredictRequest":
        if (self.instances is None) == (self.inputs is None):
            raise ValueError("give exactly one of instances and inputs")
        if self.signature_name not in (None, "", _SIGNATURE):
            raise ValueError(f"there is no signature {self.signature_name[:40]!r}, only {_SIGNATURE}")
        return self


class Status(BaseModel):
    """Why a version answers or not."""

    error_code: str = "OK"
    error_message: str = ""


class VersionStatus(BaseModel):
    """One version that answers."""

    version: str
    state: str = "AVAILABLE"
    status: Status = Status()


class ModelStatus(BaseModel):
    """GET of a model, for both: `model_version_status` is TF Serving's, `name` and `ready` are KServe's."""

    name: str
    ready: bool
    model_version_status: list[VersionStatus]


def routes(live: LiveModels, inference: Inference, settings: Settings) -> Blueprint:
    """Give the routes. A label is an alias."""
    blueprint = Blueprint("v1", __name__)

    @blueprint.get("/v1/models")
    @describes("v1ListModels", json(ModelNames, "The models' names."))
    def names() -> Response:
        """List the models' names."""
        return reply.json({"models": live.names()})

    @blueprint.get("/v1/models/<name>")
    @blueprint.get("/v1/models/<name>/versions/<version>")
    @blueprint.get("/v1/models/<name>/labels/<version>")
    @describes("v1ModelStatus", json(ModelStatus, "It answers."), fails=failures.MODEL)
    def status(name: str, version: str = PRODUCTION) -> Response:
        """Say whether a model answers."""
        number = live.snapshot(name, version).version.metadata.version
        found = ModelStatus(name=name, ready=True, model_version_status=[VersionStatus(version=str(number))])
        return reply.json(found.model_dump())

    @blueprint.post("/v1/models/<name>:predict")
    @blueprint.post("/v1/models/<name>/versions/<version>:predict")
    @blueprint.post("/v1/models/<name>/labels/<version>:predict")
    @describes(
        "v1Predict",
        Answer(
            "`predictions`, picture by picture, to `instances`; `outputs`, each as one array, to `inputs`.",
            {"application/json": Media(Predictions | ColumnsAnswer)},
            headers=(*parts.WHO_ANSWERED, parts.ENCODED),
        ),
        fails=failures.PICTURES,
        headers=(parts.CLIENT_KEY, parts.CONTENT_ENCODING),
        body=Body({"application/json": Media(PredictRequest, {"pixels": {"instances": [examples.rows()]}})}),
    )
    def predict(name: str, version: str | None = None) -> Response:
        """Read pictures."""
        begun, environ = perf_counter(), request.environ
        sent = body.received(request, "the most that is read")
        data = content_encoding.decoded(sent, environ.get("HTTP_CONTENT_ENCODING", ""), settings.max_body_bytes)
        asked = parsed(PredictRequest, bytes(data))

        def read(reading: Reading) -> Pixels:
            if asked.instances is not None:
                return instances.read(asked.instances, reading, ("body", "instances"))
            return instances.read(_column(asked.inputs), reading, ("body", "inputs"))

        write = _rows if asked.instances is not None else _columns
        found = inference(name, version, key_of(environ, g.begun.id), "auto", read, write, begun)
        return inference.completed(found, answered(found.written))

    return blueprint


def answered(text: bytes) -> Response:
    """Give the response with a JSON text, compressed for whoever accepts that."""
    text, headers = content_encoding.encoded(text + b"\n", request.environ.get("HTTP_ACCEPT_ENCODING", ""))
    return Response(text, headers=headers, content_type="application/json")


def _column(inputs: Any) -> Any:
    """Give what is in `{"images": …}`, which a model of one input may leave out."""
    return inputs["images"] if isinstance(inputs, dict) and set(inputs) == {"images"} else inputs


def _rows(version: Version, scores: Float, indices: Ints) -> bytes:
    """Give `predictions`, picture by picture, as POST /predict does."""
    return answer.body(version, scores, indices, 0)


def _columns(version: Version, scores: Float, indices: Ints) -> bytes:
    """Give `outputs`, each as one array."""
    labels = version.metadata.labels
    columns = {
        "scores": scores.astype("f8").round(_DECIMALS).tolist(),
        "one_hot": network.one_hot(indices, len(labels)).tolist(),
        "index": indices.tolist(),
        "label": [labels[index] for index in indices.tolist()],
    }
    return to_json({"outputs": columns}, inf_nan_mode="null")
