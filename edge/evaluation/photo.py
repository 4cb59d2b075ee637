"""Pictures of a data set as people see them: upright, in colour, whole or not at all."""

from __future__ import annotations

from pathlib import Path

from edge.errors import Code, EvaluationError, PictureError
from edge.pictures import read_picture
from edge.streams.frame import Image

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
_MOST_PIXELS = 178_000_000  # photographs, one at a time


def read_photo(path: Path) -> Image:
    """Decode a picture, ``(height, width, 3)`` BGR.

    The EXIF orientation is applied: labels refer to the upright picture, as labelling tools and
    YOLO trainers show it. CMYK becomes RGB. A file that is cut off is refused: the decoder would
    fill it up with grey, and the figures would quietly be wrong.

    Raises:
        EvaluationError: not a picture, cut off, too large to decode, or not readable.
    """
    try:
        return read_picture(path, most_pixels=_MOST_PIXELS)
    except PictureError as error:
        raise EvaluationError(Code.EVL_PICTURE, error.where, error.what, error.fix) from error
