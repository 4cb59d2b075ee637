"""What the command ``verify`` does with its options."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edge.config.load import load_settings
from edge.evidence.checkpoint import load_checkpoints
from edge.evidence.findings import Report
from edge.evidence.verify import Verifier
from edge.signing import kid_of


def verified(
    what: str,
    config: Path,
    keys: Sequence[Path],
    checkpoints: Sequence[Path],
    revoked: Sequence[str],
) -> Report:
    """Check a path, or a case of this box.

    Args:
        what: a path; where there is none, the id of a case or its first characters.
        config: of the box, for a case.
        keys: PEM files of public keys that must have signed.
        checkpoints: files with the platform's checkpoints.
        revoked: short names of keys.

    Raises:
        GridpatrolError: nothing to check, or a key or checkpoint that is none.
    """
    verifier = Verifier(
        trusted=[kid_of(path) for path in keys],
        checkpoints=[point for path in checkpoints for point in load_checkpoints(path)],
        revoked=revoked,
    )
    path = Path(what)
    if path.exists() or "/" in what or not config.exists():
        return verifier.check(path)
    return verifier.check_case(load_settings(config).box.state_dir / "evidence", what)
