"""POST /predict: body → pixels → scores → answer."""

from time import perf_counter
from typing import Literal, TypeVar
from urllib.parse import parse_qsl

from flask import Blueprint, Response, g, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service import answer, body, each_request, reply
from service.answering import Answer, Body, Environ
from service.errors import InvalidField
from service.inference import Found, Inference, key_of
from service.openapi import bodies, failures, parts
from service.openapi.answers import Predictions
from service.openapi.operation import describes, json


class Query(BaseModel):
    """The query of POST /predict."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    model: str | None = None
    """Which model; by default the only one there is, else "digits"."""
    version: str | None = Field(default=None, min_length=1)
    """A version's number, or an alias; by default "production", or an alias that has a share of its traffic."""
    top_k: int = Field(default=0, ge=0)
    """How many classes to list by falling score; 0 lists none."""
    prepare: Literal["auto", "none"] = "auto"
    """Whether a picture gets the treatment that the network's training data got, or is taken as it is."""


_Query = TypeVar("_Query", bound=BaseModel)


class Predict:
    """Answers from the models in memory, for Flask's route and for requests that do not come by Flask."""

    def __init__(self, inference: Inference) -> None:
        self.inference = inference
        """What answers, and has the shadow asked."""

    def __call__(self, environ: Environ, data: Body, request_id: str) -> Found[bytes]:
        """Answer a request by its headers and query in `environ`, and its body. Raises what service/errors.py knows."""
        begun = perf_counter()
        query = parsed(Query, environ["QUERY_STRING"]) if environ["QUERY_STRING"] else _DEFAULT
        return self.inference(
            query.model,
            query.version,
            key_of(environ, request_id),
            query.prepare,
            lambda reading: body.read(environ, data, reading),
            lambda version, scores, indices: answer.body(version, scores, indices, query.top_k),
            begun,
        )

    def direct(self, environ: Environ, data: Body) -> Answer | None:
        """Give the answer that Flask's route would give, without Flask's dispatch; None for any other request.

        Raises what service/errors.py knows.
        """
        if environ["PATH_INFO"] != "/predict" or environ["REQUEST_METHOD"] != "POST":
            return None
        begun = each_request.begin(environ)
        found = self(environ, data, begun.id)
        text = found.written + b"\n"
        headers = [("Content-Type", "application/json")]
        return self.inference.answered(found, begun, environ, "/predict", headers, text)


def routes(predict: Predict) -> Blueprint:
    """Give the route."""
    blueprint = Blueprint("predict", __name__)

    @blueprint.post("/predict")
    @describes(
        "predict",
        json(Predictions, "The answers, in the order of the pictures.", headers=parts.WHO_ANSWERED),
        fails=failures.PICTURES,
        query=Query,
        headers=(parts.CLIENT_KEY,),
        body=bodies.PICTURES,
    )
    def post() -> Response:
        """Read pictures.

        One picture or several, in any of the forms below; what it is, its `Content-Type` says. Encoded pictures get the
        treatment that the network's training data got, unless `prepare` is `none`; numbers go to the network unchanged.
        """
        found = predict(request.environ, body.received(request, "the most that is read"), g.begun.id)
        return predict.inference.completed(found, reply.json(found.written))

    return blueprint


_DEFAULT = Query()

_MOST_FIELDS = 100
"""Of a query; there are at most six that mean something."""


def parsed(kind: type[_Query], text: str) -> _Query:
    """Give a request's query as an object. Raises InvalidField."""
    try:
        given = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise InvalidField((("query",), f"more than {_MOST_FIELDS} fields")) from error
    fields = dict(given)
    for name in fields:
        if (times := sum(other == name for other, _ in given)) > 1:
            raise InvalidField((("query", name), f"given {times} times"))
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        raise InvalidField.of("query", error) from error
