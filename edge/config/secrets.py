"""Secrets come from the environment or from a file, never from the configuration itself.

``${env:NAME}`` and ``${file:/run/secrets/name}`` may stand anywhere inside a string value.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from edge.errors import Code, ConfigError

_REFERENCE = re.compile(r"\$\{(env|file):([^}]+)\}")
_LITERAL_PASSWORD = re.compile(r"^[a-z][a-z0-9+.-]*://[^/@\s:]*:(?!\$\{)[^@/\s]+@", re.IGNORECASE)


def resolve(text: str, where: str) -> str:
    """Replace every reference by what it points to.

    Raises:
        ConfigError: a variable or file that is not there, or a password written out in a URL.
    """
    if _LITERAL_PASSWORD.match(text):
        raise ConfigError(
            Code.CFG_SECRET,
            where,
            "a password is written out in the URL",
            "Write rtsp://user:${env:CAM_PASSWORD}@host/… or ${file:/path} instead",
        )
    return _REFERENCE.sub(lambda found: _look_up(found.group(1), found.group(2), where), text)


def _look_up(kind: str, name: str, where: str) -> str:
    if kind == "env":
        value = os.environ.get(name)
        if value is None:
            raise ConfigError(
                Code.CFG_SECRET,
                where,
                f"environment variable {name} is not set",
                f"Set {name} before the start, or use ${{file:/path}}",
            )
        return value
    try:
        return Path(name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(
            Code.CFG_SECRET,
            where,
            f"secret file {name} cannot be read ({reason})",
            "Make the file readable for this user",
        ) from error
