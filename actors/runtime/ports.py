"""What the runtime needs from outside: clock, journal, store, transport (what is read behind the actors:
`read_model.py`). Adapters are in `actors/storage/` and `actors/ray_*.py`, fakes in `tests/fakes/`; the same contract
tests hold for both (`tests/integration/storage/`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from actors.domain.kind import Kind, Row, StoredRows
from actors.runtime.pages import Page
from actors.runtime.wire import Turn


class Clock(Protocol):
    """Time. The simulation has its own."""

    def now_ms(self) -> int:
        """UTC, milliseconds since 1970."""

    def monotonic(self) -> float:
        """Seconds, for durations."""

    async def sleep(self, seconds: float) -> None:
        """Waits."""


class Append(msgspec.Struct, frozen=True):
    """Turns of one shard to be appended as one entry at `position`, which is one past the shard's last."""

    shard: int
    epoch: int
    position: int
    turns: list[Turn]


class Journal(Protocol):
    """The durable, ordered log of each shard's turns (the tail), fenced by epoch.

    Positions count entries from 1, per shard, without gaps. Trimmed entries are gone; positions go on.
    """

    async def append(self, appends: Sequence[Append]) -> list[int]:
        """Appends each shard's entry: all in one round trip, each shard by itself. On return they are on disk (fsync).

        Returns the shards that were refused (their epoch is stale, or the position is not one past the last): of those
        nothing was written. The fingerprints of the turns are remembered together with them.
        Raises JournalUnavailable: any of them may have been written or not.
        """

    async def open(self, shards: Mapping[int, tuple[int, int]]) -> None:
        """Sets each shard's epoch to the first of the pair: from then on appends under a lower one are refused.

        The second is the last position that is known to have been durable, the store's watermark at least: positions go
        on after it when the journal knows of none higher, and does not know either that it should.
        Raises Fenced for shards that already have a higher epoch (of those nothing is changed; the others are opened).
        Raises JournalLost.
        """

    async def superseded(self, epochs: Mapping[int, int]) -> list[int]:
        """Those shards that are not open under the epoch given: somebody else opened them since, or the journal lost
        its data. All in one round trip; nothing is changed."""

    async def read(self, shard: int, after: int) -> list[tuple[int, list[Turn]]]:
        """The entries past position `after`, in order."""

    async def last(self, shards: Sequence[int]) -> dict[int, int]:
        """The last position of each shard; 0 when there never was one."""

    async def fingerprints(self, shard: int, since_ms: int) -> Sequence[int]:
        """Fingerprints (63 bits) of all turns appended at or after `since_ms`, perhaps of some older
        ones, with repetitions."""

    async def trim(self, marks: Mapping[int, int]) -> None:
        """Forgets entries up to and including each shard's position. Fingerprints stay."""

    async def ping(self) -> None:
        """Raises JournalUnavailable when the journal does not answer."""

    async def fullness(self) -> float:
        """The share of its room that it uses, 0 to 1 (or a little more); 0 when it has no limit.
        Raises JournalUnavailable."""


class Lease(msgspec.Struct, frozen=True):
    """The right to a shard: `epoch` is higher than any before it, `watermark` the last position in the store."""

    shard: int
    epoch: int
    watermark: int


class ShardRecord(msgspec.Struct, frozen=True):
    """A shard as the store knows it; `host` "" when nobody owns it."""

    shard: int
    host: str
    epoch: int
    watermark: int


class Snapshot(msgspec.Struct, frozen=True):
    """An entity as stored: its version and its rows by table (struct instances of the kind's `tables`)."""

    rows: StoredRows


class OutboxEntry(msgspec.Struct, frozen=True):
    """A message that was not acknowledged when its event was drained. message: MessagePack of (kind,
    entity_id, on_reply, command)."""

    message_id: str
    shard: int
    sender_kind: str
    sender_id: str
    message: bytes
    at_ms: int
    attempts: int = 0
    parked: bool = False
    error: str = ""


# (due_at UTC ms, kind, entity_id) of an entity that wants to be woken.
Due = tuple[int, str, str]
# (shard, number): where an entry of the outbox stands.
OutboxMark = tuple[int, int]


class DrainedTurn(msgspec.Struct, frozen=True):
    """A turn with its place in the journal: `line` counts turns within the entry from 0."""

    shard: int
    position: int
    line: int
    turn: Turn


