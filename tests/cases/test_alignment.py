"""Before and after lie over each other although the camera was shaken in between."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.cases.alignment import brought_over, transform
from edge.cases.draft import CaseDraft
from edge.detectors.base import Look
from edge.evidence.verify import Verifier
from edge.scenes.finding import SceneReport
from edge.shipped import shipped
from tests.cases.test_desk import Office, report

SIZE = (1920, 1080)


@cache
def street() -> tuple[np.ndarray, np.ndarray]:
    """The same plaza twice, ten seconds apart: people have walked on."""
    with av.open(str(shipped("demo") / "footage/clear.mp4")) as source:
        frames = [f.to_ndarray(format="bgr24") for f in source.decode(video=0)]
    first, second = (cv2.resize(f, SIZE, interpolation=cv2.INTER_CUBIC) for f in frames[:101:100])
    return first, second


def shaken(image: np.ndarray, degrees: float, dx: float, dy: float, light: float) -> np.ndarray:
    """What a camera sees that was turned and pushed, at another time of day."""
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    turn[:, 2] += dx * width, dy * height
    moved = cv2.warpAffine(image, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return np.clip(moved.astype(np.float32) * light, 0, 255).astype(np.uint8)


def error_px(degrees: float, dx: float, dy: float, light: float) -> float | None:
    """Largest distance, over a grid, from where a point ought to come to lie."""
    before, later = street()
    found = transform(before, shaken(later, degrees, dx, dy, light))
    if found is None:
        return None
    width, height = SIZE
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    turn[:, 2] += dx * width, dy * height
    xs, ys = np.meshgrid(np.linspace(0.05, 0.95, 9) * width, np.linspace(0.05, 0.95, 9) * height)
    points = np.stack([xs.ravel(), ys.ravel()], 1)
    seen = points @ turn[:, :2].T + turn[:, 2]
    back = cv2.perspectiveTransform(seen[None], found)[0]
    return float(np.linalg.norm(back - points, axis=1).max())


@settings(max_examples=12, deadline=None)
@given(
    st.floats(-2, 2), st.floats(-0.05, 0.05), st.floats(-0.05, 0.05), st.sampled_from([0.6, 1, 1.3])
)
def test_a_shaken_camera_is_laid_over_within_three_pixels(
    degrees: float, dx: float, dy: float, light: float
) -> None:
    error = error_px(degrees, dx, dy, light)
    assert error is not None
    assert error <= 3.0


def test_pictures_of_other_places_are_not_forced_together() -> None:
    before, _ = street()
    other = np.random.default_rng(3).integers(0, 255, (1080, 1920, 3), np.uint8)
    assert brought_over(before, cv2.GaussianBlur(other, (0, 0), 3)) is None
    assert brought_over(before, np.ascontiguousarray(before[::-1])) is None


@pytest.mark.parametrize("blank", [0, 128])
def test_a_blank_picture_tells_nothing(blank: int) -> None:
    before, _ = street()
    assert brought_over(before, np.full_like(before, blank)) is None


def test_another_size_is_brought_to_the_size_before() -> None:
    """The camera was set from 1080p to 720p."""
    before, later = street()
    small = cv2.resize(later, (1280, 720), interpolation=cv2.INTER_AREA)
    over = brought_over(before, small)
    assert over is not None
    assert over.shape == before.shape
    still = np.s_[100:300, 1500:1800]  # nobody walks there
    assert float(cv2.absdiff(over[still], later[still]).mean()) < 8


def sees(office: Office, at_s: float, image: np.ndarray, *, clear: bool) -> list[CaseDraft]:
    made = report(at_s, "cam-1", "z-1")
    look = Look(replace(made.look.frame, picture=image), ())
    findings = () if clear else tuple(replace(f, look=look) for f in made.findings)
    return office.desk.observe(SceneReport(look, findings, ("z-1", "z-2") if clear else ()))


@pytest.mark.parametrize(("degrees", "has_after"), [(1.5, True), (0.0, False)])
def test_a_case_that_is_gone_shows_the_place_at_its_former_angle(
    tmp_path: Path, degrees: float, has_after: bool
) -> None:
    """A further picture where the camera has moved; none where it stands as it stood."""
    before, later = street()
    office = Office(tmp_path)
    (new,) = sees(office, 0, before, clear=False)
    assert not sees(office, 10, later, clear=True)
    (gone,) = sees(office, 200, shaken(later, degrees, 0.02 * has_after, 0.0, 1), clear=True)
    assert gone.status == "gone"
    assert ("after" in {item.role for item in gone.evidence}) == has_after
    assert not Verifier().check(gone.evidence[0].path.parent).findings
    if has_after:
        pictures = {i.role: cv2.imread(str(i.path)) for i in gone.evidence}
        old = cv2.imread(str(new.evidence[0].path))
        part = np.s_[150:350, 1300:1700]  # nobody walks there, no frame is drawn there
        assert pictures["after"].shape == old.shape
        apart = {r: cv2.absdiff(pictures[r][part], old[part]).mean() for r in ("far", "after")}
        assert apart["after"] < 0.5 * apart["far"], apart
