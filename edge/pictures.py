"""Pictures from files and from afar: whole or not at all, and never larger than memory allows.

A decoder fills up a picture that is cut off with grey, and a header of a few bytes can call for
gigabytes. So the size is read first, before anything is allocated, and what ends too soon is
refused.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from edge.errors import Code, PictureError

MOST_PIXELS = 40_000_000
"""8K is 33 million; as BGR so many are 120 MB."""
_LEAST_SIDE, _LONGEST = 16, 16
_FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF")
_FIX = "Replace or remove the picture; nothing else is held up by it"


def size_fault(width: int, height: int) -> str | None:
    """Why no camera's picture has such a size, or none that can be worked with; None: one may."""
    if width * height > MOST_PIXELS:
        megapixels = width * height / 1e6
        return f"{width}x{height} is {megapixels:.0f} megapixels, more than {MOST_PIXELS // 10**6}"
    if min(width, height) < _LEAST_SIDE:
        return f"{width}x{height} is less than {_LEAST_SIDE} pixels wide or high"
    if max(width, height) > _LONGEST * min(width, height):
        return f"{width}x{height} is more than {_LONGEST} times as long as wide"
    return None


def read_picture(
    source: Path | bytes, name: str = "", *, most_pixels: int = MOST_PIXELS
) -> npt.NDArray[np.uint8]:
    """Decode a picture, ``(height, width, 3)`` BGR, upright as its EXIF says.

    Args:
        source: the file, or its bytes.
        name: what errors call it; the path where there is one.
        most_pixels: more are refused before anything is decoded.

    Raises:
        PictureError: it is empty, no picture, cut off or damaged (PIC-001), or too large (PIC-002).
    """
    where = name or (str(source) if isinstance(source, Path) else "picture")
    try:
        with _opened(source) as opened:
            _check(opened.size, where, most_pixels)
            rgb = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"), np.uint8)
    except PictureError:
        raise
    except Image.DecompressionBombError as error:
        raise PictureError(Code.PIC_SIZE, where, "is too large to decode", _FIX) from error
    except UnidentifiedImageError as error:
        what = "is empty" if _is_empty(source) else "is not a picture"
        raise PictureError(Code.PIC_BROKEN, where, what, _FIX) from error
    # What Pillow raises for damaged files, besides these three, are faults of its own.
    except (OSError, SyntaxError, ValueError, LookupError, EOFError, OverflowError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        what = f"cannot be decoded ({reason})"
        raise PictureError(Code.PIC_BROKEN, where, what, _FIX) from error
    return np.ascontiguousarray(rgb[:, :, ::-1])


def picture_size(data: bytes) -> tuple[int, int]:
    """Width and height, from the header alone; 0, 0 of what is no picture."""
    try:
        with _opened(data) as opened:
            return opened.size
    except (Image.DecompressionBombError, OSError, SyntaxError, ValueError, LookupError):
        return 0, 0


def _opened(source: Path | bytes) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        file = io.BytesIO(source) if isinstance(source, bytes) else source
        return Image.open(file, formats=_FORMATS)


def _check(size: tuple[int, int], where: str, most_pixels: int) -> None:
    if size[0] * size[1] > most_pixels:
        megapixels = size[0] * size[1] / 1e6
        what = f"has {megapixels:.0f} megapixels, more than {most_pixels // 10**6}"
        raise PictureError(Code.PIC_SIZE, where, what, _FIX)


def _is_empty(source: Path | bytes) -> bool:
    return not source if isinstance(source, bytes) else source.stat().st_size == 0
