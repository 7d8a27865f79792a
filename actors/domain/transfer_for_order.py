"""A transfer that an order has asked for, whose customer collects at the destination. The rules are in `transfer.py`,
the order's in `order_pickup.py`.

What arrives of it, was sent and may be sold is allocated to the order by the very receipt that brings it into the books
(`ReceiveStock.allot`), so nobody else can have it in between. So the destination expects none of it while it is the
order's: it would be told to others as what is to come, and is all of it when the order leaves. Once the transfer is
over, however that came, the order is told what it got, once; it answers to nobody. When the order leaves it, it is told
at once what has landed, and gives that back; what the destination had yet to write down it is told then.

The source sets aside only lots that will still have the days left that a customer is promised (`life_days`) on the day
when all of it is expected. So what comes in time has them when it comes. What comes late stays the order's, unless it
has ended: lots are promised when they are set aside, and if a late one were refused here, each repeated try would send
others after it that are as short, since the soonest end goes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from actors.domain.allocation import need_of
from actors.domain.kind import Context, Message
from actors.domain.location_commands import Allot
from actors.domain.location_events import Units
from actors.domain.location_lots import today
from actors.domain.order_commands import ReservationAnswered
from actors.domain.times import DAY_MS
from actors.domain.transfer_events import (
    ArrivedUnits,
    Event,
    OrderLeft,
    OrderSupplied,
    ReceiptBooked,
    ReceiptRefused,
    TransferCancelled,
    TransferClosed,
    TransferRefused,
    UnitsArrived,
)
from actors.domain.transfer_state import ForOrder, Transfer

_ENDS = (TransferCancelled, TransferClosed, TransferRefused)


def cause_of(transfer: Transfer) -> str:
    """Whose the units of a receipt are; "" for anybody's."""
    asked = transfer.for_order
    return "" if asked is None or asked.left or asked.told else f"{asked.order_id}.{asked.number}"


def life_on_the_road(life_days: Mapping[str, int], expected_at_ms: int | None, context: Context) -> dict[str, int]:
    """Per SKU, the days that lots must have left at the source now, to have so many when they arrive."""
    if not life_days:
        return {}
    road = 0 if expected_at_ms is None else max(0, expected_at_ms // DAY_MS - today(context))
    return {sku: days + road for sku, days in life_days.items()}


def _allotted(lines: Iterable[ArrivedUnits]) -> list[ArrivedUnits]:
    return [one for one in lines if one.package and one.condition == "sellable"]


def allot(event: UnitsArrived) -> Allot | None:
    """What the destination allocates of a receipt."""
    lines = [(one.sku, one.lot, one.quantity) for one in _allotted(event.lines)]
    return Allot(event.for_order, lines) if lines else None


def with_told(transfer: Transfer, events: list[Event]) -> list[Event]:
    """The events of a decision, and what the order has to know because of them."""
    asked = transfer.for_order
    assert asked is not None
    landed = dict(asked.landed)
    for event in events:
        if type(event) is ReceiptBooked:
            _add(landed, asked.arriving.get(event.receipt, ()))
    left = any(type(event) is OrderLeft for event in events)
    over = any(type(event) in _ENDS for event in events)
    if (left or over) and not asked.told:
        return [*events, _supplied(transfer, asked, landed)]
    return [*events, _supplied(transfer, asked, landed)] if asked.told and landed else events


def _supplied(transfer: Transfer, asked: ForOrder, landed: dict[str, int]) -> OrderSupplied:
    return OrderSupplied(asked.order_id, asked.number, transfer.destination_id, sorted(landed.items()))


def _add(landed: dict[str, int], lines: Sequence[Units]) -> None:
    for sku, units in lines:
        landed[sku] = landed.get(sku, 0) + units


def noted(asked: ForOrder, event: Event) -> None:
    """Takes note of what concerns the order."""
    if type(event) is UnitsArrived and event.for_order:
        lines = need_of((one.sku, one.quantity) for one in _allotted(event.lines))
        asked.arriving[event.receipt] = list(lines.items())
    elif type(event) is ReceiptBooked:
        _add(asked.landed, asked.arriving.pop(event.receipt, ()))
    elif type(event) is ReceiptRefused:
        asked.arriving.pop(event.receipt, None)
    elif type(event) is OrderLeft:
        asked.left = True
    elif type(event) is OrderSupplied:
        asked.landed, asked.told = {}, True


def message(event: OrderSupplied) -> Message:
    """As a location answers that was asked to reserve."""
    return Message("order", event.order_id, ReservationAnswered(event.number, event.location_id, event.lines))
