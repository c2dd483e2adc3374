"""How pictures are sent to a server, and how scores come back: what a client of each protocol writes and reads."""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from PIL import Image

from mlp.arrays import Float, Uint8

_BOUNDARY: Final = "picture-of-a-digit"
_HEADER_LENGTH: Final = "Inference-Header-Content-Length"


@dataclass(frozen=True, slots=True)
class Sent:
    """What is posted."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back with status 200."""

    headers: Mapping[str, str]
    """By names in lower case."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Said:
    """What an answer says."""

    scores: Float
    """Shape (n, c)."""
    labels: list[int] | None = None
    """Where it names them."""


@dataclass(frozen=True, slots=True)
class Way:
    """Where and how."""

    path: str
    write: Callable[[Uint8], Sent]
    """Makes a request of pixels (n, 28, 28)."""
    read: Callable[[Answer], Said] | None
    """Raises ValueError, KeyError, TypeError for another answer; None where there are no scores to be read."""


def numbers(pixels: Uint8) -> Sent:
    """Send lists of numbers: one for one picture, a list of lists for several."""
    flat = pixels.reshape(len(pixels), -1).tolist()
    return _json({"pixels": flat[0] if len(flat) == 1 else flat})


def png(pixels: Uint8) -> Sent:
    """Send the first picture as PNG."""
    stream = io.BytesIO()
    Image.fromarray(pixels[0]).save(stream, "PNG")
    return Sent({"Content-Type": "image/png"}, stream.getvalue())


def form(pixels: Uint8) -> Sent:
    """Send the first picture as the file `image` of a form."""
    part = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="1.png"\r\n'
    body = part.encode() + b"Content-Type: image/png\r\n\r\n" + png(pixels).body + f"\r\n--{_BOUNDARY}--\r\n".encode()
    return Sent({"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}, body)


def raw(pixels: Uint8) -> Sent:
    """Send the pixels' bytes."""
    return Sent({"Content-Type": "application/octet-stream"}, pixels.tobytes())


def npy(pixels: Uint8) -> Sent:
    """Send NumPy's own format."""
    stream = io.BytesIO()
    np.save(stream, pixels)
    return Sent({"Content-Type": "application/x-npy"}, stream.getvalue())


def v2_json(pixels: Uint8) -> Sent:
    """Send the Open Inference Protocol's JSON."""
    return _json({"inputs": [_tensor(pixels, data=pixels.reshape(-1).tolist())]})


def v2_binary(pixels: Uint8) -> Sent:
    """Send its binary form, and ask for the same back: the JSON has the shapes, the bytes stand behind it."""
    data = pixels.tobytes()
    head = json.dumps(
        {
            "inputs": [_tensor(pixels, parameters={"binary_data_size": len(data)})],
            "parameters": {"binary_data_output": True},
        }
    ).encode()
    return Sent({"Content-Type": "application/octet-stream", _HEADER_LENGTH: str(len(head))}, head + data)


def predictions(answer: Answer) -> Said:
    """Read the answer of ours, which the peers' authors were asked for, too."""
    found = json.loads(answer.body)["predictions"]
    return Said(np.array([one["scores"] for one in found]), [int(one["label"]) for one in found])


def v2(answer: Answer) -> Said:
    """Read the first output of floats in the Open Inference Protocol's answer, JSON or binary."""
    head_length = int(answer.headers.get(_HEADER_LENGTH.lower(), len(answer.body)))
    place = head_length
    for output in json.loads(answer.body[:head_length])["outputs"]:
        size = output.get("parameters", {}).get("binary_data_size", 0)
        if output["datatype"] == "FP32":
            data = answer.body[place : place + size]
            scores = np.frombuffer(data, "<f4") if size else np.array(output["data"])
            return Said(scores.reshape(output["shape"]))
        place += size
    raise ValueError("no output of datatype FP32")


def _json(value: Any) -> Sent:
    return Sent({"Content-Type": "application/json"}, json.dumps(value).encode())


def _tensor(pixels: Uint8, **rest: Any) -> dict[str, Any]:
    n = len(pixels)
    return {"name": "images", "shape": [n, pixels.size // n], "datatype": "UINT8", **rest}


JSON: Final = Way("/predict", numbers, predictions)
PNG: Final = Way("/predict", png, predictions)
RAW: Final = Way("/predict", raw, predictions)
NPY: Final = Way("/predict", npy, predictions)
V2_JSON: Final = Way("/v2/models/digits/infer", v2_json, v2)
V2_BINARY: Final = Way("/v2/models/digits/infer", v2_binary, v2)
