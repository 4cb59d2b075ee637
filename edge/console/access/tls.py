"""The certificate of the console, looked at before the port opens."""

from __future__ import annotations

import ssl
from pathlib import Path

from cryptography import x509

from edge.clock import Clock, iso, utc_now
from edge.config.console import ConsoleTlsSettings
from edge.errors import AccessError, Code


def check_tls(tls: ConsoleTlsSettings, clock: Clock = utc_now) -> None:
    """Refuse what no browser should be shown.

    Raises:
        AccessError: unreadable, expired, not yet valid, not a pair, or a key that others may read
            (CON-007).
    """
    try:
        found = x509.load_pem_x509_certificate(tls.cert.read_bytes())
        mode = tls.key.stat().st_mode
        tls.key.read_bytes()
    except OSError as error:
        where = Path(error.filename or tls.cert)
        raise _bad(where, f"cannot be read ({error.strerror})", "Give an existing file") from error
    except ValueError as error:
        raise _bad(tls.cert, "is no PEM certificate", "Give a PEM file") from error
    if mode & 0o077:
        what = f"others may read it (mode {mode & 0o777:04o})"
        raise _bad(tls.key, what, f"chmod 600 {tls.key}")
    now = clock()
    if now > found.not_valid_after_utc:
        raise _bad(tls.cert, f"expired at {iso(found.not_valid_after_utc)}", "Renew it")
    if now < found.not_valid_before_utc:
        what = f"is valid only from {iso(found.not_valid_before_utc)}"
        raise _bad(tls.cert, what, "Look at the clock of this box")
    try:
        # An encrypted key would ask on the terminal: the empty answer makes that an error.
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            tls.cert, tls.key, password=""
        )
    except (ssl.SSLError, OSError, ValueError) as error:
        what = "is encrypted, damaged, or does not belong to the certificate"
        raise _bad(tls.key, what, "Give the unencrypted PEM key of that certificate") from error


def _bad(path: Path, what: str, fix: str) -> AccessError:
    return AccessError(Code.CON_TLS, str(path), what, fix)
