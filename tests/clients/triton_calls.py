"""What tritonclient's synchronous client gets from a service, unloading and loading its model at the end.

python triton_calls.py HOST:PORT PICTURES.npy PNGS.json TOKEN
"""

import base64
import json
import sys
from pathlib import Path

import numpy as np
import tritonclient.http as http

ADDRESS, PICTURES, PNGS, TOKEN = sys.argv[1:]
MODEL = "digits"
ADMIN = {"Authorization": f"Bearer {TOKEN}"}
pictures = np.load(PICTURES)  # (n, 28, 28)
pngs = [base64.b64decode(text) for text in json.loads(Path(PNGS).read_text())]


def tensor(array, datatype, *, binary=True):
    found = http.InferInput("images", list(array.shape), datatype)
    return found.set_data_from_numpy(array, binary_data=binary)


def outputs(result):
    found = {}
    for output in result.get_response()["outputs"]:
        array = result.as_numpy(output["name"])
        texts = array.dtype == np.object_
        found[output["name"]] = {
            "datatype": output["datatype"],
            "dtype": str(array.dtype),
            "shape": list(array.shape),
            "binary": "binary_data_size" in output.get("parameters", {}),
            "values": np.vectorize(lambda t: t.decode() if isinstance(t, bytes) else t)(array).tolist()
            if texts
            else array.tolist(),
        }
    return found


def refusal(call, *arguments, **named):
    try:
        call(*arguments, **named)
    except http.InferenceServerException as error:
        return {"status": error.status(), "message": error.message()}
    return None


def numbers(client):
    return {
        "uint8": tensor(pictures, "UINT8"),
        "fp32": tensor((pictures / 255).astype(np.float32), "FP32"),
        "fp64 of 255": tensor(pictures.astype(np.float64), "FP64"),
        "flat": tensor(pictures.reshape(len(pictures), -1), "UINT8"),
        "fp32 in JSON": tensor((pictures / 255).astype(np.float32), "FP32", binary=False),
        "uint8 in JSON": tensor(pictures, "UINT8", binary=False),
        "pictures": tensor(np.array(pngs, dtype=np.object_), "BYTES"),
        "pictures in JSON": tensor(
            np.array([base64.b64encode(png) for png in pngs], dtype=np.object_), "BYTES", binary=False
        ),
    }


with http.InferenceServerClient(ADDRESS) as client:
    inputs = numbers(client)
    uint8 = inputs["uint8"]
    classified = [
        http.InferRequestedOutput("scores", class_count=3),
        http.InferRequestedOutput("label", binary_data=False),
    ]
    found = {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model ready": client.is_model_ready(MODEL),
        "alias ready": client.is_model_ready(MODEL, "candidate"),
        "missing version ready": client.is_model_ready(MODEL, "99"),
        "missing model ready": client.is_model_ready("nothing"),
        "server": client.get_server_metadata(),
        "metadata": client.get_model_metadata(MODEL, "candidate"),
        "config": client.get_model_config(MODEL),
        "index": client.get_model_repository_index(),
        "infer": {name: outputs(client.infer(MODEL, [given])) for name, given in inputs.items()},
        "alias": client.infer(MODEL, [uint8], model_version="candidate", request_id="abc").get_response(),
        "classified": outputs(client.infer(MODEL, [uint8], outputs=classified)),
        "compressed": {
            way: outputs(
                client.infer(MODEL, [uint8], request_compression_algorithm=way, response_compression_algorithm=way)
            )
            for way in ("gzip", "deflate")
        },
        "asynchronous": outputs(client.async_infer(MODEL, [uint8]).get_result()),
        "wrong shape": refusal(client.infer, MODEL, [tensor(pictures[:, 1:], "UINT8")]),
        "wrong output": refusal(client.infer, MODEL, [uint8], outputs=[http.InferRequestedOutput("nothing")]),
        "not an admin": refusal(client.load_model, MODEL),
    }
    found["statistics"] = client.get_inference_statistics(MODEL)

    client.unload_model(MODEL, headers=ADMIN)
    found["unloaded"] = {
        "ready": client.is_model_ready(MODEL),
        "infer": refusal(client.infer, MODEL, [uint8]),
    }
    client.load_model(MODEL, headers=ADMIN)
    found["loaded"] = client.infer(MODEL, [uint8]).get_response()["model_version"]

json.dump(found, sys.stdout)
