"""Prometheus metrics: every look, drop, retry, refusal and delay has a counter."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

LOOKS = Counter("gridpatrol_looks", "Frames taken for analysis.", ["camera"], registry=REGISTRY)
GATED_LOOKS = Counter(
    "gridpatrol_gated_looks",
    "Looks by who answered for their objects: the model, or the same picture before.",
    ["seen"],
    registry=REGISTRY,
)
DROPPED = Counter(
    "gridpatrol_frames_dropped",
    "Frames that newer ones replaced before they were analysed.",
    ["camera", "reason"],
    registry=REGISTRY,
)
RECONNECTS = Counter(
    "gridpatrol_stream_failures", "Times a camera went down.", ["camera"], registry=REGISTRY
)
WORKER_RESTARTS = Counter(
    "gridpatrol_worker_restarts",
    "Stream workers restarted, by the first camera they hold.",
    ["worker"],
    registry=REGISTRY,
)
PATROL_STRETCH = Gauge(
    "gridpatrol_patrol_stretch",
    "Factor on revisit times because the box, or the platform named, cannot keep up.",
    ["platform"],
    registry=REGISTRY,
)
PATROL_OVERDUE = Gauge(
    "gridpatrol_patrol_overdue",
    "Patrolled cameras past their (stretched) revisit time.",
    registry=REGISTRY,
)
PATROL_OPEN = Gauge(
    "gridpatrol_patrol_open_streams", "Patrolled cameras open now.", registry=REGISTRY
)
PATROL_FAILING = Gauge(
    "gridpatrol_patrol_failing",
    "Patrolled cameras that failed when last visited, by code.",
    ["code"],
    registry=REGISTRY,
)
PATROL_RESTING = Gauge(
    "gridpatrol_patrol_resting", "Patrolled cameras outside their hours.", registry=REGISTRY
)
CAMERA_UP = Gauge(
    "gridpatrol_camera_up", "1 while the camera gives pictures.", ["camera"], registry=REGISTRY
)
LOOK_SECONDS = Histogram(
    "gridpatrol_look_seconds",
    "Time a look spends in each stage.",
    ["stage"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
    registry=REGISTRY,
)
INFERENCE_SECONDS = Gauge(
    "gridpatrol_inference_seconds",
    "One inference as measured at the start, where several execution providers were tried.",
    ["model", "provider"],
    registry=REGISTRY,
)
FINDINGS = Counter(
    "gridpatrol_findings", "Looks on which a rule fired.", ["kind"], registry=REGISTRY
)
SUPPRESSED = Counter(
    "gridpatrol_findings_suppressed",
    "Findings that did not hold at the second look, by what they were taken for.",
    ["kind", "look_alike"],
    registry=REGISTRY,
)
CASES = Counter(
    "gridpatrol_case_revisions",
    "Case revisions committed.",
    ["kind", "status"],
    registry=REGISTRY,
)
ATTACHED = Counter(
    "gridpatrol_cases_attached",
    "Case revisions attached to a case that the platform had open already.",
    ["kind"],
    registry=REGISTRY,
)
KNOWN_CASES = Gauge(
    "gridpatrol_known_cases", "Open cases of the platform in this box's cells.", registry=REGISTRY
)
EVIDENCE_PICTURES = Counter(
    "gridpatrol_evidence_pictures",
    "Pictures taken for cases of cameras with a sub-stream: main, or sub where none came in time.",
    ["stream"],
    registry=REGISTRY,
)
CLIPS = Counter(
    "gridpatrol_clips",
    "Clips of acts: made, or none; the log says why not.",
    ["result"],
    registry=REGISTRY,
)
BEST_FRAMES_BYTES = Gauge(
    "gridpatrol_best_frames_bytes",
    "Pictures kept in memory as the best of what may become a case.",
    registry=REGISTRY,
)
BEST_FRAMES_DROPPED = Counter(
    "gridpatrol_best_frames_dropped",
    "Best pictures given up as evidence.best_frame_mb was reached.",
    registry=REGISTRY,
)
BEST_FRAMES_CHOSEN = Counter(
    "gridpatrol_best_frames_chosen",
    "Findings whose near view is of an earlier, better look.",
    registry=REGISTRY,
)
REQUESTS = Counter(
    "gridpatrol_requests",
    "Requests of the platform answered, by what they came to.",
    ["action", "result"],
    registry=REGISTRY,
)
OUTBOX_PENDING = Gauge(
    "gridpatrol_outbox_pending", "Revisions without a receipt.", registry=REGISTRY
)
OUTBOX_DEAD = Gauge(
    "gridpatrol_outbox_dead", "Revisions the platform has rejected.", registry=REGISTRY
)
CASES_WAITING = Gauge(
    "gridpatrol_cases_waiting",
    "New cases whose turn for the platform's desk has not come (cases.pace).",
    ["kind"],
    registry=REGISTRY,
)
CASES_WAITING_OLDEST = Gauge(
    "gridpatrol_cases_waiting_oldest_seconds",
    "How long the oldest of them has waited.",
    registry=REGISTRY,
)
CASES_UNSEEN = Gauge(
    "gridpatrol_cases_gone_before_turn",
    "Cases kept here that were gone or withdrawn before their turn came.",
    registry=REGISTRY,
)
CASES_TODAY = Gauge(
    "gridpatrol_cases_sent_today",
    "New cases let go to the platform's desk on the box's present day.",
    registry=REGISTRY,
)
UPLINK_CONNECTED = Gauge(
    "gridpatrol_uplink_connected", "1 while the broker is connected.", registry=REGISTRY
)
UPLINK_SENT_BYTES = Counter(
    "gridpatrol_uplink_sent_bytes",
    "Payload bytes handed to the broker, by lane.",
    ["lane"],
    registry=REGISTRY,
)
UPLINK_RETRIES = Counter(
    "gridpatrol_uplink_retries",
    "Times a letter was put off, by reason.",
    ["reason"],
    registry=REGISTRY,
)
UPLINK_RECEIPTS = Counter(
    "gridpatrol_uplink_receipts", "Receipts by result.", ["result"], registry=REGISTRY
)
EVIDENCE_INSTEAD_BY_MQTT = Counter(
    "gridpatrol_evidence_instead_by_mqtt",
    "Letters whose evidence went over MQTT because its store did not take it.",
    registry=REGISTRY,
)
RECEIPT_SECONDS = Histogram(
    "gridpatrol_uplink_receipt_seconds",
    "From the first message of a letter to its receipt, by lane.",
    ["lane"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
    registry=REGISTRY,
)
REDACTION_SECONDS = Histogram(
    "gridpatrol_redaction_seconds",
    "Making one picture safe to leave.",
    buckets=(0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
    registry=REGISTRY,
)
REDACTION_WAITING = Gauge(
    "gridpatrol_redaction_waiting",
    "Findings and ends of cases whose picture is being redacted.",
    registry=REGISTRY,
)
STORAGE_LEVEL = Gauge(
    "gridpatrol_storage_level", "0 ok, 1 early, 2 tight, 3 full.", registry=REGISTRY
)
STORAGE_FREE = Gauge(
    "gridpatrol_storage_free_bytes", "Left on the disk or of the quota.", registry=REGISTRY
)
STORAGE_REFUSED = Counter(
    "gridpatrol_storage_refused",
    "Writes given up for want of room, by what was not written.",
    ["what"],
    registry=REGISTRY,
)
RETENTION_REMOVED = Counter(
    "gridpatrol_retention_removed",
    "Delivered rows, files and bytes removed, by reason.",
    ["what", "why"],
    registry=REGISTRY,
)
ERRORS = Counter("gridpatrol_errors", "Faults by stable code.", ["code"], registry=REGISTRY)
