"""Turns of those in line who take all or nothing (`location_turns.py`): what must hold of them, and waits that are
short enough for a run to see their end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from actors.domain import location_dates, location_line, location_turns, order_dates
from actors.domain.location_events import StockChanged
from actors.domain.location_line_events import LineServed, LineTurn, Waiter
from actors.domain.location_state import Location
from actors.domain.times import DAY_MS
from actors.runtime.wire import Turn

_SHORT = (
    (location_turns, "KEEP_MS", 1_500), (location_turns, "COMES_MS", 2_500), (location_turns, "GOES_ON_MS", 2_000), (location_turns, "LATE_MS", 600), (location_line, "LATELY_MS", 2_600), (location_line, "TOGETHER_MS", 100), (location_turns, "PASSED_MAX", 3), (location_turns, "KEEPERS_MAX", 3),
    (location_dates, "LOOK_AFTER_MS", 400), (location_dates, "LATE_MS", 700), (location_dates, "LOOK_AGAIN_MS", 500), (order_dates, "TELL_AFTER_MS", 900),
)  # fmt: skip


@contextmanager
def short_waits() -> Iterator[None]:
    """Everybody waits less than in life, as long as this lasts."""
    before = [getattr(module, name) for module, name, _ in _SHORT]
    for module, name, value in _SHORT:
        setattr(module, name, value)
    try:
        yield
    finally:
        for (module, name, _), value in zip(_SHORT, before, strict=True):
            setattr(module, name, value)


def keeps(waiter: Waiter, at_ms: int) -> bool:
    """Are units set aside for it?"""
    return bool(waiter.turn is not None and waiter.turn.until_ms is not None and waiter.turn.until_ms > at_ms)


def stays(state: Location, waiter: Waiter, sku: str, at_ms: int) -> int:
    """Units that have to stay for those before the waiter for whom they are set aside."""
    return _stays(state, waiter, sku, at_ms)[0]


def _stays(state: Location, waiter: Waiter, sku: str, at_ms: int) -> tuple[int, dict[str, int]]:
    """The same; and what is free of each lot besides these."""
    line, stock = state.waiting, state.stock.get(sku)
    lots = {name: lot.free for name, lot in state.lots.get(sku, {}).items()}
    if line is None or stock is None:
        return 0, lots
    before = [one for one in line.waiters.values() if sku in one.lines and keeps(one, at_ms)]
    together = stay = 0
    for one in sorted(before, key=lambda one: one.rank(sku)):
        if one.rank(sku) >= waiter.rank(sku):
            break
        units = max(0, min(one.lines[sku], stock.available_to(one.channel), stock.available - stay))
        if lots:
            units = _from_lots(state, one, sku, units, lots, at_ms)
        if units > 0:
            together += units
            stay = max(stay, together + dict(stock.buffers).get(one.channel, 0))
    return stay, lots


def _from_lots(state: Location, one: Waiter, sku: str, units: int, free: dict[str, int], at_ms: int) -> int:
    """Takes them from the lots that are good for it, soonest end first."""
    taken = 0
    lots = state.lots[sku]
    for name in sorted(lots, key=lambda name: (lots[name].expires_on or 1 << 40, name)):
        if good_for(state, one, sku, name, at_ms):
            here = max(0, min(units - taken, free[name]))
            free[name], taken = free[name] - here, taken + here
    return taken


def good_for(state: Location, one: Waiter, sku: str, name: str, at_ms: int) -> bool:
    """Does the lot last long enough for the order?"""
    lot = state.lots.get(sku, {}).get(name)
    return lot is None or lot.good_on(at_ms // DAY_MS + one.life_days.get(sku, 0))


def left_for(state: Location, waiter: Waiter, sku: str, at_ms: int) -> int:
    """What is free and good for who takes all or nothing."""
    return 0 if any(moment > at_ms for moment in waiter.from_ms.values()) else free_for(state, waiter, sku, at_ms)


def free_for(state: Location, waiter: Waiter, sku: str, at_ms: int) -> int:
    """What is free and good for it, be it out or not."""
    stock = state.stock.get(sku)
    if stock is None:
        return 0
    stay, lots = _stays(state, waiter, sku, at_ms)
    units = max(0, min(stock.available_to(waiter.channel), stock.available - stay))
    return _from_lots(state, waiter, sku, units, lots, at_ms) if lots else units


def lacks(state: Location, one: Waiter, sku: str, at_ms: int) -> bool:
    """Is there less of it than it wants, be it set aside for others or not?"""
    stock, lots = state.stock.get(sku), state.lots.get(sku, {})
    units = 0 if stock is None else stock.available_to(one.channel)
    if lots:
        units = min(units, sum(max(0, lots[name].free) for name in lots if good_for(state, one, sku, name, at_ms)))
    return units < one.lines[sku]


class Passed:
    """Who was passed, and how often, at one location."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[str, dict[str, int]] = {}
        self.counts: dict[str, int] = {}
        self.keepers: list[Waiter] = []
        # Order → units that were there for it when its turn went on, 0 before.
        self.there: dict[str, int] = {}
        self.doubted: frozenset[str] = frozenset()

    def after(self, state: Location, events: Iterable[object], turn: Turn, *, landed: bool = False) -> Iterator[str]:
        """Looks at a turn. `landed`: who got something without being served in the line had it before, on the road."""
        line = state.waiting
        whole = {} if line is None else {n: one for n, one in line.waiters.items() if one.whole and one.lines}
        began = {event.order_id for event in events if type(event) is LineTurn}
        went_on = {event.order_id: event.there for event in events if type(event) is LineTurn and event.there}
        yield from (
            f"{self.name} version {turn.version}: the turn of {name} goes on with no more than it had"
            for name, units in went_on.items()
            if units <= self.there.get(name, 0)
        )
        served = {f"{event.order_id}.{event.number}" for event in events if type(event) is LineServed}
        got = [(by.partition(".")[0], *what) for by, *what in _got(events) if not landed or by in served]
        for name, one in whole.items():
            if self.lines.get(name) != one.lines or keeps(one, turn.at_ms):
                self.counts.pop(name, None)
            later = [
                (by, sku) for by, sku, lot in got
                if sku in one.lines and by != name and self._is_later(state, by, one, sku)
                and good_for(state, one, sku, lot, turn.at_ms)
            ]  # fmt: skip
            if keeps(one, turn.at_ms) and name not in began and name in self.lines:
                yield from (
                    f"{self.name} version {turn.version}: {by} got {sku}, which is kept for {name}"
                    for by, sku in later
                    # Whose turn comes by that, and who comes before it, has what is left.
                    if left_for(state, one, sku, turn.at_ms) < one.lines[sku]
                    and not any(
                        whole[of].rank(sku) < one.rank(sku) for of in began & whole.keys() if sku in whole[of].lines
                    )
                )
            elif not keeps(one, turn.at_ms) and not any(moment > turn.at_ms for moment in one.from_ms.values()):
                yield from self._count(state, one, later, turn)
            if keeps(one, turn.at_ms) and name in began:
                yield from (
                    f"{self.name} version {turn.version}: it is the turn of {name}, and {sku} is in doubt, or rests"
                    for sku in self._in_doubt(state, one, turn.at_ms, rests=name not in went_on) & self.doubted
                )
        self.lines = {name: dict(one.lines) for name, one in whole.items()}
        self.doubted = (
            frozenset()
            if line is None
            else frozenset(line.doubted) | {sku for sku, until_ms in line.rests.items() if until_ms > turn.at_ms}
        )
        self.keepers = [one for one in whole.values() if one.turn is not None and one.turn.until_ms is not None]
        self.there = {one.order_id: one.turn.there for one in self.keepers if one.turn is not None}

    def _is_later(self, state: Location, by: str, one: Waiter, sku: str) -> bool:
        other = state.waiting.waiters.get(by) if state.waiting is not None else None
        if other is None:
            return not state.stock[sku].buffers
        return other.channel == one.channel and other.rank(sku) > one.rank(sku) and not other.from_ms

    def _in_doubt(self, state: Location, one: Waiter, at_ms: int, *, rests: bool = True) -> frozenset[str]:
        """What it lacks that nobody has a turn for, and what rests, as long as its turn does not go on."""
        line = state.waiting
        assert line is not None
        return frozenset(
            sku for sku in one.lines
            if (rests and line.rests.get(sku, 0) > at_ms) or (sku in line.doubted and lacks(state, one, sku, at_ms))
        )  # fmt: skip

    def _count(self, state: Location, one: Waiter, later: list[tuple[str, str]], turn: Turn) -> Iterator[str]:
        line = state.waiting
        assert line is not None
        if self._in_doubt(state, one, turn.at_ms):
            return
        # Of what is set aside for so many already it has no turn: before this, or now.
        for keepers in (self.keepers, line.waiters.values()):
            of = Counter(sku for other in keepers if keeps(other, turn.at_ms) for sku in other.lines)
            if any(of[sku] >= location_turns.KEEPERS_MAX for sku in one.lines):
                return
        # Who gets two goods at once passes once.
        passed = len(dict(later))
        if passed:
            self.counts[one.order_id] = self.counts.get(one.order_id, 0) + passed
        if self.counts.get(one.order_id, 0) > location_turns.PASSED_MAX:
            yield f"{self.name} version {turn.version}: {one.order_id} was passed {self.counts[one.order_id]} times"


def _got(events: Iterable[object]) -> Iterator[tuple[str, str, str]]:
    """(for what, SKU, lot) of who got something: in line, or an order that asks by itself, a transfer or a cart."""
    for event in events:
        if type(event) is StockChanged:
            for entry in event.entries:
                if entry.reason in ("allocate", "reserve"):
                    yield event.cause, entry.sku, entry.lot
