"""The protocol's JSON objects. Fields that nobody knows are ignored in requests, and `null` is as good as nothing.

Names are the protocol's, and so is what is optional.
"""

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    FailFast,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    StringConstraints,
    WithJsonSchema,
)

from service.json_body import WHOLE

Parameters = dict[str, Any]
"""By the protocol texts, numbers and booleans; some clients put objects of their own in."""

Dimension = Annotated[int, Field(ge=0, strict=True)]

Datatype = Annotated[str, StringConstraints(max_length=20)]


class Object(BaseModel):
    """`model_name` and the like are no business of pydantic's."""

    model_config = ConfigDict(protected_namespaces=(), use_attribute_docstrings=True)


# Inference


class InputTensor(Object):
    """One input; its data is here, or behind the JSON when `parameters` has `binary_data_size`."""

    name: StrictStr
    shape: Annotated[list[Dimension], FailFast()]
    datatype: Datatype
    parameters: Parameters | None = None
    data: Annotated[Any, WithJsonSchema({"type": ["array", "null"], "items": {}})] = None
    """Numbers or texts, nested by the shape or flat; checked as an array and not one by one."""


class RequestedOutput(Object):
    """One output that is asked for; `parameters` may have `binary_data` and `classification`."""

    name: StrictStr
    parameters: Parameters | None = None


class InferRequest(Object):
    """The body of POST …/infer. `parameters` may have `binary_data_output`, `prepare` and `pixel_max`."""

    id: StrictStr | None = None
    parameters: Parameters | None = None
    inputs: Annotated[list[InputTensor], FailFast()] = Field(min_length=1)
    outputs: Annotated[list[RequestedOutput] | None, FailFast()] = None
    """None or empty: all."""


class OutputTensor(Object):
    """One output; its data is here, flat, or behind the JSON when `parameters` has `binary_data_size`."""

    name: str
    datatype: str
    shape: list[int]
    parameters: Parameters | None = None
    data: list[int] | list[float | None] | list[str] | None = None


class InferResponse(Object):
    """The answer to POST …/infer, or its first part."""

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[OutputTensor]


class Error(Object):
    """What every request that fails is answered with."""

    error: str


# The server and its models


class ServerMetadata(Object):
    """GET /v2."""

    name: str
    version: str
    extensions: list[str]


class ServerLive(Object):
    """GET /v2/health/live."""

    live: bool


class ServerReady(ServerLive):
    """GET /v2/health/ready."""

    ready: bool


class ModelReady(Object):
    """GET …/ready of a model or a version."""

    name: str
    ready: bool


class ModelNames(Object):
    """GET /v2/models."""

    models: list[str]


class TensorMetadata(Object):
    """An input or output; −1 in its shape is any number."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(Object):
    """GET of a model or a version."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]
    properties: dict[str, str]


class TensorConfig(Object):
    """An input or output of one picture: its shape without the number of pictures."""

    name: str
    data_type: str
    dims: list[int]


class SpecificVersions(Object):
    """The versions that answer."""

    versions: list[int]


class VersionPolicy(Object):
    """Which versions answer: always those that are named."""

    specific: SpecificVersions


class ModelConfig(Object):
    """GET …/config."""

    name: str
    platform: str
    backend: str
    version_policy: VersionPolicy
    max_batch_size: int
    input: list[TensorConfig]
    output: list[TensorConfig]


# Statistics


class Duration(Object):
    """How often something was done, and the nanoseconds of all times together."""

    count: int = 0
    ns: int = 0


class InferStatistics(Object):
    """By the protocol's names; nothing waits in a queue here, and nothing is cached."""

    success: Duration
    fail: Duration
    queue: Duration
    compute_input: Duration
    compute_infer: Duration
    compute_output: Duration
    cache_hit: Duration = Duration()
    cache_miss: Duration = Duration()


class ModelStatistics(Object):
    """What one version has answered."""

    name: str
    version: str
    last_inference: int
    """Milliseconds since 1970, 0 for never."""
    inference_count: int
    """Pictures."""
    execution_count: int
    """Requests, each of them one batch."""
    inference_stats: InferStatistics
    response_stats: dict[str, Any] = {}
    batch_stats: list[Any] = []
    memory_usage: list[Any] = []


class AllStatistics(Object):
    """GET …/stats."""

    model_stats: list[ModelStatistics]


# The repository


class IndexRequest(Object):
    """The body of POST /v2/repository/index, if it has one."""

    ready: StrictBool | None = None
    """Whether only what is ready is listed."""


class IndexEntry(Object):
    """One version in the answer to POST /v2/repository/index, which is a list of these."""

    name: str
    version: str
    state: Literal["READY", "UNAVAILABLE", "LOADING"]
    reason: str = ""


class LoadParameters(Object):
    """What may be said to a load; `file:…` and `config` of Triton's are refused."""

    model_config = ConfigDict(extra="allow")

    version: StrictStr | Annotated[StrictInt, WHOLE] | None = None
    """A version's number, or an alias; by default the newest version."""
    force: StrictBool = False
    """Whether the version may answer with other classes than the one that is in production."""
    why: StrictStr = ""
    """For the alias document's history."""


class LoadRequest(Object):
    """The body of POST …/load, if it has one."""

    parameters: LoadParameters | None = None


class UnloadParameters(Object):
    """What may be said to an unload; nothing depends on a model here, so `unload_dependents` changes nothing."""

    unload_dependents: StrictBool | None = None
    why: StrictStr = ""


class UnloadRequest(Object):
    """The body of POST …/unload, if it has one."""

    parameters: UnloadParameters | None = None


class Loaded(Object):
    """The answer to POST …/load and …/unload: `load` or `unload` is true, as KServe's own servers say it."""

    name: str
    load: bool | None = None
    unload: bool | None = None
    version: str
    """What answers now, or what answered until now."""
    generation: int
