"""A clip of an act (占道经营 is one): redacted, captioned, coded; and as a file of its case.

VP8 in WebM: its encoder, libvpx, is under the BSD licence (the wheel's H.264 encoder is GPL), and
every browser plays it (``docs/decisions/0011-clips.md``).
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import av
import cv2
import numpy as np

from edge.cases.caption import Caption, with_caption
from edge.redaction.redactor import Redactor
from edge.streams.clips import PICTURES_PER_S
from edge.streams.frame import Image

WEBM, MP4 = "video/webm", "video/mp4"
MOST_BYTES = 8 << 20
"""A clip that is larger is none: it would hold up the pictures of other cases."""
_BITS_PER_S = 600_000
_OPTIONS = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}


@dataclass(frozen=True, slots=True)
class ClipFile:
    """A clip that may leave the box.

    Attributes:
        data: the file.
        media_type: WebM, or MP4 as the camera coded it.
        began_at: when its first picture came, aware UTC.
        camera_id: who took it.
        seconds: how long it is.
    """

    data: bytes
    media_type: str
    began_at: datetime
    camera_id: str
    seconds: float

    @property
    def name(self) -> str:
        """Of its file."""
        return "clip.webm" if self.media_type == WEBM else "clip.mp4"


def safe_clip(
    jpegs: Sequence[bytes],
    redactor: Redactor,
    caption: Caption,
    *,
    began_at: datetime,
    time_zone: str,
    camera_id: str,
) -> ClipFile:
    """A clip of pictures at equal distances, each of them redacted and captioned.

    Args:
        jpegs: :data:`edge.streams.clips.PICTURES_PER_S` of them a second.
        redactor: makes them safe.
        caption: of all; its ``when`` is set anew for each.
        began_at: when the first was taken.
        time_zone: IANA name, of the caption.
        camera_id: who took them.

    Raises:
        RedactionError: one of them could not be redacted; there is no clip.
        ValueError: one of them is no picture.
        av.error.FFmpegError: the encoder failed.
    """
    safe = redactor.safe_run([_decoded(data) for data in jpegs], camera_id)
    zone = ZoneInfo(time_zone)

    def when(number: int) -> str:
        at = began_at + timedelta(seconds=number / PICTURES_PER_S)
        return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"

    pictures = (
        _even(with_caption(image, replace(caption, when=when(number))))
        for number, image in enumerate(safe)
    )
    seconds = len(jpegs) / PICTURES_PER_S
    return ClipFile(_webm(pictures), WEBM, began_at, camera_id, seconds)


def _decoded(data: bytes) -> Image:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("a picture of the clip cannot be decoded")
    return np.asarray(image, np.uint8)


def _even(image: Image) -> Image:
    height, width = image.shape[:2]
    return np.ascontiguousarray(image[: height & ~1, : width & ~1])


def _webm(pictures: Iterable[Image]) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="webm") as out:
        stream = None
        for image in pictures:
            if stream is None:
                stream = out.add_stream("libvpx", rate=PICTURES_PER_S, options=_OPTIONS)
                stream.height, stream.width = image.shape[:2]
                stream.pix_fmt, stream.bit_rate = "yuv420p", _BITS_PER_S
                stream.codec_context.thread_count = 1
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        if stream is not None:
            out.mux(stream.encode())
    return file.getvalue()
