"""Months of `history` and `ledger`. There is no default partition: a month is made before its first row comes.

A partition is made as a plain table and then attached, which lets readers and writers of the other months go on.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime

import sqlalchemy as sa

from actors.storage.schema import PARTITIONED

# (year, month), UTC
Month = tuple[int, int]
# Makers of partitions take turns.
_PARTITION_LOCK = 0x0CEF6


def month_of(at_ms: int) -> Month:
    """The UTC month of a time in ms since 1970."""
    at = datetime.fromtimestamp(at_ms // 1000, UTC)
    return at.year, at.month


def following(month: Month) -> Month:
    """The next month."""
    year, number = month
    return (year + 1, 1) if number == 12 else (year, number + 1)


def bounds_ms(month: Month) -> tuple[int, int]:
    """First millisecond of a month, and of the next."""
    year, number = following(month)
    first, end = datetime(*month, 1, tzinfo=UTC), datetime(year, number, 1, tzinfo=UTC)
    return int(first.timestamp()) * 1000, int(end.timestamp()) * 1000


def partition_name(table: str, month: Month) -> str:
    """E.g. `history_2026_11`."""
    return f"{table}_{month[0]:04}_{month[1]:02}"


def ensure_partitions(connection: sa.Connection, months: Iterable[Month]) -> None:
    """Makes the partitions that are missing, inside the connection's transaction."""
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_PARTITION_LOCK)))
    for table in PARTITIONED:
        for month in sorted(set(months)):
            name = partition_name(table.name, month)
            if connection.execute(sa.select(sa.func.to_regclass(name))).scalar() is not None:
                continue
            first, end = (f"{year:04}-{number:02}-01 00:00:00+00" for year, number in (month, following(month)))
            connection.execute(sa.text(f"CREATE TABLE {name} (LIKE {table.name} INCLUDING ALL)"))
            connection.execute(
                sa.text(f"ALTER TABLE {table.name} ATTACH PARTITION {name} FOR VALUES FROM ('{first}') TO ('{end}')")
            )


def ensure_partitions_now(connection: sa.Connection) -> list[Month]:
    """This month's and the next's, so that a drain at midnight finds its partition there. Gives the months."""
    this = month_of(int(time.time() * 1000))
    months = [this, following(this)]
    ensure_partitions(connection, months)
    return months
