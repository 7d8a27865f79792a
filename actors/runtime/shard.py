"""A shard in memory: its entities, its memory of commands, and what is on its way to the store."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Protocol

import msgspec

from actors.domain.kind import Row
from actors.runtime.memory import CommandMemory
from actors.runtime.wire import Envelope, Reply, Turn

Key = tuple[str, str]  # (kind, entity id)


class Waiter(Protocol):
    """A caller who wants the final answer."""

    gateway_id: str
    envelope: Envelope

    def final(self, reply: Reply) -> bool:
        """Hands it over; False when it has to go by the downlink."""


class Entity(msgspec.Struct, eq=False):
    """One live entity. `dirty`: its turns that are not in the store yet; only a clean one may be passivated."""

    state: Any
    version: int
    used_at: float
    dirty: int = 0
    weight: int = 0


class TailEntry(msgspec.Struct, eq=False):
    """A turn past the watermark, with its place in the journal. `rows` and `entity` are None while nobody has folded
    the turn into its entity after a takeover."""

    position: int
    line: int
    turn: Turn
    rows: list[Row] | None = None
    entity: Entity | None = None


class Shard:
    """A shard that this host owns under `epoch`. A `Shard` object lives for one activation: when an append is in doubt
    it is marked `lost` and a new one is built from what is durable.

    position: the last one given to a turn (durable or about to be). durable: the last one known to be on disk.
    drained: the last one in the store.
    """

    def __init__(self, number: int, epoch: int, watermark: int, memory: CommandMemory) -> None:
        self.number = number
        self.epoch = epoch
        self.position = watermark
        self.durable = watermark
        self.drained = watermark
        self.memory = memory
        self.lost = False
        self.closing = False
        # Least recently used first.
        self.entities: dict[Key, Entity] = {}
        # Durable turns that are not in the store, oldest first.
        self.tail: deque[TailEntry] = deque()
        # Of those, the ones that their entity (not in memory) has not been folded with.
        self.unfolded: dict[Key, list[TailEntry]] = {}
        # (entity id, command id) → callers that wait for a final answer.
        self.waiters: dict[Key, list[Waiter]] = {}
        self.idle = asyncio.Event()

    def use(self, key: Key, now: float) -> Entity | None:
        """The entity when it is in memory, now the most recently used."""
        entity = self.entities.pop(key, None)
        if entity is not None:
            self.entities[key] = entity
            entity.used_at = now
        return entity
