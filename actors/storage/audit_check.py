"""Recomputes the audit's chains and tells where they break: a changed line, one that is missing, one that was put in.

    start (nothing, or the signed cut of the last dropped month) ──▶ line 1 ──▶ line 2 ──▶ … ──▶ the end that `shards` knows
                                                                      ▲                  ▲
                                                               every chain is        signed anchors of past days
                                                               computed anew

Whoever may write to `audit` and `shards` could make a chain anew from some line on; the anchors, whose key is not in
the database, tell. Whoever takes the anchors away is told by the record of them, which is not there either. And a line
that no search finds is as good as removed, so it is looked whether its seconds are there.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from actors.storage import audit_rows
from actors.storage.audit_rows import Head, link
from actors.storage.binary import COPY_END, COPY_HEAD
from actors.storage.partitions import parts_of
from actors.storage.schema.audit import ROUTINE_STEP

# (what was signed, signature) → is it the cell's?
IsSigned = Callable[[bytes, str], bool]
# (day, shard) → signature of the anchor that was made
Record = Mapping[tuple[str, int], str]
_HEAD = struct.Struct("!hiiiqiq")
_CHAIN_FIELD_BYTES = 4 + audit_rows.CHAIN_BYTES
_LINES = f"SELECT {', '.join(audit_rows.COLUMNS)} FROM audit"  # noqa: S608 -- columns of our schema
# Times never go back within a shard, so the first is the order of each chain, unless somebody changed a time;
# and there is an index by it.
_BY_TIME = f"COPY ({_LINES} ORDER BY at, shard, number) TO STDOUT (FORMAT binary)"
_BY_NUMBER = f"COPY ({_LINES} WHERE shard = %s ORDER BY number) TO STDOUT (FORMAT binary)"
_UNFOUND = """
    SELECT shard, number, said.field FROM {month} CROSS JOIN LATERAL (
        VALUES ('subject', CASE WHEN strpos(subject, '-client-') > 0 THEN subject ELSE '' END), ('address', address), ('address', CASE WHEN strpos(address, '.') > 0 THEN split_part(address, '.', 1) ELSE '' END), ('action', action), ('noun', split_part(action, '.', 1)), ('location', location_id)
    ) AS said (field, value)
    WHERE said.value <> '' AND NOT EXISTS (
        SELECT FROM {seconds} s WHERE s.key = audit_key(said.field, said.value) AND s.second = date_trunc('second', at)
    ) LIMIT 1
"""
_NO_TURN = f"""
    SELECT shard, number FROM {{month}} line WHERE {ROUTINE_STEP} AND NOT EXISTS (
        SELECT FROM {{turns}} turn WHERE turn.entity_id = line.entity_id AND turn.at = line.at AND turn.shard = line.shard
    ) AND NOT EXISTS (
        SELECT FROM {{seconds}} s WHERE s.key = audit_key('entity', line.entity_id) AND s.second = date_trunc('second', line.at)
    ) LIMIT 1
"""  # noqa: S608 -- names of our schema
_US = 1000
_POSTGRES_EPOCH_MS = 946_684_800_000


class Break(NamedTuple):
    """The first thing that is wrong in a shard's chain. `number`: of the line, 0 when it is about no line."""

    shard: int
    number: int
    what: str


class Checked(NamedTuple):
    """What a verification found. `lines`: how many were recomputed; `anchors`: how many signatures were right."""

    lines: int
    shards: int
    anchors: int
    breaks: list[Break]


class Anchor(NamedTuple):
    """Where a shard's chain stood at the end of a day (ISO date)."""

    day: str
    shard: int
    number: int
    chain: bytes
    signature: str

    def message(self, region: str) -> bytes:
        """What is signed."""
        return f"ocefs audit anchor\0{region}\0{self.day}\0{self.shard}\0{self.number}\0{self.chain.hex()}".encode()


class Cut(NamedTuple):
    """Where the chains stood when a month (its first day, ISO) was dropped: shard → (number, chain as hex)."""

    month: str
    heads: dict[int, tuple[int, str]]
    signature: str

    def message(self, region: str) -> bytes:
        """What is signed."""
        heads = json.dumps(sorted([shard, *head] for shard, head in self.heads.items()))
        return f"ocefs audit cut\0{region}\0{self.month}\0{heads}".encode()


