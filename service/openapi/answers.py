"""What the service answers in its own protocol, as pydantic models that describe it.

Predictions are written without any model on the way (service/answer.py), and the catalogue as dicts; tests hold the
real answers against what is here. The models of the other protocols are at home with these.
"""

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, create_model

from mlp.aliases import Rule
from mlp.metadata import Metadata


class Described(BaseModel):
    """A docstring under a field is its description."""

    model_config = ConfigDict(use_attribute_docstrings=True, protected_namespaces=())


# Predictions


class ClassScore(Described):
    """One class and its score."""

    label: str
    score: float | None


class Prediction(Described):
    """The answer to one picture."""

    label: str
    """The class with the highest score."""
    index: int = Field(ge=0)
    """Its number."""
    confidence: float | None
    """Its score."""
    scores: list[float | None]
    """The output layer's activations, one a class, rounded to seven decimals; null for one that is not finite."""
    one_hot: list[Literal[0, 1]]
    """The threshold function on the scores: 1 for the class that is named, 0 for the others."""
    top_k: list[ClassScore] | None = None
    """The best classes by falling score; only there when `top_k` is above 0."""


class Predictions(Described):
    """The answers to all pictures of a request, in their order."""

    model: str
    version: int = Field(ge=1)
    """The version that answered."""
    predictions: list[Prediction] = Field(min_length=1)


class Columns(Described):
    """The answers to all pictures, n, each as one array."""

    scores: list[list[float | None]]
    one_hot: list[list[Literal[0, 1]]]
    index: list[int]
    label: list[str]


class ColumnsAnswer(Described):
    """The answer to `inputs` in TF Serving's protocol."""

    outputs: Columns


class ExplainedUnit(Described):
    """A hidden unit of the first layer, and what it added to the evidence."""

    unit: int = Field(ge=0)
    """Its number."""
    activation: float
    contribution: float
    """Activation × gradient of the evidence."""
    weight_step: float = Field(gt=0)
    """What a weight of 1 stands for."""
    weights: list[list[int]]
    """Its input weights in steps, height × width: what it responds to."""


class Explanation(Described):
    """Why a picture is read as it is."""

    label: str
    """The class that is explained."""
    index: int = Field(ge=0)
    """Its number."""
    pixels: list[list[int]]
    """What the network was given, 0 … 255, height × width."""
    evidence: float
    """The pre-activation of the class less the mean of the others'."""
    relevance: list[list[float]]
    """How much each pixel's ink adds to the evidence or takes from it: gradient × input, height × width."""
    units: list[ExplainedUnit]
    """The hidden units whose contribution is largest in size."""


class Explained(Predictions):
    """The answer to one picture, and why."""

    explanation: Explanation


# Models


class ModelSummary(Described):
    """A model in the list of all."""

    name: str
    production: int | None
    """The version that answers; null when none is in production."""
    versions: list[int]
    """All versions in the store, rising."""


class ModelList(Described):
    """All models."""

    models: list[ModelSummary]


class VersionSummary(Described):
    """What is known of a version; what its file says is left out when that cannot be read."""

    version: int = Field(ge=1)
    created_at: AwareDatetime | None = None
    sha256: str | None = None
    """Over its arrays."""
    weights: int | None = None
    """Number of trained values."""
    metrics: dict[str, float] | None = None
    """Measured on the held-out test set unless the name says otherwise; accuracies from 0 to 1."""
    aliases: list[str]
    """The aliases that name it."""
    state: Literal["ready", "available", "refused"]
    """Whether it is in memory, in the store (it answers when asked for by number), or cannot be served."""
    reason: str | None = None
    """Why it was refused."""
    report: Literal[True] | None = None
    """Whether there is a training report of it; left out where there is none."""


def _details() -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for model in (VersionSummary, Metadata):
        fields |= {name: (field.annotation, field) for name, field in model.model_fields.items()}
    about = "Everything that a version says of itself, and what is known of it."
    return create_model("VersionDetails", __base__=Described, __doc__=about, **fields)


VersionDetails = _details()


class Refused(Described):
    """A change that was not served."""

    generation: int
    """Of the alias document that would have been live."""
    reason: str
    at: AwareDatetime


class ShadowAnswer(Described):
    """What one of two versions answered."""

    version: int
    label: str
    scores: list[float] | None


class ShadowExample(Described):
    """A picture on which the shadow and production disagreed."""

    request_id: str
    production: ShadowAnswer
    shadow: ShadowAnswer
    shape: list[int]
    pixels: str | None
    """The pixels as bytes, in base64."""


class ShadowComparison(Described):
    """How the answers of the version behind `shadow` compare with production's."""

    version: int
    production: int
    pictures: int = Field(ge=0)
    """Pictures that both have answered."""
    agreement: float | None = Field(ge=0, le=1)
    """Share of these on which both name the same class; null before the first."""
    distance: float | None
    """Mean of the largest difference of two scores."""
    dropped: int = Field(ge=0)
    """Pictures that the queue had no room for."""
    failed: int = Field(ge=0)
    """Pictures that the shadow cannot answer."""
    lacks: list[str] | None = None
    """What it still lacks by the model's rule."""
    examples: list[ShadowExample] | None = None
    """The newest first, where MLP_SHADOW_EXAMPLES is above 0."""


class StoreUnreachable(Described):
    """What is known of the store while it cannot be reached."""

    reachable: Literal[False]
    age_seconds: float = Field(ge=0)
    """Since it was last read."""


class ModelState(Described):
    """A model: who answers, and what could."""

    name: str
    generation: int = Field(ge=0)
    """Of the alias document that all workers serve."""
    aliases: dict[str, int]
    """The version that each alias names."""
    previous: dict[str, int]
    """The version that each alias named before: where a rollback goes."""
    traffic: dict[str, float] | None = None
    """The share of the requests that each alias answers for `production`."""
    rule: Rule | None = None
    refused: Refused | None = None
    """The change that was not served, until another one is."""
    store: StoreUnreachable | None = None
    """Only while the store cannot be reached; the versions are then those in memory."""
    shadow: ShadowComparison | None = None
    versions: list[VersionSummary]
    """Rising."""


# Changes


class AliasesMoved(Described):
    """The alias document that every worker serves now."""

    name: str
    generation: int = Field(ge=1)
    aliases: dict[str, int]
    previous: dict[str, int]


class VersionStored(Described):
    """The version that was made of what was sent."""

    name: str
    version: int = Field(ge=1)
    """The next number, whatever number is in the file."""


# Operations


class Alive(Described):
    """The process answers."""

    status: Literal["alive"]


class Ready(Described):
    """A model answers."""

    status: Literal["ready"]
