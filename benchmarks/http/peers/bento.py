"""BentoML's service: an array in JSON, and a picture as the whole body."""

import os
from typing import Any

import bentoml
import numpy as np
from PIL.Image import Image

from benchmarks.http.peers.weights import predictions


@bentoml.service(workers=int(os.environ["WEB_CONCURRENCY"]), logging={"access": {"enabled": False}})
class Digits:
    """The service."""

    @bentoml.api
    def predict(self, pixels: np.ndarray) -> dict[str, Any]:
        """Answer to pixels."""
        return predictions(pixels)

    @bentoml.api
    def image(self, image: Image, /) -> dict[str, Any]:
        """Answer to a picture."""
        return predictions(image.convert("L").resize((28, 28)))
