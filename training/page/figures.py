"""The figures of the report, each as the address of an SVG picture; how they become one is in drawing.py."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator, PercentFormatter, StrMethodFormatter

from mlp.arrays import Float, Ints
from training.measure import Epoch, Measure
from training.page.calibration import BINS, Reliability
from training.page.drawing import drawn, shown

# Colours that remain apart for colour-blind readers (Okabe and Ito 2008).
_BLUE: Final = "#0072b2"
_LIGHT_BLUE: Final = "#8cc4e8"
_ORANGE: Final = "#d55e00"
_GREY: Final = "#767676"

_FEW_EPOCHS: Final = 12
"""Up to which each epoch gets a mark of its own."""

_LABEL: Final = 14
"""Characters of a class's name in a figure."""


def loss_curve(epochs: Sequence[Epoch], kept: int) -> str:
    """Draw train and validation loss over the epochs, at least one; logarithmic where it falls far."""

    def draw(figure: Figure) -> None:
        axes = _curves(figure, epochs, kept, lambda measure: measure.loss)
        losses = [measure.loss for epoch in epochs for measure in (epoch.train, epoch.validation)]
        if min(losses) > 0 and max(losses) > 10 * min(losses):
            axes.set_yscale("log")
        axes.set_ylabel("loss")

    return drawn(5.2, 3.4, draw)


def accuracy_curve(epochs: Sequence[Epoch], kept: int) -> str:
    """Draw train and validation accuracy over the epochs, at least one."""

    def draw(figure: Figure) -> None:
        axes = _curves(figure, epochs, kept, lambda measure: measure.accuracy)
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.set_ylabel("accuracy")

    return drawn(5.2, 3.4, draw)


def _curves(figure: Figure, epochs: Sequence[Epoch], kept: int, value: Callable[[Measure], float]) -> Axes:
    axes = figure.add_subplot()
    numbers = [epoch.number for epoch in epochs]
    marker = "o" if len(epochs) <= _FEW_EPOCHS else ""
    axes.axvline(kept, color=_GREY, linestyle=":", label=f"epoch {kept}, kept")
    axes.plot(numbers, [value(epoch.train) for epoch in epochs], color=_BLUE, marker=marker, ms=4, label="train")
    validation = [value(epoch.validation) for epoch in epochs]
    axes.plot(numbers, validation, color=_ORANGE, marker=marker, ms=4, label="validation")
    axes.plot(kept, validation[numbers.index(kept)], color=_ORANGE, marker="D", ms=7, markeredgecolor="black")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if len(epochs) <= _FEW_EPOCHS:
        axes.set_xlim(numbers[0] - 0.5, numbers[-1] + 0.5)
    axes.set_xlabel("epoch")
    axes.legend()
    return axes


def confusion_matrix(confusion: Ints, labels: Sequence[str]) -> str:
    """Draw counts (c, c), row the true class, column the answer; the mistakes are coloured, the diagonal is not."""
    names = [shown(label, _LABEL) for label in labels]
    right = np.eye(len(labels), dtype=bool)
    mistakes = np.ma.masked_equal(np.where(right, 0, confusion), 0)
    most = max(1, int(mistakes.max()) if mistakes.count() else 0)
    size = 10 if confusion.max() < 1000 else 9
    side = max(3.2, 0.42 * len(labels)) + 0.07 * max(map(len, names))

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.grid(visible=False)
        axes.imshow(np.where(right, 1, np.nan), cmap="Blues", vmin=0, vmax=12, interpolation="none")
        axes.imshow(mistakes, cmap="Oranges", vmin=0, vmax=1.3 * most, interpolation="none")
        for row, column in zip(*np.nonzero(confusion), strict=True):
            weight, color = ("normal", _GREY) if row == column else ("bold", "black")
            count = str(confusion[row, column])
            axes.text(column, row, count, ha="center", va="center", weight=weight, color=color, size=size)
        rotation = 90 if max(map(len, names)) > 2 else 0
        axes.set_xticks(range(len(names)), names, rotation=rotation, parse_math=False)
        axes.set_yticks(range(len(names)), names, parse_math=False)
        axes.set_xlabel("answered")
        axes.set_ylabel("true class")

    return drawn(side, side, draw)


def reliability_diagram(bins: Reliability) -> str:
    """Draw accuracy over confidence, with the gap to the diagonal, and how many examples each bin has."""
    edges = np.linspace(0, 1, BINS + 1)
    full = bins.counts > 0

    def draw(figure: Figure) -> None:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
        width, left = 1 / BINS, edges[:-1][full]
        accuracy, confidence = bins.accuracy[full], bins.confidence[full]
        above.bar(left, accuracy, width, align="edge", color=_LIGHT_BLUE, edgecolor="white", label="accuracy")
        above.bar(
            left, confidence - accuracy, width, accuracy, align="edge", color="none", edgecolor=_ORANGE, hatch="////",
            label="gap to mean confidence",
        )  # fmt: skip
        above.plot([0, 1], [0, 1], color="black", linestyle="--", label="calibrated")
        above.set(ylim=(0, 1), ylabel="accuracy", title=f"expected calibration error {bins.error:.2%}")
        above.legend(loc="upper left", frameon=True, framealpha=0.9, edgecolor="none")
        below.bar(left, bins.counts[full], width, align="edge", color=_GREY, edgecolor="white")
        below.set(xlim=(0, 1), xlabel="confidence", ylabel="examples", yscale="log", ylim=(0.5, None))
        below.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        below.yaxis.set_minor_locator(NullLocator())

    return drawn(5.2, 5.2, draw)


def separation(confidence: Mapping[str, Float]) -> str:
    """Draw one histogram of confidence below the other, for each kind of pictures by its name; the first is blue."""
    everything = np.concatenate(list(confidence.values()))
    edges = np.linspace(min(0.0, everything.min()), max(1.0, everything.max()), 41)

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        for row, values in enumerate(confidence.values()):
            counts = np.histogram(values, edges)[0]
            color = _BLUE if row == 0 else _ORANGE
            axes.stairs(-row + 0.8 * counts / counts.max(), edges, baseline=-row, fill=True, color=color)
            axes.axhline(-row, color="black", linewidth=0.8)
        axes.set_yticks(0.3 - np.arange(len(confidence)), list(confidence))
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        axes.spines[["left", "bottom"]].set_visible(False)
        axes.set(xlim=(edges[0], edges[-1]), ylim=(1 - len(confidence), 1), xlabel="confidence")

    return drawn(7.2, 0.7 + 0.5 * len(confidence), draw)


def weight_pictures(sheet: Float) -> str:
    """Draw a sheet of weights (height, width) in colours from the least to the greatest, 0 white, nan between units."""
    limit = float(np.nanmax(np.abs(sheet))) or 1.0
    height, width = sheet.shape
    scale = 7 / max(sheet.shape)

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.axis("off")
        colours = mpl.colormaps["RdBu_r"].with_extremes(bad="white")
        image = axes.imshow(sheet, cmap=colours, vmin=-limit, vmax=limit, interpolation="none")
        figure.colorbar(image, ax=axes, shrink=0.6, label="weight")

    return drawn(width * scale + 1, height * scale, draw)
