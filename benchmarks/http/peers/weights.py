"""The network that all peers answer with, as each of them would write it: NumPy, two sigmoid layers."""

import os
from typing import Any

import numpy as np

_FILE = np.load(os.environ["BENCH_WEIGHTS"])
_W1, _B1, _W2, _B2 = (_FILE[name] for name in ("W1", "b1", "W2", "b2"))


def _sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def predictions(pixels: Any) -> dict[str, Any]:
    """Give the answer for pixels of shape (n, 784), 0 … 255."""
    x = np.asarray(pixels, dtype=np.float32).reshape(-1, 784) / 255
    scores = _sigmoid(_sigmoid(x @ _W1 + _B1) @ _W2 + _B2)  # (n, 10)
    winners = scores.argmax(axis=1)
    return {
        "predictions": [
            {"label": str(k), "scores": row.tolist(), "one_hot": np.eye(10, dtype=int)[k].tolist()}
            for k, row in zip(winners, scores, strict=True)
        ]
    }
