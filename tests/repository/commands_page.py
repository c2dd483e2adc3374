"""docs/commands.md, made from the help of the commands; `python -m tests.repository.commands_page` writes it."""

import inspect
import textwrap
from collections.abc import Iterator

import click

from tests.drafts import ROOT
from training.cli import main
from training.commands.recipe_options import recipe_options
from training.recipes import Recipe

PAGE = ROOT / "docs/commands.md"
PROGRAM = "python -m training"
ABOUT = """\
# Commands

Every command of `python -m training` and every option, as `--help` prints them; `make docs` writes this page.
[training.md](training.md) says what the commands are for.
"""
FIELDS = """
## Recipe fields

The options that replace a field of a recipe; the default is that of a recipe which does not name the field.

"""
ALL_FIELDS = "and every [recipe field](#recipe-fields)"


def text() -> str:
    root = click.Context(main, info_name=PROGRAM, **main.context_settings)
    sections = [ABOUT, *_section(main, root), FIELDS, *_fields()]
    return "".join(sections)


def commands(group: click.Group = main, before: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command by the words that call it, those of groups within as well."""
    for name, command in sorted(group.commands.items()):
        yield f"{before}{name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{before}{name} ")


def _section(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f"\n```\n{command.get_usage(context).removeprefix('Usage: ')}\n```\n\n{_prose(command.help or '')}"
    yield from _options(command, context)
    for name, inner in sorted(command.commands.items()) if isinstance(command, click.Group) else ():
        yield f"\n## {context.command_path} {name}\n".replace(f"{PROGRAM} ", "")
        yield from _section(inner, click.Context(inner, context, name, **inner.context_settings))


def _prose(text: str) -> str:
    """A help text as Markdown: what click is to leave as it is becomes a block."""
    paragraphs = []
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        title, _, lines = paragraph.removeprefix("\b\n").partition("\n")
        block = f"{title}\n\n```\n{textwrap.dedent(lines)}\n```"
        paragraphs.append(block if paragraph.startswith("\b\n") else paragraph)
    return "\n\n".join(paragraphs) + "\n"


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    own = [option for option in command.params if isinstance(option, click.Option) and not _is_field(option)]
    rows = [option.get_help_record(context) for option in own]
    if rows:
        yield "\n| option | what it is |\n|---|---|\n"
        yield from (f"| `{_cell(names)}` | {_cell(meaning)} |\n" for names, meaning in filter(None, rows))
    left_out = [name for name in Recipe.model_fields if name not in {p.name for p in command.params if _is_field(p)}]
    if len(left_out) < len(Recipe.model_fields):
        but = f" but {', '.join(f'`{name}`' for name in left_out)}" if left_out else ""
        yield f"\n{ALL_FIELDS}{but}.\n"


def _is_field(option: click.Parameter) -> bool:
    """Whether an option replaces a field of a recipe."""
    found = _FIELD_OPTIONS.get(option.name or "")
    return found is not None and isinstance(option, click.Option) and option.help == found.help


def _fields() -> Iterator[str]:
    yield "| option | default | what it is |\n|---|---|---|\n"
    for name, option in _FIELD_OPTIONS.items():
        names, meaning = option.get_help_record(click.Context(main)) or ("", "")
        yield f"| `{_cell(names)}` | `{_shown(Recipe.model_fields[name].default)}` | {_cell(meaning)} |\n"


def _shown(value: object) -> str:
    """A default as it would be given."""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


@click.command()
@recipe_options()
def _train(**_fields: object) -> None:
    """Has all of them, and nothing else."""


_FIELD_OPTIONS = {str(option.name): option for option in _train.params if isinstance(option, click.Option)}


def write() -> None:
    PAGE.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    write()
