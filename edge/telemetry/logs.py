"""Structured logs: JSON lines for machines, short lines for people, never a credential.

Every event passes through :func:`redact`: cameras' passwords stand in URLs, and URLs end up in
messages of libraries that never heard of secrets.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import structlog

from edge.errors import GridpatrolError

# Everything between "://" and the last "@" before white space: a password may itself hold "@",
# ":", "/" or a quote. Hiding a little too much of a line is better than hiding too little.
_USERINFO = re.compile(r"://\S*@")
# Cameras of several makers take the password as "...&password=x&..." in the path of the URL.
_ASSIGNED = re.compile(r"(?P<key>\b(?:passw(?:or)?d|pwd|secret|token)=)[^&\s]+", re.IGNORECASE)
_SECRET_KEYS = re.compile(r"passw|secret|token|credential|authorization", re.IGNORECASE)
_HIDDEN = "***"


def redact(text: str) -> str:
    """The text with ``***`` for the user and password of every URL and every ``password=``."""
    return _ASSIGNED.sub(rf"\g<key>{_HIDDEN}", _USERINFO.sub(f"://{_HIDDEN}@", text))


def redacted(value: Any) -> Any:
    """Any log value with secrets taken out, containers included."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {
            redact(str(key)): _HIDDEN if _SECRET_KEYS.search(str(key)) else redacted(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return redact(str(value))


class _Stderr:
    """Writes lines to whatever stderr is now; a terminal that went away stops no delivery."""

    def __init__(self, *_args: object) -> None:
        pass

    def msg(self, line: str) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.write(line + "\n")
            sys.stderr.flush()

    debug = info = warning = error = critical = exception = log = msg


class _FromLibraries(logging.Handler):
    """Takes what libraries say by the standard ``logging`` into our lines, redacted like them."""

    def emit(self, record: logging.LogRecord) -> None:
        tell = get_logger(record.name)
        level = tell.error if record.levelno >= logging.ERROR else tell.warning
        level("library_message", text=record.getMessage(), exc_info=record.exc_info)


def _redact_event(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    clean: structlog.typing.EventDict = redacted(event)
    return clean


def configure_logs(*, json_lines: bool, level: str = "INFO") -> None:
    """Set up logging to stderr, at the start of a command; libraries' warnings come along.

    Args:
        json_lines: one JSON object a line; otherwise short lines for a terminal.
        level: least level shown, by name.
    """
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if json_lines
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.processors.format_exc_info,
            _redact_event,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=_Stderr,
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    if not any(isinstance(handler, _FromLibraries) for handler in root.handlers):
        root.addHandler(_FromLibraries(logging.WARNING))


def get_logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """A logger that says which module speaks."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(module=name)
    return logger


def error_fields(error: GridpatrolError) -> dict[str, str]:
    """What a log line says of a fault."""
    return {
        "code": str(error.code),
        "where": error.where,
        "what": error.what,
        "fix": error.fix,
    }
