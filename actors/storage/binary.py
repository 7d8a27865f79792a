"""PostgreSQL's binary wire format, for what the drain sends in bulk: rows for COPY, and columns as arrays.

Built by hand because it is the drain's largest cost in this process: several times cheaper than the driver's dumpers,
and there is nothing to escape. Formats: PostgreSQL's documentation, "COPY", "Binary Format", and the
`*send` functions of the types.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from operator import attrgetter
from typing import Any

import sqlalchemy as sa
from psycopg import AsyncConnection, Connection
from psycopg.abc import AdaptContext
from psycopg.adapt import Dumper
from psycopg.pq import Format

from actors.domain.kind import Row
from actors.runtime.ports import DrainedTurn
from actors.storage.schema.columns import FIRST_MS, LAST_MS, Instant, readable

COPY_HEAD = b"PGCOPY\n\xff\r\n\0" + b"\0" * 8
COPY_END = b"\xff\xff"
NULL = b"\xff\xff\xff\xff"
_BLOCK_ROWS = 512
# Timestamps count microseconds from 2000-01-01 UTC.
_POSTGRES_EPOCH_MS = 946_684_800_000

_length = struct.Struct("!i").pack
_fields = struct.Struct("!h").pack
_int8 = struct.Struct("!iq").pack
_array_head = struct.Struct("!iiIii").pack
# Cells of one column that are packed by one call.
_RUN = 64


def _put_bytes(value: bytes) -> bytes:
    return _length(len(value)) + value


def _put_text(value: str) -> bytes:
    encoded = value.encode()
    return _length(len(encoded)) + encoded


def _put_instant(value: int) -> bytes:
    if not FIRST_MS <= value <= LAST_MS:
        value = readable(value)
    return _int8(8, (value - _POSTGRES_EPOCH_MS) * 1000)


def _column_of_bytes(values: Sequence[bytes]) -> bytes:
    cells = [b""] * (2 * len(values))
    cells[::2] = map(_length, map(len, values))
    cells[1::2] = values
    return b"".join(cells)


def _column_of_text(values: Sequence[str]) -> bytes:
    return _column_of_bytes([value.encode() for value in values])


def _column_of_instants(values: Sequence[int]) -> bytes:
    if values and (min(values) < FIRST_MS or max(values) > LAST_MS):
        values = [readable(value) for value in values]
    return _INSTANTS([(value - _POSTGRES_EPOCH_MS) * 1000 for value in values])


class _Numbers:
    """Writes numbers of `size` bytes, each after its length: a whole run of a column with one call."""

    def __init__(self, code: str, size: int) -> None:
        self._one = struct.Struct(f"!i{code}").pack
        self._run = struct.Struct("!" + f"i{code}" * _RUN).pack
        self._size = size

    def put(self, value: Any) -> bytes:
        return self._one(self._size, value)

    def __call__(self, values: Sequence[Any]) -> bytes:
        flat = [self._size] * (2 * len(values))
        flat[1::2] = values
        whole = len(values) // _RUN * _RUN
        runs = [self._run(*flat[2 * at : 2 * (at + _RUN)]) for at in range(0, whole, _RUN)]
        return b"".join(runs) + b"".join([self._one(self._size, value) for value in values[whole:]])


_INSTANTS = _Numbers("q", 8)


class _Type:
    """A type's name in SQL, its oid and its array's, and how a value, or a whole column without nulls, is written with
    its length before it."""

    def __init__(
        self, name: str, oid: int, array_oid: int, put: Callable[[Any], bytes], column: Callable[[Sequence[Any]], bytes]
    ) -> None:
        self.name = name
        self.oid = oid
        self.put = put
        self.column = column
        self.array = type(f"{name.title().replace(' ', '')}Array", (bytes,), {})
        self.dumper = type(f"{name}_dumper", (_Packed,), {"oid": array_oid})


class _Packed(Dumper):
    """Sends bytes that are in the binary format already."""

    format = Format.BINARY

    def dump(self, obj: Any) -> bytes:
        return bytes(obj)


# oids are fixed for ever in PostgreSQL's pg_type.dat.
_TYPES: dict[type[sa.types.TypeEngine[Any]], _Type] = {
    Instant: _Type("timestamptz", 1184, 1185, _put_instant, _column_of_instants),
    sa.LargeBinary: _Type("bytea", 17, 1001, _put_bytes, _column_of_bytes),
    sa.Text: _Type("text", 25, 1009, _put_text, _column_of_text),
}
for _sql, _name, _oid, _array_oid, _numbers in (
    (sa.SmallInteger, "smallint", 21, 1005, _Numbers("h", 2)),
    (sa.BigInteger, "bigint", 20, 1016, _Numbers("q", 8)),
    (sa.Integer, "integer", 23, 1007, _Numbers("i", 4)),
    (sa.Double, "double precision", 701, 1022, _Numbers("d", 8)),
    (sa.Boolean, "boolean", 16, 1000, _Numbers("?", 1)),
):
    _TYPES[_sql] = _Type(_name, _oid, _array_oid, _numbers.put, _numbers)


def type_of(column: sa.Column[Any]) -> _Type:
    """The wire type of a column. Raises KeyError for one that is not sent in bulk."""
    return _TYPES[type(column.type)]


def register(context: AsyncConnection[Any] | Connection[Any]) -> None:
    """Makes a connection take what `array_of` gives as parameters."""
    adapters: AdaptContext = context
    for kind in _TYPES.values():
        adapters.adapters.register_dumper(kind.array, kind.dumper)


def array_of(column: sa.Column[Any], values: Sequence[Any]) -> bytes:
    """One column's values as an array parameter."""
    kind = type_of(column)
    if column.nullable and None in values:
        put = kind.put
        cells = b"".join([NULL if value is None else put(value) for value in values])
    else:
        cells = kind.column(values)
    packed: bytes = kind.array(_array_head(1, 1, kind.oid, len(values), 1) + cells)
    return packed


