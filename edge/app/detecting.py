"""Detectors and the second look, as the settings call for them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from edge.app.gate import Gate
from edge.app.seldom import FROM_S, SeldomSeen
from edge.cases.desk import CaseDesk
from edge.cases.suppressed import SuppressedStore
from edge.config.model import CameraSettings, Settings
from edge.detectors.base import Detector, OnlyCameras
from edge.detectors.card import model_folder
from edge.detectors.naming import Namer
from edge.detectors.objects import ObjectDetector
from edge.detectors.precision import INT8, folders, quickest
from edge.detectors.second_look import SecondLook
from edge.detectors.static import StaticObjectDetector
from edge.detectors.text import TextDetector
from edge.detectors.tiles import TiledDetector, close_view
from edge.detectors.unchanged import Changes, Gated, Limits
from edge.disk import DiskWatch, Level
from edge.geometry import Box
from edge.redaction.finder import Finder
from edge.redaction.redactor import Redactor
from edge.scenes.finding import EventKind
from edge.scenes.zones import Zone

_PEOPLE_MODEL, _FACE_MODEL = "coco-nanodet", "yunet"


def build_gate(
    settings: Settings,
    detectors: Sequence[Detector],
    desk: CaseDesk,
    database: Path,
    watch: DiskWatch | None = None,
    *,
    redactor: Redactor,
) -> Gate | None:
    """The second look over what the detectors found; None when it is switched off."""
    models = [model for detector in detectors if (model := model_inside(detector)) is not None]
    chosen = settings.detectors.second_look
    if not chosen.enabled or not models:
        return None

    def may_keep() -> bool:
        return watch is None or watch.level() < Level.EARLY

    namer = _namer(settings)
    every_s = {
        c.id: c.look_every_s
        for c in settings.active_cameras
        if c.mode == "patrolled" or c.look_every_s >= FROM_S
    }
    return Gate(
        SecondLook(models, min_score=chosen.min_score, namer=namer),
        SuppressedStore(database, may_keep=may_keep),
        desk.has_open_case,
        redactor=redactor,
        again_after_s=chosen.again_after_s,
        min_scores={(c.id, z.id): z.min_score for c in settings.active_cameras for z in c.zones},
        seldom=SeldomSeen(namer, every_s) if namer is not None and every_s else None,
    )


def build_redactor(settings: Settings, detectors: Sequence[Detector] = ()) -> Redactor:
    """What makes pictures safe to leave; its models are opened when the first picture needs them.

    A model that is missing then holds back what should leave, and detection goes on.

    Args:
        settings: what to run on.
        detectors: one of them may hold the object model already; it is used again.
    """
    of = settings.detectors.object

    def open_model(name: str) -> ObjectDetector:
        folder = model_folder(name, of.models_dir)
        return ObjectDetector(folder, provider=of.provider, threads=of.threads)

    def open_finder() -> Finder:
        models = [model for detector in detectors if (model := model_inside(detector)) is not None]
        alike = [m for m in models if m.card.name.removesuffix(INT8) == _PEOPLE_MODEL]
        quick = alike[0] if alike else _quickest(settings, _PEOPLE_MODEL)
        # In int8 a few of the weakest boxes are lost, so one of the two passes is in fp32.
        plain = quick if quick.card.name == _PEOPLE_MODEL else open_model(_PEOPLE_MODEL)
        return Finder(plain, quick, open_model(_FACE_MODEL))

    return Redactor(settings.redaction, open_finder)


def _namer(settings: Settings) -> Namer | None:
    name, of = settings.detectors.second_look.look_alikes, settings.detectors.object
    if name is None:
        return None
    return Namer(model_folder(name, of.models_dir), provider=of.provider, threads=of.threads)


def ground_watcher(
    detectors: Sequence[Detector],
) -> tuple[StaticObjectDetector, frozenset[str]] | None:
    """The detector that knows the empty ground, and the cameras it knows it of."""
    for detector in detectors:
        if isinstance(detector, OnlyCameras):
            inside = detector.detector
            if isinstance(inside, StaticObjectDetector):
                return inside, detector.cameras
    return None


def model_inside(detector: Detector) -> ObjectDetector | None:
    """The object model at the core of a detector; None where there is none."""
    inside = _inside(detector)
    return inside if isinstance(inside, ObjectDetector) else None


def _inside(detector: Detector) -> Detector | ObjectDetector:
    while isinstance(detector, (Gated, OnlyCameras, TiledDetector)):
        detector = detector.detector
    return detector


def without_memory(detectors: Sequence[Detector]) -> tuple[Detector, ...]:
    """The detectors to which every picture is the first: nothing of it is remembered."""
    each = (d.detector if isinstance(d, Gated) else d for d in detectors)
    return tuple(d for d in each if not isinstance(_inside(d), StaticObjectDetector | TextDetector))


def build_detectors(settings: Settings) -> tuple[Detector, ...]:
    """Detectors in the order in which they build on each other."""
    chosen = settings.detectors
    detectors: list[Detector] = [
        detector
        for name in chosen.object.models
        if (detector := _object_detector(settings, name)) is not None
    ]
    if chosen.gate.enabled:
        changes = _changes(settings)
        detectors = [Gated(detector, changes) for detector in detectors]
    still = _watching(settings.active_cameras, EventKind.PILED_MATERIALS, EventKind.STREET_VENDING)
    if chosen.static.enabled and still:
        static = StaticObjectDetector(
            learn_s=chosen.static.learn_s,
            stay_s=chosen.static.stay_s,
            min_area=chosen.static.min_area,
            max_area=chosen.static.max_area,
            memory=settings.box.state_dir / "backgrounds",
        )
        detectors.append(OnlyCameras(static, frozenset(camera.id for camera in still)))
    ads = _watching(settings.active_cameras, EventKind.ILLEGAL_ADS)
    if chosen.text.enabled and ads:
        regions = {
            camera.id: tuple(
                Zone.of(zone, settings.box.time_zone).bounds
                for zone in camera.zones
                if zone.watch == "illegal_ads"
            )
            for camera in ads
        }
        detectors.append(
            TextDetector(regions, every_s=chosen.text.every_s, min_score=chosen.text.min_score)
        )
    return tuple(detectors)


def _changes(settings: Settings) -> Changes:
    """What tells quiet looks from others; what changes far from every zone does not matter."""
    gate = settings.detectors.gate
    zones = {
        camera.id: [Zone.of(zone, settings.box.time_zone).bounds for zone in camera.zones]
        for camera in settings.active_cameras
    }
    return Changes(Limits(gate.model_every_looks, gate.model_every_s), zones)


def _object_detector(settings: Settings, name: str) -> Detector | None:
    """The model, run for the cameras its card says it is of use for; None when there are none."""
    chosen = settings.detectors.object
    model = _quickest(settings, name)
    tiles = {c.id: c.tiles for c in settings.active_cameras if c.tiles is not None}
    close = {} if model.card.watch else _close_views(settings)
    tiled = TiledDetector(model, default=chosen.tiles, cameras=tiles, close=close)
    if not model.card.watch:
        return tiled
    cameras = {
        camera.id
        for kind in model.card.watch
        for camera in _watching(settings.active_cameras, EventKind(kind))
    }
    return OnlyCameras(tiled, frozenset(cameras)) if cameras else None


def _quickest(settings: Settings, name: str) -> ObjectDetector:
    """A model in the precision that is asked for, or that runs quicker here."""
    chosen = settings.detectors.object
    return quickest(
        ObjectDetector(
            folder,
            provider=chosen.provider,
            threads=chosen.threads,
            at_once=chosen.at_once or len(os.sched_getaffinity(0)),
        )
        for folder in folders(name, chosen.models_dir, chosen.precision)
    )


def _close_views(settings: Settings) -> dict[str, Box]:
    """By camera, where somebody may be selling."""
    views = {
        camera.id: close_view(
            [
                Zone.of(zone, settings.box.time_zone).bounds
                for zone in camera.zones
                if zone.watch == "street_vending"
            ]
        )
        for camera in settings.active_cameras
    }
    return {name: view for name, view in views.items() if view is not None}


def _watching(cameras: Sequence[CameraSettings], *kinds: EventKind) -> list[CameraSettings]:
    return [camera for camera in cameras if any(zone.watch in kinds for zone in camera.zones)]
