"""Passwords, kept as Argon2id with OWASP's parameters.

The library is ``cryptography``, which the box signs with anyway. One is checked at a time: it takes
19 MiB, and a crowd at the log-in must not take the memory that the cameras need.
"""

from __future__ import annotations

import os
import threading
import unicodedata
from functools import lru_cache

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from edge.errors import AccessError, Code

LEAST, MOST = 12, 256
_MEMORY_KIB = 19 * 1024
_PASSES = 2
_one_at_a_time = threading.Lock()


def hashed(password: str) -> str:
    """The password as it is kept: a PHC string, with its own salt and parameters.

    Raises:
        AccessError: it is too short or too long (CON-008).
    """
    plain = _plain(password)
    if not LEAST <= len(plain) <= MOST:
        raise AccessError(
            Code.CON_USER,
            "password",
            f"it has {len(plain)} characters",
            f"Take {LEAST} to {MOST}; several words are good",
        )
    with _one_at_a_time:
        kdf = Argon2id(
            salt=os.urandom(16), length=32, iterations=_PASSES, lanes=1, memory_cost=_MEMORY_KIB
        )
        return kdf.derive_phc_encoded(plain.encode())


def matches(password: str, kept: str | None) -> bool:
    """Whether it is the one; for a user who has none (``None``) it takes as long to say no."""
    nobodys = _nobodys()  # made at the first call: always, or that call would tell who is a user
    phc = kept or nobodys
    with _one_at_a_time:
        try:
            Argon2id.verify_phc_encoded(_plain(password)[: MOST + 1].encode(), phc)
        except InvalidKey:
            return False
    return kept is not None


def _plain(password: str) -> str:
    """One form for what keyboards and input methods may send in several."""
    # A lone half of a pair, which JSON can carry, has no UTF-8 form.
    return unicodedata.normalize("NFKC", password).encode("utf-8", "replace").decode()


@lru_cache(maxsize=1)
def _nobodys() -> str:
    return hashed(os.urandom(24).hex())
