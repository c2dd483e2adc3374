"""A request's body → what it asks for, and the binary tensor behind its JSON.

In the binary tensor extension a header says how long the JSON is; what follows it are the tensors, in the order in
which the JSON names them. A length of 0 means that there is no JSON: the body is the one input.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from service.answering import Body
from service.errors import InvalidField, MalformedBody, Unsupported
from service.json_body import parsed
from service.v2 import plain
from service.v2.schemas import InferRequest, InputTensor, Parameters, RequestedOutput

HEADER: Final = "Inference-Header-Content-Length"

INPUT: Final = "images"
"""The name of the one input."""

_LENGTH: Final = re.compile(r"[0-9]{1,18}")
"""Python reads no number of thousands of digits."""

_OURS: Final = "triton_"
"""What no parameter's name may begin with: the protocol's extensions keep it for themselves."""


@dataclass(frozen=True, slots=True)
class Message:
    """One request for inference."""

    id: str | None
    tensor: InputTensor | None
    """None: the data is all there is."""
    data: memoryview | None
    """The tensor's data, where it is binary."""
    outputs: list[RequestedOutput]
    """Empty: all."""
    binary_output: bool
    """Whether outputs that do not say so themselves are binary."""
    prepare: Literal["auto", "none"] = "auto"
    pixel_max: int | None = None
    """The value of a full pixel, None to find out."""


def read(body: Body, header: str | None) -> Message:
    """Give what a body asks for, by the value of HEADER if the request has it. Raises MalformedBody, InvalidField."""
    if header is None:
        request = plain.read(body) or parsed(InferRequest, bytes(body))
        return _message(request, memoryview(b""), is_binary=False)
    if not _LENGTH.fullmatch(header) or int(header) > len(body):
        raise MalformedBody(
            f"{HEADER} is {header[:40]!r}; the length of the JSON in a body of {len(body)} bytes is meant"
        )
    length = int(header)
    if not length:
        return Message(None, None, memoryview(body), [], binary_output=True)
    return _message(parsed(InferRequest, bytes(body[:length])), memoryview(body)[length:], is_binary=True)


def _message(request: InferRequest, behind: memoryview, *, is_binary: bool) -> Message:
    tensor = _the_input(request.inputs)
    parameters = request.parameters or {}
    reserved = next((name for name in parameters if name.startswith(_OURS)), None)
    if reserved is not None:
        raise InvalidField((("body", "parameters", reserved), f"no parameter's name may begin with {_OURS}"))
    given = {**parameters, **(tensor.parameters or {})}
    return Message(
        request.id,
        tensor,
        _binary(tensor, behind, is_binary=is_binary),
        request.outputs or [],
        binary_output=flag(parameters, "binary_data_output", ("body", "parameters")) or False,
        prepare=_one_of(given, "prepare", ("auto", "none")) or "auto",
        pixel_max=_one_of(given, "pixel_max", (1, 255)),
    )


def _the_input(inputs: list[InputTensor]) -> InputTensor:
    if len(inputs) != 1 or inputs[0].name != INPUT:
        names = ", ".join(repr(tensor.name[:40]) for tensor in inputs[:5])
        raise InvalidField((("body", "inputs"), f"exactly one input, {INPUT!r}, is expected, not {names}"))
    return inputs[0]


def _binary(tensor: InputTensor, behind: memoryview, *, is_binary: bool) -> memoryview | None:
    """Give the tensor's data behind the JSON, None when it is in the JSON."""
    parameters = tensor.parameters or {}
    if any(name.startswith("shared_memory") for name in parameters):
        raise Unsupported("tensors in shared memory are not read here: send them in the body")
    where, size = ("body", "inputs", 0, "parameters", "binary_data_size"), parameters.get("binary_data_size")
    if size is None:
        if behind:
            raise MalformedBody(f"{len(behind)} bytes are behind the JSON, and no input has binary_data_size")
        return None
    if not is_binary:
        raise InvalidField((where, f"a binary input needs the header {HEADER}"))
    if tensor.data is not None:
        raise InvalidField((where, "the input has data in the JSON, too"))
    if type(size) is not int or size != len(behind):
        raise InvalidField((where, f"is {size!r}, and {len(behind)} bytes are behind the JSON"))
    return behind


def flag(parameters: Mapping[str, Any] | None, name: str, where: tuple[str | int, ...]) -> bool | None:
    """Give a parameter that is true or false, None when it is not there. Raises InvalidField."""
    value = (parameters or {}).get(name)
    if value is not None and type(value) is not bool:
        raise InvalidField(((*where, name), "true or false is expected"))
    return value


def _one_of(parameters: Parameters, name: str, values: tuple[Any, ...]) -> Any:
    value = parameters.get(name)
    if value is not None and (value not in values or type(value) is bool):
        expected = " or ".join(map(str, values))
        raise InvalidField((("body", "parameters", name), f"{expected} is expected, not {str(value)[:40]!r}"))
    return value
