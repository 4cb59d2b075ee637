"""Numbers on ads: found however they are written, and never let out in clear."""

from __future__ import annotations

import hashlib
import hmac
import stat
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge.errors import Code, GridpatrolError
from edge.scenes.numbers import NumberGuard, box_secret, split_number
from edge.scenes.wording import load_patterns, normalised, phone_number, shipped_patterns

PATTERNS = shipped_patterns()
MASKED = NumberGuard(PATTERNS, "masked")
HASHED = NumberGuard(PATTERNS, "hashed", b"key of this box")
CLEAR = NumberGuard(PATTERNS, "clear")
REST = st.text("0123456789", min_size=8, max_size=8)
WORDING = st.text("办证刻章ABC，。 ", max_size=8)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("开锁139 0000 0001", "13900000001"),
        ("１３９０００００００１", "13900000001"),
        ("139.0000.0001", "13900000001"),
        ("139-0000-0001", "13900000001"),
        ("+86 139 0000 0001", "13900000001"),
        ("8613900000001", "13900000001"),
        ("热线027-8765 4321", "02787654321"),
        ("0712-2345678", "07122345678"),
        ("400-000-0001", "4000000001"),
        ("电话：8765 4321", "87654321"),
    ],
)
def test_numbers_are_found_as_people_write_them(text: str, number: str) -> None:
    """Spaces, dots, dashes, full width, country code, land lines and 400 numbers."""
    assert phone_number(text) == number


@pytest.mark.parametrize(
    "text", ["2026年11月24日", "鄂A12345", "营业时间 08:30-17:30", "110119", "Room 1203-1207"]
)
def test_other_digits_are_no_numbers(text: str) -> None:
    """Dates, plates, hours."""
    assert PATTERNS.numbers_in(text) == []


@pytest.mark.parametrize(
    "text", ["加微信: abc_12345", "VX abc12345", "QQ 12345678", "微信号abc12345"]
)
def test_accounts_are_found_and_hidden(text: str) -> None:
    """WeChat and QQ ids are somebody's too."""
    (number,) = PATTERNS.numbers_in(text)
    assert number.pattern.kind == "account"
    assert number.value not in MASKED.scrubbed(text)


@given(WORDING, REST, WORDING, st.sampled_from(["", " ", "-", "."]))
def test_no_number_gets_out(before: str, rest: str, after: str, gap: str) -> None:
    """Masked and hashed texts hold no run of digits that could be called; clear ones do."""
    text = f"{before}139{gap}{rest[:4]}{gap}{rest[4:]}{after}"
    assert f"139****{rest[4:]}" in MASKED.scrubbed(text)
    for guard in (MASKED, HASHED):
        public = guard.scrubbed(text)
        assert PATTERNS.numbers_in(public) == []
        assert f"139{rest}" not in normalised(public)
        assert guard.scrubbed(public) == public
    assert CLEAR.scrubbed(text) == text


@given(st.text("0123456789", min_size=7, max_size=20))
def test_a_number_with_a_digit_too_many_is_hidden_as_well(run: str) -> None:
    """What OCR made of it may be no number any more; it is nearly one."""
    assert run not in MASKED.scrubbed(f"电 {run} 话")


@given(WORDING, REST)
@example("", "69590982")  # whose hash is #023027024239 in hexadecimal: a land line's number
def test_a_text_and_its_public_form_are_the_same_sign(wording: str, rest: str) -> None:
    """An operator accepts what he sees, which is the hidden form."""
    text = f"{wording} 139{rest}"
    for guard in (MASKED, HASHED):
        seen, number = split_number(guard, text)
        again, same = split_number(guard, guard.scrubbed(text))
        assert number == same is not None
        assert normalised(seen) == normalised(again)


def test_digits_after_a_hash_sign_are_not_taken_for_a_hash() -> None:
    """On a wall they are a number with a digit too many, and hidden like one."""
    for guard in (MASKED, HASHED):
        assert "139000000012" not in guard.scrubbed("#139000000012")


def test_a_hash_kept_in_hexadecimal_is_still_known() -> None:
    """As earlier versions wrote it into the file of permitted signs."""
    digest = hmac.new(b"key of this box", b"13900000001", hashlib.sha256).hexdigest()[:12]
    assert split_number(HASHED, f"开锁 #{digest}")[1] == split_number(HASHED, "13900000001")[1]


def test_the_secret_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    """Hashes stay the same over a restart, and differ between boxes."""
    first = box_secret(tmp_path / "state")
    assert box_secret(tmp_path / "state") == first
    assert box_secret(tmp_path / "other") != first
    mode = (tmp_path / "state/numbers.key").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
    one, other = (NumberGuard(PATTERNS, "hashed", s) for s in (first, b"another"))
    assert one.public("13900000001") != other.public("13900000001")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[[words", Code.CFG_SYNTAX),
        ('[[words]]\nzh="a"\nen="b"\npattern="("', Code.CFG_FIELD),
        ('[[words]]\nzh="a"\npattern="x"', Code.CFG_FIELD),
        ('[[numbers]]\nzh="a"\nen="b"\npattern="1"', Code.CFG_FIELD),
        ("words = 3", Code.CFG_FIELD),
        ('[[words]]\nzh="a"\nen="b"\npattern="x"\nunless="("', Code.CFG_FIELD),
    ],
)
def test_bad_patterns_are_refused_by_name(tmp_path: Path, text: str, code: Code) -> None:
    """File, entry and what to do, in one line."""
    path = tmp_path / "words.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(GridpatrolError) as caught:
        load_patterns(path)
    assert caught.value.code is code
    assert str(path) in str(caught.value)


def test_a_missing_pattern_file_is_refused(tmp_path: Path) -> None:
    """Not found is said, not ignored."""
    with pytest.raises(GridpatrolError) as caught:
        load_patterns(tmp_path / "none.toml")
    assert caught.value.code is Code.CFG_FILE
