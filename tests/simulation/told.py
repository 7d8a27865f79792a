"""What clients asked and were told: the evidence against which the durable history is checked."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from actors.runtime import wire
from actors.runtime.wire import LiveEvent


@dataclass(slots=True)
class Told:
    """One answer. `order`: running number of the answer within the world; `asked`: that of the question. `attempt` counts asks
    with the same command id from 1. Times: virtual seconds."""

    client: str
    mode: str  # "command", "view" or "history"
    kind: str
    entity_id: str
    command_id: str
    digest: int
    creates: bool
    asked: int
    order: int
    status: int
    body: bytes
    attempt: int = 1

    @property
    def settled(self) -> bool:
        """Is it an answer that stands for ever?"""
        return self.status in (wire.OK, wire.REFUSED)

    def fields(self) -> dict:
        """The JSON body."""
        return msgspec.json.decode(self.body)


@dataclass(slots=True)
class Evidence:
    """All answers of a world, in the order in which they were told, and what the feeds showed."""

    told: list[Told] = field(default_factory=list)
    live: list[LiveEvent] = field(default_factory=list)
    shown: list[tuple[str, str, int, int, int]] = field(default_factory=list)  # gateway, location/sku, on_hand, reserved, order
    clock: int = 0

    def tick(self) -> int:
        """The next running number."""
        self.clock += 1
        return self.clock
