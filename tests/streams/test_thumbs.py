"""Whether two streams show one view: squeezed yes, cut off or another street no."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.streams.frame import Image
from edge.streams.thumbs import same_view, thumb


def street(seed: int) -> Image:
    """Blotches and edges, 1280 x 720."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(40, 210, (18, 32, 3)).astype(np.uint8)
    image = cv2.resize(coarse, (1280, 720), interpolation=cv2.INTER_CUBIC)
    return np.asarray(image, np.uint8)


def sub(image: Image, seed: int = 0, gain: float = 1.0) -> Image:
    """As a sub-stream shows it: squeezed to CIF, another exposure, noise, coded badly."""
    small = cv2.resize(image, (352, 288), interpolation=cv2.INTER_AREA).astype(np.float32) * gain
    noisy = small + np.random.default_rng(seed).normal(0, 4, small.shape)
    coded = cv2.imencode(".jpg", np.clip(noisy, 0, 255).astype(np.uint8), [1, 30])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)


@pytest.mark.parametrize("seed", range(8))
def test_one_street_is_one_view_and_two_are_two(seed: int) -> None:
    image = street(seed)
    assert same_view(thumb(image), thumb(sub(image, seed)))
    assert same_view(thumb(image), thumb(sub(image, seed, gain=0.6)))
    bus = image.copy()
    bus[300:600, 200:700] = (90, 90, 160)
    assert same_view(thumb(bus), thumb(sub(image, seed)))
    assert not same_view(thumb(street(seed + 100)), thumb(sub(image, seed)))
    cut_off = np.asarray(image[:, 160:1120], np.uint8)
    assert not same_view(thumb(image), thumb(sub(cut_off, seed)))


def test_where_nothing_is_to_be_seen_nothing_is_said() -> None:
    rng = np.random.default_rng(0)
    fog = [rng.normal(120, 3, (720, 1280, 3)).clip(0, 255).astype(np.uint8) for _ in range(2)]
    assert same_view(thumb(fog[0]), thumb(fog[1]))
