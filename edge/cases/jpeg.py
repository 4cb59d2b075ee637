"""Evidence pictures as JPEG files that say what they are, with a thumbnail inside."""

from __future__ import annotations

import struct

import cv2
import numpy as np

from edge.cases.metadata import About, exif, xmp
from edge.errors import Code, StoreError
from edge.streams.frame import Image

THUMBNAIL_PX = 320
"""Longest side of a thumbnail."""
_THUMBNAIL_QUALITIES = (75, 50, 25)
_THUMBNAIL_BYTES = 48_000
"""An EXIF block holds less than 64 KB."""


def evidence_jpeg(image: Image, quality: int, about: About, role: str, small: bytes) -> bytes:
    """A redacted and captioned picture as a file.

    Args:
        image: as it may leave the box.
        quality: 50–100.
        about: what it shows.
        role: of the picture in its evidence.
        small: its thumbnail, made from what may leave the box, too.

    Raises:
        StoreError: it cannot be encoded.
    """
    height, width = image.shape[:2]
    try:
        said = (exif(about, role, (width, height), small), xmp(about, role))
        done, data = cv2.imencodeWithMetadata(
            ".jpg",
            image,
            [cv2.IMAGE_METADATA_EXIF, cv2.IMAGE_METADATA_XMP],
            [np.frombuffer(block, np.uint8) for block in said],
            [cv2.IMWRITE_JPEG_QUALITY, quality],
        )
        why = "" if done else "the encoder refuses it"
    except (cv2.error, ValueError, struct.error) as error:
        done, why = False, str(error)
    if not done:
        where, what = f"{about.camera_id}, {role}", f"a picture cannot be encoded ({why})"
        raise StoreError(Code.STO_WRITE, where, what, "Report this fault")
    return bytes(data)


def thumbnail(image: Image) -> bytes:
    """A JPEG of at most 320 pixels a side."""
    height, width = image.shape[:2]
    scale = min(THUMBNAIL_PX / max(height, width), 1.0)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    data = b""
    for quality in _THUMBNAIL_QUALITIES:
        data = bytes(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])[1])
        if len(data) <= _THUMBNAIL_BYTES:
            break
    return data
