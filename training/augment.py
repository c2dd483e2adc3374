"""Pictures changed at random on their way into a batch, as other hands and other pens would have drawn them.

The settings and the order of things are here; the geometry is in training/displacement.py and training/warp.py, the
pen in training/strokes.py, and few pixels in training/coarse.py.
"""

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mlp.arrays import Float, Uint8
from training.coarse import Coarse
from training.displacement import Displacement
from training.strokes import Strokes
from training.warp import EDGE, Warp

PIECE = 64
"""Pictures changed at a time, so that memory does not grow with the batch. A batch of 128 digits, affine and elastic,
between two steps of training: 1.8 ms by 16, 1.45 by 32, 1.3 by 64 and by 128."""


class Augmentation(BaseModel):
    """How much pictures are changed; 0 is not at all. Each picture draws its own values, evenly between the bounds.

    Pictures are bright ink on a dark ground of 0, as in MNIST. A recipe has these fields, too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    mirror: float = Field(default=0.0, ge=0, le=1)
    """Share of the pictures that are mirrored, left to right; not for digits."""
    rotation: float = Field(default=0.0, ge=0, le=180)
    """Degrees at most that each picture is turned to either side, anew each time that it is trained on."""
    scale: float = Field(default=0.0, ge=0, le=1)
    """0.1 makes height and width of each picture up to 1.1 times as large or as small, each for itself."""
    shear: float = Field(default=0.0, ge=0, le=1)
    """Pixels at most that a line is moved sideways, for each that it is above or below the middle."""
    shift: float = Field(default=0.0, ge=0)
    """Pixels at most that each picture is moved, in each direction."""
    elastic: float = Field(default=0.0, ge=0)
    """Pixels that a point is displaced in each direction: the standard deviation of a smooth random field."""
    elastic_sigma: float = Field(default=4.0, gt=0)
    """Pixels over which that field is smooth: the standard deviation of the Gaussian that makes it."""
    thickness: float = Field(default=0.0, ge=0, le=1)
    """Pixels at most by which strokes become wider or narrower on each side."""
    blur: float = Field(default=0.0, ge=0, le=1)
    """Share at most of a pixel that is replaced by the mean of its four neighbours."""
    coarse: float = Field(default=0.0, ge=0, le=1)
    """Share of the pictures that are shown as if enlarged from a few pixels."""
    contrast: float = Field(default=0.0, ge=0, le=0.45)
    """Share at most that is cut off both ends of the range of brightness; the rest is stretched to all of it."""
    fading: float = Field(default=0.0, ge=0, le=1)
    """Share at most by which ink is darkened."""
    noise: float = Field(default=0.0, ge=0)
    """Standard deviation at most, in units of a pixel's 0 … 255, of noise that each pixel has for itself."""

    @property
    def changes(self) -> bool:
        """Whether pictures are changed at all."""
        return any(getattr(self, name) for name in Augmentation.model_fields if name != "elastic_sigma")


class Augment:
    """Changes at most `rows` pictures a call, in arrays that are made once, by draws from `rng`."""

    def __init__(self, height: int, width: int, rows: int, settings: Augmentation, rng: np.random.Generator) -> None:
        """Pictures are `height` × `width` pixels, d in all."""
        piece, d = min(rows, PIECE), height * width
        self._settings, self._rng, self._shape = settings, rng, (height, width)
        self._bends = any((settings.rotation, settings.scale, settings.shear, settings.shift, settings.elastic))
        self._displacement = Displacement(
            height,
            width,
            piece,
            rng,
            rotation=settings.rotation,
            scale=settings.scale,
            shear=settings.shear,
            shift=settings.shift,
            elastic=settings.elastic,
            elastic_sigma=settings.elastic_sigma,
        )
        self._warp = Warp(height, width, piece)
        self._strokes = Strokes(height, width, piece)
        self._coarse = Coarse(height, width, rng)
        self._bytes = np.zeros((piece, height + 2 * EDGE, width + 2 * EDGE), np.uint8)
        self._padded = np.zeros(self._bytes.shape, np.float32)
        self._noise = (
            rng.standard_normal(2 * piece * d, dtype=np.float32) if settings.noise else np.empty(0, np.float32)
        )
        self._scratch = np.empty((piece, d), np.float32)

    def __call__(self, pixels: Uint8, out: Float) -> None:
        """Fill out (k, d) with pixels (k, d) changed, values 0 … 255, k at most `rows`."""
        for start in range(0, len(pixels), PIECE):
            piece = slice(start, start + PIECE)
            self._geometry(pixels[piece], out[piece])
            self._light(out[piece])

    def _geometry(self, pixels: Uint8, out: Float) -> None:
        settings, k = self._settings, len(pixels)
        padded = self._bytes[:k]
        inside = padded[:, EDGE:-EDGE, EDGE:-EDGE]  # (k, height, width)
        inside[...] = pixels.reshape(k, *self._shape)
        if settings.mirror:
            mirrored = inside[: self._rng.binomial(k, settings.mirror)]
            mirrored[...] = mirrored[..., ::-1].copy()
        if settings.thickness:
            self._strokes.thicken(padded, self._rng.uniform(-settings.thickness, settings.thickness, k))
        if settings.blur:
            self._strokes.blur(padded, self._rng.uniform(0, settings.blur, k))
        if self._bends:
            source = self._padded[:k]
            np.copyto(source, padded)
            self._warp(source, self._displacement(k), out)
        else:
            np.copyto(out.reshape(inside.shape), inside)
        if settings.coarse:
            self._coarse(out.reshape(inside.shape)[: self._rng.binomial(k, settings.coarse)])

    def _light(self, out: Float) -> None:
        """Change the brightness of out (k, d), where it is."""
        settings = self._settings
        if settings.contrast:
            low, cut = self._drawn(settings.contrast * 255, out), self._drawn(settings.contrast * 255, out)
            out -= low
            out *= 255 / (255 - low - cut)
        if settings.fading:
            np.clip(out, 0, 255, out=out)
            out *= 1 - self._drawn(settings.fading, out)
        if settings.noise:
            start = self._rng.integers(self._noise.size // 2)
            scratch = self._scratch[: len(out)]
            noise = self._noise[start : start + out.size].reshape(out.shape)
            out += np.multiply(noise, self._drawn(settings.noise, out), out=scratch)
        if settings.contrast or settings.noise:
            np.clip(out, 0, 255, out=out)

    def _drawn(self, most: float, out: Float) -> Float:
        """Draw one number from 0 to `most` for each row of out: (k, 1)."""
        return self._rng.uniform(0, most, (len(out), 1)).astype(np.float32)