class DrainBatch(msgspec.Struct, frozen=True):
    """One transaction of write-behind. marks: shard → (epoch, new watermark). rows: already only the last of each key,
    except append-only ones. changes: some columns of rows that the store has. outbox_put: new or changed entries.
    outbox_remove: ids of acknowledged ones (unknown ids are fine)."""

    host: str
    marks: dict[int, tuple[int, int]]
    turns: list[DrainedTurn]
    rows: dict[str, list[Row]]
    outbox_put: list[OutboxEntry] = []
    outbox_remove: list[str] = []
    changes: dict[str, list[Row]] = {}


class RememberedCommand(msgspec.Struct, frozen=True):
    """What the history says of a command: who it was for, the body's digest, and its answer (the
    final one if there is one)."""

    entity_id: str
    digest: int
    status: int
    reply: bytes
    provisional: bool


class HistoryTurn(msgspec.Struct, frozen=True):
    """One turn of an entity's history."""

    version: int
    at_ms: int
    command_id: str
    cause: str
    events: bytes
    status: int


class Store(Protocol):
    """Postgres behind the actors. Every method raises StoreUnavailable when it can't be reached."""

    async def lease(self, host: str, shards: Sequence[int], epoch: int) -> dict[int, Lease]:
        """Raises the epochs of `shards` to `epoch` and writes down `host` as their owner. Creates rows for shards that
        were never owned. Those whose epoch is as high already are left as they are, and out: so of two owners
        one is always the newer."""

    async def release(self, host: str, shards: Mapping[int, int]) -> None:
        """Gives up shards (shard → epoch) that are drained; stale epochs are ignored."""

    async def shards(self) -> dict[int, ShardRecord]:
        """All shards that were ever leased. Also how a host learns whether a drain whose outcome
        was in doubt has happened."""

    async def drain(self, batch: DrainBatch) -> None:
        """Everything in the batch in one transaction: history, rows, outbox, watermarks. Raises Fenced, and then
        nothing was written, when the store's epoch of any shard in `marks` is not the batch's."""

    async def load(self, kind: Kind, entity_ids: Sequence[str]) -> dict[str, Snapshot]:
        """Rows of the entities that have any."""

    async def resident(self, kind: Kind) -> list[str]:
        """Ids of all stored entities of a resident kind (the first key column of its first table)."""

    async def due(self, shards: Sequence[int], after: Due | None, limit: int) -> Page[Due, Due]:
        """Stored entities of these shards that want to be woken: kind after kind, of each the soonest first. At most
        `limit` are looked at, those of other shards too. Of what changes between two pages, an entity whose time is
        brought forward past `after` is missed, and one that is put off is found twice; all others once."""

    async def outbox(
        self, shards: Sequence[int], after: OutboxMark | None, limit: int
    ) -> Page[OutboxEntry, OutboxMark]:
        """At most `limit` entries not yet acknowledged, parked ones too: shard after shard, of each as they came."""

    async def remembered(self, kind: str, fingerprints: Sequence[int], since_ms: int) -> dict[int, RememberedCommand]:
        """What the history since `since_ms` knows of commands with these fingerprints."""

    async def history(self, kind: str, entity_id: str, after: int, limit: int) -> list[HistoryTurn]:
        """Turns of one entity with events, versions past `after`, in order."""

    async def ping(self) -> None:
        """Raises StoreUnavailable when the store does not answer."""


class Transport(Protocol):
    """Calls to hosts by name. Both raise HostUnreachable."""

    async def call(self, host: str, payload: bytes) -> bytes:
        """`Call` in MessagePack → list of `Reply`, one for each envelope, in order."""

    async def listen(self, host: str, gateway_id: str, cursor: int, live: bool) -> bytes:
        """Waits until the host has something for this gateway (or ~10 s) → `Downlink`.
        cursor -1: from the beginning."""


class ShardMap(msgspec.Struct, frozen=True, array_like=True):
    """Which host owns which shard; `owners[shard]` is "" while nobody does. `version` rises with every change that the
    supervisor makes; `incarnation` names it: one that was restarted has another, and counts from the beginning. No
    clock tells which of two is the newer, and none has to: there is one at a time, so whoever asks
    hears the present one last."""

    version: int
    owners: list[str]
    incarnation: str = ""


# Gives the present map; called again when a host says that it is not the owner or can't be reached.
MapSource = Callable[[], Awaitable[ShardMap]]
