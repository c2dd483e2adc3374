"""`python -m training score`: what a version says of more pictures than memory holds, as Parquet files."""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import click
from tqdm import tqdm

from mlp.metadata import Metadata
from mlp.store import Store
from training import interrupt
from training.commands.where import where_options
from training.errors import ScoringError
from training.jobs import run as jobs
from training.jobs.place import Done, Place
from training.jobs.run import place

if TYPE_CHECKING:  # Arrow takes its time, and other commands do not need it
    from training.scoring.items import Item, Packed
    from training.scoring.output import Output
    from training.scoring.plan import Plan
    from training.scoring.source import Source

_INTERRUPTED: Final = 130
"""Exit status after Ctrl-C, as shells have it."""
_BAD: Final = 3
"""Exit status with --strict when a picture was bad."""


@click.command(context_settings={"show_default": True})
@click.argument("model")
@click.argument("version")
@click.argument("source")
@click.option(
    "--output",
    "target",
    required=True,
    metavar="FOLDER|s3://BUCKET/PREFIX",
    help="Where the Parquet files go: a place of its own. The same command goes on with what is there.",
)
@click.option(
    "--shard-size",
    type=click.IntRange(min=1, max=10_000_000),
    show_default="2048, fewer for large pictures or many classes",
    help="Pictures in each file; a process has that many in memory.",
)
@click.option(
    "--prepare",
    type=click.Choice(["auto", "none"]),
    default="auto",
    help="What is done to pictures: what the network's training pictures went through, or nothing but making them "
    "grey, and then they must have the network's size. Arrays go to the network unchanged.",
)
@click.option(
    "--pixel-max",
    type=click.Choice(["auto", "1", "255"]),
    default="auto",
    help="The value of a full pixel in arrays. By default 255 for integers; for floats the largest value of the whole "
    "array tells, which takes reading it twice.",
)
@click.option("--overwrite", is_flag=True, help="Remove the scores that are there, and begin anew.")
@click.option("--strict", is_flag=True, help=f"Exit with status {_BAD} when a picture was bad; the others are scored.")
@where_options
@click.pass_obj
def score(
    store: Store,
    /,
    model: str,
    version: str,
    source: str,
    target: str,
    shard_size: int | None,
    prepare: Literal["auto", "none"],
    pixel_max: str,
    overwrite: bool,
    strict: bool,
    workers: int | None,
    cluster: str | None,
) -> None:
    """Write what VERSION (a number or an alias) of MODEL says of all pictures of SOURCE to Parquet files.

    SOURCE is a folder with pictures and .npy arrays at any depth, a .zip of pictures, a .npy array, IDX files as MNIST
    has them, or s3://bucket/prefix. A picture that cannot be read is listed with the reason, and the others are scored.

    After Ctrl-C, a crash or kill -9, the same command goes on: a file that is there is whole, and not made again.

    \b
    Examples:
      python -m training score digits production ~/scans --output scores/scans
      python -m training score digits 3 s3://scans/2026 --output s3://scores/2026 --workers 8
      python -m training score digits 3 /mnt/scans.zip --output /mnt/scores --cluster tcp://10.0.0.7:8786
    """  # noqa: D301
    from training.scoring import plan as plans
    from training.scoring import shard, summary
    from training.scoring.output import open_output
    from training.scoring.source import open_source

    loaded = store.read(model, store.resolve(model, version))
    about = loaded.metadata
    pictures, where = open_source(source), open_output(target)
    _check(pictures, where)
    size = shard_size or plans.shard_size(about)
    options = {"source": source, "prepare": prepare, "pixel_max": pixel_max}
    items = _listed(pictures.items(about.input, None if pixel_max == "auto" else int(pixel_max)))
    with _interruptible(), plans.planned(items, about, size, options) as plan, where.held():
        done = plans.begin(plan, where, overwrite=overwrite)
        begun = time.perf_counter()
        task = shard.Task(loaded, pictures, where, prepare)
        if len(done) < plan.shards:
            with place(shard.score, task, size=workers, cluster=cluster) as at:
                click.echo(_intended(plan, about, source, len(done), at.size, cluster))
                _run(plan, done, at, where)
        scored = plan.pictures - sum(map(plan.size, done))
        found = summary.summarise(where, plan.shards, about)
        seconds = time.perf_counter() - begun
    click.echo(f"{found.pictures} pictures, {found.bad} of them bad, in {plan.shards} files in {target}")
    if scored:
        click.echo(f"{scored} of them scored now, in {seconds:.1f} s: {scored / seconds:.0f} pictures/s")
    click.echo(f"\n{summary.printed(found, about, where)}")
    if strict and found.bad:
        sys.exit(_BAD)


def _check(source: "Source", where: "Output") -> None:
    """Do not let what is written become part of what is read."""
    from training.scoring.local import Local
    from training.scoring.output import InBucket, InFolder
    from training.scoring.prefix import Prefix

    match source, where:
        case Local(_, root, ()), InFolder(_, path):
            inside = Path(path).is_relative_to(root)
        case Prefix(_, bucket), InBucket(_, other, prefix):
            inside = bucket == other and source.is_below(f"{prefix}x")
        case _:
            inside = False
    if inside:
        raise ScoringError(f"{where.location} is inside the source {source.name}; write the scores elsewhere")


def _listed(items: Iterator["Item"]) -> Iterable["Item"]:
    return tqdm(items, desc="listing", unit="file", delay=1, disable=None, leave=False)


@contextmanager
def _interruptible() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        click.echo("\ninterrupted; the same command goes on", err=True)
        sys.exit(_INTERRUPTED)


def _intended(plan: "Plan", about: Metadata, source: str, done: int, size: int, cluster: str | None) -> str:
    before = f", {done} of them done before" if done else ""
    where = f"on the cluster at {cluster}" if cluster else "on this machine"
    return (
        f"{source}: {plan.pictures} pictures in {plan.shards} shards{before}; "
        f"{about.name} version {about.version}, {size} at a time {where}"
    )


def _run(plan: "Plan", done: set[int], at: Place["Packed", int], where: "Output") -> None:
    """Score the shards that are not done, with a bar for the pictures. Raises ScoringError when one was lost."""
    from training.scoring.items import unpacked

    reached: dict[int, int] = {}
    lost: list[str] = []
    total = plan.pictures
    before = sum(map(plan.size, done))
    with tqdm(total=total, initial=before, unit="picture", disable=None, leave=False) as bar:

        def reach(number: int, count: int) -> bool:
            bar.update(count - reached.get(number, 0))
            reached[number] = count
            return True

        def again(shard: "Packed", why: str) -> None:
            reach(shard.number, 0)
            interrupt.write(f"shard {shard.number} begins again: {why}")

        for shard, outcome in jobs.run(at, plan.but(done), heard=lambda s, count: reach(s.number, count), again=again):
            if isinstance(outcome, Done):
                reach(shard.number, shard.count)
                del reached[shard.number]
            else:
                lost.append(f"{shard.number}, of {unpacked(shard.line).items[0].key} and what follows")
                interrupt.write(f"shard {lost[-1]} is lost: {outcome}")
    if lost:
        raise ScoringError(
            f"{len(lost)} of {plan.shards} shards were lost, the first one {lost[0]}; the others are scored in "
            f"{where.location}, and the same command tries these again"
        )
