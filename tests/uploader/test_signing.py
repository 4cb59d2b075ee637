"""Signatures over the bytes, keys that nobody else may read."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import Code, ConfigError
from edge.signing import (
    Signature,
    Verifier,
    load_or_make_signer,
    load_signer,
    published,
    trusted,
)


def test_a_key_is_made_once_and_kept(tmp_path: Path) -> None:
    """Readable by its owner only, the same after a restart."""
    path = tmp_path / "keys" / "box.pem"
    made = load_or_make_signer(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o077 == 0
    assert [p.name for p in path.parent.iterdir()] == ["box.pem"]
    assert load_or_make_signer(path).kid == made.kid
    assert load_or_make_signer(tmp_path / "other.pem").kid != made.kid


def test_each_outcome_has_its_name(tmp_path: Path) -> None:
    """Only one of them is good."""
    signer = load_or_make_signer(tmp_path / "box.pem")
    stranger = load_or_make_signer(tmp_path / "stranger.pem")
    verifier = published([signer.public])
    user = signer.sign(b"payload")
    assert verifier.check(b"payload", user) is Signature.VALID
    assert verifier.check(b"payloae", user) is Signature.WRONG
    assert verifier.check(b"payload", {}) is Signature.UNSIGNED
    assert verifier.check(b"payload", {"kid": signer.kid}) is Signature.UNSIGNED
    assert verifier.check(b"payload", stranger.sign(b"payload")) is Signature.UNKNOWN_KEY
    forged = {**stranger.sign(b"payload"), "kid": signer.kid}
    assert verifier.check(b"payload", forged) is Signature.WRONG
    assert Verifier(()).check(b"payload", user) is Signature.UNKNOWN_KEY
    assert not Verifier(())
    assert verifier


@given(sig=st.text(max_size=120))
def test_no_text_in_place_of_a_signature_is_valid(
    sig: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """And none raises."""
    signer = load_or_make_signer(tmp_path_factory.getbasetemp() / "any" / "box.pem")
    found = published([signer.public]).check(b"payload", {"kid": signer.kid, "sig": sig})
    assert found is Signature.WRONG


def test_keys_of_openssl_are_read(tmp_path: Path) -> None:
    """An operator makes the platform's key with the tool at hand."""
    private, public = tmp_path / "platform.pem", tmp_path / "platform.pub.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", private], check=True)
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True)
    private.chmod(0o600)
    user = load_signer(private).sign(b"command")
    assert trusted([public]).check(b"command", user) is Signature.VALID


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    """With the command that mends it."""
    path = tmp_path / "box.pem"
    load_or_make_signer(path)
    path.chmod(mode)
    with pytest.raises(ConfigError, match="chmod 600") as caught:
        load_or_make_signer(path)
    assert caught.value.code is Code.SEC_KEY


def test_what_is_no_key_is_refused(tmp_path: Path) -> None:
    """Missing, garbage, another algorithm, private in place of public."""
    rsa, junk = tmp_path / "rsa.pem", tmp_path / "junk.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-out", rsa], check=True)
    junk.write_text("not a key")
    for path in (rsa, junk):
        path.chmod(0o600)
        with pytest.raises(ConfigError, match="SEC-001"):
            load_signer(path)
    with pytest.raises(ConfigError, match="SEC-001"):
        load_signer(tmp_path / "missing.pem")
    load_or_make_signer(tmp_path / "box.pem")
    for path in (junk, tmp_path / "box.pem", tmp_path / "missing.pem"):
        with pytest.raises(ConfigError, match="SEC-001"):
            trusted([path])
