"""`python -m training import`: a network that scikit-learn or PyTorch has trained, as a version."""

from pathlib import Path

import click

from mlp.activations import ACTIVATIONS
from mlp.prepare import PREPARATIONS
from mlp.store import Store
from training.errors import ImportRefused
from training.interchange.imported import Imported, publish


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--model", required=True, help="Name of the model that it becomes the next version of.")
@click.option("--activation", type=click.Choice(list(ACTIVATIONS)), help="Of the hidden layers; for .safetensors.")
@click.option("--output", type=click.Choice(list(ACTIVATIONS)), help="Of the last layer; for .safetensors.")
@click.option("--labels", help="The classes in the order of the scores, comma-separated; by default 0, 1, …")
@click.option("--height", type=click.IntRange(min=1), help="Of the pictures; by default they are square.")
@click.option("--width", type=click.IntRange(min=1), help="Of the pictures; by default they are square.")
@click.option("--low", type=float, default=0.0, show_default=True, help="Feature that pixel 0 was in its training.")
@click.option("--high", type=float, default=1.0, show_default=True, help="Feature that pixel 255 was.")
@click.option(
    "--preparation",
    type=click.Choice(list(PREPARATIONS)),
    default="digit",
    show_default=True,
    help="What a picture goes through before the network sees it.",
)
@click.pass_obj
def import_command(
    store: Store,
    /,
    file: Path,
    model: str,
    activation: str | None,
    output: str | None,
    labels: str | None,
    height: int | None,
    width: int | None,
    low: float,
    high: float,
    preparation: str,
) -> None:
    """Store the network in FILE as the next version of a model.

    FILE is a trained MLPClassifier of scikit-learn, written by skops.io.dump (.skops), or the state dict of a PyTorch
    Sequential of Linear layers, written by safetensors.torch.save_file (.safetensors). No code in a file is run.

    \b
    Examples:
      python -m training import classifier.skops --model leaves
      python -m training import net.safetensors --model leaves --activation relu --output softmax --labels birch,oak
    """  # noqa: D301
    names = [name.strip() for name in labels.split(",")] if labels else []
    network = _read(file, activation, output, names)
    version = publish(store, network, model, height=height, width=width, low=low, high=high, preparation=preparation)
    click.echo(f"stored as {model} version {version}")
    click.echo(f"To serve it: python -m training promote {model} {version}")


def _read(file: Path, activation: str | None, output: str | None, labels: list[str]) -> Imported:
    if file.suffix == ".skops":
        from training.interchange import scikit_learn

        if activation or output or labels:
            raise ImportRefused("a .skops file says its activations and labels by itself; leave these options out")
        return scikit_learn.read(file)
    if file.suffix == ".safetensors":
        from training.interchange import pytorch

        if not activation or not output:
            raise ImportRefused("a state dict does not say its activations: give --activation and --output")
        return pytorch.read(file, activation=activation, output=output, labels=labels)
    raise ImportRefused(f"{file} is neither .skops nor .safetensors; a pickle could run any code and is not read")
