"""A recipe's fields as options of a command."""

import typing
from collections.abc import Callable, Collection

import click

from training.augment import Augmentation
from training.recipes import Recipe


def recipe_options(without: Collection[str] = ()) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command one option for each field of a recipe; what is given stays text, and the recipe validates it."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own_first = sorted(Recipe.model_fields.items(), key=lambda item: item[0] in Augmentation.model_fields)
        for name, info in reversed(own_first):
            if name in without:
                continue
            flag = name.replace("_", "-")
            switch = info.annotation is bool
            choices = typing.get_args(info.annotation) if typing.get_origin(info.annotation) is typing.Literal else ()
            command = click.option(
                f"--{flag}/--no-{flag}" if switch else f"--{flag}",
                name,
                default=None,
                type=bool if switch else str,
                metavar=None if switch else "|".join(choices) or "VALUE",
                help=(info.description or "").replace("\n", " "),
            )(command)
        return command

    return decorate
