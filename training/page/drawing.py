"""A matplotlib figure → the picture in the page; what it shows is decided in figures.py."""

import base64
import io
import warnings
from collections.abc import Callable
from typing import Any, Final

from matplotlib import style
from matplotlib.figure import Figure

_STYLE: Final[dict[str, Any]] = {
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "legend.frameon": False,
    "image.composite_image": False,
    "svg.fonttype": "none",  # text stays text, in any script that the reader's browser has
    "svg.hashsalt": "mlp",  # the same figure gives the same bytes
}

_NO_METADATA: Final = dict.fromkeys(("Date", "Creator", "Format", "Type"))


def data_uri(content: bytes, kind: str) -> str:
    """Give the address that holds `content`, of the media type `kind`, in itself."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def drawn(width: float, height: float, draw: Callable[[Figure], None]) -> str:
    """Draw a figure as `svg` does, and give it in a data URI."""
    return data_uri(svg(width, height, draw), "image/svg+xml")


def svg(width: float, height: float, draw: Callable[[Figure], None]) -> bytes:
    """Draw a figure of `width` × `height` inches by calling `draw`, and give it as SVG."""
    file = io.BytesIO()
    with style.context(["default", _STYLE]), warnings.catch_warnings():
        # Text is only measured here, and letters that matplotlib's own font lacks are the browser's matter.
        warnings.filterwarnings("ignore", message=r"(?s).*(Glyph .* missing|does not support)")
        figure = Figure((width, height), layout="constrained", facecolor="white")
        draw(figure)
        figure.savefig(file, format="svg", metadata=_NO_METADATA)
    content = file.getvalue()
    return content[content.index(b"<svg") :]


def shown(label: str, longest: int) -> str:
    """Give a class's name as it can be shown: without control characters, and cut when it is longer."""
    clean = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in label)
    return clean if len(clean) <= longest else clean[: longest - 1] + "…"
