"""A JSON body → one of the pydantic models that say what is expected."""

from typing import Any, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ValidationError

from service.errors import InvalidField, MalformedBody


def _whole(value: Any) -> Any:
    return int(value) if type(value) is float and value.is_integer() else value


WHOLE: Final = BeforeValidator(_whole)
"""Makes a strict integer take 3.0, which is 3 in JSON; to be named last, so that the schema keeps what is before it."""

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
