"""The Flask service that everybody writes: `np.array` of the request's JSON, `jsonify` of the answer."""

import io

import numpy as np
from flask import Flask, Response, jsonify, request
from PIL import Image

from benchmarks.http.peers.weights import predictions

app = Flask(__name__)


@app.post("/predict")
def predict() -> Response:
    """Answer, by content type."""
    if request.mimetype == "image/png":
        return jsonify(predictions(Image.open(io.BytesIO(request.data)).convert("L").resize((28, 28))))
    if request.mimetype == "application/octet-stream":
        return jsonify(predictions(np.frombuffer(request.data, np.uint8)))
    if request.mimetype == "application/x-npy":
        return jsonify(predictions(np.load(io.BytesIO(request.data), allow_pickle=False)))
    return jsonify(predictions(np.array(request.get_json()["pixels"])))
