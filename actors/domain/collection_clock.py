"""What a collection does by its timer, and how holds of its order stop that. The rules of the
collection are in `collection.py`.

    opened, or `ready_by_ms` when that is later ─┬─ after late_ms ─────▶ StoreLate: the store is told
                                                 └─ after give_up_ms ──▶ `given_up`: nobody made it ready            both count from there
    ready ── a day before, or half of the time ──▶ CustomerReminded ── collect_by_ms ──▶ `expired`
    over without its customer ── SHELF_KEPT_MS ──▶ ShelfForgotten: it was put back by then, and may be a name

What is given up is what nobody has found by then, be it people's or the floor's to find; when everything was found by
then and it is only not made ready, all of it. When something is left, that was found, and both times count anew from
there. The order agrees to both, as to each step that changes stock; what it refuses the timer, the timer asks again: a
minute later, then after twice as long each time, up to a day. While the order is held nothing of this runs, and it goes
on with what was left (`order_pickup_holds.py`). A refusal because of a hold is a word on it too: of orders that were
held before there were words none other comes.
"""

from __future__ import annotations

from actors.domain.collection_asking import asked, notice
from actors.domain.collection_commands import OrderAnswered, PauseCollection, ResumeCollection
from actors.domain.collection_events import (
    ClockPaused,
    ClockResumed,
    CollectionEnded,
    CustomerReminded,
    Event,
    LeftToPeople,
    ShelfForgotten,
    StoreLate,
)
from actors.domain.collection_state import OVER, Collection, due, to_find
from actors.domain.kind import Context
from actors.domain.order_pickup_commands import PartMove


def look(state: Collection, context: Context) -> list[Event]:
    """The timer went off."""
    due_ms = due(state)
    if due_ms is None or context.now_ms < due_ms:
        return []
    if state.stage in OVER:
        return [ShelfForgotten()]
    if state.stage != "ready":
        if state.late_at_ms is None:
            return [StoreLate(state.location_id)]
        return [asked(state, "given_up", _not_ready(state), context, awaited=False)]
    assert state.terms is not None
    if not state.reminded:
        return [CustomerReminded(), *notice(state, state.terms.notices.reminder)]
    return [asked(state, "expired", [], context, awaited=False)]


def _not_ready(state: Collection) -> list[PartMove]:
    """What nobody has found; all of it when everything was."""
    rest, out = to_find(state), list[PartMove]()
    for number in sorted(state.parts, reverse=True):
        part = state.parts[number]
        if part.floor:
            lines = [] if part.picked else [(sku, n) for sku, n in sorted(part.lines.items()) if n]
        else:
            lines = [(sku, min(n, rest.get(sku, 0))) for sku, n in sorted(part.lines.items())]
            for sku, n in lines:
                rest[sku] = rest.get(sku, 0) - n
        lines = [line for line in lines if line[1]]
        out += [PartMove(number, lines)] if lines else []
    if out:
        return out
    return [
        PartMove(number, lines, picked=part.picked)
        for number, part in sorted(state.parts.items())
        if (lines := [(sku, n) for sku, n in sorted(part.lines.items()) if n])
    ]


def after_given_up(state: Collection, moves: list[PartMove]) -> list[Event]:
    """Is anything left?"""
    left = sum(n for part in state.parts.values() for n in part.lines.values())
    gone = sum(n for move in moves for _, n in move.lines)
    return [] if left > gone else [CollectionEnded("given_up")]


def of_hold(state: Collection | None, command: PauseCollection | ResumeCollection) -> list[Event]:
    """What the order says of holds, in whatever order it comes: the last word counts."""
    if state is not None and command.turn <= state.turn:
        return []
    if type(command) is PauseCollection:
        return [ClockPaused(command.turn)]
    assert type(command) is ResumeCollection
    # One to an address that was corrected meanwhile is not kept.
    late = state is not None and command.contact < state.contact_turn
    return [ClockResumed(command.turn, command.collect_by_ms, None if late else command.reminder)]


def refused(state: Collection, command: OrderAnswered) -> list[Event]:
    """A hold of which the collection has not heard. One that was released since is older than what it has heard."""
    if command.turn is None or command.turn < state.turn or state.paused_at_ms is not None:
        return []
    return [ClockPaused(command.turn)]


def warns(event: object) -> str:
    """What operators find in the log."""
    if type(event) is LeftToPeople:
        return "an order that is collected was not made ready again: nothing is sent to the store any more until people ask there, or cancel it"
    if type(event) is CollectionEnded and event.how == "given_up":
        return "an order that is collected was not made ready in time"
    return ""
