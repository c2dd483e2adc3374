"""PyTorch: modules and automatic differentiation; all features one tensor, of which batches are selected by index.

A `DataLoader` would take longer than the network. The optimisers are the fused ones. `torch.compile` is not used:
docs/training-speed.md says what it did.
"""

from itertools import pairwise

import numpy as np
import torch
from torch import nn

from benchmarks.training.pictures import CLASSES, Pictures, features
from benchmarks.training.shapes import Shape


class Trainer:
    """A `Sequential`, and as many threads as cores."""

    def __init__(self, shape: Shape, pictures: Pictures, cores: int) -> None:
        torch.set_num_threads(cores)
        self._shape = shape
        self._sizes = shape.sizes(pictures.pixels[0].size, CLASSES)
        self._x = torch.from_numpy(features(pictures.pixels, np.float32))  # (n, d)
        self._y = torch.from_numpy(pictures.labels)
        self._test = torch.from_numpy(features(pictures.test_pixels, np.float32))
        self._test_labels = torch.from_numpy(pictures.test_labels)
        self._loss: nn.Module = nn.CrossEntropyLoss()
        if shape.activation == "sigmoid":
            self._loss = nn.MSELoss()
            self._y = nn.functional.one_hot(self._y, CLASSES).float()  # (n, c)
        torch.optim.SGD([torch.zeros(1)])  # the first optimiser imports more of PyTorch: a second that is not prepare's

    def prepare(self) -> None:  # noqa: D102 - as Contestant says
        shape = self._shape
        torch.manual_seed(shape.seed)
        modules: list[nn.Module] = []
        for fan_in, fan_out in pairwise(self._sizes):
            linear = nn.Linear(fan_in, fan_out)
            nn.init.normal_(linear.weight, std=shape.spread(fan_in))
            nn.init.zeros_(linear.bias)
            modules += [linear, nn.Sigmoid() if shape.activation == "sigmoid" else nn.ReLU()]
        if shape.activation == "relu":
            modules.pop()  # the softmax is in the loss
        self._network = nn.Sequential(*modules)
        self._optimiser = self._new_optimiser()
        self._steps = 0

    def _new_optimiser(self) -> torch.optim.Optimizer:
        shape, parameters = self._shape, self._network.parameters()
        if shape.optimiser == "adamw":
            return torch.optim.AdamW(parameters, shape.learning_rate, weight_decay=shape.weight_decay, fused=True)
        return torch.optim.SGD(
            parameters, shape.learning_rate, shape.momentum, nesterov=shape.optimiser == "nesterov", fused=True
        )

    def epoch(self) -> None:  # noqa: D102
        batches = torch.randperm(len(self._x)).split(self._shape.batch)
        for chosen in batches:
            self._steps += 1
            for group in self._optimiser.param_groups:
                group["lr"] = self._shape.rate(self._steps, len(batches))
            x, y = self._x.index_select(0, chosen), self._y.index_select(0, chosen)
            self._optimiser.zero_grad()
            self._loss(self._network(x), y).backward()
            self._optimiser.step()

    def accuracy(self) -> float:  # noqa: D102
        with torch.inference_mode():
            return float((self._network(self._test).argmax(1) == self._test_labels).float().mean())

    def close(self) -> None:
        """Nothing is open."""
