"""Whatever JSON a city answers, it is an answer, a refusal or none: never a crash."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from uploader.bridge.faults import CityAwayError, CityRefusedError, Do
from uploader.bridge.gat1400 import _statuses
from uploader.bridge.http import Answer, _object
from uploader.bridge.v22 import _city_case
from uploader.bridge.v22_client import refusal
from uploader.bridge.v22_notices import _items

_WORDS = st.sampled_from(
    [
        "success",
        "code",
        "message",
        "result",
        "recId",
        "taskNum",
        "resultList",
        "noticeId",
        "StatusCode",
        "ResponseStatusObject",
        "ResponseStatusListObject",
    ]
)
_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(_WORDS, below, max_size=4),
    max_leaves=12,
)
_CODES = {"-1": Do.DEAD, "-400001": Do.LOGIN, "-500001": Do.AGAIN}
_OBJECT = st.dictionaries(_WORDS, _ANY, max_size=5)


@given(body=st.none() | _OBJECT, status=st.integers(200, 499))
def test_any_answer_is_judged(body: dict[str, object] | None, status: int) -> None:
    answer = Answer(status, body, json.dumps(body))
    try:
        refused = refusal("city REPORT", answer, _CODES)
    except CityAwayError as fault:
        assert fault.lost
    else:
        well = body is not None and body.get("success") is True and body.get("code") == 0
        assert (refused is None) == (well and status < 300)
        assert refused is None or isinstance(refused, CityRefusedError)
    assert all(code >= 0 for code in _statuses(answer))


@given(found=_OBJECT)
def test_any_result_is_a_number_or_none(found: dict[str, object]) -> None:
    case = _city_case("case-1", "420111/box-07", found)
    assert case is None or case.rec_id
    assert all("noticeId" in item for item in _items(found.get("resultList")))


@given(content=st.binary(max_size=60))
def test_any_bytes_are_an_object_or_none(content: bytes) -> None:
    assert _object(content) is None or isinstance(_object(content), dict)
    assert _object(b"[" * 100_000) is None
