"""What tritonclient's asynchronous client gets from a service: python triton_aio_calls.py HOST:PORT PICTURES.npy."""

import asyncio
import json
import sys

import numpy as np
import tritonclient.http.aio as http

ADDRESS, PICTURES = sys.argv[1:]
MODEL = "digits"


async def main():
    pictures = np.load(PICTURES)  # (n, 28, 28)
    given = http.InferInput("images", list(pictures.shape), "UINT8").set_data_from_numpy(pictures)
    async with http.InferenceServerClient(ADDRESS) as client:
        results = await asyncio.gather(
            *[
                client.infer(MODEL, [given], request_compression_algorithm=way, response_compression_algorithm=way)
                for way in (None, "gzip", "deflate")
            ]
        )
        try:
            await client.infer("nothing", [given])
            refused = None
        except http.InferenceServerException as error:
            refused = {"status": error.status(), "message": error.message()}
        return {
            "live": await client.is_server_live(),
            "ready": await client.is_server_ready(),
            "model ready": await client.is_model_ready(MODEL),
            "metadata": await client.get_model_metadata(MODEL),
            "config": await client.get_model_config(MODEL),
            "index": await client.get_model_repository_index(),
            "statistics": await client.get_inference_statistics(MODEL),
            "scores": [result.as_numpy("scores").tolist() for result in results],
            "refused": refused,
        }


json.dump(asyncio.run(main()), sys.stdout)
