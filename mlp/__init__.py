"""What training and the service must agree on, or predictions would change silently.

To ask a model without a server: `from mlp import load`, then `load("models/digits").predict(images)`.

Notation, here and everywhere: n examples, d features, c classes; z is a layer's pre-activation and a its activation,
delta the error term dL/dz. Arrays are float32 from the first to the last unless a line says why not.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlp.errors import MlpError
    from mlp.model import Model, Predictions, load

__version__ = "0.1.0"
"""The project's; pyproject.toml and the service read it here."""

__all__ = ["MlpError", "Model", "Predictions", "load"]


def __getattr__(name: str) -> Any:
    """Import what is asked for (PEP 562): whoever imports a room of this package does not wait for all of them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mlp import errors, model

    return getattr(errors if name == "MlpError" else model, name)
