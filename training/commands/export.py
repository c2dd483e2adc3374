"""`python -m training export`: a version as an ONNX model."""

from pathlib import Path

import click

from mlp.aliases import PRODUCTION
from mlp.store import Store


@click.command()
@click.argument("model")
@click.argument("version", default=PRODUCTION)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="By default MODEL-VERSION.onnx.")
@click.pass_obj
def export(store: Store, /, model: str, version: str, output: Path | None) -> None:
    """Write VERSION (a number or an alias) of MODEL as an ONNX model, and compare the scores it gives with ours."""
    from training.interchange import onnx_file

    number = store.resolve(model, version)
    path = output or Path(f"{model}-{number}.onnx")
    difference = onnx_file.write(store.read(model, number), path)
    checked = "not checked, onnxruntime is not installed" if difference is None else f"off by {difference:.1e} at most"
    click.echo(f"{path}: scores in onnxruntime {checked}")
