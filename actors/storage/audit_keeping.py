"""What the owner of the database does about the audit: anchors, drops of months past their time, legal holds.

The role that the cell runs as can do none of it: it may only add lines and read them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from actors.runtime.errors import StoreUnavailable
from actors.storage.audit_check import Anchor, Cut
from actors.storage.connections import CONNECT_TIMEOUT_S, driver_url
from actors.storage.partitions import parts_of

# What was signed → its signature.
Sign = Callable[[bytes], str]
_LOCK = 0x0CEF7
# Read twice: to sort a month by number would take longer.
_LAST_OF_EACH = """
    SELECT shard, number, chain FROM {part} JOIN (SELECT shard, max(number) AS number FROM {part} GROUP BY shard) AS last USING (shard, number)
"""


class Dropped(NamedTuple):
    """A month that is gone (its first day), and how many lines it had."""

    month: date
    lines: int


class Held(Exception):
    """Nothing may be dropped: legal holds stand. `months`: those whose time is over, oldest first."""

    def __init__(self, hold_ids: Iterable[str], months: Sequence[date]) -> None:
        super().__init__(f"a legal hold stands: {', '.join(sorted(hold_ids))}")
        self.months = months


@contextmanager
def connected(owner_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A session of the owner's. Raises StoreUnavailable."""
    try:
        connection = psycopg.connect(driver_url(owner_url), autocommit=True, connect_timeout=CONNECT_TIMEOUT_S)
    except psycopg.OperationalError as fault:
        raise StoreUnavailable(f"PostgreSQL: {fault}") from fault
    with connection:
        yield connection


def anchor(connection: psycopg.Connection[Any], region: str, today: date, sign: Sign) -> list[Anchor]:
    """Signs where each chain stood at the end of yesterday, once. Gives the anchors that were made."""
    day = today - timedelta(days=1)
    midnight = datetime.combine(today, datetime.min.time(), UTC)
    made: list[Anchor] = []
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        done = {shard for (shard,) in connection.execute("SELECT shard FROM audit_anchors WHERE day = %s", [day])}
        ends = connection.execute(
            "SELECT shard, audit_number, audit_chain, audit_at FROM shards WHERE audit_number > 0"
        )
        for shard, number, chain, at in ends.fetchall():
            if shard in done:
                continue
            # Only where there are lines since: whoever looked for the last line of a shard that was quiet for long
            # would read those of all others.
            last = (number, chain) if at < midnight else _last_before(connection, shard, midnight)
            if last is None:
                continue
            unsigned = Anchor(day.isoformat(), shard, last[0], last[1], "")
            signed = unsigned._replace(signature=sign(unsigned.message(region)))
            connection.execute(
                "INSERT INTO audit_anchors (day, shard, number, chain, signature) VALUES (%s, %s, %s, %s, %s)",
                [day, *signed[1:]],
            )
            made.append(signed)
    return made


def _last_before(connection: psycopg.Connection[Any], shard: int, midnight: datetime) -> tuple[int, bytes] | None:
    query = (
        "SELECT number, chain FROM audit WHERE shard = %s AND at < %s ORDER BY at DESC, shard DESC, number DESC LIMIT 1"
    )
    return connection.execute(query, [shard, midnight]).fetchone()


def drop_old(
    connection: psycopg.Connection[Any], region: str, today: date, keep_days: int, sign: Sign
) -> list[Dropped]:
    """Drops the months of which every line is older than `keep_days`, oldest first; writes down where the
    chains were cut. Raises Held."""
    dropped = []
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        holds = [
            hold_id for (hold_id,) in connection.execute("SELECT hold_id FROM audit_holds WHERE lifted_at IS NULL")
        ]
        old = [month for month in _months(connection) if _end_of(month) <= today - timedelta(days=keep_days)]
        if old and holds:
            raise Held(holds, old)
        for month in old:
            dropped.append(Dropped(month, _drop(connection, region, month, sign)))
    return dropped


def _drop(connection: psycopg.Connection[Any], region: str, month: date, sign: Sign) -> int:
    part = sql.Identifier(f"audit_{month:%Y_%m}")
    heads = {
        shard: (number, bytes(chain).hex())
        for shard, number, chain in connection.execute(sql.SQL(_LAST_OF_EACH).format(part=part))
    }
    before = connection.execute("SELECT cut FROM audit_drops ORDER BY month DESC LIMIT 1").fetchone()
    # A shard without a line in this month still begins where it was cut before.
    earlier = {int(shard): (int(cut[0]), str(cut[1])) for shard, cut in before[0].items()} if before else {}
    heads = earlier | heads
    counted = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(part)).fetchone()
    lines = int(counted[0]) if counted else 0
    signature = sign(Cut(month.isoformat(), heads, "").message(region))
    for parent in ("audit", "audit_seconds"):
        gone = sql.Identifier(f"{parent}_{month:%Y_%m}")
        connection.execute(sql.SQL("ALTER TABLE {} DETACH PARTITION {}").format(sql.Identifier(parent), gone))
        connection.execute(sql.SQL("DROP TABLE {}").format(gone))
    connection.execute(
        "INSERT INTO audit_drops (month, dropped_at, lines, cut, signature) VALUES (%s, now(), %s, %s, %s)",
        [month, lines, json.dumps({str(shard): head for shard, head in heads.items()}), signature],
    )
    return lines


def dropped_months(connection: psycopg.Connection[Any]) -> list[tuple[date, datetime, int]]:
    """(its first day, when it was dropped, how many lines it had) of each month that is gone, oldest first."""
    return connection.execute("SELECT month, dropped_at, lines FROM audit_drops ORDER BY month").fetchall()


def not_copied(connection: psycopg.Connection[Any], place: str) -> tuple[int, datetime | None]:
    """How many lines a receiver has not taken yet, and when he took some last. place: by which it is remembered how far
    he is (`audit_forwarder.place_of`). Raises StoreUnavailable."""
    try:
        kept = connection.execute(
            "SELECT cursor, saved_at FROM monitor_state WHERE monitor_id = %s", [place]
        ).fetchone()
        ends = connection.execute("SELECT shard, audit_number FROM shards").fetchall()
    except psycopg.OperationalError as fault:
        raise StoreUnavailable(f"PostgreSQL: {fault}") from fault
    cursor: dict[str, tuple[int, int]] = kept[0] if kept else {}
    return sum(max(0, number - cursor.get(str(shard), (0, 0))[0]) for shard, number in ends), kept[1] if kept else None


def _months(connection: psycopg.Connection[Any]) -> list[date]:
    """First days of the months that have a partition."""
    return [date(int(name[6:10]), int(name[11:13]), 1) for name in parts_of(connection, "audit")]


def _end_of(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)


def hold(connection: psycopg.Connection[Any], hold_id: str, reason: str) -> bool:
    """From now on nothing is dropped: what is being dropped just now is waited for. False when there is a
    hold of that name already."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        made = connection.execute(
            "INSERT INTO audit_holds (hold_id, reason, placed_at) VALUES (%s, %s, now()) ON CONFLICT DO NOTHING",
            [hold_id, reason],
        )
    return made.rowcount == 1


def lift(connection: psycopg.Connection[Any], hold_id: str) -> bool:
    """Ends a hold; it stays written down. False when there is none that stands."""
    lifted = connection.execute(
        "UPDATE audit_holds SET lifted_at = now() WHERE hold_id = %s AND lifted_at IS NULL", [hold_id]
    )
    return lifted.rowcount == 1
