"""A version as an ONNX model, for whatever runs those."""

import json
from pathlib import Path
from typing import Any, Final

import numpy as np

from mlp.arrays import Float, Uint8
from mlp.version import Version
from training.errors import ExportRefused
from training.whole_file import whole

_OPERATORS: Final = {"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "Relu", "softmax": "Softmax"}
"""By our names; identity is no node at all. Softmax goes along the last axis by itself."""

_OPSET: Final = 17
_IR: Final = 8
"""Of 2022, so that runtimes need not be new."""

TOLERANCE: Final = 1e-5
"""Most that a score may differ from ours where the model is checked."""


def model(version: Version) -> Any:
    """Give an `onnx.ModelProto`: `pixels` (n, height × width) float32, 0 … 255, prepared → `scores` (n, c) float32.

    The scaling from pixels to features is in the first layer's place in the graph. The classes' labels are in the
    model's metadata, as JSON, under `labels`; the picture's `height` and `width` are there, too.
    """
    from onnx import TensorProto, checker, helper, numpy_helper

    spec = version.metadata.input
    nodes = [
        helper.make_node("Mul", ["pixels", "scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "low"], ["a0"]),
    ]
    constants: dict[str, Any] = {"scale": np.float32((spec.high - spec.low) / 255), "low": np.float32(spec.low)}
    for number, layer in enumerate(version.layers, start=1):
        last = number == len(version.layers)
        result = "scores" if last else f"a{number}"
        operator = _OPERATORS.get(layer.activation)
        constants |= {f"weights{number}": layer.weights, f"biases{number}": layer.biases}
        z = f"z{number}" if operator else result
        nodes.append(helper.make_node("Gemm", [f"a{number - 1}", f"weights{number}", f"biases{number}"], [z]))
        if operator:
            nodes.append(helper.make_node(operator, [z], [result]))
    graph = helper.make_graph(
        nodes,
        version.metadata.name,
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", spec.size])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", len(version.metadata.labels)])],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR)
    made.model_version = version.metadata.version
    helper.set_model_props(
        made,
        {
            "labels": json.dumps(version.metadata.labels, ensure_ascii=False),
            "height": str(spec.height),
            "width": str(spec.width),
        },
    )
    checker.check_model(made, full_check=True)
    return made


def scores(data: bytes, pixels: Uint8) -> Float:
    """Let onnxruntime answer pixels (n, height, width) with scores (n, c). Raises ImportError where it is not there."""
    import onnxruntime

    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    (answer,) = session.run(["scores"], {"pixels": pixels.reshape(len(pixels), -1).astype(np.float32)})
    return np.asarray(answer)


def write(version: Version, path: Path) -> float | None:
    """Write a version to `path`, and give the largest difference between its scores in onnxruntime and ours.

    None where there is no onnxruntime. Raises ExportRefused when they differ by more than `TOLERANCE`; then nothing is
    written.
    """
    data = model(version).SerializeToString()
    try:
        difference = float(np.abs(scores(data, version.golden_inputs) - version.golden_scores).max())
    except ImportError:
        difference = None
    if difference is not None and not difference <= TOLERANCE:
        raise ExportRefused(f"the ONNX model's scores are off by {difference:g}, more than {TOLERANCE:g}")
    try:
        with whole(path) as file:
            file.write(data)
    except OSError as error:
        raise ExportRefused(f"{path} cannot be written: {error.strerror or error}") from error
    return difference
