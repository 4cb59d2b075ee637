"""What the core and its stream workers say to each other, and what a round of it comes to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from edge.streams.frame import Frame, Reason
from edge.streams.phase import Timing
from edge.streams.planes import Shape
from edge.streams.source import Source

State = Literal["starting", "up", "down", "resting"]
"""``resting``: outside its hours."""


@dataclass(frozen=True, slots=True)
class Open:
    """To a worker: visit this camera: open it, take its looks, close it.

    Attributes:
        number: the visit's.
        source: the camera.
        looks: key frames to take.
        not_before: when to begin opening, monotonic seconds: its next key frame is a while off.
        measure: stay until the time between two key frames is known.
    """

    number: int
    source: Source
    looks: int = 1
    not_before: float = 0.0
    measure: bool = False


@dataclass(frozen=True, slots=True)
class Closed:
    """From a worker: a visit is over.

    Attributes:
        number: the visit's.
        pictures: how many it brought; they may still be on their way.
        code, detail: why it brought none.
        timing: how long what took; None without a picture.
    """

    number: int
    pictures: int
    code: str = ""
    detail: str = ""
    timing: Timing | None = None


@dataclass(frozen=True, slots=True)
class Fetch:
    """To a worker: one picture of this held camera's main stream, as a frame of its own."""

    camera_id: str


@dataclass(frozen=True, slots=True)
class Missed:
    """From a worker: why a picture that was to be fetched does not come."""

    camera_id: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Cut:
    """To a worker: a clip of what this held camera has just shown.

    Attributes:
        camera_id: which one.
        seconds: how long it should be.
        as_it_came: not coded anew; otherwise as pictures that can be redacted.
    """

    camera_id: str
    seconds: float
    as_it_came: bool = False


@dataclass(frozen=True, slots=True)
class Clip:
    """From a worker: a clip, or why there is none.

    Attributes:
        camera_id: whose.
        seconds: how long it is.
        began_at: when its first picture came, aware UTC; None without a clip.
        pictures: JPEGs at equal distances.
        video: or an MP4 file.
        why: there is none.
    """

    camera_id: str
    seconds: float = 0.0
    began_at: datetime | None = None
    pictures: tuple[bytes, ...] = ()
    video: bytes = b""
    why: str = ""


@dataclass(frozen=True, slots=True)
class StateChange:
    """From a worker: a camera came up or went down."""

    camera_id: str
    state: State
    code: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """From a worker: what is told of a picture that lies in the slot; ``visit`` 0: none."""

    camera_id: str
    captured_at: datetime
    reason: Reason
    sequence: int
    shape: Shape
    dropped: int
    visit: int = 0


@dataclass(frozen=True, slots=True)
class Beat:
    """From a worker: it lives; ``idle_s`` is how long each busy camera thread has been silent."""

    idle_s: dict[str, float]


@dataclass
class Collected:
    """What one round brought in.

    Attributes:
        frames: pictures, at most one per worker.
        changes: cameras that came up or went down.
        dropped: pictures that newer ones replaced, by camera.
        restarts: workers restarted, by name.
        missed: pictures of main streams that do not come.
        clips: cut, or not.
    """

    frames: list[Frame] = field(default_factory=list)
    changes: list[StateChange] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)
    restarts: list[str] = field(default_factory=list)
    missed: list[Missed] = field(default_factory=list)
    clips: list[Clip] = field(default_factory=list)
