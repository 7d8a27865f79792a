"""What follows for floors, and from all-or-nothing, out of whatever happened to an order with terms.
The rules are in `order.py`.

nothing stands against it  ──▶ floors get what was kept from them (HandedToFloor)
something does             ──▶ floors that have it and have not started are told to let it lie (FloorRevised), or to go on
fewer units, more urgent   ──▶ the same word tells it: it carries all that is so now and a number that counts up, so it may come in any order and twice
all or nothing, not all    ──▶ what was allocated is given back, and asked for again as a whole
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from actors.domain.allocation import need_of
from actors.domain.floor_commands import ReviseWork
from actors.domain.kind import Context, Message
from actors.domain.location_commands import Release
from actors.domain.order_events import Event, HandedToFloor, LeftFloor
from actors.domain.order_evolve import evolve
from actors.domain.order_state import Fulfilment, Order, copied, fulfilment_id, is_asking, missing_of
from actors.domain.order_terms import is_started, may_go, word_of
from actors.domain.order_terms_events import FloorRevised, UnitsGivenBack
from actors.domain.order_terms_state import LEVELS, NO_TERMS, FloorWord, Terms


def follow(before: Order | None, events: Sequence[Event], context: Context) -> list[Event]:
    """What else happens in this turn, after `events`."""
    after = None if before is None else copied(before)
    for event in events:
        after = evolve(after, event, context)
    assert after is not None
    if after.terms is None or after.cancelled:
        return []
    out: list[Event] = []

    def then(event: Event) -> None:
        out.append(event)
        evolve(after, event, context)

    undone = _undone(after)
    if undone:
        then(UnitsGivenBack(undone))
    gone = _gone(after, [*events, *out])
    if gone:
        then(LeftFloor(gone, "cancelled"))
    if may_go(after):
        for fulfilment in _withheld(after, after.terms):
            then(_handed(after, fulfilment))
    for word in _words(after, [*events, *out]):
        then(word)
    return out


def _undone(order: Order) -> list[tuple[int, str, list[tuple[str, int]]]]:
    """All or nothing, and the round has not brought all: nobody else shall wait for what this order can't use. What
    somebody has begun to pick stays."""
    assert order.terms is not None
    if not order.terms.ship_complete or is_asking(order) or is_started(order) or not missing_of(order):
        return []
    return [(f.number, f.location_id, f.lines) for f in order.fulfilments if f.status == "allocated" and f.lines]


def _gone(order: Order, events: Iterable[Event]) -> list[tuple[int, str]]:
    """(number, location) of what floors have and the order has given back wholly."""
    there = {f.number for f in order.fulfilments}
    parts = [part for event in events if type(event) is UnitsGivenBack for part in event.parts]
    return [(number, place) for number, place, _ in parts if number in order.at_floors and number not in there]


def _withheld(order: Order, terms: Terms) -> list[Fulfilment]:
    return [f for f in order.fulfilments if f.number in terms.withheld and f.status == "allocated"]


def _urgency(order: Order, terms: Terms, fulfilment: Fulfilment) -> tuple[int, int]:
    """(priority, due time in UTC ms) of a fulfilment on its floor."""
    priority, within_ms = LEVELS[terms.service_level]
    due_ms = order.placed_at_ms + within_ms
    if fulfilment.promised_by_ms:
        due_ms = min(due_ms, fulfilment.promised_by_ms)
    return (priority if terms.priority is None else terms.priority), due_ms


def _handed(order: Order, fulfilment: Fulfilment) -> HandedToFloor:
    assert order.terms is not None
    priority, due_ms = _urgency(order, order.terms, fulfilment)
    handling = [*order.terms.handling, *(["gift_wrap"] if order.terms.gift_wrap else [])]
    return HandedToFloor(
        fulfilment.number, fulfilment.location_id, fulfilment.lines, priority, due_ms, order.placed_at_ms, handling
    )


def _words(order: Order, events: Iterable[Event]) -> list[FloorRevised]:
    assert order.terms is not None
    back: dict[int, list[tuple[str, int]]] = {}
    for event in events:
        for number, _, lines in event.parts if type(event) is UnitsGivenBack else ():
            back.setdefault(number, []).extend(lines)
    held, out = not may_go(order), []
    for fulfilment in order.fulfilments:
        if fulfilment.number not in order.at_floors or fulfilment.status != "allocated":
            continue
        number = fulfilment.number
        # What a plain order said when it handed it over: see `order_floor.handed`.
        plain = FloorWord(number, 0, False, *_urgency(order, NO_TERMS, fulfilment))
        before = word_of(order.terms, number) or plain
        less = sorted(need_of([*before.less, *back.get(number, [])]).items())
        now = FloorWord(number, before.turn, held, *_urgency(order, order.terms, fulfilment), less)
        if now != before:
            word = msgspec.structs.replace(now, turn=before.turn + 1)
            out.append(FloorRevised(fulfilment.location_id, word))
    return out


def messages(order_id: str, event: FloorRevised | UnitsGivenBack) -> Iterable[Message]:
    """Who has to know."""
    if type(event) is FloorRevised:
        word = event.word
        revise = ReviseWork(
            fulfilment_id(order_id, word.number), word.turn, word.held, word.priority, word.due_ms, word.less
        )
        yield Message("floor", event.location_id, revise)
        return
    assert type(event) is UnitsGivenBack
    for number, location_id, lines in event.parts:
        yield Message("location", location_id, Release(order_id, number, lines))
