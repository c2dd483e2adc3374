"""A seven of 28 × 28 pixels in every form in which a picture can be sent: the examples of the OpenAPI document."""

import base64
import zlib
from collections.abc import Callable
from functools import cache
from io import BytesIO
from typing import Any, Final

import numpy as np
from PIL import Image

from mlp.arrays import Uint8
from service.openapi.parts import IMAGES

_SEVEN: Final = (
    "c-muN7%m`W=ltn5D%j=j{R4uJ$Dm-939_7Xkw?+u$NwGzRs4GT?_UpwW<e)DXJ=<?(Kr9HaM>OF_o5IEDY2LTgK=qV{P#`=hm`ft"
    "e|EUEwf@`9ibIO?><=qk+Uovo!zJbY`-3G8DdD^Smf?_MKK<{uG7dSlfB$@ONXb9=SImghYyV7eNZEeEEm!&P-)#+?a_5DJPelM)"
    "he#I"
)
"""Its pixels, deflated, in base85."""


@cache
def seven() -> Uint8:
    """Give the pixels, shape (28, 28)."""
    return np.frombuffer(zlib.decompress(base64.b85decode(_SEVEN)), np.uint8).reshape(28, 28)


def rows() -> list[list[int]]:
    """Give the pixels as JSON has them."""
    found: list[list[int]] = seven().tolist()
    return found


def in_base64() -> str:
    """Give the picture as PNG, in base64."""
    return base64.b64encode(file("7.png")).decode()


@cache
def file(name: str) -> bytes:
    """Give one of FILES."""
    return FILES[name]()


def _picture(kind: str) -> Callable[[], bytes]:
    def made() -> bytes:
        target = BytesIO()
        options: dict[str, Any] = {"lossless": True} if kind == "webp" else {}
        Image.fromarray(seven()).save(target, kind, **options)
        return target.getvalue()

    return made


def _npy() -> bytes:
    target = BytesIO()
    np.save(target, seven())
    return target.getvalue()


def _csv() -> bytes:
    pixels = seven().ravel()
    names = ",".join(f"p{index}" for index in range(len(pixels)))
    return f"{names}\n{','.join(map(str, pixels))}\n".encode()


FILES: Final[dict[str, Callable[[], bytes]]] = {
    **{f"7.{kind}": _picture(kind) for kind in IMAGES},
    "7.raw": lambda: seven().tobytes(),
    "7.npy": _npy,
    "7.csv": _csv,
}
"""What each file is made by."""
