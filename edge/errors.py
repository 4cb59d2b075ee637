"""Every error gridpatrol shows a person: one line, a stable code, and what to do.

GridpatrolError
├── ConfigError      configuration files, secrets, zones, grid
├── StreamError      cameras and their streams
├── ModelError       weights, cards, execution providers
├── PictureError     pictures that cannot be read
├── RedactionError   pictures that cannot be made safe to leave
├── StoreError       SQLite, disk, evidence files
├── DeliveryError    broker, receipts
├── ContractError    messages that do not fit the published schema
├── RequestError     what the platform asks of a box
├── ReviewError      verdicts and files of verdicts
├── ExportError      evidence taken out of the box
├── AccessError      users, log-ins and certificates of the console
├── HoldError        evidence that a person wants kept
└── EvaluationError  labelled pictures and scenarios to measure with

Codes are stable: scripts and run books may match on them. ``docs/errors.md`` explains each
(a test holds the two lists together).
"""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """Stable error codes, grouped by the boundary at which they arise."""

    CFG_FILE = "CFG-001"
    CFG_SYNTAX = "CFG-002"
    CFG_FIELD = "CFG-003"
    CFG_SECRET = "CFG-004"  # noqa: S105 - a code, not a secret
    CFG_ZONE = "CFG-005"
    CFG_GRID = "CFG-006"
    CFG_DUPLICATE = "CFG-007"
    CFG_CATEGORY = "CFG-008"
    CFG_OWNERS = "CFG-009"
    CFG_APPLY = "CFG-010"
    CFG_LOCAL = "CFG-011"

    CAM_UNREACHABLE = "CAM-001"
    CAM_AUTH = "CAM-002"
    CAM_NO_VIDEO = "CAM-003"
    CAM_TIMEOUT = "CAM-004"
    CAM_ENDED = "CAM-005"
    CAM_BROKEN = "CAM-006"
    CAM_NOT_FOUND = "CAM-007"
    CAM_WORKER_DIED = "CAM-008"
    CAM_WORKER_HUNG = "CAM-009"
    CAM_PICTURE = "CAM-010"
    CAM_VIEW = "CAM-011"
    CAM_NO_KEY_FRAME = "CAM-012"
    CAM_DAMAGED = "CAM-013"
    CAM_SIZE = "CAM-014"

    MDL_MISSING = "MDL-001"
    MDL_CARD = "MDL-002"
    MDL_HASH = "MDL-003"
    MDL_CORRUPT = "MDL-004"
    MDL_SHAPE = "MDL-005"
    MDL_PROVIDER = "MDL-006"

    RED_FAILED = "RED-001"

    PIC_BROKEN = "PIC-001"
    PIC_SIZE = "PIC-002"

    STO_OPEN = "STO-001"
    STO_FULL = "STO-002"
    STO_WRITE = "STO-003"
    STO_LOCKED = "STO-004"
    STO_SERVER = "STO-005"
    STO_ROOM = "STO-006"
    STO_FAILED = "STO-007"
    STO_KEPT = "STO-008"
    STO_INDEX = "STO-009"
    EVI_MISSING = "EVI-001"
    EVI_ALTERED = "EVI-002"
    EVI_MANIFEST = "EVI-003"
    EVI_STORE_AWAY = "EVI-004"
    EVI_STORE_REFUSED = "EVI-005"
    EVI_CHAIN = "EVI-006"

    MQT_UNREACHABLE = "MQT-001"
    MQT_REFUSED = "MQT-002"
    MQT_TOO_LARGE = "MQT-003"
    MQT_REJECTED = "MQT-004"
    MQT_NO_RECEIPT = "MQT-005"
    MQT_NO_ANSWER = "MQT-006"
    BRG_MAPPING = "BRG-001"
    BRG_AWAY = "BRG-002"
    BRG_STOPPED = "BRG-003"
    BRG_REFUSED = "BRG-004"
    MSG_SCHEMA = "MSG-001"
    MSG_HASH = "MSG-002"
    SEC_KEY = "SEC-001"
    SEC_UNSIGNED = "SEC-002"
    SEC_CHAIN_KEY = "SEC-003"

    ASK_UNKNOWN = "ASK-001"
    ASK_EXPIRED = "ASK-002"
    ASK_FULL = "ASK-003"
    ASK_CRASHED = "ASK-004"
    ASK_FAULT = "ASK-005"

    REV_FILE = "REV-001"
    REV_CASE = "REV-002"
    REV_ZONE = "REV-003"

    HLD_NOTHING = "HLD-001"
    HLD_OPTION = "HLD-002"

    EXP_NOTHING = "EXP-001"
    EXP_OPTION = "EXP-002"

    RUN_PORT = "RUN-001"
    RUN_EXTRA = "RUN-002"

    CON_FORBIDDEN = "CON-001"
    CON_NO_LETTER = "CON-002"
    CON_INPUT = "CON-003"
    CON_LOGIN = "CON-004"
    CON_WRONG = "CON-005"
    CON_TOO_MANY = "CON-006"
    CON_TLS = "CON-007"
    CON_USER = "CON-008"
    CON_LINK = "CON-009"
    CON_NOT_LOGGED = "CON-010"
    CON_NO_PURPOSE = "CON-011"

    EVL_DATA = "EVL-001"
    EVL_LABEL = "EVL-002"
    EVL_PICTURE = "EVL-003"
    EVL_CLASSES = "EVL-004"
    EVL_SCENARIO = "EVL-005"
    EVL_VIDEO = "EVL-006"
    EVL_OPTION = "EVL-007"


