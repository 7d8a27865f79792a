"""What crosses processes: envelopes to hosts, replies back, and the journal's turns. MessagePack,
arrays without field names.

All structs stand in this importable module: a struct defined in `__main__` can't cross a process.
"""

from __future__ import annotations

import msgspec

from actors.domain.audit import Audited, Who

# Reply.status
OK = 0  # body: the answer as JSON
REFUSED = 1  # body: RefusalBody as JSON; remembered with the command id
NOT_OWNER = 2  # the host does not own the shard (any more): refresh the map and ask again
UNAVAILABLE = 3  # try again with the same command id; body: RefusalBody as JSON
BUSY = 4  # a limit was reached; body: RefusalBody as JSON
PENDING = 5  # the final answer follows by the downlink
KEY_REUSED = 6  # the command id is known with another digest
FAULT = 7  # a fault of ours; nothing was changed

# Envelope.mode
COMMAND = 0
VIEW = 1  # body: a query of the kind; answered in mailbox order with what is durable
HISTORY = 2  # body: (after version, limit) as MessagePack; answered with the events of the entity
WAKE = 3  # a timer of the entity went off (within a host)

# Downlink.cursor: the host can't tell what it has; whoever asks begins anew.
UNHEARD = -1

# Codes of `RefusalBody.code` that the runtime itself gives.
CODE_UNAVAILABLE = "cell.unavailable"
CODE_BUSY = "cell.busy"
CODE_TAIL_FULL = "cell.write_behind_full"
CODE_JOURNAL_FULL = "cell.journal_full"
CODE_FAULT = "cell.fault"
CODE_KEY_REUSED = "idempotency.key_reused"


class Envelope(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One command or query on its way to an entity.

    ticket: the asking gateway's number for the reply. command_id: "" for queries. digest: 63 bits of the body, so that
    a reused key is noticed. creates: the entity is new, so its id may differ from that of an earlier delivery; the
    memory of commands is then kept by kind and command id alone. wait: the final answer is wanted when
    the first one is provisional.
    body: the command or query in MessagePack. cause: the request id, for history and logs. who: who asked, for the
    audit; None where nobody did (messages between entities, timers) and while identity is off. since_ms: it may have
    been done already, at any time since then (UTC ms), which is longer ago than the memory of commands goes; 0 for what
    is not that old. refused: RefusalBody as JSON instead of a command: why whoever asks found that it can't be done,
    which is the answer unless the command was done before; b"" where nothing was found.
    """

    ticket: int
    kind: str
    entity_id: str
    command_id: str
    digest: int
    body: bytes
    creates: bool = False
    wait: bool = False
    cause: str = ""
    mode: int = COMMAND
    who: Who | None = None
    since_ms: int = 0
    refused: bytes = b""


class Reply(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The outcome for one envelope; `body` is JSON, ready for the caller. audited: of a refusal: its line in the audit
    goes with a turn. Views have no turn, where nothing exists none is kept, and a reused key comes to none: whoever
    tells the caller has to note those."""

    status: int
    body: bytes = b""
    audited: bool = False


class Call(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Many envelopes for one host."""

    gateway_id: str
    envelopes: list[Envelope]


class Turn(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What one command did to one entity: the journal's unit.

    version: the entity's after the turn. at_ms: UTC ms. events: a JSON array, empty (`[]`) for a remembered refusal.
    status, reply: what the command is answered (for ever). provisional: a later turn's `answers` hold the final one.
    answers: (command id, reply) of earlier commands of this entity that are now final. fingerprint: 63 bits that stand
    for the command in the memory of commands (`memory.py`). audited: what the audit keeps of it.
    """

    kind: str
    entity_id: str
    version: int
    at_ms: int
    command_id: str
    fingerprint: int
    digest: int
    cause: str
    events: bytes
    status: int
    reply: bytes
    provisional: bool = False
    answers: list[tuple[str, bytes]] = []
    audited: list[Audited] = []


class LiveEvent(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A change of an entity, for screens: its events are in `events` (JSON)."""

    kind: str
    entity_id: str
    version: int
    at_ms: int
    events: bytes


class HostStats(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """How a host is. owned: its shards, as `sharding.mask_of` has them. lag_ms: age of the oldest turn
    that is not yet in the store.
    fresh_ms: UTC ms; what its shards acknowledged before that is in the store. journal,
    store: "ok" or what is wrong."""

    name: str
    pid: int
    owned: bytes
    entities: int
    updates_per_s: float
    lag_ms: int
    fresh_ms: int
    tail_turns: int
    outbox: int
    parked: int
    rss_mb: float
    journal: str
    store: str

    @property
    def shards(self) -> int:
        """How many it has."""
        return int.from_bytes(self.owned, "big").bit_count()


class FedRow(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A row of a feed table as a MessagePack array. shard, epoch: of the entity that it is of, and of its owner: of two
    rows that come over two lines the one of the higher epoch is newer."""

    shard: int
    epoch: int
    table: str
    row: bytes


class Downlink(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What a host has for a gateway since `cursor`: final answers, changed rows of the feed tables, live events.

    reset: live events before these may be missing. From the first call on, or when the cursor was too old, rows hold
    everything that the host has, in pieces. more: there are rows that did not fit; before they have come the gateway
    does not know what the host has.
    """

    cursor: int
    reset: bool
    answers: list[tuple[int, Reply]]
    rows: list[FedRow]
    live: list[LiveEvent]
    stats: HostStats | None = None
    more: bool = False
