"""What a version says about itself: the JSON text inside its file, validated."""

from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, field_validator, model_validator

from mlp.activations import ACTIVATIONS
from mlp.prepare import PREPARATIONS

FORMAT: Final = 1
"""Number of the file format. A change that an old reader would misread takes the next one."""

ModelName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Label = Annotated[str, Field(min_length=1, max_length=200)]


class Strict(BaseModel):
    """Frozen, and a field that nobody knows is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


class Input(Strict):
    """What one example looks like to the network."""

    height: int = Field(ge=1, le=4096)
    width: int = Field(ge=1, le=4096)
    channels: Literal[1] = 1
    low: float
    """The feature that pixel 0 becomes."""
    high: float
    """The feature that pixel 255 becomes; pixels between are scaled linearly."""
    preparation: str
    """The name, in `PREPARATIONS`, of what a picture goes through before the network sees it."""

    @field_validator("preparation")
    @classmethod
    def _known_preparation(cls, name: str) -> str:
        if name not in PREPARATIONS:
            raise ValueError(f"unknown preparation {name!r}, known are {', '.join(PREPARATIONS)}")
        return name

    @property
    def size(self) -> int:
        """Number of features, d."""
        return self.height * self.width


class TrainedOn(Strict):
    """The data set that a version was trained on."""

    name: str
    sha256: Sha256 | None = None


class Metadata(Strict):
    """Everything about a version but its numbers."""

    format: Literal[1] = FORMAT
    name: ModelName
    version: int = Field(ge=1)
    created_at: AwareDatetime
    sizes: tuple[Annotated[int, Field(ge=1)], ...] = Field(min_length=2, max_length=101)
    """Units from the input d over the hidden layers to the classes c."""
    activations: tuple[str, ...] = Field(min_length=1, max_length=100)
    """One name for each layer, so one fewer than sizes."""
    input: Input
    labels: tuple[Label, ...] = Field(min_length=2, max_length=100_000)
    """The classes in the order of the scores."""
    recipe: dict[str, JsonValue] = {}
    seed: int | None = None
    dataset: TrainedOn | None = None
    metrics: dict[str, float] = {}
    """Measured on the held-out test set unless the name says otherwise; accuracies from 0 to 1."""
    libraries: dict[str, str] = {}
    sha256: Sha256
    """Over the arrays; see `mlp.version_file.digest`."""

    @field_validator("activations")
    @classmethod
    def _known_activations(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in ACTIVATIONS:
                raise ValueError(f"unknown activation {name!r}, known are {', '.join(ACTIVATIONS)}")
        return names

    @model_validator(mode="after")
    def _fits_together(self) -> "Metadata":
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("two classes have the same label")
        if len(self.sizes) != len(self.activations) + 1:
            raise ValueError(f"{len(self.sizes)} sizes do not go with {len(self.activations)} activations")
        if (self.sizes[0], self.sizes[-1]) != (self.input.size, len(self.labels)):
            raise ValueError(
                f"sizes {self.sizes} do not lead from {self.input.size} pixels to {len(self.labels)} labels"
            )
        return self

    @property
    def weights(self) -> int:
        """Number of trained values, weights and biases together."""
        return sum((fan_in + 1) * fan_out for fan_in, fan_out in zip(self.sizes[:-1], self.sizes[1:], strict=True))
