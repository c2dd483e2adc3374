"""The experiments' figures, as SVG; see training/page/drawing.py."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from mlp.arrays import Float
from training.experiments.compare import Result
from training.experiments.converge import KINDS, Curve, best
from training.page.drawing import svg

_COLOURS: Final = ("#d55e00", "#0072b2", "#009e73")
"""One for each kind; they remain apart for colour-blind readers (Okabe and Ito 2008)."""


def curves(found: Sequence[Curve]) -> bytes:
    """Draw loss against passes and against seconds: each kind's best rate strong, its others faint."""

    def draw(figure: Figure) -> None:
        for axes, label in zip(
            figure.subplots(1, 2, sharey=True), ("passes over the examples", "seconds"), strict=True
        ):
            for kind, colour in zip(KINDS, _COLOURS, strict=True):
                for curve in (c for c in found if c.kind == kind):
                    chosen = curve is best(found, kind)
                    passes = np.arange(1, curve.losses.shape[1] + 1)
                    x = passes if label.startswith("passes") else np.median(curve.seconds, axis=0)
                    name = f"{kind.name}, rate {curve.rate:g}" if chosen else None
                    axes.plot(
                        x, curve.losses.mean(axis=0), color=colour, lw=2 if chosen else 0.9,
                        alpha=1 if chosen else 0.45, label=name,
                    )  # fmt: skip
                    if chosen:
                        axes.fill_between(
                            x, curve.losses.min(axis=0), curve.losses.max(axis=0), color=colour, alpha=0.2, lw=0
                        )
            axes.set(xscale="log", yscale="log", xlabel=label)
        figure.axes[0].set_ylabel("training loss")
        figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)

    return svg(9, 4, draw)


def surface(steps: Float, losses: Float) -> bytes:
    """Draw the loss as contours around the minimum, on a logarithmic scale."""

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot(aspect="equal")
        levels = np.geomspace(losses.min(), losses.max(), 16)
        filled = axes.contourf(steps, steps, losses.T, levels, cmap="cividis", norm="log")
        axes.contour(steps, steps, losses.T, levels, colors="white", linewidths=0.5)
        axes.plot(0, 0, "o", color="white", markeredgecolor="black", ms=7)
        axes.annotate("the minimum found", (0, 0), (8, 8), textcoords="offset points", color="white")
        axes.set(xlabel="step along a random direction", ylabel="step along another")
        axes.grid(visible=False)
        bar = figure.colorbar(filled, label="training loss")
        bar.ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        bar.ax.yaxis.set_minor_formatter(NullFormatter())
        bar.ax.yaxis.set_major_formatter("{x:g}")

    return svg(5.6, 4.6, draw)


def bars(results: Sequence[Result]) -> bytes:
    """Draw accuracy, times and size of each classifier; the last three on logarithmic scales."""
    values = {
        "test accuracy, %": [100 * result.accuracy for result in results],
        "training, s": [result.train_seconds for result in results],
        "a picture, µs": [1e6 * result.predict_seconds for result in results],
        "size, kB": [result.bytes / 1e3 for result in results],
    }

    def draw(figure: Figure) -> None:
        for number, (axes, (title, row)) in enumerate(
            zip(figure.subplots(1, 4, sharey=True), values.items(), strict=True)
        ):
            y = np.arange(len(results))[::-1]
            colours = [_COLOURS[0] if result.name.startswith("MLP") else _COLOURS[1] for result in results]
            axes.scatter(row, y, color=colours, s=45, zorder=3)
            for at, value in zip(y, row, strict=True):
                axes.annotate(
                    f"{value:,.3g}" if value < 1000 else f"{value:,.0f}",
                    (value, at),
                    (0, 7),
                    textcoords="offset points",
                    ha="center",
                    fontsize=8,
                )
            axes.set(title=title, yticks=y, yticklabels=[result.name for result in results], ylim=(-0.5, len(y) - 0.3))
            if number:
                axes.set_xscale("log")
                axes.xaxis.set_minor_formatter(NullFormatter())
            axes.margins(x=0.25)

    return svg(11, 3.6, draw)
