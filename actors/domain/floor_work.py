"""The floor's queue, and what floor and order say to each other about a fulfilment. The rules are in `floor.py`.

    claimed ──OrderAsked(start_picking)──▶ agreed ──units are missing, and the location has taken them out of the bin──▶ OrderAsked(short_pick) ──▶ agreed
                                                                                        nothing at all was found ──▶ OrderAsked(cancel) ◀──┘

One question at a time: messages keep no order, so the next is asked when the last is answered. A refusal blocks the
work, with its reason, unless it only says that the order is there already (picking), or not yet (somebody paused it).
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy

from actors.domain.allocation import need_of
from actors.domain.errors import Refused
from actors.domain.floor_commands import EndWork, OrderAnswered, Prioritise, QueueWork, RetryWork, ShortBooked
from actors.domain.floor_disputes import SHORT, disputed
from actors.domain.floor_events import (
    EndNoted,
    Event,
    OrderAgreed,
    OrderAsked,
    PickingStopped,
    ShortageBooked,
    ShortUnits,
    WorkBlocked,
    WorkEnded,
    WorkPrioritised,
    WorkQueued,
    WorkSkipped,
    WorkUnblocked,
)
from actors.domain.floor_evolve import talked
from actors.domain.floor_state import Floor, Work
from actors.domain.kind import Context
from actors.domain.times import DAY_MS

WORKS_MAX = 20_000
# Ends of which the beginning has not come yet; it does within moments.
ENDED_EARLY_MAX = 1_000
# Refusals of an order that only say: not yet.
LIE_STILL = frozenset({"order.held", "order.incomplete"})
# From now, either way: nothing is picked for later, and a clock has an end.
DUE_WITHIN_MS = 366 * DAY_MS


def queue(floor: Floor, command: QueueWork) -> list[Event]:
    """Raises Refused `floor.full`: the message waits for an operator then, and the fulfilment can be worked by hand."""
    name = command.fulfilment_id
    if name in floor.ended_early:
        return [WorkSkipped(name)]
    if name in floor.works:
        return []
    if len(floor.works) >= WORKS_MAX:
        raise Refused("floor.full", f"{WORKS_MAX} fulfilments are in the queue.", limit=WORKS_MAX)
    return [
        WorkQueued(
            name, command.lines, command.priority, command.due_ms, command.placed_at_ms, command.handling
        )
    ]  # fmt: skip


def end(floor: Floor, command: EndWork) -> list[Event]:
    """Whatever is left of it on trips is taken off them."""
    name = command.fulfilment_id
    work = floor.works.get(name)
    if work is None:
        return _noted(floor, name)
    if work.ended:
        return []
    trips = [number for number, trip in floor.trips.items() if name in trip.works] if work.planned else []
    # These are outside of bins in the books, and nowhere in the building.
    untold = [disputed(floor, "", one.sku, one.lot, one.units, SHORT) for one in (*work.missing, *work.short)]
    return [WorkEnded(name, command.why, sorted(trips)), *untold]


def _noted(floor: Floor, name: str) -> list[Event]:
    if name in floor.ended_early:
        return []
    oldest = sorted(floor.ended_early, key=lambda one: (floor.ended_early[one], one))
    return [EndNoted(name, oldest[: max(0, len(oldest) + 1 - ENDED_EARLY_MAX)])]


def prioritise(floor: Floor, command: Prioritise, context: Context) -> list[Event]:
    """Raises Refused `floor.work_unknown`, `floor.due_out_of_range`."""
    work = known(floor, command.fulfilment_id)
    if abs(command.due_ms - context.now_ms) > DUE_WITHIN_MS:
        raise Refused("floor.due_out_of_range", "It can be due within a year of now, before or after.")
    if (work.priority, work.due_ms) == (command.priority, command.due_ms):
        return []
    return [WorkPrioritised(command.fulfilment_id, command.priority, command.due_ms)]


def retry(floor: Floor, command: RetryWork) -> list[Event]:
    """Raises Refused `floor.work_unknown`, `floor.not_blocked`."""
    work = known(floor, command.fulfilment_id)
    if not work.problem:
        raise Refused("floor.not_blocked", "The work is not blocked.")
    return _then(command.fulfilment_id, work, WorkUnblocked(command.fulfilment_id))


def answered(floor: Floor, command: OrderAnswered) -> list[Event]:
    """Never refused. What was not asked, or not of a fulfilment that is still here, changes nothing."""
    name, update = command.fulfilment_id, command.update
    work = floor.works.get(name)
    if work is None or work.asked != update:
        return []
    if command.code in LIE_STILL and update == "start_picking":
        return _to_lie(name, work, command)
    there_already = update == "start_picking" and command.status == "picking"
    if not command.code or there_already:
        return _then(name, work, OrderAgreed(name, update))
    if update != "start_picking" and command.status == "allocated":
        return _then(name, work, PickingStopped(name))
    return [WorkBlocked(name, update, command.code)]


def _to_lie(name: str, work: Work, command: OrderAnswered) -> list[Event]:
    """The order's own word of it is under way (`floor_revisions.py`), or has been overtaken by one that it may go on:
    then it is asked again."""
    stopped = PickingStopped(name)
    over = command.turn < work.turn and not work.held
    return _then(name, work, stopped) if over else [stopped]


def short_booked(floor: Floor, command: ShortBooked) -> list[Event]:
    """Never refused. Now the order may hear of it: the location would take what it misses from
    what is in hands, else."""
    work = floor.works.get(command.fulfilment_id)
    place = (command.bin_id, command.sku, command.lot)
    odd = [disputed(floor, *place, command.units, command.code)] if command.code else []
    missing = ShortUnits(command.sku, command.units, command.bin_id, command.lot)
    if work is None or missing not in work.missing:
        return [*odd]
    return [*odd, *_then(command.fulfilment_id, work, ShortageBooked(command.fulfilment_id, missing))]


def _then(name: str, work: Work, event: OrderAgreed | ShortageBooked | PickingStopped | WorkUnblocked) -> list[Event]:
    """The event, and what is asked next because of it."""
    after = deepcopy(work)
    talked(after, event)
    return [event, *next_step(name, after)]


def next_step(name: str, work: Work) -> Iterable[OrderAsked]:
    """What the order is to be asked for now, if for anything."""
    if work.ended or work.asked or work.problem or work.held:
        return
    found = any(line.picked for line in work.lines.values())
    if not work.started:
        if work.planned or found or work.missing or work.short:
            yield OrderAsked(name, "start_picking")
    elif work.short:
        lines = sorted(need_of((one.sku, one.units) for one in work.short).items())
        lots = [(one.sku, one.lot, one.units) for one in work.short if one.lot]
        yield OrderAsked(name, "short_pick", lines, lots)
    elif work.settled and not found and not work.missing:
        yield OrderAsked(name, "cancel")


def known(floor: Floor, fulfilment_id: str) -> Work:
    """Raises Refused `floor.work_unknown`."""
    work = floor.works.get(fulfilment_id)
    if work is None or work.ended:
        raise Refused("floor.work_unknown", f"Nothing is to be picked for {fulfilment_id} here.")
    return work