def copied_rows(columns: Sequence[sa.Column[Any]], rows: Sequence[Row]) -> Iterable[bytes]:
    """Rows (structs with the columns' names as fields) as blocks for COPY, with head and end."""
    count = _fields(len(columns))
    puts = [_nullable(type_of(column).put) if column.nullable else type_of(column).put for column in columns]
    values_of = attrgetter(*(column.name for column in columns))
    yield COPY_HEAD
    for block in _blocks(rows):
        out: list[bytes] = []
        for row in block:
            out.append(count)
            out.extend([put(value) for put, value in zip(puts, values_of(row), strict=True)])
        yield b"".join(out)
    yield COPY_END


def _nullable(put: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    return lambda value: NULL if value is None else put(value)


# The columns of `history` in the order in which `copied_turns` writes them.
HISTORY_COLUMNS = (
    "shard", "position", "line", "at", "version", "fingerprint", "digest", "status", "provisional",
    "kind", "entity_id", "command_id", "cause", "events", "reply", "answers",
)  # fmt: skip
# The number of fields, then each of the nine fixed ones after its length.
_turn_head = struct.Struct("!hiiiqiiiqiqiqiqihi?").pack


def copied_turns(turns: Sequence[DrainedTurn], answers: Callable[[list[tuple[str, bytes]]], bytes]) -> Iterable[bytes]:
    """Turns as blocks for COPY into `history`. `answers` encodes final answers."""
    yield COPY_HEAD
    for block in _blocks(turns):
        out: list[bytes] = []
        for drained in block:
            turn = drained.turn
            kind, entity_id = turn.kind.encode(), turn.entity_id.encode()
            command_id, cause = turn.command_id.encode(), turn.cause.encode()
            out += (
                _turn_head(
                    16, 4, drained.shard, 8, drained.position, 4, drained.line,
                    8, (turn.at_ms - _POSTGRES_EPOCH_MS) * 1000, 8, turn.version, 8, turn.fingerprint, 8, turn.digest,
                    2, turn.status, 1, turn.provisional,
                ),
                _length(len(kind)), kind, _length(len(entity_id)), entity_id,
                _length(len(command_id)), command_id, _length(len(cause)), cause,
                _length(len(turn.events)), turn.events, _length(len(turn.reply)), turn.reply,
                _put_bytes(answers(turn.answers)) if turn.answers else NULL,
            )  # fmt: skip
        yield b"".join(out)
    yield COPY_END


def _blocks(items: Sequence[Any]) -> Iterable[list[Any]]:
    left = iter(items)
    while block := list(islice(left, _BLOCK_ROWS)):
        yield block
