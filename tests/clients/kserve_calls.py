"""What KServe's InferenceRESTClient gets from a service: python kserve_calls.py URL PICTURES.npy."""

import asyncio
import json
import sys

import httpx
import numpy as np
from kserve import InferInput, InferRequest
from kserve.inference_client import InferenceRESTClient, RESTConfig

URL, PICTURES = sys.argv[1:]
MODEL = "digits"


def request(array, datatype, *, binary):
    given = InferInput("images", list(array.shape), datatype)
    given.set_data_from_numpy(array, binary_data=binary)
    return InferRequest(MODEL, [given], request_id="abc")


def outputs(response):
    return {
        "id": response.id,
        "model": response.model_name,
        **{output.name: output.as_numpy().tolist() for output in response.outputs if output.datatype != "BYTES"},
        "label": [t.decode() if isinstance(t, bytes) else t for t in response.get_output_by_name("label").data],
    }


async def refusal(awaitable):
    try:
        return await awaitable
    except httpx.HTTPStatusError as error:
        return str(error)


async def second(pictures):
    """By the Open Inference Protocol."""
    fractions = (pictures / 255).astype(np.float32)
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
        return {
            "live": await client.is_server_live(URL),
            "ready": await client.is_server_ready(URL),
            "model ready": await client.is_model_ready(URL, MODEL),
            "missing model ready": await client.is_model_ready(URL, "nothing"),
            "infer": {
                "binary": outputs(await client.infer(URL, request(pictures, "UINT8", binary=True), MODEL)),
                "JSON": outputs(await client.infer(URL, request(fractions, "FP32", binary=False), MODEL)),
            },
            "wrong": await refusal(client.infer(URL, request(pictures[:, 1:], "UINT8", binary=True), MODEL)),
        }


async def first(pictures):
    """By its first protocol."""
    async with InferenceRESTClient(RESTConfig(protocol="v1")) as client:
        return {
            "model ready": await client.is_model_ready(URL, MODEL),
            "predict": await client.infer(URL, {"instances": pictures.tolist()}, MODEL),
            "wrong": await refusal(client.infer(URL, {"instances": [[1, 2]]}, MODEL)),
        }


async def main():
    pictures = np.load(PICTURES)  # (n, 28, 28)
    return {"v2": await second(pictures), "v1": await first(pictures)}


json.dump(asyncio.run(main()), sys.stdout)
