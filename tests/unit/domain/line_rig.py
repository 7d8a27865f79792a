"""A location with its line, driven by commands, and beside it a plain, slow line: everybody who waits, sorted anew for each unit that is free."""

from __future__ import annotations

import copy
from collections.abc import Iterable

import msgspec

from actors.domain.kind import Context
from actors.domain.kinds import KINDS
from actors.domain.location_commands import OpenLocation, ReceiptLine, ReceiveStock
from actors.domain.location_line import LineServed, Waiter, WaitInLine

NOW_MS = 1_767_225_600_000
LOCATION = KINDS["location"]


class Place:
    """The real one. `served`: (order, fulfilment, lines) in order; `rows`: as write-behind leaves them. `small`: it is looked at whether decisions change the state."""

    def __init__(self, *, small: bool = True) -> None:
        self.small = small
        self.state, self.version, self.now_ms, self.turns = None, 0, NOW_MS, 0
        self.served: list[tuple[str, int, list[tuple[str, int]]]] = []
        self.sent: list = []
        self.rows: dict = {}
        self.do(OpenLocation("store", "here", "", "US", 0.0, 0.0, "America/New_York"))

    def do(self, command):
        """Gives the reply."""
        self.turns += 1
        command = msgspec.msgpack.decode(msgspec.msgpack.encode(command), type=LOCATION.commands)
        before, context = (
            copy.deepcopy(self.state) if self.small else None,
            Context("here", f"c{self.turns}", self.now_ms),
        )
        decision = LOCATION.decide(self.state, command, context)
        assert not self.small or self.state == before, "decide changed the state"
        events = msgspec.json.decode(msgspec.json.encode(decision.events), type=list[LOCATION.events])
        for event in events:
            self.state = LOCATION.evolve(self.state, event, context)
            self.sent.extend(LOCATION.messages("here", event))
            if type(event) is LineServed:
                self.served.append((event.order_id, event.number, event.lines))
        self.version += len(events)
        if events:
            for row in LOCATION.rows(self.state, self.version, events, context):
                if not row.append_only:
                    key = (row.table, *(getattr(row, name) for name in row.key))
                    self.rows.pop(key, None) if getattr(row, "gone", False) else self.rows.update({key: row})
        return decision.reply(self.state, self.version)

    def again(self):
        """As it comes back from its rows."""
        stored: dict[str, list] = {}
        for (table, *_), row in self.rows.items():
            stored.setdefault(table, []).append(row)
        found = LOCATION.restore("here", stored)
        assert found is not None
        return found[0]

    def receive(self, *lines: tuple[str, int]) -> None:
        self.do(ReceiveStock([ReceiptLine(sku, units) for sku, units in lines]))

    def wait(self, order_id: str, placed: int, *lines: tuple[str, int], number: int = 10_001, **more):
        return self.do(WaitInLine(order_id, number, NOW_MS + placed, list(lines), **more))

    def wake(self) -> None:
        """All that is due by now."""
        while (due := LOCATION.due(self.state)) is not None and due <= self.now_ms:
            self.do(LOCATION.wake())
            assert LOCATION.due(self.state) != due

    def waiting(self) -> dict[str, dict[str, int]]:
        line = self.state.waiting
        return {} if line is None else {name: dict(one.lines) for name, one in line.waiters.items() if one.lines}


class SlowLine:
    """What goes to whom of what is free: nothing is kept from one call to the next but who waits."""

    def __init__(self) -> None:
        self.waiters: dict[str, Waiter] = {}

    def serve(self, skus: Iterable[str], free, now_ms: int) -> dict[tuple[str, str], int]:
        """(order, SKU) → units. `free(sku, channel)`: before anything is given."""
        given: dict[tuple[str, str], int] = {}

        def left(sku: str, channel: str) -> int:
            return free(sku, channel) - sum(n for (_, of), n in given.items() if of == sku)

        for sku in skus:
            while True:
                able = [
                    one
                    for one in self.waiters.values()
                    if one.lines.get(sku, 0) > given.get((one.order_id, sku), 0)
                    and all(at <= now_ms for of, at in one.from_ms.items() if one.whole or of == sku)
                    and left(sku, one.channel) > 0
                    and (not one.whole or all(left(of, one.channel) >= n for of, n in one.lines.items()))
                ]
                if not able:
                    break
                first = min(able, key=lambda one: one.rank(sku))
                for of in first.lines if first.whole else (sku,):
                    wanted = first.lines[of] - given.get((first.order_id, of), 0)
                    units = min(wanted, left(of, first.channel))
                    given[first.order_id, of] = given.get((first.order_id, of), 0) + units
        for (order_id, sku), units in given.items():
            one = self.waiters[order_id]
            rest = {of: n - (units if of == sku else 0) for of, n in one.lines.items()}
            lines = {of: n for of, n in rest.items() if n}
            self.waiters[order_id] = msgspec.structs.replace(one, lines=lines)
        return given
