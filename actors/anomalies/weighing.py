"""What one record counts for in the rules."""

from __future__ import annotations

from collections.abc import Mapping

from actors.anomalies.record import ELSEWHERE, FORBIDDEN, Record
from actors.domain.acts_changes import totals_of
from actors.domain.ids import order_shipped

SEARCH = "order.search"
# A line of a list names an order and its customer's reference, and not where it goes: so many tell as much as
# one order that is looked at.
LISTED_PER_LOOK = 10
_CORRECTION = "location.adjust"
_ON_HAND = ".on_hand"
# Of work on goods: which fields leave the books as not there or lost. Of a floor's short pick
# what another bin has does not.
_GONE: Mapping[str, tuple[str, ...]] = {
    "order.short_pick": (".missing",), "transfer.short_pick": (".missing",), "transfer.close": (".lost",), "shipment.tell_missing": (".missing",),
    "floor.tell_short": (".short",), "floor.tell_lost": (".lost",),
}  # fmt: skip
AT_WORK = _GONE.keys()
_PAPER = "shipment.read_"
_FOUND = ".found"
# By the guard, of the place that the call names.
_PLACE_FORBIDDEN = f"auth{ELSEWHERE}"
_UNNAMED = (None, None)


def closed(record: Record) -> str:
    """The closed door that was tried; "" for none. A page asks for many things of its place at once, so a place is one
    door of a person's, whatever is asked there. What machines ask is their configuration's, and orders may go to
    another place while somebody works on them: all places are one door then."""
    if not record.outcome.endswith(ELSEWHERE):
        return record.door if record.outcome.startswith(FORBIDDEN) else ""
    return (
        f"{record.outcome} {record.entity_id}" if record.role and record.outcome == _PLACE_FORBIDDEN else record.outcome
    )


def directions(record: Record) -> tuple[int, int]:
    """How far it lowers counts of stock, and raises them: a correction by the units of all its lines, since the most of
    what it names may hide the one that matters; all else by how many counts. Of a counted spot that is known from the
    second counting on: before that nobody has compared it."""
    totals = totals_of(record.changes) if record.action == _CORRECTION else None
    if totals is not None:
        return totals
    down = up = 0
    gone = _GONE.get(record.action)
    for name, (before, after) in record.changes.items():
        counted = record.action == "count.submit" or (record.action == _CORRECTION and name.endswith(_ON_HAND))
        if gone is not None:
            down, up = down + (bool(after) and name.endswith(gone)), up + name.endswith(_FOUND)
        elif counted and isinstance(before, int) and isinstance(after, int):
            down, up = down + (after < before), up + (after > before)
    return down, up


def given_back(record: Record) -> tuple[float, str]:
    """(minor units, currency) of a refund that one person gave; (0, "") for anything else. Lines of
    before say no currency."""
    amount = record.changes.get("amount_minor", _UNNAMED)[1]
    if record.action != "refund.give" or record.outcome or not isinstance(amount, int):
        return 0.0, ""
    return float(amount), str(record.changes.get("currency", _UNNAMED)[1] or "")


def order_of(record: Record) -> str:
    """The order that it is about. A shipment says in its id of which it is; where it is of none, it stands for one: it
    has a person's name and street like any other. "" for all else."""
    if record.kind == "shipment":
        return order_shipped(record.entity_id) or record.entity_id
    return record.entity_id if record.kind == "order" else ""


def printed(record: Record) -> bool:
    """Is it a paper of a shipment that a machine fetched? A print server or a carrier's client fetches hundreds an hour
    of what others pack, and of machines no usual rate is known."""
    return not record.role and record.action.startswith(_PAPER)


def worked_on(record: Record) -> tuple[str, str]:
    """(order, what else) that somebody has done something about. A collection has one order or several and says none,
    nor does a floor, where each act is one order's or more: these can only be counted. Both "" for
    what is no work on orders."""
    order_id = order_of(record)
    if order_id:
        return order_id, ""
    if record.kind == "collection":
        return "", record.entity_id
    return "", f"{record.reference}" if record.kind == "floor" else ""


def listing(record: Record) -> str:
    """Which list of orders it is: the first page of one, asked for again, tells nothing new; each further page does."""
    if "page" in record.changes:
        return f"{record.reference}"
    return " ".join([record.behalf, *(str(record.changes.get(name, _UNNAMED)[1]) for name in ("status", "held"))])


def listed(record: Record) -> float:
    """As how many looks at orders a list counts: at least one, since that somebody has no orders is told as well. Lines
    of before say no number."""
    orders = record.changes.get("orders", _UNNAMED)[1]
    return max(1.0, orders / LISTED_PER_LOOK) if isinstance(orders, int) else 1.0
