"""Pictures of a data set as people see them: upright, in colour, whole or not at all."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError

from edge.errors import Code, EvaluationError
from edge.streams.frame import Image

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})


def read_photo(path: Path) -> Image:
    """Decode a picture, ``(height, width, 3)`` BGR.

    The EXIF orientation is applied: labels refer to the upright picture, as labelling tools and
    YOLO trainers show it. CMYK becomes RGB. A file that is cut off is refused: the decoder would
    fill it up with grey, and the figures would quietly be wrong.

    Raises:
        EvaluationError: not a picture, cut off, too large to decode, or not readable.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)
            with Pillow.open(path) as opened:
                upright = ImageOps.exif_transpose(opened)
                rgb = np.asarray(upright.convert("RGB"), np.uint8)
    except Pillow.DecompressionBombError as error:
        raise _bad(path, "is too large to decode") from error
    except UnidentifiedImageError as error:
        raise _bad(path, "is not a picture") from error
    except (OSError, SyntaxError, ValueError) as error:  # Pillow raises all three
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise _bad(path, f"cannot be decoded ({reason})") from error
    return np.ascontiguousarray(rgb[:, :, ::-1])


def _bad(path: Path, what: str) -> EvaluationError:
    return EvaluationError(Code.EVL_PICTURE, str(path), what, "Replace or remove the picture")