class GridpatrolError(Exception):
    """A fault with a stable code, the place it was found, and the way out.

    Args:
        code: the stable code.
        where: file and line, camera id, case id: whatever a person would look for.
        what: what was wrong, in words.
        fix: what to do about it.
    """

    def __init__(self, code: Code, where: str, what: str, fix: str) -> None:
        self.code = code
        self.where = where
        self.what = what
        self.fix = fix
        super().__init__(f"[{code}] {where}: {what}. {fix}")

    @property
    def fatal(self) -> bool:
        """Whether this process must end: what it wrote may be lost although it was told otherwise.

        A kernel that fails to sync forgets what it could not write, and the next sync succeeds
        (PostgreSQL's fsync error of 2018). Only reading everything anew from the disk helps.
        """
        return self.code is Code.STO_FAILED

    def __reduce__(self) -> tuple[type[GridpatrolError], tuple[Code, str, str, str]]:
        """Errors cross from worker processes."""
        return type(self), (self.code, self.where, self.what, self.fix)


class ConfigError(GridpatrolError):
    """A configuration file that must not take effect."""


class StreamError(GridpatrolError):
    """A camera that gives no pictures; the worker retries it with back-off."""


class ModelError(GridpatrolError):
    """Weights or a card that must not be loaded."""


class PictureError(GridpatrolError):
    """A picture that cannot be read; others go on without it."""


class RedactionError(GridpatrolError):
    """A picture that could not be redacted: it must not leave; the next look tries again."""


class StoreError(GridpatrolError):
    """The disk or the database refused a write: nothing was acknowledged."""


class DeliveryError(GridpatrolError):
    """The broker or the platform refused something; the outbox keeps the row."""


class ContractError(GridpatrolError):
    """A message that does not fit the published schema."""


class RequestError(GridpatrolError):
    """Something the platform asks that this box will not, or cannot, do."""


class ReviewError(GridpatrolError):
    """A verdict, or a file of verdicts, that cannot be taken in."""


class ExportError(GridpatrolError):
    """Evidence that cannot be taken out of the box as it was asked for."""


class AccessError(GridpatrolError):
    """A user, a log-in or a certificate of the console that cannot be taken."""


class HoldError(GridpatrolError):
    """A legal hold that cannot be set or ended as it was asked for."""


class EvaluationError(GridpatrolError):
    """Labelled pictures or scenarios that cannot be measured with."""
