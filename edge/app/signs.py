"""The permitted signs of a box, for whoever accepts them: command line now, console by a click."""

from __future__ import annotations

from edge.config.model import Settings
from edge.errors import Code, ConfigError
from edge.scenes.ads import AdRules
from edge.scenes.numbers import NumberGuard, box_secret
from edge.scenes.signs import PermittedSigns
from edge.scenes.wording import load_patterns


def ad_rules(settings: Settings) -> AdRules:
    """Wording patterns and the form of numbers, as configured.

    Raises:
        ConfigError: the patterns are not in order.
        StoreError: the key of hashed numbers can neither be read nor made.
    """
    text = settings.detectors.text
    patterns = load_patterns(text.patterns)
    secret = box_secret(settings.box.state_dir) if text.numbers == "hashed" else b""
    return AdRules(patterns, NumberGuard(patterns, text.numbers, secret))


def signs_of(settings: Settings, camera_id: str, zone_id: str) -> PermittedSigns:
    """The permitted signs of one zone; a running edge takes in what is accepted here.

    Raises:
        ConfigError: there is no such camera, or no such zone watched for illegal ads.
    """
    zones = {
        (camera.id, zone.id): zone
        for camera in settings.cameras
        for zone in camera.zones
        if zone.watch == "illegal_ads"
    }
    zone = zones.get((camera_id, zone_id))
    if zone is None:
        known = ", ".join(f"{camera}/{name}" for camera, name in sorted(zones)) or "none"
        raise ConfigError(
            Code.CFG_FIELD,
            f"{camera_id}/{zone_id}",
            "no zone of that name is watched for illegal ads",
            f"Zones watched for ads: {known}",
        )
    rules = ad_rules(settings)
    return PermittedSigns(
        zone.permitted_text,
        learn_s=settings.detectors.text.learn_s,
        memory=settings.box.state_dir / "signs" / f"{camera_id}.{zone_id}.json",
        guard=rules.guard,
        patterns=rules.patterns,
    )
