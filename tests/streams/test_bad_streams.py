"""Cameras and platforms that misbehave: named, bounded in time, and never half a picture."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from edge.errors import Code, StreamError
from edge.streams.backoff import Backoff
from edge.streams.planes import as_bgr
from edge.streams.pool import StreamPool
from edge.streams.probe import probe
from edge.streams.source import Source, key_frames, open_container, pictures
from tests.cameras import RtspServer, has_gstreamer
from tests.streams.bad_rtsp import (
    BadRtsp,
    Codec,
    Script,
    Unit,
    decoded,
    is_slice,
    joined,
    kind,
    units,
)
from tests.streams.test_pool import collect_until, went_down

CODECS: tuple[Codec, ...] = ("h264", "h265")
SLACK_S = 4.0
"""For a busy machine; the bounds below are a few seconds."""


def camera(url: str, **changes: object) -> Source:
    defaults = {
        "look_every_s": 0.0,
        "visit": True,
        "open_timeout_s": 2.0,
        "read_timeout_s": 1.0,
        "key_frame_timeout_s": 1.0,
    }
    return Source("cam", url, **(defaults | changes))  # type: ignore[arg-type]


def failure(source: Source) -> StreamError:
    """What ends a camera that must give no picture, within the time it is allowed."""
    began = time.monotonic()
    with pytest.raises(StreamError) as failed:
        next(pictures(source))
    allowed_s = source.open_timeout_s + max(source.read_timeout_s, source.key_frame_timeout_s)
    assert time.monotonic() - began < allowed_s + SLACK_S
    return failed.value


def first(source: Source, count: int) -> list[np.ndarray]:
    """The first pictures of a camera."""
    found: list[np.ndarray] = []
    for image, _ in pictures(source):
        found.append(as_bgr(image))
        if len(found) == count:
            break
    return found


def is_one_of(image: np.ndarray, originals: list[np.ndarray]) -> bool:
    return any(
        image.shape == original.shape and bool(np.array_equal(image, original))
        for original in originals
    )


@pytest.fixture(scope="module", params=CODECS)
def codec(request: pytest.FixtureRequest) -> Codec:
    return request.param


def loses(share: float) -> Callable[[int], bool]:
    return lambda number: random.Random(number * 7 + 1).random() < share


@pytest.mark.parametrize(
    "silent_from", ["connect", "OPTIONS", "DESCRIBE", "SETUP", "PLAY", "media"]
)
def test_a_platform_that_falls_silent_is_a_timeout(silent_from: str) -> None:
    """Wherever it stops: after the connection, after any request, or once it should play."""
    with BadRtsp(Script(silent_from=silent_from)) as server:
        source = camera(server.url, open_timeout_s=0.7, read_timeout_s=0.7)
        assert failure(source).code is Code.CAM_TIMEOUT


@pytest.mark.parametrize(
    "garbage",
    [
        random.Random(1).randbytes(4096),
        b"x" * 50 + b"\n",
        b"x",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n",
        b"$\x00\xff\xff",
    ],
    ids=["random", "lines", "drip", "http", "same answer", "interleaved"],
)
def test_garbage_is_told_and_bounded(garbage: bytes) -> None:
    with BadRtsp(Script(garbage=garbage)) as server:
        source = camera(server.url, open_timeout_s=0.7, read_timeout_s=0.7)
        assert failure(source).code in {Code.CAM_BROKEN, Code.CAM_TIMEOUT}


def test_a_visit_does_not_wait_for_ever_for_a_key_frame(codec: Codec) -> None:
    """Pictures come, but no key frame: its own code, and what to do about it."""
    clip = units(codec)
    with BadRtsp(Script(codec, clip, mangle=without_key_frames)) as server:
        error = failure(camera(server.url))
        assert error.code is Code.CAM_NO_KEY_FRAME
        assert "GOP" in error.fix
        assert probe(camera(server.url)).code == Code.CAM_NO_KEY_FRAME


def without_key_frames(number: int, unit: Unit) -> Unit:
    return [] if number % 10 == 0 else unit


def test_sound_alone_does_not_prolong_the_wait() -> None:
    """Audio goes on while the picture has died: FFmpeg's own time-out never strikes."""
    with BadRtsp(Script(talk=True)) as server:
        assert failure(camera(server.url)).code is Code.CAM_NO_KEY_FRAME


def test_a_held_camera_may_be_looked_at_seldom(codec: Codec) -> None:
    """Key frames that nobody wants yet are signs of life, too; no time-out between two looks."""
    with BadRtsp(Script(codec, units(codec))) as server:
        source = camera(server.url, look_every_s=2.0, visit=False, key_frame_timeout_s=0.8)
        beats: list[float] = []
        with open_container(source) as container:
            alive = lambda: beats.append(time.monotonic())  # noqa: E731
            taken = key_frames(source, container, live=True, alive=alive)
            stamps = [next(taken)[1] for _ in range(2)]
    assert stamps[1] - stamps[0] >= 1.7
    assert max(np.diff(beats)) < 1.0


