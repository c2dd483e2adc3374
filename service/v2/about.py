"""What the server and its models say of themselves: metadata, configuration, statistics."""

from typing import Final

from mlp import __version__
from mlp.metadata import Input
from service.count_layout import PREDICTION_WORDS, Prediction
from service.counted import Counted, Predicted
from service.counters import Counters
from service.live import LiveModels
from service.v2 import datatypes, outputs, repository
from service.v2.message import INPUT
from service.v2.schemas import (
    Duration,
    InferStatistics,
    ModelConfig,
    ModelMetadata,
    ModelStatistics,
    ServerMetadata,
    SpecificVersions,
    TensorConfig,
    TensorMetadata,
    VersionPolicy,
)

_NAME: Final = "mlp"

_PLATFORM: Final = "numpy_npz"

_DATATYPE: Final = "UINT8"
"""Of the input where only one can be named: the one whose meaning depends on nothing else."""

_EXTENSIONS: Final = [
    "binary_tensor_data",
    "classification",
    "model_configuration",
    "model_repository",
    "model_repository(unload_dependents)",
    "parameters",
    "statistics",
]


def server() -> ServerMetadata:
    """Give the server's metadata."""
    return ServerMetadata(name=_NAME, version=__version__, extensions=_EXTENSIONS)


def model(live: LiveModels, name: str, reference: str) -> ModelMetadata:
    """Give the metadata of a model as a version of it has them. Raises what `LiveModels.snapshot` raises."""
    about = live.snapshot(name, reference).version.metadata
    return ModelMetadata(
        name=name,
        versions=[str(number) for number in repository.numbers(live, live.get(name))],
        platform=_PLATFORM,
        inputs=[TensorMetadata(name=INPUT, datatype=_DATATYPE, shape=[-1, *_dims(about.input)])],
        outputs=[
            TensorMetadata(name=output, datatype=datatype, shape=[-1, *outputs.shape(output, len(about.labels))])
            for output, datatype in outputs.DATATYPES.items()
        ],
        properties={f"{INPUT}.datatypes": ", ".join([*datatypes.NUMBERS, datatypes.BYTES])},
    )


def config(live: LiveModels, name: str, reference: str, max_batch: int) -> ModelConfig:
    """Give the configuration of a model as a version of it has it. Raises what `LiveModels.snapshot` raises."""
    about = live.snapshot(name, reference).version.metadata
    return ModelConfig(
        name=name,
        platform=_PLATFORM,
        backend=_NAME,
        version_policy=VersionPolicy(specific=SpecificVersions(versions=sorted(live.get(name).versions))),
        max_batch_size=max_batch,
        input=[TensorConfig(name=INPUT, data_type=f"TYPE_{_DATATYPE}", dims=_dims(about.input))],
        output=[
            TensorConfig(name=output, data_type=_config_type(datatype), dims=outputs.shape(output, len(about.labels)))
            for output, datatype in outputs.DATATYPES.items()
        ],
    )


def counted(live: LiveModels, counters: Counters, name: str) -> list[ModelStatistics]:
    """Give what every version of a model that is in memory, or has answered, has answered. Raises ModelNotFound."""
    state = live.get(name)
    counters.wait_for_sums()
    known = {found.names: found for found in Counted(counters).predicted()}
    stored = {*state.versions, *repository.numbers(live, state)}
    found = [(number, known.get((name, str(number)))) for number in sorted(stored)]
    return [_statistics(name, number, each) for number, each in found if each or number in state.versions]


def _statistics(name: str, number: int, found: Predicted | None) -> ModelStatistics:
    counts = [0.0] * PREDICTION_WORDS if found is None else found.counts.tolist()
    n, failed = int(counts[Prediction.BATCHES]), int(counts[Prediction.FAILED])
    read, infer, write = (
        round(1e9 * seconds)
        for seconds in (
            counts[Prediction.PARSE] + counts[Prediction.PREPARE],
            counts[Prediction.INFER],
            counts[Prediction.ANSWER],
        )
    )
    return ModelStatistics(
        name=name,
        version=str(number),
        last_inference=int(counts[Prediction.LAST]),
        inference_count=found.images if found else 0,
        execution_count=n,
        inference_stats=InferStatistics(
            success=Duration(count=n, ns=read + infer + write),
            fail=Duration(count=failed, ns=round(1e9 * counts[Prediction.FAILED_SECONDS])),
            queue=Duration(count=n),
            compute_input=Duration(count=n, ns=read),
            compute_infer=Duration(count=n, ns=infer),
            compute_output=Duration(count=n, ns=write),
        ),
    )


def _dims(spec: Input) -> list[int]:
    return [spec.height, spec.width]


def _config_type(datatype: str) -> str:
    return "TYPE_STRING" if datatype == datatypes.BYTES else f"TYPE_{datatype}"
