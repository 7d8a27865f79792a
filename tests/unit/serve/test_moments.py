"""Times that callers send: what is taken has to be told again, and stored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.domain.times import moment
from actors.storage.schema.columns import FIRST_MS, LAST_MS
from serve.moments import END_MS, Moment, ms_asked, ms_of
from serve.problems import Problem

_decoder = msgspec.json.Decoder(Moment)
_OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
FAR = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1969-12-31T23:59:59.999Z", "2100-01-01T00:00:00Z"]
# The same times in another zone than UTC.
NEAR = [("1970-01-01T02:00:00+02:00", 0), ("2099-12-31T21:59:59.999-02:00", END_MS - 1)]


def decoded(text: str) -> datetime:
    return _decoder.decode(msgspec.json.encode(text))


@given(st.datetimes(timezones=_OFFSETS))
def test_a_time_is_taken_that_can_not_be_told_again(at: datetime):
    if not datetime(1970, 1, 1, tzinfo=UTC) <= at < datetime(2100, 1, 1, tzinfo=UTC):
        with pytest.raises(Problem):
            ms_of(decoded(at.isoformat()), "/at")
        return
    at_ms = ms_of(decoded(at.isoformat()), "/at")
    assert FIRST_MS < at_ms < LAST_MS
    assert moment(at_ms) == at.astimezone(UTC) - timedelta(microseconds=at.microsecond % 1000)


@pytest.mark.parametrize("text", FAR)
def test_a_time_of_another_century_is_taken_or_refused_without_its_place(text: str):
    with pytest.raises(Problem) as caught:
        ms_of(decoded(text), "/lines/3/at")
    assert caught.value.code == "body.invalid"
    assert caught.value.errors[0]["pointer"] == "/lines/3/at"
    with pytest.raises(Problem) as caught:
        ms_asked("since", decoded(text))
    assert caught.value.code == "request.parameter_invalid"
    assert caught.value.errors[0]["parameter"] == "since"


@pytest.mark.parametrize(("text", "at_ms"), NEAR)
def test_a_time_at_either_end_is_refused(text: str, at_ms: int):
    assert ms_of(decoded(text), "") == ms_asked("since", decoded(text)) == at_ms