def verify(
    connection: psycopg.Connection[Any], region: str, is_signed: IsSigned, record: Record | None = None
) -> Checked:
    """Checks everything, in one snapshot of the database. record: the anchors that are known to have been made, None
    where that is not known."""
    breaks: list[Break] = []
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        starts = _starts(connection, region, is_signed, breaks)
        made = _anchors(connection)
        gone = _taken_away(made, record or {})
        ends = {
            shard: Head(number, chain)
            for shard, number, chain in connection.execute("SELECT shard, audit_number, audit_chain FROM shards")
        }

        def walk_of(shard: int) -> _Walk:
            return _Walk(shard, starts.get(shard, Head()), made.get(shard, []), region, is_signed)

        walks = {shard: walk_of(shard) for shard in {*ends, *made, *starts}}
        for row in _rows(connection, _BY_TIME):
            shard = _shard_of(row)
            walk = walks.get(shard)
            if walk is None:
                walk = walks[shard] = walk_of(shard)
            walk.step(row)
        for shard, walk in sorted(walks.items()):
            end = ends.get(shard, Head())
            found = walk.end(end)
            if found is not None:
                # Where a time was changed, other lines seem to be missing: by number it is seen which one it was.
                again = walk_of(shard)
                for row in _rows(connection, _BY_NUMBER, shard):
                    again.step(row)
                breaks.append(again.end(end) or found)
        if not breaks:
            breaks += _not_found(connection)
        breaks += gone
    walked = walks.values()
    return Checked(sum(walk.lines for walk in walked), len(walked), sum(walk.anchors_right for walk in walked), breaks)


class _Walk:
    """Along one shard's chain."""

    def __init__(self, shard: int, start: Head, anchors: list[Anchor], region: str, is_signed: IsSigned) -> None:
        self._shard = shard
        self._at = start
        # Those of dropped months can't be compared with anything any more.
        self._anchors = {anchor.number: anchor for anchor in anchors if anchor.number > start.number}
        self._region = region
        self._is_signed = is_signed
        self._wrong: Break | None = None
        self.lines = 0
        self.anchors_right = 0

    def step(self, row: bytes) -> None:
        """The next line; nothing is looked at past the first that is wrong."""
        if self._wrong is None:
            self._wrong = self._looked_at(row)

    def end(self, end: Head) -> Break | None:
        """The first break, when there are no more lines."""
        if self._wrong is not None:
            return self._wrong
        number = self._at.number
        beyond = sorted(anchor for anchor in self._anchors if anchor > number)
        if beyond:
            return Break(self._shard, number + 1, f"lines {number + 1} to {beyond[-1]} are gone: they are anchored")
        if end.number > number:
            return Break(self._shard, number + 1, f"lines {number + 1} to {end.number} are gone: shards knows of them")
        if end.number < number or end.chain != self._at.chain:
            return Break(self._shard, number, "it is not the end that shards knows: lines were put in, or made anew")
        return None

    def _looked_at(self, row: bytes) -> Break | None:
        _, _, _, _, number, _, at_us = _HEAD.unpack_from(row)
        at_ms = at_us // _US + _POSTGRES_EPOCH_MS
        fields, chain = row[2:-_CHAIN_FIELD_BYTES], row[-audit_rows.CHAIN_BYTES :]
        before = self._at
        if number != before.number + 1:
            what = "is there twice" if number <= before.number else f"is missing, {number} follows {before.number}"
            wrong = number if number <= before.number else before.number + 1
            return Break(self._shard, wrong, f"line {wrong} {what}")
        if link(before.chain, fields) != chain:
            return Break(self._shard, number, f"line {number} was changed: its chain is not that of what it says")
        if at_ms < before.at_ms:
            return Break(self._shard, number, f"line {number} is older than the one before it")
        self._at = Head(number, chain, at_ms)
        self.lines += 1
        anchor = self._anchors.get(number)
        if anchor is not None:
            if not self._is_signed(anchor.message(self._region), anchor.signature):
                return Break(self._shard, number, f"the anchor of {anchor.day} is not signed by this cell")
            if anchor.chain != chain:
                what = f"lines up to {number} were made anew: they are not what was anchored on {anchor.day}"
                return Break(self._shard, number, what)
            self.anchors_right += 1
        return None


