"""The line of orders that wait for units at a location. The rules of the location are in `location.py`; what a line
is, in `location_line.py`.

    WaitInLine ──▶ in line ──units are free──▶ served: allocated, as a part of the order (`LineServed`), which is told by a message (`UnitsOffered`)
                     │  ▲                        │
                     │  └── wants more ──────────┤ the order takes it, or gives back what it lacks no more (`Release`): next in line
                     └── WaitInLine of nothing ──┴─▶ out of line

Whatever makes units free serves the line in that very turn, so that nobody who comes later can have them: a receipt, a
correction, units that are given back, good again, or not kept back any more. Who asks for units of which there are some
(an order, a transfer, a cart) gets what the line leaves. The line leaves what is good for nobody in it: what is kept
back from their channel, lots that end too soon, and what is not all that somebody wants who takes all or nothing.

Partly is better than not at all: the first in line gets what there is, and stays the first for the rest. So nobody is
passed over, and a large order is not starved by small ones. For who takes all or nothing units are set aside for a
while, and then not for a while (`location_turns.py`).

What the location may do for orders in a day (`location_capacity.py`) goes for those in line as well: the rest is kept
for them until tomorrow. SKUs that are not out yet are in the line, and served when they are. The order says which parts
it has heard of (`seen`); until then they are taken off what it says that it wants, since it did not know of them. A
line is bounded; who is not let in asks again by its own timer. So does who wants more at once than
the location does in a day.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Collection, Iterable, Mapping

import msgspec

from actors.domain import location_dates
from actors.domain.allocation import Need, need_of
from actors.domain.kind import Context, Decision, Message
from actors.domain.location_capacity import next_day_ms
from actors.domain.location_commands import Allocate, Command, InLine, LookAtLocation, Reserve, WaitInLine
from actors.domain.location_events import (
    Event,
    LevelsSet,
    LotsLookedAt,
    SafetyStockSet,
    StockChanged,
    StockRanOut,
    StockRunsLow,
    Units,
)
from actors.domain.location_line import WaitingLine
from actors.domain.location_line_events import (
    LineChanged,
    LineDated,
    LineDue,
    LinePassed,
    LineServed,
    LineTurn,
    Turn,
    Waiter,
)
from actors.domain.location_profile import ProfileSet
from actors.domain.location_serving import Round
from actors.domain.location_state import Location
from actors.domain.location_turns import TURN_SKUS_MAX
from actors.domain.order_backorder import DateMoved, UnitsOffered
from actors.domain.times import sooner

# Orders in line at a location, and of these for one SKU.
LINE_MAX = 50_000
SKU_LINE_MAX = 20_000
# Who takes all or nothing is looked at each time.
WHOLE_MAX = 500

Inner = Callable[[Location, Command, Context], Decision]


# --- every command to a location where somebody waits ----------------------------------------------------------------
def decide(location: Location, command: Command, context: Context, inner: Inner) -> Decision:
    """What `inner` decides, and what the line gets because of it."""
    line = location.waiting
    assert line is not None
    if type(command) is Allocate or type(command) is Reserve:
        return _asked(location, line, command, context, inner)
    decision = inner(location, command, context)
    if type(command) is WaitInLine:
        return decision
    decision.events.extend(location_dates.begun(line, decision.events, context))
    # Only the timer looks at the whole line: others would pay for it, and each of them would move its moment
    # on, so that it never came.
    woken = type(command) is LookAtLocation and line.due_ms is not None and line.due_ms <= context.now_ms
    everything = woken or any(type(event) is ProfileSet for event in decision.events)
    skus = sorted(line.queues) if everything else [sku for sku in _touched(decision.events) if sku in line.queues]
    decision.events.extend(_served(location, line, decision.events, skus, context, woken=woken))
    return decision


def _touched(events: Iterable[Event]) -> Iterable[str]:
    skus: dict[str, None] = {}
    for event in events:
        if type(event) is StockChanged:
            skus.update((entry.sku, None) for entry in event.entries)
        elif type(event) is SafetyStockSet:
            skus.update((sku, None) for sku, _ in event.levels)
        elif type(event) is LevelsSet:
            skus.update((levels.sku, None) for levels in event.levels)
    return skus


def _served(
    location: Location, line: WaitingLine, events: list[Event], skus: Iterable[str], context: Context, *, woken: bool
) -> list[Event]:
    begun = location_dates.due_of(events)
    if not skus and not woken:
        return _sooner(line, begun)
    round_ = _round(location, line, events, skus, context)
    served = round_.events(line.waiters, floor=location.floor is not None)
    # By what is so when nothing else happens; else in the next turn.
    quiet = woken and not served and all(type(event) is LotsLookedAt for event in events)
    dated = location_dates.look(location, line, context) if quiet else []
    missed = location_dates.released(line, served, context) if woken else []
    dates_ms = sooner(begun, location_dates.due_of(missed))
    dates_ms = sooner(dates_ms, location_dates.next_ms(line, dated, context.now_ms)) if woken else dates_ms
    return [*served, *dated, *missed, *_due(location, line, round_, context, dates_ms, woken=woken)]


def _round(
    location: Location, line: WaitingLine, events: list[Event], skus: Iterable[str], context: Context, asker: str = ""
) -> Round:  # fmt: skip
    round_ = Round(location, line, events, context, asker)
    round_.serve(skus, lambda sku: line.queues.get(sku, {}), line.waiters)
    return round_


def _asked(
    location: Location, line: WaitingLine, command: Allocate | Reserve, context: Context, inner: Inner
) -> Decision:
    """Somebody else asks. What is good for the line was served when it came: there is something left to serve only on a
    new day, or when there was too much for one turn."""
    skus = [sku for sku, _ in command.lines]
    waited_for = [sku for sku in skus if sku in line.queues]
    if not waited_for:
        return inner(location, command, context)
    asker = command.order_id if type(command) is Allocate else ""
    round_ = _round(location, line, [], waited_for, context, asker)
    served = round_.events(line.waiters, floor=location.floor is not None)
    touched = bool(served) or any(round_.left(sku) for sku in waited_for)
    decision = inner(round_.rest(skus) if touched else location, command, context)
    if touched:
        others = [event for event in decision.events if type(event) not in (StockRunsLow, StockRanOut)]
        decision.events[:] = [*others, *round_.fallen(others)]
    decision = _passed(line, _counted(line, served), asker, decision)
    if not served and line.keeps(asker, context.now_ms) and decision.events:
        # It took of what was set aside for it: what had to stay with that, others may have now.
        after = _round(location, line, decision.events, waited_for, context)
        decision.events.extend(after.events(line.waiters, floor=location.floor is not None))
        decision.events.extend(_due(location, line, after, context))
    elif touched:
        decision.events[:0] = served
        decision.events.extend(_due(location, line, round_, context))
    return decision


def _counted(line: WaitingLine, served: Iterable[Event]) -> Collection[str]:
    """Of which SKUs it is counted who is given some: that somebody wants who has had his time, be it over only now."""
    over = [line.waiters[one.order_id] for one in served if type(one) is LineTurn and one.until_ms is None]
    return line.given.keys() | {sku for waiter in over for sku in waiter.lines} if over else line.given


def _passed(line: WaitingLine, counted: Collection[str], asker: str, decision: Decision) -> Decision:
    """Whoever is not in line passes those who have had their time; one of these who asks by
    himself does not pass himself."""
    if counted:
        entries = (entry for event in decision.events if type(event) is StockChanged for entry in event.entries)
        got = (entry.sku for entry in entries if entry.reason in ("allocate", "reserve"))
        skus = list(dict.fromkeys(sku for sku in got if sku in counted))
        if skus:
            decision.events.append(LinePassed(skus, asker if asker in line.turns else ""))
    return decision


# --- to get in line, and out of it -----------------------------------------------------------------------------------
def wait(location: Location, command: WaitInLine, context: Context) -> tuple[list[Event], InLine]:
    """Takes, changes or leaves a place in the line, and gets what is free at once."""
    line = location.waiting if location.waiting is not None else WaitingLine()
    known = line.waiters.get(command.order_id)
    unseen = [] if known is None else [part for part in known.unseen if part[0] not in command.seen]
    wanted = _wanted(command, unseen)
    accepted = not wanted or _let_in(location, line, known, wanted, whole=command.whole)
    waiter = _waiter(command, known, unseen, wanted, accepted=accepted)
    if waiter.whole and 0 < len(waiter.lines) <= TURN_SKUS_MAX:
        waiter = msgspec.structs.replace(waiter, turn=_turn(location, line, known, waiter))
    arrivals = location_dates.Arrivals(location, line, waiter.lines, context)
    expected_ms = arrivals.expected_ms(waiter)
    waiter = msgspec.structs.replace(waiter, expected_ms=expected_ms)
    told = InLine(accepted, expected_ms, context.now_ms)
    if waiter == known or (known is None and waiter.over):
        return [], told
    events: list[Event] = [LineChanged(waiter, _left(line, known, waiter)), *arrivals.joined(waiter)]
    dates_ms = location_dates.due_of(events)
    events.extend(_got_at_once(location, line, known, waiter, context, dates_ms))
    return events, told


def _wanted(command: WaitInLine, unseen: Iterable[tuple[int, list[Units]]]) -> Need:
    """What it wants over what it has, and has not heard of."""
    wanted = need_of(command.lines)
    for _, got in unseen:
        for sku, units in got:
            wanted[sku] = wanted.get(sku, 0) - units
    if command.whole and unseen:
        # Of what is of use only as a whole nothing is served while the order has not heard of all: it tells anew
        # when it has.
        return {}
    return {sku: units for sku, units in wanted.items() if units > 0}


def _waiter(
    command: WaitInLine, known: Waiter | None, unseen: list[tuple[int, list[Units]]], wanted: Need, *, accepted: bool
) -> Waiter:  # fmt: skip
    """Who it is in the line from now on, but for its turn and its date. Who is not let in waits for nothing."""
    number = max(command.number, known.number) if known is not None else command.number
    life_days = {sku: days for sku, days in command.life_days.items() if sku in wanted}
    from_ms = {sku: moment for sku, moment in command.from_ms.items() if sku in wanted}
    return Waiter(
        command.order_id, command.placed_ms, number, wanted if accepted else {}, unseen, command.channel, life_days,
        from_ms, command.whole,
    )  # fmt: skip


def _left(line: WaitingLine, known: Waiter | None, waiter: Waiter) -> list[str]:
    """SKUs that it wants no more, of which the line has to know."""
    if known is None:
        return []
    return [sku for sku in known.lines if sku not in waiter.lines and (known.whole or line.remembers(sku))]


def _let_in(location: Location, line: WaitingLine, known: Waiter | None, wanted: Need, *, whole: bool) -> bool:
    """Is there room for it, and would it ever have what it wants?"""
    return _fits(line, known, wanted, whole=whole) and not (whole and _beyond_a_day(location, wanted))


def _fits(line: WaitingLine, known: Waiter | None, lines: Iterable[str], *, whole: bool) -> bool:
    had = known.lines if known is not None else {}
    if not had and len(line.waiters) >= LINE_MAX:
        return False
    if whole and any(_whole_for(line, sku) >= WHOLE_MAX for sku in lines if sku not in had):
        return False
    return all(line.waiting_for(sku) < SKU_LINE_MAX for sku in lines if sku not in had)


def _beyond_a_day(location: Location, lines: Mapping[str, int]) -> bool:
    """All of it at once would be more work than the place ever does in a day: it would wait for ever."""
    profile = location.profile
    return profile is not None and profile.beyond_a_day(sum(lines.values()))


def _whole_for(line: WaitingLine, sku: str) -> int:
    return sum(bool(only) for _, _, _, only in line.queues.get(sku, ()))


def _turn(location: Location, line: WaitingLine, known: Waiter | None, waiter: Waiter) -> Turn:
    """It stays its turn, unless it wants other goods now: these may be in doubt, or be set aside for many. Of who is
    new, or wants other goods, it is counted from now on who passes it."""
    turn = known.turn if known is not None else None
    if known is not None and turn is not None:
        same = waiter.lines.keys() <= known.lines.keys() if turn.until_ms else waiter.lines.keys() == known.lines.keys()
        if same:
            # What is there of that which it wants no more is not missing; what never came of
            # that is nothing that it had.
            less = 0
            for sku, units in known.lines.items():
                there = min(units, location.stock[sku].available_to(known.channel)) if sku in location.stock else 0
                less += max(0, there - waiter.lines.get(sku, 0))
            return msgspec.structs.replace(turn, there=max(0, turn.there - less))
    return Turn(turn.sku if turn is not None else "", None, line.passed(waiter))


def _got_at_once(
    location: Location, line: WaitingLine, known: Waiter | None, waiter: Waiter, context: Context, dates_ms: int | None
) -> list[Event]:
    """What it gets of what is free, in its place among the others; and these, of what was set aside for
    it and is not any more."""
    release_ms = min((moment for moment in waiter.from_ms.values() if moment > context.now_ms), default=None)
    release_ms = sooner(release_ms, dates_ms)
    skus = list(waiter.lines)
    if known is not None and known.turn is not None and known.turn.until_ms is not None:
        skus += [sku for sku in known.lines if sku not in waiter.lines]
    if not any(sku in location.stock and location.stock[sku].available for sku in skus):
        return _sooner(line, release_ms)
    round_ = Round(location, line, [], context)
    round_.turns.instead(waiter)
    waiters = ChainMap({waiter.order_id: waiter}, line.waiters)
    round_.serve(skus, lambda sku: line.queues_with(known, waiter, sku), waiters)
    events = round_.events(waiters, floor=location.floor is not None)
    return [*events, *_due(location, line, round_, context, release_ms)]


# --- when nothing happens, and there is something to do ---------------------------------------------------------------
def _due(
    location: Location, line: WaitingLine, round_: Round, context: Context, release_ms: int | None = None, *, woken: bool = False
) -> list[Event]:  # fmt: skip
    now_ms = context.now_ms
    if round_.more:
        # Of two wake-ups for the same moment the second would be taken for the first again. One
        # that is still to come stays.
        return _sooner(line, max(now_ms, line.due_ms or 0) + 1 if woken else now_ms + 1, instead=woken)
    release_ms = sooner(release_ms, round_.turns.next_end_ms()) if round_.turns.changed or woken else release_ms
    if round_.day.full or round_.day.tomorrow:
        release_ms = sooner(release_ms, next_day_ms(location.particulars.timezone, now_ms))
    if not woken:
        # A moment that has passed stays: not all that is due was looked at.
        return _sooner(line, release_ms)
    return _sooner(line, sooner(release_ms, line.next_release_ms(now_ms)), instead=True)


def _sooner(line: WaitingLine, due_ms: int | None, *, instead: bool = False) -> list[Event]:
    if not instead:
        due_ms = sooner(line.due_ms, due_ms)
    return [] if due_ms == line.due_ms else [LineDue(due_ms)]


def messages(location_id: str, event: Event) -> Iterable[Message]:
    """Who was served is told, and whose date is another. Most events are not about a line: they cost no generator."""
    if type(event) is LineDated:
        return (Message("order", event.order_id, DateMoved(location_id, event.expected_ms, event.as_of_ms)),)
    if type(event) is not LineServed:
        return ()
    return (Message("order", event.order_id, UnitsOffered(location_id, event.number, event.lines, event.floor)),)
