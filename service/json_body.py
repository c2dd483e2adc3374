"""A JSON body → one of the pydantic models that say what is expected."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from service.errors import InvalidField, MalformedBody

_Body = TypeVar("_Body", bound=BaseModel)


def parsed(kind: type[_Body], text: bytes) -> _Body:
    """Give the object that a body holds. Raises MalformedBody, InvalidField."""
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        if first["type"] == "json_invalid":
            raise MalformedBody(f"not valid JSON: {first['msg'].removeprefix('Invalid JSON: ')}") from error
        raise InvalidField.of("body", error) from error
