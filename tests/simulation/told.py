"""What clients asked and were told: the evidence against which the durable history is checked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from actors.runtime.gateway import Ask
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
    def scope(self) -> str:
        """Within what its command id is unique."""
        return self.kind if self.creates else self.entity_id

    def fields(self) -> dict:
        """The JSON body."""
        return msgspec.json.decode(self.body)


@dataclass(slots=True)
class Evidence:
    """All answers of a world, in the order in which they were told, and what the feeds showed."""

    told: list[Told] = field(default_factory=list)
    live: list[LiveEvent] = field(default_factory=list)
    shown: list[tuple[str, str, int, int, int]] = field(
        default_factory=list
    )  # gateway, location/sku, on_hand, allocated, order
    clock: int = 0
    # When each command was asked for the first time, answered or not: (scope, command id) → running number.
    first_asked: dict[tuple[str, str], int] = field(default_factory=dict)

    def ask(self, asks: Iterable[Ask]) -> int:
        """Commands are asked: the running number of that."""
        number = self.tick()
        for ask in asks:
            self.first_asked.setdefault((ask.kind if ask.creates else ask.entity_id, ask.command_id), number)
        return number

    def tick(self) -> int:
        """The next running number."""
        self.clock += 1
        return self.clock
