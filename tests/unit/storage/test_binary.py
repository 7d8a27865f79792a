"""Times on their way to PostgreSQL: one that nobody can read back would keep a host from taking over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from psycopg.types.datetime import TimestamptzBinaryLoader

from actors.storage.binary import array_of, copied_rows
from actors.storage.schema.columns import FIRST_MS, LAST_MS, Instant, readable

_ANY_MS = st.integers(-(1 << 80), 1 << 80) | st.sampled_from([FIRST_MS, FIRST_MS - 1, LAST_MS, LAST_MS + 1])
_columns = sa.Table("t", sa.MetaData(), sa.Column("at", Instant, nullable=False), sa.Column("due_at", Instant)).c
_load = TimestamptzBinaryLoader(0).load
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT = Instant()


class _Row(msgspec.Struct):
    at: int
    due_at: int | None


def read(wire: bytes) -> int | None:
    """As the driver reads it, in any zone."""
    found = _load(wire)
    for hours in (-14, 14):
        found.astimezone(timezone(timedelta(hours=hours)))
    return _INSTANT.process_result_value(found, None)


def cells(wire: bytes) -> list[int]:
    """Of an array of times, each after its length."""
    return [read(wire[at + 4 : at + 12]) for at in range(20, len(wire), 12)]


@given(st.lists(_ANY_MS, min_size=1, max_size=150))
def test_a_column_of_times_can_not_be_read_back(values: list[int]):
    for column in _columns:
        assert cells(array_of(column, values)) == [readable(value) for value in values]


@given(_ANY_MS, st.none() | _ANY_MS)
def test_a_row_with_times_can_not_be_read_back(at: int, due_at: int | None):
    _, row, _ = copied_rows(list(_columns), [_Row(at, due_at)])
    assert read(row[6:14]) == readable(at)
    assert row[14:] == b"\xff" * 4 if due_at is None else read(row[18:26]) == readable(due_at)


@given(_ANY_MS)
def test_a_parameter_is_no_time(value: int):
    assert _INSTANT.process_bind_param(value, None) == _EPOCH + timedelta(milliseconds=readable(value))


@pytest.mark.parametrize("value", [FIRST_MS, -1, 0, 1_767_225_600_123, LAST_MS])
def test_a_time_that_can_be_read_is_changed(value: int):
    assert readable(value) == value
    assert cells(array_of(_columns.at, [value])) == [value]
