"""When an order that waits may be there, and that its customer hears when that changes. The rules of its lines
are in `order_waiting.py`.

    a place says another date (`DateMoved`, or when it answers) ──▶ the order shows it at once (`WaitingDated`) ──TELL_AFTER_MS──▶ is it another by a day or more yet? ──▶ `DateTold`: a notice
                                                                                                                                         └──no──▶ `DateKept`

The customer knows the date that was shown when all places had answered first, and then what he was told. Of what comes
and goes within that time he hears nothing, and of several changes once. What a place says carries when it was so: what
is older than what the order knows changes nothing.
"""

from __future__ import annotations

from actors.domain.kind import Context
from actors.domain.location_dates import moved as is_another
from actors.domain.order_backorder import (
    Backorder,
    DateKept,
    DateMoved,
    Dates,
    DateTold,
    Event,
    LineAnswered,
    WaitingDated,
)
from actors.domain.order_lacks import lacking
from actors.domain.order_state import Order
from actors.domain.times import DAY_MS, HOUR_MS

TELL_AFTER_MS = HOUR_MS


def expected_by_ms(order: Order, but: tuple[str, int | None] | None = None) -> int | None:
    """When all of it may be with the customer (UTC ms): each SKU by the first place that may have it; None when nobody
    knows. What a place says while it is being told something else is not about what is lacking now. but: (place, date),
    as if it had heard all and said that."""
    backorder, soonest = order.backorder, dict[str, int]()
    if backorder is None:
        return None
    lead_ms = backorder.terms.lead_ms if backorder.terms is not None else {}
    for name, place in backorder.places.items():
        instead = but is not None and but[0] == name
        at_ms = but[1] if but is not None and instead else place.expected_ms
        if at_ms is None or (place.telling is not None and not instead):
            continue
        by_ms = at_ms + lead_ms.get(name, 0)
        for sku, _ in place.lines:
            soonest[sku] = min(by_ms, soonest.get(sku, by_ms))
    lacks = lacking(order)
    return None if any(sku not in soonest for sku in lacks) else max((soonest[sku] for sku in lacks), default=None)


def _may_tell(order: Order) -> bool:
    return bool(order.sealed and order.email_digest) and not order.cancelled


def _is_told(backorder: Backorder, but: str = "") -> bool:
    """Is a place being told something, other than that one?"""
    return any(place.telling is not None for name, place in backorder.places.items() if name != but)


def _noted(dates: Dates, after_ms: int | None, context: Context) -> Dates:
    """The date is that now: when the customer is told, if it is another than he knows."""
    if dates.tell_at_ms is not None or not is_another(dates.known_ms, after_ms):
        return dates
    return Dates(dates.known_ms, context.now_ms + TELL_AFTER_MS, dates.told)


def moved(order: Order, command: DateMoved, context: Context) -> list[Event]:
    """Takes note of another date of a place, and when the customer is told."""
    backorder = order.backorder
    place = backorder.places.get(command.location_id) if backorder is not None else None
    if backorder is None or place is None or not place.lines or command.as_of_ms < place.as_of_ms:
        return []
    dates = backorder.dates
    # Of a place that is being told something it is seen what that comes to when it has answered.
    if _may_tell(order) and place.telling is None:
        after_ms = expected_by_ms(order, (command.location_id, command.expected_ms))
        dates = _noted(dates or Dates(expected_by_ms(order)), after_ms, context)
    return [WaitingDated(command.location_id, command.expected_ms, command.as_of_ms, dates)]


def settled(order: Order, command: LineAnswered, context: Context) -> Dates | None:
    """What the customer knows, and when he is told, once a place has answered; None: as before. It is looked at when
    all have: the first of them need not be the one that has it soonest. That is when he comes to know a date at all,
    and it may have moved since, or be another as something else is lacking now."""
    backorder = order.backorder
    if backorder is None or not _may_tell(order) or _is_told(backorder, command.location_id) or not lacking(order):
        return None
    place = backorder.places[command.location_id]
    at_ms = command.expected_ms if command.as_of_ms >= place.as_of_ms else place.expected_ms
    after_ms = expected_by_ms(order, (command.location_id, at_ms if command.accepted else None))
    dates = Dates(after_ms) if backorder.dates is None else _noted(backorder.dates, after_ms, context)
    return None if dates == backorder.dates else dates


def due_ms(order: Order) -> int | None:
    """When the customer is to be told (UTC ms), None for never."""
    return None if order.backorder is None or order.backorder.dates is None else order.backorder.dates.tell_at_ms


def due(order: Order, context: Context) -> list[Event]:
    """It is time: the customer is told, if there is something to tell yet."""
    at_ms, backorder = due_ms(order), order.backorder
    if at_ms is None or at_ms > context.now_ms or backorder is None or backorder.dates is None:
        return []
    known, now = backorder.dates.known_ms, expected_by_ms(order)
    # While places are being told something nobody knows; it is noted anew when they have answered.
    if not _may_tell(order) or not lacking(order) or _is_told(backorder) or not is_another(known, now):
        return [DateKept()]
    until_ms = max(context.now_ms, now or 0) + DAY_MS
    return [DateTold(backorder.dates.told + 1, now, known, until_ms, order.sealed)]
