"""A location with its line, driven by commands, and beside it a plain, slow line: everybody who waits, sorted anew for
each unit that is free."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable

import msgspec

from actors.domain import location_line, location_turns
from actors.domain.kind import Context
from actors.domain.kinds import KINDS
from actors.domain.location_commands import Allocate, OpenLocation, ReceiptLine, ReceiveStock, Reserve, WaitInLine
from actors.domain.location_events import StockRanOut, StockRunsLow
from actors.domain.location_line_events import LineServed, Waiter
from actors.domain.times import HOUR_MS

NOW_MS = 1_767_225_600_000
LOCATION = KINDS["location"]


class Place:
    """The real one. `served`: (order, fulfilment, lines) in order; `rows`: as write-behind leaves them; `last`: events
    of the last turn; `told`: alerts about stock of all turns. `small`: it is looked at whether
    decisions change the state."""

    def __init__(self, *, small: bool = True) -> None:
        self.small = small
        self.state, self.version, self.now_ms, self.turns = None, 0, NOW_MS, 0
        self.served: list[tuple[str, int, list[tuple[str, int]]]] = []
        self.sent: list = []
        self.last: list = []
        self.told: list = []
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
        self.last = events
        self.told += [event for event in events if isinstance(event, StockRunsLow | StockRanOut)]
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


def passed(place: Place, sku: str, times: int) -> None:
    """Others come and get it."""
    for _ in range(times):
        place.receive((sku, 1))
        assert place.do(Allocate(f"us-new-{place.turns}", 1, [(sku, 1)])).lines == [(sku, 1)]
        assert place.again() == place.state


def served_carts(place: Place, hours: int, each: Callable[[int], object] = lambda hour: None) -> list[int]:
    """Two carts an hour for one "a" each; in which hours they got it. each: what else happens."""
    got = []
    for hour in range(hours):
        place.now_ms = NOW_MS + hour * HOUR_MS
        place.wake()
        each(hour)
        for at in (1, 2):
            got += [hour for _ in place.do(Reserve(f"us-resv-{hour}-{at}", [("a", 1)])).lines]
    return got


class SlowLine:
    """What goes to whom of what is free: nothing is kept from one call to the next but who waits, until when units are
    set aside for whom, and whom others have passed since."""

    def __init__(self) -> None:
        self.waiters: dict[str, Waiter] = {}
        # order → (for which SKU, until when, what was there for it when it went on, 0 before); order → of which SKUs
        # others were given some while it is passed
        self.keeps: dict[str, tuple[str, int, int]] = {}
        self.passed: dict[str, list[str]] = {}
        # SKUs that somebody lacked when his turn was over, and of which none came for long, and none since; what came
        # when; what is set aside for nobody anew, and until when
        self.doubted: set[str] = set()
        self.came: dict[str, list[tuple[int, int]]] = {}
        self.rests: dict[str, int] = {}

    def put(self, waiter: Waiter, there: Callable[[str], int]) -> None:
        """In place of what it wanted before. `there(sku)`: free units, whoever they are set aside for."""
        before = self.waiters.get(waiter.order_id)
        self.waiters[waiter.order_id] = waiter
        if not waiter.whole or not waiter.lines:
            self.keeps.pop(waiter.order_id, None)
            self.passed.pop(waiter.order_id, None)
        elif waiter.order_id in self.keeps:
            if before is None or waiter.lines.keys() - before.lines.keys():
                del self.keeps[waiter.order_id]
                self.passed[waiter.order_id] = []
            else:
                sku, until_ms, had = self.keeps[waiter.order_id]
                less = sum(max(0, min(n, there(of)) - waiter.lines.get(of, 0)) for of, n in before.lines.items())
                self.keeps[waiter.order_id] = (sku, until_ms, max(0, had - less))
        elif before is None or before.lines.keys() != waiter.lines.keys() or waiter.order_id not in self.passed:
            self.passed[waiter.order_id] = []
        self._forget()

    def leave(self, order_id: str) -> bool:
        """Was it there?"""
        self.keeps.pop(order_id, None)
        self.passed.pop(order_id, None)
        was_there = self.waiters.pop(order_id, None) is not None
        self._forget()
        return was_there

    def _forget(self) -> None:
        """What nobody waits for is not remembered."""
        wanted = {sku for one in self.waiters.values() for sku in one.lines}
        self.doubted &= wanted
        for noted in (self.came, self.rests):
            for sku in noted.keys() - wanted:
                del noted[sku]

    def serve(self, skus: Iterable[str], free, now_ms: int, came: dict[str, int]) -> dict[tuple[str, str], int]:
        """(order, SKU) → units. `free(sku, channel)`: before anything is given. came: SKU → how many came in."""
        whole = {sku for one in self.waiters.values() if one.whole for sku in one.lines}
        for sku in came.keys() & (whole | self.doubted):
            self.came.setdefault(sku, []).append((now_ms, came[sku]))
        self.doubted -= set(came)
        given = SlowRound(self, free, now_ms).serve(skus)
        for _, sku in given:
            self.newcomer_got([sku])
        self._served(given)
        return given

    def newcomer_got(self, skus: Iterable[str]) -> None:
        """Somebody who is not in line."""
        for name, seen in self.passed.items():
            seen.extend(sku for sku in skus if sku in self.waiters[name].lines)

    def _served(self, given: dict[tuple[str, str], int]) -> None:
        for (order_id, sku), units in given.items():
            one = self.waiters[order_id]
            rest = {of: n - (units if of == sku else 0) for of, n in one.lines.items()}
            lines = {of: n for of, n in rest.items() if n}
            self.waiters[order_id] = msgspec.structs.replace(one, lines=lines)
            if not lines:
                self.keeps.pop(order_id, None)
                self.passed.pop(order_id, None)
        self._forget()


class SlowRound:
    """One look at who waits: by rank everybody gets what those before leave, or, if that is not all and he takes
    nothing less, stands back or has it set aside."""

    def __init__(self, line: SlowLine, free, now_ms: int) -> None:
        self.line, self.free, self.now_ms = line, free, now_ms
        self.given: dict[tuple[str, str], int] = {}
        # Of those who are passed: how many have to pass them yet, whose turn has just ended, and who is
        # passed because of which SKU.
        self.need: dict[str, int] = {}
        self.ended: list[str] = []
        self.resting: list[tuple[Waiter, str]] = []
        # Whose turn came in this round, or that of somebody before it: what had been given by then.
        self.begun: dict[str, dict[str, int]] = {}
        self.slots = [of for one in self.keepers() for of in one.lines]

    def keepers(self) -> list[Waiter]:
        """Those whose turn it is."""
        return [self.line.waiters[name] for name, (_, until, _) in self.line.keeps.items() if until > self.now_ms]

    def serve(self, skus: Iterable[str]) -> dict[tuple[str, str], int]:
        """(order, SKU) → units. Who is served by what came gives up what had to stay with what
        else was set aside for it."""
        looked, skus = set[str](), set(skus)
        while skus:
            looked |= skus
            self.look(skus)
            served = [one for one in self.keepers() if any(name == one.order_id for name, _ in self.given)]
            skus = {of for one in served for of in one.lines} - looked
        return self.given

    def look(self, skus: Iterable[str]) -> None:
        heads = [
            (one.rank(sku), sku)
            for sku in skus
            for one in self.line.waiters.values()
            if sku in one.lines and one.from_ms.get(sku, 0) <= self.now_ms and self.free(sku, "") > 0
        ]
        over = set[tuple[str, str, int]]()
        for rank, sku in sorted(heads):
            one = self.line.waiters[rank[2]]
            alike = (sku, one.channel, one.from_ms.get(sku, 0))
            if (one.order_id, sku) in self.given:
                continue
            if one.whole and not self.finds_all(one):
                self.stands_back(one, sku)
            elif one.whole or (alike not in over and self.good(one, sku)):
                # Once somebody lacked some, those who are like him and behind get none in this look: not even if a turn
                # that comes in it leaves some.
                if not one.whole and self.good(one, sku) < one.lines[sku]:
                    over.add(alike)
                for of in one.lines if one.whole else (sku,):
                    self.gets(one, of)
                self.come_to_their_turn(sku)
            elif not one.whole:
                over.add(alike)

    def left(self, one: Waiter, sku: str) -> int:
        """What those before it leave of it for whom units are set aside."""
        kept, stay, gone = 0, 0, sum(n for (_, of), n in self.given.items() if of == sku)
        for other in sorted(self.keepers(), key=lambda other: other.rank(sku)):
            mine = other.rank(sku) < one.rank(sku) and (other.order_id, sku) not in self.given
            if mine and sku in other.lines:
                # Of what went to those who come before it, and to nobody else.
                before = self.went_before(other, sku)
                back = self.free(sku, "") - self.free(sku, other.channel)
                free = self.free(sku, "") - before - stay
                units = max(0, min(other.lines[sku], self.free(sku, other.channel) - before, free))
                kept += units
                stay = max(stay, kept + back if units else 0)
        return min(self.free(sku, one.channel) - gone, self.free(sku, "") - gone - stay)

    def went_before(self, one: Waiter, sku: str) -> int:
        """Units of it that others had before it was set aside for the waiter, the last time: when its turn came in this
        round, or that of somebody who comes before it; or else who comes before it."""
        if sku in self.begun.get(one.order_id, {}):
            return self.begun[one.order_id][sku]
        ranks = {name: self.line.waiters[name].rank(sku) for name, of in self.given if of == sku}
        return sum(n for (name, of), n in self.given.items() if of == sku and ranks[name] < one.rank(sku))

    def good(self, one: Waiter, sku: str) -> int:
        """Units of it that it could have."""
        return max(0, min(one.lines[sku], self.left(one, sku)))

    def finds_all(self, one: Waiter) -> bool:
        """Is all there that it wants, and out?"""
        out = all(at <= self.now_ms for at in one.from_ms.values())
        return out and all(self.left(one, of) >= n for of, n in one.lines.items())

    def gets(self, one: Waiter, sku: str) -> None:
        """What there is for it."""
        self.given[one.order_id, sku] = self.good(one, sku)
        for other, of in self.resting:
            self.need[other.order_id] -= of == sku

    def stands_back(self, one: Waiter, sku: str) -> None:
        """It has its turn, comes to it, or is passed."""
        name = one.order_id
        if not self.good(one, sku) or any(at > self.now_ms for at in one.from_ms.values()):
            return
        if name in self.line.keeps and self.line.keeps[name][1] <= self.now_ms:
            of_which, until_ms, had = self.line.keeps.pop(name)
            late = self.now_ms >= until_ms + location_turns.LATE_MS
            if not late and self.goes_on(one, had) and self.begins(one, of_which, again=True):
                return
            self.line.passed[name] = []
            self.ended.append(name)
            long_ago = self.now_ms - location_turns.COMES_MS
            last = {of: self.line.came.get(of, [(0, 0)])[-1][0] for of in one.lines}
            in_vain = {of for of in one.lines if self.lacks(one, of) and last[of] <= long_ago}
            self.line.doubted |= in_vain
            if in_vain:
                rested = one.lines.keys() - in_vain
                self.line.rests |= dict.fromkeys(rested, self.now_ms + location_turns.KEEP_MS)
        if name in self.line.keeps:
            return
        if name not in self.need:
            # Those who were before it in this round are counted for it afterwards.
            seen = self.line.passed.get(name)
            done = 99 if seen is None else 0 if name in self.ended else len(seen)
            self.need[name] = location_turns.PASSED_MAX - done
        if self.need[name] <= 0:
            self.begins(one, sku)
        else:
            self.resting.append((one, sku))

    def lacks(self, one: Waiter, sku: str) -> bool:
        """Is there less of it than it wants, whoever may have that?"""
        gone = sum(n for (_, of), n in self.given.items() if of == sku)
        return self.free(sku, one.channel) - gone < one.lines[sku]

    def goes_on(self, one: Waiter, had: int) -> bool:
        """Is some there of all that it lacks, and would a few times what came of that lately suffice, and has it more
        than it had when its turn went on the last time (0: it has not yet)?"""
        if self.there(one) <= had or all(self.good(one, of) == n for of, n in one.lines.items()):
            return False
        since_ms = self.now_ms - location_line.LATELY_MS
        for of, n in one.lines.items():
            missing = n - self.good(one, of)
            lately = sum(units for at_ms, units in self.line.came.get(of, []) if at_ms > since_ms)
            if missing and (missing == n or missing > location_turns.TIMES_MAX * lately):
                return False
        return True

    def there(self, one: Waiter) -> int:
        """Units of all that it wants that it could have."""
        return sum(self.good(one, of) for of in one.lines)

    def begins(self, one: Waiter, sku: str, *, again: bool = False) -> bool:
        """Its turn, unless too many have theirs, it lacks what may never come, or some of it has
        just lain idle in vain."""
        if not again and any(self.line.rests.get(of, 0) > self.now_ms for of in one.lines):
            return False
        if any(of in self.line.doubted and self.lacks(one, of) for of in one.lines):
            return False
        if any(self.slots.count(of) >= location_turns.KEEPERS_MAX for of in one.lines):
            return False
        self.slots.extend(one.lines)
        gone = {of: sum(n for (_, other), n in self.given.items() if other == of) for of in one.lines}
        self.begun[one.order_id] = gone
        until_ms = self.now_ms + (location_turns.GOES_ON_MS if again else location_turns.KEEP_MS)
        self.line.keeps[one.order_id] = (sku, until_ms, self.there(one) if again else 0)
        self.line.passed.pop(one.order_id, None)
        # For those behind there is only what is left now, with what others got meanwhile.
        for other in self.keepers():
            for of in one.lines.keys() & other.lines.keys():
                if other.rank(of) > one.rank(of):
                    self.begun.setdefault(other.order_id, {})[of] = gone[of]
        return True

    def come_to_their_turn(self, sku: str) -> None:
        """Those who have been passed often enough, now that somebody got some of it."""
        for again, of in list(self.resting):
            if of == sku and self.need[again.order_id] <= 0:
                self.resting.remove((again, of))
                if again.order_id not in self.line.keeps:
                    self.begins(again, sku)
