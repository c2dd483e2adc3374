"""A recipe is everything that decides how a run goes: small TOML files in `recipes/`, each field a flag as well."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from mlp.metadata import ModelName
from training.augment import Augmentation
from training.errors import RecipeError
from training.losses import LOSSES

FOLDER = Path(__file__).parent / "recipes"

Part = Annotated[int, Field(ge=1)] | Annotated[float, Field(gt=0, lt=1)]
"""A number of examples, or a fraction of them."""


def _from_commas(value: object) -> object:
    return [part for part in value.split(",") if part] if isinstance(value, str) else value


Units = Annotated[tuple[Annotated[int, Field(ge=1, le=100_000)], ...], BeforeValidator(_from_commas)]
"""Units of each hidden layer; a text of numbers with commas between them will do."""

ActivationName = Literal["sigmoid", "tanh", "relu", "softmax", "identity"]


class Recipe(Augmentation):
    """What a run does with which data. The sentence under a field is its help on the command line."""

    model: ModelName = "digits"
    """Name that the version is published under."""
    dataset: str = "mnist"
    """"mnist", "fashion-mnist", or a path: a folder of IDX files, a folder with one sub-folder a class, or an .npz."""
    preparation: Literal["digit", "fit"] = "digit"
    """What a picture goes through before the network sees it, in training from a folder and in service."""
    height: int = Field(default=28, ge=1, le=1024)
    """Height in pixels that pictures from a folder are brought to."""
    width: int = Field(default=28, ge=1, le=1024)
    """Width in pixels that pictures from a folder are brought to."""
    low: float = -1.0
    """Feature that pixel 0 becomes."""
    high: float = 1.0
    """Feature that pixel 255 becomes."""
    printed: float = Field(default=0.0, ge=0, le=1)
    """Share of the training examples by which they are increased with printed digits; for the classes 0 to 9 only."""
    written: float = Field(default=0.0, ge=0, le=1)
    """Share of the training examples by which they are increased with digits as other schools write them; for the
    classes 0 to 9 only."""
    enlarged: float = Field(default=0.0, ge=0, le=1)
    """Share of the training examples by which they are increased with some of them as if enlarged from few pixels."""
    outliers: float = Field(default=0.0, ge=0, le=1)
    """Share of the training examples by which they are increased with pictures of no class: strokes, frames, noise, and
    where there are printed digits, letters."""
    replay: int = Field(default=0, ge=0)
    """Training examples of the data set that are trained on, for a short run; 0 is all of them."""
    feedback_weight: int = Field(default=50, ge=1)
    """How often an epoch has each correction that --with-feedback mixes in; all together are at most half of it."""
    corrections: str = ""
    """SHA-256 over the corrections that were mixed in; --with-feedback fills it in."""
    pool: bool = False
    """Put the data set's own test part in with the rest before splitting, as the book does."""
    validation: Part = 5000
    """Examples, or fraction of them, kept from training; every choice is made on these."""
    test: Part = 0.15
    """Examples, or fraction of them, read once at the end. Not used where the data set's own test part is kept."""
    hidden: Units = (100,)
    """Units of each hidden layer, comma-separated; nothing for none."""
    activation: ActivationName = "relu"
    """Activation of the hidden layers."""
    output: ActivationName = "softmax"
    """Activation of the output layer."""
    loss: Literal["mse", "cross_entropy"] = "cross_entropy"
    """What is minimised; see training/losses.py for the definitions."""
    start: str = Field(default="", pattern=r"^([1-9][0-9]{0,8}|[a-z][a-z0-9_-]{0,63})?$")
    """Version of the model, a number or an alias, whose weights the run goes on from; nothing to begin anew."""
    init: Literal["normal", "glorot", "he"] = "he"
    """Distribution of the first weights."""
    init_scale: float = Field(default=1.0, gt=0)
    """Standard deviation for "normal"; a factor on the usual spread for "glorot" and "he"."""
    optimiser: Literal["sgd", "nesterov", "adamw"] = "sgd"
    """How a gradient becomes a step."""
    momentum: float = Field(default=0.0, ge=0, lt=1)
    """Share of the last step's direction that is kept; for "adamw" 0 means its usual 0.9."""
    learning_rate: float = Field(default=0.1, gt=0)
    """Length of a step in units of the gradient."""
    schedule: Literal["constant", "cosine", "step"] = "constant"
    """How the learning rate falls over the run: not, to 0 along a cosine, or to a tenth at 1/2 and at 3/4."""
    warmup: float = Field(default=0.0, ge=0)
    """Epochs over which the learning rate first rises from 0."""
    batch_size: Annotated[int, Field(ge=1)] | Literal["full"] = 100
    """Examples a step: 1 is online, "full" is full-batch, anything between is mini-batch gradient descent."""
    epochs: int = Field(default=20, ge=1)
    """Passes over the training examples."""
    l2: float = Field(default=0.0, ge=0)
    """λ of the penalty λ/2 · Σ w² on the weights."""
    weight_decay: float = Field(default=0.0, ge=0)
    """Share of a weight, times the learning rate, that is taken off at each step, apart from the gradient."""
    dropout: float = Field(default=0.0, ge=0, le=0.9)
    """Share of the hidden units that are left out at random in each training step."""
    batch_norm: bool = False
    """Normalise the hidden units over each batch while training; it is folded into the weights that are kept."""
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    """Share of each target that is spread over all classes."""
    average: float = Field(default=0.0, ge=0, lt=1)
    """Decay of a running average of the weights, which is then what is measured and kept; 0 for none."""
    calibrate: bool = True
    """Divide the output layer of a softmax network by the temperature that makes its scores right on validation."""
    patience: int = Field(default=0, ge=0)
    """Epochs without a better validation accuracy after which the run ends; 0 never ends it early."""
    keep: Literal["best", "last"] = "best"
    """Which weights are published: those of the epoch best on validation, or those of the last."""
    train_sample: int = Field(default=10_000, ge=0)
    """Training examples on which loss and accuracy are measured after each epoch; 0 is all of them."""
    workers: int = Field(default=1, ge=1, le=64)
    """Processes that share each batch, one for each core at most; worth it from batches of 128 or large networks."""
    seed: int = Field(default=1, ge=0)
    """Decides the split, the first weights and the order: the same seed gives the same weights, bit for bit."""

    @model_validator(mode="after")
    def _fits_together(self) -> "Recipe":
        outputs = LOSSES[self.loss].outputs
        if self.output not in outputs:
            raise ValueError(f"the loss {self.loss} goes with the output {' or '.join(outputs)}, not {self.output}")
        if self.dropout and self.activation == "softmax":
            raise ValueError("dropout does not go with softmax in hidden layers: a derivative needs all units")
        if self.batch_norm and self.batch_size == 1:
            raise ValueError("batch_norm needs batches of more than one example: over one there is no variance")
        if self.batch_norm and self.start:
            raise ValueError("batch_norm does not go with start: in a stored version it is folded into the weights")
        if self.low >= self.high:
            raise ValueError(f"low must be below high, got {self.low} and {self.high}")
        return self

    def examples(self, n: int, corrections: int = 0) -> int:
        """Give how many examples an epoch has, where the data set has n, and so many corrections are mixed in."""
        n = min(self.replay or n, n)
        own = n + sum(round(share * n) for share in (self.printed, self.written, self.enlarged, self.outliers))
        return own + corrections * self.copies(own, corrections)

    def copies(self, own: int, corrections: int) -> int:
        """Give how many times an epoch of `own` other examples has each of so many corrections."""
        return max(1, min(self.feedback_weight, own // corrections)) if corrections else 0

    @property
    def activations(self) -> tuple[str, ...]:
        """One name for each layer."""
        return (*[self.activation] * len(self.hidden), self.output)


def names() -> list[str]:
    """Give the names of the recipes that come with the project, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name: str, overrides: dict[str, Any] | None = None) -> Recipe:
    """Read a recipe, by its name in `recipes/` or the path of a .toml file, with some fields replaced.

    Raises RecipeError naming the field and what it may be.
    """
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    try:
        fields = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        there = ", ".join(names())
        raise RecipeError(f"no recipe {name!r}; there are {there}, or give the path of a .toml file") from None
    except (OSError, ValueError) as error:
        raise RecipeError(f"the recipe {path} cannot be read: {error}") from error
    try:
        return Recipe.model_validate({**fields, **(overrides or {})})
    except ValidationError as error:
        lines = (f"{'.'.join(map(str, e['loc'])) or 'recipe'}: {e['msg']}" for e in error.errors())
        raise RecipeError(f"the recipe {name}: " + "; ".join(lines)) from error
