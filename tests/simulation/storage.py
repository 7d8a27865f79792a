"""The journal and the store as a host of the simulation reaches them: over a line that delays, loses and fails.

The server's side is shared by all hosts and never dies here (its disk is what the promises rest on); it may be away,
and an operation may be done though its caller is told that it failed. Every successful append is written down in `Log`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from actors.runtime.ports import Append, DrainBatch
from actors.runtime.wire import Turn
from tests.simulation.wire import Line

_APPENDS = msgspec.msgpack.Decoder(list[Append]).decode
_ENCODE = msgspec.msgpack.Encoder().encode


@dataclass(slots=True)
class Entry:
    """One entry that the journal accepted. `order`: the running number of that, among those of the evidence."""

    shard: int
    position: int
    epoch: int
    host: str
    turns: list[Turn]
    order: int


@dataclass(slots=True)
class Log:
    """Everything that the journal accepted, in the order of acceptance. Never trimmed. `tick` gives running numbers."""

    tick: Callable[[], int]
    entries: list[Entry] = field(default_factory=list)
    refused: int = 0


class JournalLine:
    """A `Journal` for one host process."""

    def __init__(self, journal, line: Line, caller: str, log: Log, note) -> None:
        self._journal, self._line, self._caller, self._log, self._note = journal, line, caller, log, note

    async def append(self, appends):
        """As the port says."""
        sent = _ENCODE(list(appends))  # what is on the wire can't change any more
        what = "append " + " ".join(f"{a.shard}@{a.position}e{a.epoch}×{len(a.turns)}" for a in appends)

        async def there():
            arrived = _APPENDS(sent)
            refused = await self._journal.append(arrived)
            self._log.refused += len(refused)
            for one in arrived:
                if one.shard not in refused:
                    self._log.entries.append(
                        Entry(one.shard, one.position, one.epoch, self._caller, one.turns, self._log.tick())
                    )
            self._note(self._caller, f"journal {what}" + (f" refused {sorted(refused)}" if refused else ""))
            return refused

        return await self._line.remote(self._caller, what, there)

    def __getattr__(self, name):
        method = getattr(self._journal, name)

        async def call(*args, **kwargs):
            async def there():
                outcome = await method(*args, **kwargs)
                self._note(self._caller, f"journal {name} {_short(args)}")
                return outcome

            return await self._line.remote(self._caller, name, there)

        return call


class StoreLine:
    """A `Store` for one host process."""

    def __init__(self, store, line: Line, caller: str, note) -> None:
        self._store, self._line, self._caller, self._note = store, line, caller, note

    async def drain(self, batch: DrainBatch):
        """As the port says."""
        marks = " ".join(f"{shard}@{mark}e{epoch}" for shard, (epoch, mark) in sorted(batch.marks.items()))
        what = f"drain {marks} ×{len(batch.turns)} outbox +{len(batch.outbox_put)} -{len(batch.outbox_remove)}"
        kept = DrainBatch(
            batch.host, dict(batch.marks), list(batch.turns), {table: list(rows) for table, rows in batch.rows.items()},
            list(batch.outbox_put), list(batch.outbox_remove),
            {table: list(changes) for table, changes in batch.changes.items()},
        )  # fmt: skip

        async def there():
            try:
                await self._store.drain(kept)
            except Exception as error:
                self._note(self._caller, f"store {what} refused: {error}")
                raise
            self._note(self._caller, f"store {what}")

        return await self._line.remote(self._caller, what, there)

    def __getattr__(self, name):
        method = getattr(self._store, name)

        async def call(*args, **kwargs):
            async def there():
                outcome = await method(*args, **kwargs)
                self._note(self._caller, f"store {name} {_short(args)}")
                return outcome

            return await self._line.remote(self._caller, name, there)

        return call


def _short(args) -> str:
    parts = [str(getattr(arg, "name", arg)) for arg in args]
    return " ".join(part if len(part) <= 100 else part[:97] + "…" for part in parts)
