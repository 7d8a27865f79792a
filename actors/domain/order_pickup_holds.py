"""While an order is held its collections wait, whatever the time is. The rules are in `order_pickup.py`, those of
holds in `order_holds.py`.

    held ──PickupPaused──▶ its collections' clocks stand still: nothing expires, nothing is late
    the last hold is released ──PickupResumed──▶ they go on with what was left, of one that is ready with a day at least; its customer is told the new date

Each word has a number that counts up, so they may come in any order and twice. The order says until when a collection
is kept, and both keep the later of what they hear. One that is opened while the order is held hears of
it by its opening (`Clock`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from actors.domain.collection_commands import PauseCollection, ResumeCollection, Told
from actors.domain.kind import Context, Message
from actors.domain.order_events import Event
from actors.domain.order_pickup_events import KeptUntil, PickupPaused, PickupResumed
from actors.domain.order_pickup_late import TEMPLATE, new_date, notice_name
from actors.domain.order_pickup_state import Collected, Pickup
from actors.domain.order_state import Order
from actors.domain.order_terms_events import HoldsPlaced, HoldsReleased
from actors.domain.times import DAY_MS, HOUR_MS, moment

# So long it is kept at least, once nothing holds it any more.
LEFT_MIN_MS = DAY_MS
# Of less than that nobody is told.
TOLD_FROM_MS = HOUR_MS
_OPEN = ("locating", "ready")


def follow(order: Order, events: Sequence[Event], context: Context) -> list[Event]:
    """What the collections have to know of what has just happened to the holds."""
    before = {hold.kind for hold in order.terms.holds} if order.terms is not None else set()
    after = set(before)
    for event in events:
        if type(event) is HoldsPlaced:
            after.update(hold.kind for hold in event.holds)
        elif type(event) is HoldsReleased:
            after.difference_update(event.kinds)
    pickup = order.pickup
    assert pickup is not None
    if bool(before) == bool(after):
        return []
    going = {name: one for name, one in pickup.collections.items() if one.status in _OPEN}
    if after:
        return [PickupPaused(pickup.turn + 1, list(going))]
    kept = [_kept(name, one, pickup, context) for name, one in going.items()]
    told = any(one.told for one in kept) and bool(order.email_digest)
    return [
        PickupResumed(pickup.turn + 1, pickup.at.location_id, kept, order.sealed if told else b"", pickup.contact_turn)
    ]


def _kept(name: str, one: Collected, pickup: Pickup, context: Context) -> KeptUntil:
    if one.collect_by_ms is None:
        return KeptUntil(name)
    since_ms = context.now_ms if pickup.paused_at_ms is None else pickup.paused_at_ms
    left_ms = max(LEFT_MIN_MS, one.collect_by_ms - since_ms)
    until_ms = max(one.collect_by_ms, context.now_ms + left_ms)
    return KeptUntil(name, until_ms, until_ms - one.collect_by_ms >= TOLD_FROM_MS)


def evolve(pickup: Pickup, event: PickupPaused | PickupResumed, now_ms: int) -> None:
    """Takes note of the word."""
    pickup.turn = event.turn
    if type(event) is PickupPaused:
        pickup.paused_at_ms = now_ms
        return
    pickup.paused_at_ms = None
    assert type(event) is PickupResumed
    for kept in event.collections:
        known = pickup.collections[kept.collection_id]
        if kept.collect_by_ms is not None:
            known.collect_by_ms = max(kept.collect_by_ms, known.collect_by_ms or 0)


def messages(order_id: str, event: PickupPaused | PickupResumed) -> Iterable[Message]:
    """The collections are told, and the customer of the new date."""
    if type(event) is PickupPaused:
        for name in event.collections:
            yield Message("collection", name, PauseCollection(event.turn))
        return
    assert type(event) is PickupResumed
    for kept in event.collections:
        reminder = None
        if kept.told and kept.collect_by_ms is not None and event.sealed:
            values = {
                "order_id": order_id,
                "location_id": event.location_id,
                "collect_by": moment(kept.collect_by_ms).isoformat(),
            }
            what = f"{kept.collection_id}\0{event.turn}"
            now = new_date(order_id, event.sealed, values, kept.collect_by_ms)
            yield Message("notice", notice_name(order_id, what), now)
            later = notice_name(order_id, f"{what}\0later")
            reminder = Told(later, TEMPLATE, now.sealed_address, now.sealed_content, kept.collect_by_ms)
        resume = ResumeCollection(event.turn, kept.collect_by_ms, reminder, event.contact)
        yield Message("collection", kept.collection_id, resume)
