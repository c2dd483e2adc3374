"""LitServe's steps: decode, predict, encode. `python -m benchmarks.http.peers.lit_serve PORT WORKERS` serves them."""

import sys
from typing import Any

import litserve
import numpy as np
from fastapi import Request
from PIL import Image

from benchmarks.http.peers.weights import predictions


class Digits(litserve.LitAPI):
    """The API, for JSON and for a form with a picture."""

    def setup(self, device: str) -> None:
        """Do nothing: the weights were loaded with their module."""

    def decode_request(self, request: Request) -> Any:
        """Give the pixels of a request, which is its form or its JSON by now."""
        if "image" in request:
            return np.array(Image.open(request["image"].file).convert("L").resize((28, 28)))
        return np.array(request["pixels"])

    def predict(self, pixels: Any) -> Any:
        """Give the answer to pixels."""
        return predictions(pixels)

    def encode_response(self, answer: Any) -> Any:
        """Give it as it is sent."""
        return answer


if __name__ == "__main__":
    litserve.LitServer(Digits(), accelerator="cpu", workers_per_device=int(sys.argv[2])).run(
        host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning"
    )
