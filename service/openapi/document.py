"""The OpenAPI document of an app: its rules, what their functions declare, and the schemas of the pydantic models.

The same for every request, so it is made once, when it is first asked for (routes.py).
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from flask import Flask
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core.core_schema import WithDefaultSchema
from werkzeug.routing import Rule

from mlp import __version__
from service.each_request import NOT_JSON
from service.errors import ServiceError
from service.openapi import failures, parts
from service.openapi.operation import Answer, Body, Header, Media, Operation, Parameter, Schema, declared
from service.settings import Settings, variable

_REF: Final = "#/components/schemas/{model}"

_ADMIN: Final = "admin"
"""The name of the security scheme."""

TAGS: Final = {
    "predict": ("Predictions", "What a picture shows."),
    "explain": ("Predictions", "What a picture shows."),
    "catalogue": ("Models", "Which models and versions there are."),
    "report": ("Models", "Which models and versions there are."),
    "feedback": ("Corrections", "What people say is wrong, kept for training."),
    "admin": ("Changing models", "For whoever has the admin token."),
    "v2": ("Open Inference Protocol V2", "Triton's, KServe's and MLServer's protocol, docs/protocols.md."),
    "v1": ("TF Serving and KServe V1", "The protocol of TensorFlow Serving, which is KServe's first, too."),
    "invocations": ("MLflow", "MLflow's scoring protocol."),
    "health": ("Operations", "For whoever runs the service."),
    "metrics": ("Operations", "For whoever runs the service."),
    "index": ("Pages", "For browsers."),
    "openapi": ("Description", "The service's description of itself."),
}
"""By blueprint: under which heading its operations are, and what the heading says."""

_LIMITS: Final = ("max_body_bytes", "max_upload_bytes", "max_image_pixels", "max_batch")

_ABOUT: Final = """\
Reads pictures with a multilayer perceptron: `POST /predict` is answered with scores, a one-hot vector and a label.

Errors are problem documents (RFC 9457), but on the paths of other protocols, which have their own. Every path that can
be read by `GET` answers `HEAD`, too, and every path `OPTIONS`. What an answer has beyond what is described may be new:
pass over what you do not know.

Limits of this service:
"""


_WHO: Final = "An admin token: that in `MLP_ADMIN_TOKEN`, or one in the file that `MLP_ADMIN_TOKENS_FILE` names."


class Undeclared(ServiceError):
    """A route says nothing of itself."""


class _Schemas(GenerateJsonSchema):
    """Schemas without titles that only repeat a field's name, and without defaults that only say "nothing"."""

    def field_title_should_be_set(self, _schema: Any) -> bool:
        return False

    def default_schema(self, schema: WithDefaultSchema) -> JsonSchemaValue:
        found = super().default_schema(schema)
        if found.get("default", 0) in (None, "", [], {}):
            del found["default"]
        return found


def document(app: Flask, settings: Settings) -> Schema:
    """Give the document. Raises Undeclared for a route that declares nothing."""
    routes = list(_routes(app))
    schemas = _Described([operation for *_, operation in routes])
    paths: Schema = {}
    for rule, method, operation in routes:
        path = _path(rule)
        paths.setdefault(path, {})[method.lower()] = _operation(rule, path, operation, schemas, settings)
    headers = [
        *parts.ON_ERRORS,
        *(header for *_, operation in routes for a in operation.answers for header in a.headers),
    ]
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://spec.openapis.org/oas/3.1/dialect/base",
        "info": {
            "title": "mlp",
            "version": __version__,
            "summary": "Reads pictures with a multilayer perceptron.",
            "description": _ABOUT + "\n".join(f"- {_limit(name, settings)}" for name in _LIMITS),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": ".", "description": "Where this document is."}],
        "tags": [{"name": name, "description": text} for name, text in dict.fromkeys(TAGS.values())],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "headers": {header.name: _header(header) for header in headers},
            "securitySchemes": {
                _ADMIN: {"type": "http", "scheme": "bearer", "description": _WHO},
            },
        },
    }


def _routes(app: Flask) -> Iterator[tuple[Rule, str, Operation]]:
    for rule in app.url_map.iter_rules():
        operation = declared(app.view_functions[rule.endpoint])
        if operation is None or _blueprint(rule) not in TAGS:
            raise Undeclared(
                f"{rule.rule} has no declaration, or its blueprint no tag: see service/openapi/operation.py"
            )
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule, method, operation


