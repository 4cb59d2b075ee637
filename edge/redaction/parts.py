"""Which parts of a picture must not be readable, given what was found on it.

Detectors of faces and plates miss some. So the head part of every person and the plate part of
every vehicle is covered, whether or not a face or a plate was seen there; faces that were seen
are covered besides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from edge.detectors.base import Detection
from edge.geometry import Box
from edge.redaction.cover import Part, covered
from edge.streams.frame import Image

Policy = Literal["none", "face+plate", "person"]

_HEAD = 0.25  # of a standing person's height, and …
_HEAD_WIDE = 0.55  # … of the width where only the upper body shows, or someone sits or bends
_HEAD_MOST = 0.6
_ABOVE, _BESIDE = 0.06, 0.08  # boxes at low scores lie loosely
_PLATE_FROM = {"vehicle": 0.35, "two_wheeler": 0.3}
_ROUND_PLATES = 0.04
_FACE_GROWN = 0.25
_HEAD_BLOCKS, _FACE_BLOCKS, _BODY_BLOCKS, _PLATE_BLOCKS = 3.0, 3.0, 4.0, 5.0


def private_parts(
    found: Iterable[Detection], policy: Policy, width: int, height: int
) -> tuple[Part, ...]:
    """What to cover of a picture.

    Args:
        found: meanings ``person``, ``face``, ``vehicle`` and ``two_wheeler`` count.
        policy: ``none`` covers nothing; ``person`` covers people whole instead of their heads.
        width, height: of the picture, pixels: boxes are shares, and a head is as wide as it is
            high.
    """
    if policy == "none":
        return ()
    return tuple(part for d in found for part in _parts(d, policy, width / height))


def redacted(image: Image, found: Iterable[Detection]) -> Image:
    """A copy with heads and plates covered as far as they were found: for pictures that stay."""
    height, width = image.shape[:2]
    return covered(image, private_parts(found, "face+plate", width, height))


def _parts(d: Detection, policy: Policy, aspect: float) -> Iterator[Part]:
    box = d.box
    if d.meaning == "face":
        yield Part(box.grown(_FACE_GROWN), _FACE_BLOCKS)
    elif d.meaning == "person" and policy == "person":
        yield Part(box.grown(_BESIDE), _BODY_BLOCKS)
    elif d.meaning == "person":
        yield Part(_head(box, aspect), _HEAD_BLOCKS)
    elif d.meaning in _PLATE_FROM:
        top = box.y0 + box.height * _PLATE_FROM[d.meaning]
        side, below = box.width * _ROUND_PLATES, box.height * _ROUND_PLATES
        low = Box.clipped(box.x0 - side, top, box.x1 + side, box.y1 + below)
        yield Part(low, _PLATE_BLOCKS)


def _head(box: Box, aspect: float) -> Box:
    """The part of a person's box that the head may be in: more of it the wider the box is."""
    wide = box.width * aspect * _HEAD_WIDE
    height = min(max(box.height * _HEAD, wide), box.height * _HEAD_MOST)
    above, beside = box.height * _ABOVE, box.width * _BESIDE
    return Box.clipped(box.x0 - beside, box.y0 - above, box.x1 + beside, box.y0 + height)
