"""The page of a run: one HTML file that needs nothing else, with a plot above the tables."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from benchmarks.http import bare
from benchmarks.http.contestant import OURS, PEERS
from benchmarks.http.question import Question
from benchmarks.http.results import Loads
from benchmarks.http.table import Table
from training.page.drawing import drawn

_COLUMNS: Final = 3
_OURS, _PEER, _LIMIT = "#0b6e4f", "#8a94a6", "#d8dce3"


def html(notes: Sequence[str], tables: Sequence[Table], loads: dict[Question, Loads]) -> str:
    """Give the page."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html").render(notes=notes, tables=tables, plot=plot(loads))


def plot(loads: dict[Question, Loads]) -> str:
    """Give bars for each question, in a data URI: images a second, or the p99 where there are more connections."""
    lines = math.ceil(len(loads) / _COLUMNS) or 1

    def draw(figure: Figure) -> None:
        axes = figure.subplots(lines, _COLUMNS, squeeze=False).flat
        for (question, found), ax in zip(loads.items(), axes, strict=False):
            _bars(ax, question, found)
        for ax in axes[len(loads) :]:
            ax.set_axis_off()

    return drawn(13, 2.7 * lines, draw)


def _bars(ax: Axes, question: Question, found: Loads) -> None:
    tails = question.connections > 16
    shown = {name: load.p99 if tails else load.rate * question.pictures for name, load in found.items()}
    names = [name for name in shown if name != bare.PLAIN]
    values = [shown[name] for name in names]
    ax.barh(names, values, color=[_colour(name) for name in names])
    ax.invert_yaxis()
    ax.grid(visible=False, axis="y")
    ax.set_title(f"{question}: {'p99, ms' if tails else 'images/s'}", fontsize=9, loc="left")
    ax.tick_params(labelsize=8)
    ax.xaxis.set_major_locator(MaxNLocator(4))
    ax.xaxis.set_major_formatter(EngFormatter(sep=""))
    ax.margins(x=0.16)
    for place, value in enumerate(values):
        ax.annotate(
            f"{value:,.1f}" if tails else f"{value:,.0f}",
            (value, place),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
        )


def _colour(name: str) -> str:
    return _OURS if name == OURS else _PEER if name in PEERS else _LIMIT