def test_a_camera_without_key_frames_is_not_taken_for_one_that_hangs() -> None:
    """The wait is longer than a thread may be silent: the camera fails, its worker lives on."""
    with BadRtsp(Script("h264", units("h264"), mangle=without_key_frames)) as server:
        held = camera(server.url, visit=False, open_timeout_s=1.0, key_frame_timeout_s=5.0)
        pool = StreamPool([held], cameras_per_worker=1, backoff=Backoff(0.2, 1.0), hang_after_s=3.0)
        pool.start()
        try:
            total = collect_until(pool, went_down("cam", "CAM-012"))
        finally:
            pool.stop()
    assert went_down("cam", "CAM-012")(total), total.changes
    assert not total.restarts


@pytest.mark.parametrize("slices", [1, 4])
def test_lost_packets_never_make_half_a_picture(codec: Codec, slices: int) -> None:
    """One packet in a hundred is lost: only whole pictures come, byte for byte as they were."""
    clip = units(codec, slices=slices, gop=5)
    originals = decoded(codec, clip)
    with BadRtsp(Script(codec, clip, drop=loses(0.01), fps=100)) as server:
        source = camera(server.url, visit=False, key_frame_timeout_s=10.0)
        assert all(is_one_of(image, originals) for image in first(source, 10))


def test_a_third_of_the_packets_lost_is_named(codec: Codec) -> None:
    """Nothing whole is left: no picture, but a code that says so and counts."""
    with BadRtsp(Script(codec, units(codec), drop=loses(0.3))) as server:
        error = failure(camera(server.url))
        assert error.code is Code.CAM_DAMAGED
        assert "key frames" in error.what
        assert probe(camera(server.url)).code == Code.CAM_DAMAGED


def test_packets_lost_before_a_relay_are_seen_in_the_picture(codec: Codec) -> None:
    """A relay that numbers packets anew hides the loss; the decoder must not conceal it."""
    clip = units(codec)
    originals = decoded(codec, clip)

    def torn(number: int, unit: Unit) -> Unit:
        return [tear(nal, number) for nal in unit] if number % 20 == 0 else unit

    with BadRtsp(Script(codec, clip, mangle=torn, fps=100)) as server:
        images = first(camera(server.url, visit=False, key_frame_timeout_s=5.0), 4)
    assert all(is_one_of(image, originals) for image in images)


def tear(nal: bytes, number: int) -> bytes:
    """Without some 1,200 bytes in its first half."""
    at = 200 + 97 * number % max(len(nal) // 2, 1)
    return nal[:at] + nal[at + 1200 :] if len(nal) > 4000 else nal


PARAMETER_SETS = {"h264": (7, 8), "h265": (32, 33, 34)}


def missing(codec: Codec) -> Callable[[int, Unit], Unit]:
    return lambda _, unit: [nal for nal in unit if kind(codec, nal) not in PARAMETER_SETS[codec]]


def scrambled(codec: Codec) -> Callable[[int, Unit], Unit]:
    return lambda _, unit: [
        nal[:2] + bytes(byte ^ 0x5A for byte in nal[2:])
        if kind(codec, nal) in PARAMETER_SETS[codec]
        else nal
        for nal in unit
    ]


@pytest.mark.parametrize("broken", [missing, scrambled])
def test_broken_or_missing_parameter_sets_are_named(
    codec: Codec, broken: Callable[[Codec], Callable[[int, Unit], Unit]]
) -> None:
    with BadRtsp(Script(codec, units(codec), mangle=broken(codec))) as server:
        assert failure(camera(server.url)).code is Code.CAM_DAMAGED


def test_parameter_sets_that_come_later_mend_the_stream(codec: Codec) -> None:
    """Those of the first seconds are missing: the first picture comes as soon as they do."""
    clip = units(codec)
    originals = decoded(codec, clip)
    late = missing(codec)
    mangle = lambda number, unit: late(number, unit) if number < 30 else unit  # noqa: E731
    with BadRtsp(Script(codec, clip, mangle=mangle)) as server:
        (image,) = first(camera(server.url, key_frame_timeout_s=10.0), 1)
    assert is_one_of(image, originals)


@pytest.mark.parametrize("message", [random.Random(3).randbytes(60), b"\x05\xff\xff\xff\x12"])
def test_messages_of_a_cameras_maker_do_not_matter(codec: Codec, message: bytes) -> None:
    """SEI that follow no standard stand before every picture; it is whole all the same."""
    clip = units(codec)
    header = b"\x06" if codec == "h264" else b"\x4e\x01"

    def chatty(_: int, unit: Unit) -> Unit:
        at = next(at for at, nal in enumerate(unit) if is_slice(codec, nal))
        return [*unit[:at], header + message, *unit[at:]]

    with BadRtsp(Script(codec, clip, mangle=chatty)) as server:
        (image,) = first(camera(server.url), 1)
    assert is_one_of(image, decoded(codec, clip))


def test_a_picture_that_is_noise_is_no_picture() -> None:
    """Key frames by their headers, random bytes within."""
    dice = random.Random(5)
    clip = [[b"\x65" + dice.randbytes(3000)] for _ in range(10)]
    with BadRtsp(Script("h264", clip)) as server:
        assert failure(camera(server.url)).code is Code.CAM_DAMAGED


def test_a_change_of_resolution_is_followed(codec: Codec) -> None:
    """Each picture has the size and content of its time."""
    large, small = units(codec, count=10), units(codec, count=10, size=(320, 192))
    originals = [*decoded(codec, large), *decoded(codec, small)]
    with BadRtsp(Script(codec, [*large, *small], fps=100)) as server:
        images = first(camera(server.url, visit=False), 5)
    assert [image.shape[:2] for image in images[:2]] == [(352, 640), (192, 320)]
    assert len({image.shape for image in images}) == 2
    assert all(is_one_of(image, originals) for image in images)


CLOCKS: dict[str, Callable[[int], int]] = {
    "stands still": lambda _: 0,
    "backwards": lambda number: -number * 100_000,
    "leaps": lambda number: random.Random(number).getrandbits(32),
    "wraps": lambda number: 0xFFFF_F000 + number * 3600,
}


@pytest.mark.parametrize("clock", CLOCKS.values(), ids=CLOCKS)
def test_a_cameras_wrong_clock_does_not_matter(codec: Codec, clock: Callable[[int], int]) -> None:
    """Time stamps and sender reports may be nonsense: pictures come at the pace they arrive."""
    clip = units(codec)
    originals = decoded(codec, clip)
    reports = lambda number: random.Random(number).getrandbits(32)  # noqa: E731
    with BadRtsp(Script(codec, clip, clock=clock, reports=reports, fps=100)) as server:
        images = first(camera(server.url, visit=False, look_every_s=0.1), 6)
    assert all(is_one_of(image, originals) for image in images)


def test_reordered_pictures_are_not_waited_for(codec: Codec) -> None:
    """With B frames the decoder would hold the only key frame back until the next."""
    clip = units(codec, b_frames=3)
    once = lambda number, unit: [] if number and number % 10 == 0 else unit  # noqa: E731
    with BadRtsp(Script(codec, clip, mangle=once)) as server:
        (image,) = first(camera(server.url), 1)
    assert is_one_of(image, decoded(codec, clip))


@pytest.fixture(scope="module")
def sliced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RtspServer, dict]]:
    """GStreamer's server with clips of four slices a picture, and their true key frames."""
    folder = tmp_path_factory.mktemp("sliced")
    clips: dict[str, Path] = {}
    originals = {}
    for codec in CODECS:
        clip = units(codec, slices=4)
        clips[codec] = folder / f"clip.{codec}"
        clips[codec].write_bytes(b"".join(joined(unit) for unit in clip))
        originals[codec] = decoded(codec, clip)
    server = RtspServer(clips, fps=25)
    yield server, originals
    server.stop()


