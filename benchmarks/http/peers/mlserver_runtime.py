"""MLServer's custom runtime: the V2 protocol in JSON, decoded and encoded by its own NumPy codec."""

from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse

from benchmarks.http.peers.weights import scores


class Digits(MLModel):
    """What a model's settings name as its implementation."""

    async def load(self) -> bool:
        """Say that it is ready: the weights were loaded with their module."""
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Answer to one request."""
        pixels = self.decode(payload.inputs[0], default_codec=NumpyCodec)
        found = scores(pixels)  # (n, 10)
        return InferenceResponse(
            model_name=self.name,
            outputs=[
                NumpyCodec.encode_output("scores", found),
                NumpyCodec.encode_output("labels", found.argmax(axis=1)),
            ],
        )
