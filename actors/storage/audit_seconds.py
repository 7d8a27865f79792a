"""In which seconds a machine, an action, an address or a place stands in the audit: what it is searched by.

    lines of a drain ──▶ (key, second), each once ──▶ audit_seconds ◀── the newest seconds of what is looked for ──▶ all lines of these

An index has an entry for each line. Where thousands of lines come in a second, nearly all of them say what others of
that second said: four indexes took more of the drain than the lines themselves. A search reads the lines of the seconds
that it finds, which stand together. People and devices do something now and then: their lines have an index, or a
search for one of them and something seldom would read whole hours.

A routine step is found by its order's turns in the history, which has their times. Where a line has another time than
its turn, the second is told of its order here.

A key stands for a field and its value: 64 bits of a digest, so that a row is small. Two values of the same key cost a
search some lines that it passes over. A second may be written twice (each host writes its own, and forgets what it
wrote long ago), so nothing is unique here and no drain waits for another. Nothing is known by it alone; `audit_check`
looks whether each line can be found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import sha256
from itertools import islice
from typing import Any

from actors.domain.audit_address import network_in
from actors.storage.binary import array_of
from actors.storage.schema.audit import audit_seconds

# In the ids of machines that ask for themselves (`ids.client_id`), and in nobody else's.
MACHINES = "-client-"
# What is remembered of what was written; the oldest go first.
REMEMBERED_MAX = 20_000
_INSERT = "INSERT INTO audit_seconds (key, second) SELECT * FROM unnest(%b::bigint[], %b::timestamptz[])"
# What a line says that it is found by: (seconds since 1970, subject, address, action, location, entity). The entity
# only where the line has not the time of the turn by which it would be found in the history, else "". A plain tuple,
# because each line makes one.
Said = tuple[int, str, str, str, str, str]
# (key, seconds since 1970)
Row = tuple[int, int]


@lru_cache(20_000)
def key_of(field: str, value: str) -> int:
    """What stands for a field and its value; migration 0030 and `audit_check` make the same in SQL."""
    return int.from_bytes(sha256(f"{field}:{value}".encode()).digest()[:8], "big", signed=True)


def noun_of(action: str) -> str:
    """What all actions of a noun are found by: `order` of `order.ship`."""
    return action.partition(".")[0]


class SecondsTold:
    """Of one host: what is still to be written."""

    def __init__(self) -> None:
        self._written: dict[Row, None] = {}

    def fresh(self, said: Iterable[Said]) -> list[Row]:
        """The rows for it, but those that were written a moment ago."""
        rows: dict[Row, None] = {}
        for second, subject, address, action, location_id, entity_id in said:
            for field, value in (
                ("subject", subject if MACHINES in subject else ""), ("address", address), ("address", network_in(address)), ("action", action), ("noun", noun_of(action)), ("location", location_id),
                ("entity", entity_id),
            ):  # fmt: skip
                if value:
                    rows[key_of(field, value), second] = None
        return [row for row in rows if row not in self._written]

    def written(self, rows: Iterable[Row]) -> None:
        """These are in the store for good."""
        self._written.update(dict.fromkeys(rows))
        for row in list(islice(self._written, max(0, len(self._written) - REMEMBERED_MAX))):
            del self._written[row]


def inserted(rows: Sequence[Row]) -> tuple[str, list[Any]]:
    """A statement that adds them, and its parameters: they are few, and go with the others' round trip."""
    c = audit_seconds.c
    return _INSERT, [
        array_of(c.key, [key for key, _ in rows]),
        array_of(c.second, [1000 * second for _, second in rows]),
    ]
