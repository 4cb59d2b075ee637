"""The board as JSON: what the page, scripts and health checks read."""

from __future__ import annotations

from collections.abc import Sequence

from edge.cases.draft import EvidenceItem
from edge.clock import iso
from edge.console.views import CameraView, CaseView, Snapshot
from edge.disk import Level
from uploader.letters import LetterView

WORTH_SAYING = 1.05
"""Revisit times stretched by less are not worth a word."""
_SOME = 3


def faults_of(now: Snapshot) -> list[str]:
    """Why the box is not well, in words; empty when it is.

    Three reasons count: no camera is up or starting, the broker is not connected, or the disk is
    so full that new cases are refused. A single
    camera that is down is its own trouble: ``/metrics`` has ``gridpatrol_camera_up`` for it.
    """
    faults = []
    if not any(camera.state in ("up", "starting", "resting") for camera in now.cameras):
        faults.append("no camera gives pictures")
    if not now.uplink.connected:
        faults.append(f"the platform's broker is away: {now.uplink.last_error or 'connecting'}")
    if now.storage.level is Level.FULL:
        free_mb = now.storage.free_bytes // 2**20
        faults.append(f"the disk is full ({free_mb} MB left): new case drafts are refused")
    return faults


def notes_of(now: Snapshot) -> list[str]:
    """What the box does less well than it was asked to, in words; it is well all the same."""
    notes = []
    if now.patrol.stretch >= WORTH_SAYING:
        notes.append(
            f"the box cannot keep up: revisit times are {now.patrol.stretch:.2f} times the "
            "configured ones"
        )
    notes += [
        f"platform {name} allows too few open streams: revisit times of its cameras are "
        f"{factor:.2f} times the configured ones"
        for name, factor in sorted(now.patrol.platforms.items())
        if factor >= WORTH_SAYING
    ]
    if now.no_purpose:
        some = ", ".join(now.no_purpose[:_SOME]) + (" …" if len(now.no_purpose) > _SOME else "")
        notes.append(
            f"no purpose is on record, or in force, for {len(now.no_purpose)} camera(s) ({some}); "
            "see gridpatrol purpose (CON-011)"
        )
    if (waiting := now.uplink.waiting).total:
        hours = waiting.oldest_s(now.now) / 3600
        notes.append(
            f"{waiting.total} new cases wait for their turn at the platform's desk (cases.pace), "
            f"the oldest for {hours:.1f} h; see gridpatrol outbox waiting"
        )
    return notes


def status_of(now: Snapshot) -> dict[str, object]:
    """Box, way to the platform and cameras: small, asked for every second."""
    return {
        "box_id": now.box_id,
        "now": iso(now.now),
        "started_at": iso(now.started_at),
        "looks_per_s": now.looks_per_s,
        "cases_version": now.cases_version,
        "uplink": {
            "connected": now.uplink.connected,
            "pending": now.uplink.pending,
            "dead": now.uplink.dead,
            "last_error": now.uplink.last_error,
            "rejected": [_rejected(letter) for letter in now.uplink.rejected],
            "queue": {
                "waiting": now.uplink.waiting.total,
                "by_kind": now.uplink.waiting.by_kind,
                "oldest_s": round(now.uplink.waiting.oldest_s(now.now)),
                "gone_before_turn": now.uplink.waiting.unseen,
                "sent_today": now.uplink.waiting.sent_today,
                "daily_quota": now.uplink.waiting.daily,
                "per_hour": now.uplink.waiting.per_hour,
            },
        },
        "storage": {
            "level": now.storage.level.name.lower(),
            "free_bytes": now.storage.free_bytes,
        },
        "patrol": {
            "cameras": now.patrol.cameras,
            "stretch": round(now.patrol.stretch, 2),
            "platforms": {name: round(f, 2) for name, f in now.patrol.platforms.items()},
            "overdue": now.patrol.overdue,
            "open_streams": now.patrol.open_streams,
            "failing": now.patrol.failing,
        },
        "no_purpose": list(now.no_purpose),
        "notes": notes_of(now),
        "cameras": [_camera(camera) for camera in now.cameras],
    }


def cases_of(now: Snapshot) -> dict[str, object]:
    """The cases on the board, newest first: asked for when ``cases_version`` has grown."""
    return {"cases_version": now.cases_version, "cases": [_case(view) for view in now.cases]}


def _camera(camera: CameraView) -> dict[str, object]:
    return {
        "id": camera.id,
        "name": {"zh": camera.name_zh, "en": camera.name_en},
        "state": camera.state,
        "detail": camera.detail,
        "look_at": iso(camera.look_at) if camera.look_at else None,
        "sequence": camera.sequence,
        "looks": camera.looks,
        "dropped": camera.dropped,
        "findings": list(camera.findings),
    }


def _rejected(letter: LetterView) -> dict[str, object]:
    return {
        "seq": letter.seq,
        "what": letter.what,
        "id": letter.subject,
        "revision": letter.revision,
        "kind": letter.kind,
        "created_at": letter.created_at,
        "reason": letter.reason,
    }


def _case(view: CaseView) -> dict[str, object]:
    case = view.draft
    return {
        "id": case.case_id,
        "revision": case.revision,
        "status": case.status,
        "kind": case.kind,
        "name": {"zh": case.category.name_zh, "en": case.category.name_en},
        "codes": [{"scheme": c.scheme, "code": c.code} for c in case.category.codes],
        "sub_label": case.category.sub_label,
        "cell": case.grid_cell,
        "place": case.place,
        "location": {
            "lon": case.location.lon,
            "lat": case.location.lat,
            "method": case.location.method,
        },
        "first_seen": iso(case.first_seen),
        "last_seen": iso(case.last_seen),
        "dwell_s": round((case.last_seen - case.first_seen).total_seconds()),
        "sightings": case.sightings,
        "score": case.score,
        "sources": [{"camera": s.camera_id, "zone": s.zone_id} for s in case.sources],
        "reasons": [{"zh": r.zh, "en": r.en} for r in case.reasons],
        "evidence": _pictures(case.evidence),
        "before": _pictures(view.before),
        "models": list(case.models),
    }


def _pictures(items: Sequence[EvidenceItem]) -> list[dict[str, str]]:
    return [{"role": item.role, "sha256": item.sha256} for item in items]