class _Described:
    """The schemas of every type that is in a body: `components`, and where each type is in it."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        kinds: dict[tuple[str, JsonSchemaMode], Any] = {}
        for operation in operations:
            for media in operation.body.content.values() if operation.body else ():
                kinds[repr(media.kind), "validation"] = media.kind
            for answer in operation.answers:
                for media in answer.content.values():
                    kinds[repr(media.kind), "serialization"] = media.kind
        for kind in (failures.Problem, *failures.FORMS.values()):
            kinds[repr(kind), "serialization"] = kind
        adapters = [
            (key, mode, TypeAdapter[Any](kind)) for (key, mode), kind in kinds.items() if not isinstance(kind, dict)
        ]
        self._found, found = TypeAdapter.json_schemas(adapters, ref_template=_REF, schema_generator=_Schemas)
        self.components: Schema = dict(sorted(found["$defs"].items()))

    def of(self, kind: Any, mode: JsonSchemaMode) -> Schema:
        """Give the schema of a type, for most of them a reference."""
        if isinstance(kind, dict):
            return kind
        schema: Schema = self._found[repr(kind), mode]
        return schema


def _operation(rule: Rule, path: str, operation: Operation, schemas: _Described, settings: Settings) -> Schema:
    tag, _ = TAGS[_blueprint(rule)]
    found: Schema = {
        "operationId": operation.id + _suffix(rule),
        "tags": [tag],
        "summary": operation.summary,
        "description": operation.description,
        "parameters": _parameters(rule, operation),
        "responses": {
            **{str(answer.status): _answer(answer, schemas) for answer in operation.answers},
            **failures.responses(operation, path, only_json=rule.endpoint not in NOT_JSON),
        },
    }
    if operation.body:
        found["requestBody"] = _body(operation.body, schemas, settings)
    if operation.admin:
        found["security"] = [{_ADMIN: []}]
    return {name: value for name, value in found.items() if value}


def _blueprint(rule: Rule) -> str:
    return rule.endpoint.partition(".")[0]


def _path(rule: Rule) -> str:
    return re.sub(r"<(\w+)>", r"{\1}", rule.rule)


def _suffix(rule: Rule) -> str:
    """Give what tells the operations of one function apart: whether a version or an alias is in the path."""
    if "/labels/<" in rule.rule:
        return "OfLabel"
    of_version = rule.endpoint.startswith(("v1.", "v2.")) and "/versions/<" in rule.rule
    return "OfVersion" if of_version else ""


def _parameters(rule: Rule, operation: Operation) -> list[Schema]:
    known = {**parts.PATH, **{part.name: part for part in operation.path}}
    in_path = [_parameter(known[name], "path") for name in re.findall(r"<(\w+)>", rule.rule)]
    in_query = list(_query(operation.query)) if operation.query else []
    headers = [_parameter(part, "header") for part in (*operation.headers, parts.REQUEST_ID)]
    return in_path + in_query + headers


def _parameter(part: Parameter, where: str) -> Schema:
    return {
        "name": part.name,
        "in": where,
        "description": part.description,
        "required": where == "path",
        "schema": part.schema,
    }


def _query(model: type[BaseModel]) -> Iterator[Schema]:
    """Yield the parameters that a query's model has. What may be null there is what may be left out here."""
    schema = model.model_json_schema(schema_generator=_Schemas)
    for name, found in schema["properties"].items():
        described = found.pop("description", "")
        if "anyOf" in found:
            found = next(one for one in found["anyOf"] if one != {"type": "null"})
        yield {
            "name": name,
            "in": "query",
            "description": described,
            "required": name in schema.get("required", ()),
            "schema": found,
        }


def _body(body: Body, schemas: _Described, settings: Settings) -> Schema:
    return {
        "required": body.required,
        "description": _limit(body.limit, settings),
        "content": {name: _media(media, schemas, "validation") for name, media in body.content.items()},
    }


def _limit(name: str, settings: Settings) -> str:
    sentence = (Settings.model_fields[name].description or "").partition(";")[0].partition(",")[0]
    return f"{sentence}: {getattr(settings, name)} (`{variable(name)}`)."


def _media(media: Media, schemas: _Described, mode: JsonSchemaMode) -> Schema:
    found: Schema = {"schema": schemas.of(media.kind, mode)}
    if media.file:
        found["examples"] = {media.file: {"externalValue": f"docs/examples/{media.file}"}}
    elif media.examples:
        found["examples"] = {name: {"value": value} for name, value in media.examples.items()}
    return found


def _answer(answer: Answer, schemas: _Described) -> Schema:
    names = ["X-Request-Id", *(header.name for header in answer.headers)]
    found: Schema = {
        "description": answer.description,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
    }
    if answer.content:
        found["content"] = {name: _media(media, schemas, "serialization") for name, media in answer.content.items()}
    return found


def _header(header: Header) -> Schema:
    return {"description": header.description, "required": header.required, "schema": header.schema}
