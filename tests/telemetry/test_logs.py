"""No credential in any log line."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import Code, StreamError
from edge.telemetry.logs import configure_logs, error_fields, get_logger, redact, redacted

_ODD = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=6)


@given(user=st.text("abcdef", min_size=1), password=_ODD)
def test_url_passwords_never_survive(user: str, password: str) -> None:
    """Odd characters, at the end, in the middle, twice."""
    canary = f"Canary{password}yranaC"
    url = f"rtsp://{user}:{canary}@10.0.0.1:554/stream"
    for text in (url, f"cannot open {url}: refused", f"{url} and {url}"):
        assert "Canary" not in redact(text)
        assert "yranaC" not in redact(text)
    assert redact(url).endswith("@10.0.0.1:554/stream")


@given(st.text(max_size=60))
def test_text_without_urls_is_left_alone(text: str) -> None:
    """Only user and password of a URL, and what is assigned to a password, are touched."""
    if "://" not in text and "=" not in text:
        assert redact(text) == text


def test_addresses_stay_readable() -> None:
    """What an operator needs to find the camera is not hidden."""
    for text in ("rtsp://10.0.0.1:554/live?channel=1", "mail ops@example.com", "tokens=3"):
        assert redact(text) == text


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://10.0.0.1:554/user=admin&password=hunter2&channel=1",
        "rtsp://10.0.0.1/live?channel=1&PWD=hunter2",
        "https://example.com/?token=hunter2",
        "rtsp://u:p'hunter2\"<@10.0.0.1/live",
    ],
)
def test_passwords_in_other_parts_of_a_url(url: str) -> None:
    """In the path or the query, as several makers want it; quotes in a password."""
    assert "hunter2" not in redact(f"cannot open {url}: refused")
    assert redact(f"cannot open {url}: refused").endswith(" refused")


def test_nested_values_and_secret_keys() -> None:
    """Lists, dictionaries, objects, and keys that name a secret."""
    value = {
        "urls": ["rtsp://u:hunter2@h/x", {"deep": "rtsp://u:hunter2@h/y"}],
        "mqtt_password": "hunter2",
        "count": 3,
        "error": ValueError("rtsp://u:hunter2@h/z"),
        "by_url": {"rtsp://u:hunter2@h/k": "up"},
    }
    assert "hunter2" not in json.dumps(redacted(value))


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    before = list(root.handlers)
    yield
    structlog.reset_defaults()
    root.handlers[:] = [h for h in root.handlers if h in before or "pytest" in type(h).__module__]


def test_log_lines_are_json_and_clean(capsys: pytest.CaptureFixture[str]) -> None:
    """Fields, events and exception traces alike."""
    configure_logs(json_lines=True, level="INFO")
    log = get_logger("test")
    log.info("camera_down", url="rtsp://u:hunter2@h/x", **error_fields(
        StreamError(Code.CAM_AUTH, "cam-1", "refused", "mend")))  # fmt: skip
    try:
        raise RuntimeError("rtsp://u:hunter2@h/x broke")
    except RuntimeError:
        log.exception("look_failed")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in lines] == ["camera_down", "look_failed"]
    assert lines[0]["code"] == "CAM-002"
    assert "hunter2" not in json.dumps(lines)
    assert "Traceback" in lines[1]["exception"]


def test_a_closed_terminal_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log line that cannot be written is lost, not raised: delivery must go on."""
    closed = io.StringIO()
    closed.close()
    configure_logs(json_lines=True, level="INFO")
    monkeypatch.setattr(sys, "stderr", closed)
    get_logger("test").warning("nobody_reads_this")


def test_what_libraries_say_is_clean_too(capsys: pytest.CaptureFixture[str]) -> None:
    """Their warnings come as our lines, once, without credentials, however often we set up."""
    configure_logs(json_lines=True, level="INFO")
    configure_logs(json_lines=True, level="INFO")
    log = logging.getLogger("some.library")
    log.info("not of interest")
    try:
        raise OSError("rtsp://u:hunter2@h/z")
    except OSError:
        log.warning("lost %s", "rtsp://u:hunter2@h/x", exc_info=True)
    (line,) = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert (told["event"], told["level"], told["module"]) == (
        "library_message",
        "warning",
        "some.library",
    )
    assert told["text"] == "lost rtsp://***@h/x"
    assert "OSError" in told["exception"]
    assert "hunter2" not in line


def test_terminal_lines_are_short_and_clean(capsys: pytest.CaptureFixture[str]) -> None:
    """One line without JSON, and nothing below the level."""
    configure_logs(json_lines=False, level="WARNING")
    get_logger("test").info("not_of_interest")
    get_logger("test").warning("camera_down", url="rtsp://u:hunter2@h/x")
    (line,) = capsys.readouterr().err.splitlines()
    assert "camera_down" in line
    assert "rtsp://***@h/x" in line
    assert not line.startswith("{")
