"""No credential in any log line."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import Code, StreamError
from edge.telemetry.logs import configure_logs, error_fields, get_logger, redact, redacted

_ODD = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="\"'<>"), min_size=6
)


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
    """Only user and password of a URL are touched."""
    if "://" not in text:
        assert redact(text) == text


def test_nested_values_and_secret_keys() -> None:
    """Lists, dictionaries, objects, and keys that name a secret."""
    value = {
        "urls": ["rtsp://u:hunter2@h/x", {"deep": "rtsp://u:hunter2@h/y"}],
        "mqtt_password": "hunter2",
        "count": 3,
        "error": ValueError("rtsp://u:hunter2@h/z"),
    }
    assert "hunter2" not in json.dumps(redacted(value))


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    yield
    structlog.reset_defaults()


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
