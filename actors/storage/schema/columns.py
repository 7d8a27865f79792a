"""Columns as the tables have them: none is null but those that say so. And the metadata that all tables are in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

# Updates stay on their page (HOT) and leave the indexes alone.
ROOM: dict[str, Any] = {"postgresql_with": {"fillfactor": 70}}
metadata = sa.MetaData()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# 0001-01-02 and 9999-12-30: PostgreSQL knows more years than Python, and a time at either end is read
# back in no zone but its own.
FIRST_MS = -62_135_510_400_000
LAST_MS = 253_402_128_000_000


def readable(value: int) -> int:
    """A time (UTC ms) that can be stored and read back: the nearest one to `value`. One that can't would keep whoever
    reads its table from starting."""
    return max(FIRST_MS, min(value, LAST_MS))


class Instant(sa.types.TypeDecorator[int]):
    """timestamptz in the database, UTC milliseconds since 1970 in our structs. What lies outside of `FIRST_MS` and
    `LAST_MS` is stored as the nearer of these."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: sa.Dialect) -> datetime | None:
        """Milliseconds → datetime."""
        return None if value is None else _EPOCH + timedelta(milliseconds=readable(value))

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> int | None:
        """Datetime → milliseconds."""
        return None if value is None else (value - _EPOCH) // timedelta(milliseconds=1)


def key(name: str, **options: Any) -> sa.Column[str]:
    """An id: compared bytewise."""
    return sa.Column(name, sa.Text(collation="C"), nullable=False, **options)


def text(name: str) -> sa.Column[str]:
    """Text that nothing is found by."""
    return sa.Column(name, sa.Text, nullable=False)


def integer(name: str, **options: Any) -> sa.Column[int]:
    """Up to 2^31."""
    return sa.Column(name, sa.Integer, nullable=False, **options)


def bigint(name: str, **options: Any) -> sa.Column[int]:
    """Up to 2^63."""
    return sa.Column(name, sa.BigInteger, nullable=False, **options)


def instant(name: str) -> sa.Column[int]:
    """A moment that is always known."""
    return sa.Column(name, Instant, nullable=False)