def _shard_of(row: bytes) -> int:
    shard: int = _HEAD.unpack_from(row)[2]
    return shard


def _rows(connection: psycopg.Connection[Any], lines: str, *parameters: int) -> Iterator[bytes]:
    """Lines as COPY's binary rows."""
    with connection.cursor() as cursor, cursor.copy(lines, parameters) as copy:
        left = b""
        begun = False
        for block in copy:
            left += bytes(block)
            if not begun:
                if len(left) < len(COPY_HEAD):
                    continue
                left, begun = left[len(COPY_HEAD) :], True
            while (size := _row_bytes(left)) is not None:
                yield left[:size]
                left = left[size:]
        assert left == COPY_END, "the answer ends in the middle of a row"


def _row_bytes(data: bytes) -> int | None:
    """The length of the row that `data` begins with; None when it is not all there, or is the end."""
    if len(data) < 2 or data[:2] == COPY_END:
        return None
    at = 2
    for _ in range(len(audit_rows.COLUMNS)):
        if len(data) < at + 4:
            return None
        at += 4 + int.from_bytes(data[at : at + 4], "big")
    return at if len(data) >= at else None


def _starts(
    connection: psycopg.Connection[Any], region: str, is_signed: IsSigned, breaks: list[Break]
) -> dict[int, Head]:
    """Where the chains begin: after what was dropped last."""
    latest = connection.execute(
        "SELECT month::text, cut, signature FROM audit_drops ORDER BY month DESC LIMIT 1"
    ).fetchone()
    if latest is None:
        return {}
    month, cut, signature = latest
    heads = {int(shard): (int(number), str(chain)) for shard, (number, chain) in cut.items()}
    if not is_signed(Cut(month, heads, signature).message(region), signature):
        breaks.append(Break(-1, 0, f"the cut of the dropped month {month} is not signed by this cell"))
    return {shard: Head(number, bytes.fromhex(chain)) for shard, (number, chain) in heads.items()}


def _taken_away(anchors: Mapping[int, list[Anchor]], record: Record) -> list[Break]:
    """The first anchor of each shard that was made and is not there."""
    there = {(one.day, one.shard): one for of_shard in anchors.values() for one in of_shard}
    gone: dict[int, Break] = {}
    for (day, shard), signature in sorted(record.items()):
        known = there.get((day, shard))
        if known is None:
            gone.setdefault(shard, Break(shard, 0, f"the anchor of {day} was taken away"))
        elif known.signature != signature:
            gone.setdefault(
                shard, Break(shard, known.number, f"the anchor of {day} is another than the one that was made")
            )
    return list(gone.values())


def _not_found(connection: psycopg.Connection[Any]) -> Iterator[Break]:
    """A line of each month that a search for what it says would not find."""
    attached = parts_of(connection, "audit_seconds", "history")
    for part in parts_of(connection, "audit"):
        seconds, turns = (part.replace("audit_", prefix) for prefix in ("audit_seconds_", "history_"))
        gone = [name for name in (seconds, turns) if name not in attached]
        if gone:
            yield Break(-1, 0, f"{gone[0]} is gone: what is found by it of that month is not found")
            continue
        query = sql.SQL(_UNFOUND).format(month=sql.Identifier(part), seconds=sql.Identifier(seconds))
        for shard, number, field in connection.execute(query).fetchall():
            what = f"line {number} is not found by its {field}: of its second nothing stands in audit_seconds"
            yield Break(shard, number, what)
        query = sql.SQL(_NO_TURN).format(
            month=sql.Identifier(part), seconds=sql.Identifier(seconds), turns=sql.Identifier(turns)
        )
        for shard, number in connection.execute(query).fetchall():
            what = f"line {number} is not found by its order: the history has no turn of that moment"
            yield Break(shard, number, what)


def anchors(connection: psycopg.Connection[Any]) -> list[Anchor]:
    """All that were made, by day."""
    found = connection.execute(
        "SELECT day::text, shard, number, chain, signature FROM audit_anchors ORDER BY day, shard"
    )
    return [Anchor(*row) for row in found]


def _anchors(connection: psycopg.Connection[Any]) -> dict[int, list[Anchor]]:
    found: dict[int, list[Anchor]] = {}
    for one in anchors(connection):
        found.setdefault(one.shard, []).append(one)
    return found
