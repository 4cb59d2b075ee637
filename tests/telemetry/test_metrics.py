"""The names on /metrics are an interface: dashboards and alarms hang on them."""

from __future__ import annotations

from prometheus_client import generate_latest

from edge.telemetry.metrics import REGISTRY

NAMES = {
    "gridpatrol_cases_attached": "counter",
    "gridpatrol_known_cases": "gauge",
    "gridpatrol_redaction_seconds": "histogram",
    "gridpatrol_redaction_waiting": "gauge",
    "gridpatrol_clips": "counter",
    "gridpatrol_requests": "counter",
    "gridpatrol_looks": "counter",
    "gridpatrol_frames_dropped": "counter",
    "gridpatrol_stream_failures": "counter",
    "gridpatrol_worker_restarts": "counter",
    "gridpatrol_cases_waiting": "gauge",
    "gridpatrol_cases_waiting_oldest_seconds": "gauge",
    "gridpatrol_cases_gone_before_turn": "gauge",
    "gridpatrol_cases_sent_today": "gauge",
    "gridpatrol_patrol_stretch": "gauge",
    "gridpatrol_patrol_overdue": "gauge",
    "gridpatrol_patrol_open_streams": "gauge",
    "gridpatrol_patrol_failing": "gauge",
    "gridpatrol_patrol_resting": "gauge",
    "gridpatrol_camera_up": "gauge",
    "gridpatrol_look_seconds": "histogram",
    "gridpatrol_gated_looks": "counter",
    "gridpatrol_inference_seconds": "gauge",
    "gridpatrol_best_frames_bytes": "gauge",
    "gridpatrol_best_frames_chosen": "counter",
    "gridpatrol_best_frames_dropped": "counter",
    "gridpatrol_evidence_pictures": "counter",
    "gridpatrol_findings": "counter",
    "gridpatrol_findings_suppressed": "counter",
    "gridpatrol_case_revisions": "counter",
    "gridpatrol_outbox_pending": "gauge",
    "gridpatrol_outbox_dead": "gauge",
    "gridpatrol_uplink_connected": "gauge",
    "gridpatrol_errors": "counter",
    "gridpatrol_storage_level": "gauge",
    "gridpatrol_storage_free_bytes": "gauge",
    "gridpatrol_storage_refused": "counter",
    "gridpatrol_retention_removed": "counter",
    "gridpatrol_evidence_instead_by_mqtt": "counter",
    "gridpatrol_uplink_sent_bytes": "counter",
    "gridpatrol_uplink_retries": "counter",
    "gridpatrol_uplink_receipts": "counter",
    "gridpatrol_uplink_receipt_seconds": "histogram",
}


def test_names_and_types_stay() -> None:
    """Every metric by name and type; counters carry ``_total`` on the wire."""
    assert {metric.name: metric.type for metric in REGISTRY.collect()} == NAMES
    text = generate_latest(REGISTRY).decode()
    for name, kind in NAMES.items():
        suffix = "_total" if kind == "counter" else ""
        assert f"# TYPE {name}{suffix} {kind}" in text


def test_every_metric_says_what_it_is() -> None:
    """A help text that is a sentence."""
    for metric in REGISTRY.collect():
        assert metric.documentation.endswith("."), metric.name
