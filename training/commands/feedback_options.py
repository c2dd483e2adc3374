"""The options by which a command learns from corrections, and what they come to: one value, or none without them."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from mlp.corrections import DEFAULT
from training import gate


@dataclass(frozen=True, slots=True)
class Learning:
    """Where corrections are, and what is asked of a version that has learnt from them."""

    url: str
    max_fall: float
    by_trained: bool
    shown: bool
    """Whether the report has the corrections in it."""


def feedback_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--with-feedback` and what belongs to it, as one parameter `learning`."""

    @functools.wraps(command)
    def gathered(
        *arguments: Any,
        with_feedback: bool,
        feedback: str,
        max_fall: float,
        judge_by_trained: bool,
        show_corrections: bool,
        **others: Any,
    ) -> None:
        learning = Learning(feedback, max_fall, judge_by_trained, show_corrections) if with_feedback else None
        command(*arguments, learning=learning, **others)

    options = [
        click.option(
            "--with-feedback",
            is_flag=True,
            help="Train on people's corrections, too, and set the new version beside the one in production.",
        ),
        click.option(
            "--feedback",
            metavar="URL",
            default=DEFAULT,
            show_default=True,
            envvar="MLP_FEEDBACK",
            show_envvar=True,
            help="With --with-feedback: the database in which the corrections are.",
        ),
        click.option(
            "--max-fall",
            type=click.FloatRange(0, 100),
            default=gate.MAX_FALL,
            show_default=True,
            metavar="POINTS",
            help="Points of accuracy on the test set that a version with corrections may lose and be promoted.",
        ),
        click.option(
            "--judge-by-trained",
            is_flag=True,
            help="Where no correction is held out, let those that were trained on decide.",
        ),
        click.option(
            "--show-corrections",
            is_flag=True,
            help="Put the pictures of some corrections into the report. The service shows reports to whoever asks.",
        ),
    ]
    for option in reversed(options):
        gathered = option(gathered)
    return gathered
