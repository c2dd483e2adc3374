"""The same with FastAPI: a pydantic model for JSON, the request's body for the rest."""

import io
from typing import Any

import numpy as np
from fastapi import FastAPI, Request
from PIL import Image
from pydantic import BaseModel

from benchmarks.http.peers.weights import predictions

app = FastAPI()


class Pixels(BaseModel):
    """The JSON body."""

    pixels: list[Any]


@app.post("/predict")
def predict(body: Pixels) -> dict[str, Any]:
    """Answer to JSON; FastAPI runs it in a thread."""
    return predictions(np.array(body.pixels))


@app.post("/image")
async def image(request: Request) -> dict[str, Any]:
    """Answer to a picture."""
    return predictions(Image.open(io.BytesIO(await request.body())).convert("L").resize((28, 28)))


@app.post("/raw")
async def raw(request: Request) -> dict[str, Any]:
    """Answer to bytes."""
    return predictions(np.frombuffer(await request.body(), np.uint8))


@app.post("/npy")
async def npy(request: Request) -> dict[str, Any]:
    """Answer to an array."""
    return predictions(np.load(io.BytesIO(await request.body()), allow_pickle=False))
