"""Holds: reasons for which an order stands still until somebody releases it; and how urgent it is on floors. The rules
of the order are in `order.py`.

    HoldOrder ──▶ HoldsPlaced ──▶ nothing is picked, packed or shipped; floors let it lie ──ReleaseOrder, the last of them──▶ floors go on
                       └─ nobody released it in its time ──timer──▶ HoldsOverdue: it is told, and stands yet

Its stock stays allocated, and more is asked for as ever. What is being picked when the hold comes is picked to its end,
and then stays: it is in somebody's hands. Several reasons may stand at once, of each kind one; no hold
releases itself, of whatever kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.order_events import Event
from actors.domain.order_state import OVER, Order, status_of
from actors.domain.order_terms_commands import HoldOrder, PrioritiseOrder, ReleaseOrder
from actors.domain.order_terms_events import HoldsOverdue, HoldsPlaced, HoldsReleased, ServiceChanged
from actors.domain.order_terms_state import NO_TERMS, Hold
from actors.domain.rows_of_orders import HeldOrderRow
from actors.domain.times import HOUR_MS

# Of what is told to be released later or never, nobody is reminded.
HOLD_HOURS_MAX = 24 * 90


def check_open(order: Order, order_id: str) -> None:
    """Raises Refused `order.over`: nothing of it is here any more."""
    status = status_of(order)
    if status in OVER:
        raise Refused("order.over", f"The order is {status}.", order_id=order_id, status=status)


def check_reach(order: Order, within: Iterable[str]) -> None:
    """Raises Refused when the caller's rights end at these locations, and some of the order is
    elsewhere, or nowhere yet."""
    places = set(within)
    if places and (not order.fulfilments or any(f.location_id not in places for f in order.fulfilments)):
        raise Refused("order.location_forbidden", "Your rights don't reach all of the order.")


def hold(order: Order, command: HoldOrder, context: Context) -> list[Event]:
    """To hold it for the same reason in the same words changes nothing. Raises Refused `order.over`,
    `order.location_forbidden`, `order.hold_in_past`."""
    check_open(order, context.entity_id)
    check_reach(order, command.within)
    now_ms, until_ms = context.now_ms, command.until_ms
    if until_ms is not None and not now_ms < until_ms <= now_ms + HOLD_HOURS_MAX * HOUR_MS:
        raise Refused(
            "order.hold_time_out_of_range", f"A hold can be told to be overdue within {HOLD_HOURS_MAX} hours."
        )
    there = {one.kind: one for one in (order.terms or NO_TERMS).holds}
    holds = []
    for kind in dict.fromkeys(command.kinds):
        before = there.get(kind)
        said = (command.by, command.note, command.note_digest, until_ms)
        # What is sealed is another text each time.
        if before is None or (before.by, before.note, before.note_digest, before.until_ms) != said:
            holds.append(
                Hold(
                    kind, now_ms, command.by, command.note, until_ms,
                    sealed_note=command.sealed_note, note_digest=command.note_digest,
                )
            )  # fmt: skip
    return [HoldsPlaced(holds)] if holds else []


def release(order: Order, command: ReleaseOrder, context: Context) -> list[Event]:
    """Raises Refused `order.not_held`, `order.over`, `order.location_forbidden`."""
    check_open(order, context.entity_id)
    check_reach(order, command.within)
    there = [one.kind for one in (order.terms or NO_TERMS).holds]
    absent = [kind for kind in command.kinds if kind not in there]
    if absent:
        raise Refused("order.not_held", f"The order is not held for {', '.join(absent)}.", holds=there)
    return [HoldsReleased(list(dict.fromkeys(command.kinds)), command.by, command.note, command.sealed_note)]


def prioritise(order: Order, command: PrioritiseOrder, context: Context) -> list[Event]:
    """Raises Refused `order.over`, `order.location_forbidden`."""
    check_open(order, context.entity_id)
    check_reach(order, command.within)
    terms = order.terms or NO_TERMS
    if terms.priority == command.priority:
        return []
    return [ServiceChanged(terms.service_level, command.priority)]


def overdue(order: Order, context: Context) -> list[Event]:
    """Which holds have stood too long and were not told yet; of an order that is over none does."""
    holds = order.terms.holds if order.terms is not None and status_of(order) not in OVER else []
    kinds = [
        one.kind for one in holds if one.until_ms is not None and not one.overdue and one.until_ms <= context.now_ms
    ]
    return [HoldsOverdue(kinds)] if kinds else []


def rows(order_id: str, order: Order, events: Sequence[Event]) -> list[HeldOrderRow]:
    """How it is found among those that are held, if that may have changed."""
    holds = (order.terms or NO_TERMS).holds
    # Whatever happens to an order with holds may be its end: when lines are taken out of it, say, all
    # that is left may be shipped.
    if not holds and not any(type(event) is HoldsReleased for event in events):
        return []
    if not holds or order.cancelled or status_of(order) in OVER:
        return [HeldOrderRow(order_id, gone=True)]
    kinds = f",{','.join(sorted(hold.kind for hold in holds))},"
    return [HeldOrderRow(order_id, kinds, min(hold.at_ms for hold in holds), any(hold.overdue for hold in holds))]