@pytest.mark.skipif(not has_gstreamer(), reason="only GStreamer's server parts key frames")
@pytest.mark.parametrize("visit", [True, False], ids=["patrolled", "held"])
def test_key_frames_of_several_slices_arrive_whole(
    sliced: tuple[RtspServer, dict], codec: Codec, visit: bool
) -> None:
    """GStreamer sets parameter sets between the slices, and FFmpeg parts the picture there."""
    server, originals = sliced
    source = camera(server.url(codec), visit=visit, open_timeout_s=5.0, key_frame_timeout_s=10.0)
    images = first(source, 1 if visit else 3)
    assert all(is_one_of(image, originals[codec]) for image in images)


def test_many_bad_cameras_do_not_stop_a_good_one() -> None:
    """Forty fail in every way in the same process; the good one keeps its pace."""
    clip = units("h264")
    bad = [
        Script(silent_from="connect"),
        Script(silent_from="PLAY"),
        Script(garbage=os.urandom(512)),
        Script("h264", clip, drop=loses(0.3), fps=10),
        Script("h264", clip, mangle=missing("h264"), fps=10),
    ]
    servers = [BadRtsp(script) for script in bad]
    good = BadRtsp(Script("h264", clip, fps=25))
    codes: list[Code] = []

    over = threading.Event()

    def fail(url: str) -> None:
        """Again and again: on a slow machine, too, they fail as long as the good one is watched."""
        while not over.is_set():
            try:
                next(pictures(camera(url, open_timeout_s=4.0)))
            except StreamError as error:
                codes.append(error.code)

    threads = [
        threading.Thread(target=fail, args=(server.url,)) for server in servers for _ in range(8)
    ]
    try:
        for thread in threads:
            thread.start()
        came = [time.monotonic() for _ in first_times(camera(good.url, visit=False), 10)]
    finally:
        over.set()
        for thread in threads:
            thread.join(30)
        for server in (*servers, good):
            server.stop()
    assert max(np.diff(came)) < SLACK_S  # a key frame every 0.4 s
    assert len(codes) >= len(threads)
    assert {Code.CAM_TIMEOUT, Code.CAM_DAMAGED} <= set(codes)


def first_times(source: Source, count: int) -> Iterator[None]:
    for number, _ in enumerate(pictures(source), 1):
        yield None
        if number == count:
            return
