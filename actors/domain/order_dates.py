"""When an order that waits may be there, and that its customer hears when that changes. The rules of its lines are in `order_waiting.py`.

    a place says another date (`DateMoved`) ──▶ the order shows it at once (`WaitingDated`) ──TELL_AFTER_MS──▶ is it another by a day or more yet? ──▶ `DateTold`: a notice
                                                                                                                                         └──no──▶ `DateKept`

The customer knows the date that was shown before the first change, and then what he was told. Of what comes and goes within that time he hears nothing, and of several changes once.
What a place says carries when it was so: what is older than what the order knows changes nothing.
"""

from __future__ import annotations

from actors.domain.kind import Context
from actors.domain.location_dates import moved as is_another
from actors.domain.order_backorder import Backorder, DateKept, DateMoved, Dates, DateTold, Event, WaitingDated
from actors.domain.order_state import Order, missing_of
from actors.domain.times import DAY_MS, HOUR_MS

TELL_AFTER_MS = HOUR_MS


def expected_by_ms(backorder: Backorder, but: tuple[str, int | None] | None = None) -> int | None:
    """When all of it may be with the customer (UTC ms), by the first place that may have it; None when nobody knows. but: (place, another date of it)."""
    lead_ms = backorder.terms.lead_ms if backorder.terms is not None else {}
    dates = []
    for name, place in backorder.places.items():
        at_ms = but[1] if but is not None and but[0] == name else place.expected_ms
        if place.lines and place.telling is None and at_ms is not None:
            dates.append(at_ms + lead_ms.get(name, 0))
    return min(dates, default=None)


def _may_tell(order: Order) -> bool:
    return bool(order.sealed and order.email_digest) and not order.cancelled


def moved(order: Order, command: DateMoved, context: Context) -> list[Event]:
    """Takes note of another date of a place, and when the customer is told."""
    backorder = order.backorder
    place = backorder.places.get(command.location_id) if backorder is not None else None
    if backorder is None or place is None or not place.lines or command.as_of_ms <= place.as_of_ms:
        return []
    dates = backorder.dates
    if _may_tell(order):
        dates = dates or Dates(expected_by_ms(backorder))
        after = expected_by_ms(backorder, (command.location_id, command.expected_ms))
        if dates.tell_at_ms is None and is_another(dates.known_ms, after):
            dates = Dates(dates.known_ms, context.now_ms + TELL_AFTER_MS, dates.told)
    return [WaitingDated(command.location_id, command.expected_ms, command.as_of_ms, dates)]


def due_ms(order: Order) -> int | None:
    """When the customer is to be told (UTC ms), None for never."""
    return None if order.backorder is None or order.backorder.dates is None else order.backorder.dates.tell_at_ms


def due(order: Order, context: Context) -> list[Event]:
    """It is time: the customer is told, if there is something to tell yet."""
    at_ms, backorder = due_ms(order), order.backorder
    if at_ms is None or at_ms > context.now_ms or backorder is None or backorder.dates is None:
        return []
    known, now = backorder.dates.known_ms, expected_by_ms(backorder)
    if not _may_tell(order) or not missing_of(order) or not is_another(known, now):
        return [DateKept()]
    until_ms = max(context.now_ms, now or 0) + DAY_MS
    return [DateTold(backorder.dates.told + 1, now, known, until_ms, order.sealed)]
