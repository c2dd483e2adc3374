"""Where a command's jobs run: the options for it, the same for all commands that have many jobs."""

from collections.abc import Callable

import click


def where_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--workers` and `--cluster`, for the `size` and `cluster` of training/jobs/run.py's place."""
    command = click.option(
        "--cluster",
        metavar="tcp://HOST:PORT",
        help="Address of a Dask scheduler whose workers do the work. By default it is done on this machine.",
    )(command)
    return click.option(
        "--workers",
        type=click.IntRange(min=1, max=10_000),
        help="How much is done side by side: processes of this machine, by default one for each core, or jobs on the "
        "cluster, by default one for each thread of its workers.",
    )(command)
