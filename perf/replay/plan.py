"""What each order of a trace becomes: pure decisions, documented as a table in README.md.

            positive lines                                negative lines
delivered   place, pick, pack, ship, deliver              write-off
shipped     place, pick, pack, ship                       write-off
lost        place, pick, pack, ship (it never arrived)    write-off
returned    place, pick, pack, ship, deliver              return
cancelled   place, cancel                                 return
processing  place (and pick where raw_status says so)     write-off
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from perf.replay.figures import RETURN_STATUSES
from perf.replay.orders import TraceOrder
from perf.replay.trace import TraceLine

ADJUSTMENT_LINES_MAX: Final = 1_000  # the cell's limit for one body

_SHIP: Final = ("start_picking", "pack", "ship")
_STEPS: Final[dict[str, tuple[str, ...]]] = {
    "delivered": (*_SHIP, "deliver"),
    "shipped": _SHIP,
    "lost": _SHIP,
    "returned": (*_SHIP, "deliver"),
    "cancelled": ("cancel",),
    "processing": (),
}
# Orders that the source was working on. The others that are "processing" wait for a payment, a review or a decision.
_BEING_PICKED: Final = ("PROCESSING", "PICKING")

STATUS_AFTER: Final[dict[str, str]] = {
    "start_picking": "picking",
    "pack": "packed",
    "ship": "shipped",
    "deliver": "delivered",
    "cancel": "cancelled",
}


@dataclass(frozen=True, slots=True)
class Adjustment:
    """One body of stock adjustments: what negative lines become. `part` counts the bodies of one order from 0."""

    reason: str
    part: int
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class OrderPlan:
    """One order of the trace as it is sent: perhaps an order with its life, perhaps adjustments, perhaps both."""

    reference: str
    final_status: str
    ordered_at: datetime
    shipped_at: datetime | None
    delivered_at: datetime | None
    country: str
    order: dict[str, Any] | None
    steps: tuple[str, ...]
    adjustments: tuple[Adjustment, ...]

    def body_for(self, country: str) -> dict[str, Any]:
        """The body of the order with this country as its destination and its customer's. Needs `order`."""
        assert self.order is not None
        body = {**self.order, "ship_to": {**self.order["ship_to"], "country": country}}
        body["customer"] = {**self.order["customer"], "country": country}
        return body


def plan_order(order: TraceOrder) -> OrderPlan:
    """Decides what one order becomes. Its country is left open: see `OrderPlan.body_for`."""
    first = order.first
    positive = tuple(line for line in order.lines if line.quantity > 0)
    negative = tuple(line for line in order.lines if line.quantity < 0)
    return OrderPlan(
        reference=order.reference,
        final_status=first.final_status,
        ordered_at=order.ordered_at,
        shipped_at=_latest(line.shipped_at for line in positive),
        delivered_at=_latest(line.delivered_at for line in positive),
        country=first.country,
        order=_order_body(order.reference, positive) if positive else None,
        steps=life_of(first.final_status, first.raw_status) if positive else (),
        adjustments=tuple(_adjustments(order.reference, negative)) if negative else (),
    )


def life_of(final_status: str, raw_status: str) -> tuple[str, ...]:
    """The updates that bring a placed order to the trace's last status."""
    if final_status == "processing" and raw_status in _BEING_PICKED:
        return ("start_picking",)
    return _STEPS[final_status]


def _latest(times: Iterator[datetime | None]) -> datetime | None:
    return max((time for time in times if time is not None), default=None)


def _order_body(reference: str, lines: tuple[TraceLine, ...]) -> dict[str, Any]:
    first = lines[0]
    ship_to: dict[str, Any] = {}
    if first.postcode:
        ship_to["postcode"] = first.postcode
    if first.city:
        ship_to["city"] = first.city
    if first.lat is not None and first.lon is not None:
        ship_to.update(lat=first.lat, lon=first.lon)
    return {
        "order_ref": reference,
        "channel": first.channel,
        "customer": {"customer_ref": first.customer_ref} if first.customer_ref else {},
        "ship_to": ship_to,
        "lines": [
            {
                "sku": line.sku,
                "quantity": line.quantity,
                "unit_price": {"amount": line.unit_price_minor, "currency": line.currency},
            }
            for line in lines
        ],
    }


def _adjustments(reference: str, lines: tuple[TraceLine, ...]) -> Iterator[Adjustment]:
    """Returned goods come back to stock (+units), written-off goods leave it (−units), each at the line's price."""
    returned = lines[0].final_status in RETURN_STATUSES
    reason = "return" if returned else "write_off"
    for part, start in enumerate(range(0, len(lines), ADJUSTMENT_LINES_MAX)):
        entries = [
            {
                "sku": line.sku,
                "quantity": -line.quantity if returned else line.quantity,
                "reason": reason,
                "unit_value": {"amount": line.unit_price_minor, "currency": line.currency},
            }
            for line in lines[start : start + ADJUSTMENT_LINES_MAX]
        ]
        yield Adjustment(reason, part, {"reference": reference, "lines": entries})
