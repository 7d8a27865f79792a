"""What clients asked and were told: the evidence against which the durable history is checked."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from actors.runtime import wire
from actors.runtime.gateway import Ask
from actors.runtime.sharding import fingerprint
from actors.runtime.turns import scope_of
from actors.runtime.wire import Envelope, LiveEvent


@dataclass(slots=True)
class Told:
    """One answer. `order`: running number of the answer within the world; `asked`: that of the question. `attempt`
    counts asks with the same command id from 1. `page`: (after, limit) of a history."""

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
    page: tuple[int, int] = (0, 0)

    @property
    def scope(self) -> str:
        """Within what its command id is unique."""
        return self.kind if self.creates else self.entity_id

    def fields(self) -> dict:
        """The JSON body."""
        return msgspec.json.decode(self.body)


def _numbers() -> defaultdict[str, list[int]]:
    return defaultdict(list)


@dataclass(slots=True)
class Screen:
    """What one gateway was told without asking for it. `rows`: the last of each key. By host, as rising running
    numbers: `heard`, when it answered a poll; `missed`, when the gateway learned that not everything was told live, or
    that nobody has to be heard there any more."""

    rows: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    live: list[LiveEvent] = field(default_factory=list)
    heard: defaultdict[str, list[int]] = field(default_factory=_numbers)
    missed: defaultdict[str, list[int]] = field(default_factory=_numbers)

    def owed(self, host: str, order: int) -> bool:
        """Has what `host` made durable at that number to be told live? Not before it is heard, and not where it was
        said later that something is missing."""
        heard, missed = self.heard[host], self.missed[host]
        before = bisect_left(missed, order)
        if before < len(missed):
            return False
        polled = bisect_left(heard, order)
        return polled > 0 and (not before or heard[polled - 1] > missed[before - 1])

    def told_since(self, order: int) -> bool:
        """Was it said of any host, after that number, that something is missing?"""
        return any(missed[-1] > order for missed in self.missed.values() if missed)


def mark_of(ask: Ask) -> int:
    """By which the turn of a command is known."""
    return fingerprint(ask.kind if ask.creates else ask.entity_id, ask.command_id)


@dataclass(slots=True)
class Evidence:
    """All answers of a world, in the order in which they were told, and what the feeds showed. `calls`: the commands in
    each call that came to a host, and `bodies`: in each body of many, in their order (see `mark_of`). `killed`: when a
    host's process was, as a running number."""

    told: list[Told] = field(default_factory=list)
    screens: dict[str, Screen] = field(default_factory=dict)
    calls: list[list[int]] = field(default_factory=list)
    bodies: list[list[int]] = field(default_factory=list)
    killed: dict[str, int] = field(default_factory=dict)
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

    def came(self, envelopes: Iterable[Envelope]) -> None:
        """A call reached a host."""
        commands = [one for one in envelopes if one.mode == wire.COMMAND]
        self.calls.append([fingerprint(scope_of(one), one.command_id) for one in commands])

    def screen(self, gateway: str) -> Screen:
        """That of a gateway's process."""
        return self.screens.setdefault(gateway, Screen())

    def tick(self) -> int:
        """The next running number."""
        self.clock += 1
        return self.clock
