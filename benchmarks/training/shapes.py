"""What is trained, the same for every contestant: networks, batches, and how a gradient becomes a step."""

import math
from dataclasses import dataclass, replace
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Shape:
    """A network and the descent that trains it.

    Sigmoid networks are the book's: sigmoid outputs, squared error, first weights N(0, 0.1). ReLU networks have softmax
    outputs, cross-entropy, first weights by He et al. 2015. Pixels go from 0 to 1.
    """

    hidden: tuple[int, ...]
    batch: int
    activation: Literal["sigmoid", "relu"]
    optimiser: Literal["sgd", "nesterov", "adamw"]
    learning_rate: float
    """In units of the gradient of the mean over examples, for squared error over examples and classes."""
    momentum: float = 0.0
    weight_decay: float = 0.0
    schedule: Literal["constant", "cosine"] = "constant"
    warmup: float = 0.0
    """Epochs over which the learning rate rises from 0."""
    epochs: int = 1000
    """Of the whole run, for the schedule; a measurement may end before."""
    seed: int = 1

    def sizes(self, features: int, classes: int) -> tuple[int, ...]:
        """Give d, h1, …, c."""
        return features, *self.hidden, classes

    def spread(self, fan_in: int) -> float:
        """Give the standard deviation of a layer's first weights."""
        return 0.1 if self.activation == "sigmoid" else math.sqrt(2 / fan_in)

    def rate(self, step: int, steps: int) -> float:
        """Give the learning rate of step `step`, from 1, where an epoch has `steps`."""
        done = step / steps
        if done < self.warmup:
            return self.learning_rate * done / self.warmup
        if self.schedule == "constant":
            return self.learning_rate
        progress = (done - self.warmup) / (self.epochs - self.warmup)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))

    def __str__(self) -> str:
        """Give it as a table's row names it."""
        network = "-".join(map(str, self.sizes(784, 10)))
        names = {"sgd": "SGD", "nesterov": "Nesterov", "adamw": "AdamW", "sigmoid": "sigmoid", "relu": "ReLU"}
        return f"{network}, batch {self.batch}, {names[self.activation]}, {names[self.optimiser]}"


def book(hidden: int, batch: int) -> Shape:
    """Give the book's kind of network; its learning rate of 0.1 is 1.0 for the gradient of the mean over classes."""
    return Shape((hidden,), batch, "sigmoid", "sgd", 1.0)


SMALL: Final = (book(50, 100), book(50, 256), book(100, 100), book(100, 256))
LARGE: Final = (
    Shape((1024, 512), 128, "relu", "nesterov", 0.05, momentum=0.9),
    Shape((1024, 512), 128, "relu", "adamw", 1e-3, weight_decay=0.01),
)
SHARED: Final = (book(50, 256), book(100, 256), book(800, 256))
"""What two cores are measured on."""

FAST: Final = Shape(
    (256,), 128, "relu", "nesterov", 0.2, momentum=0.9, schedule="cosine", warmup=0.3, epochs=4
)  # as training/recipes/fast.toml
GOALS: Final = {
    "scikit-learn": replace(FAST, learning_rate=0.1, schedule="constant", warmup=0.0, epochs=20),
    "book's code": replace(book(256, 20), learning_rate=2.0, epochs=20),
}
"""What those train to an accuracy who cannot train `FAST`: the same size, by the best means that they have."""
