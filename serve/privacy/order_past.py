"""What of a person's orders stands in their history alone: what the staff wrote when it held an order and released it,
whose it was said to be before that was changed or corrected, and how far from there the places were that might have
served it.

    HoldsPlaced, HoldsReleased                 ──▶ notes
    OrderPlaced, OrderRectified, but the last  ──▶ former
    OrderPlaced.sourcing                       ──▶ considered

The cell keeps all that as long as the order, and tells it to others; so it is the person's data like what the order
tells now (GDPR Art. 15(1)). Restricted ones too: they are told to nobody else.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Literal

import msgspec

from actors.domain.order_events import OrderPlaced, OrderRectified
from actors.domain.order_terms_events import HoldsReleased
from actors.domain.order_terms_state import HoldKind
from actors.domain.order_views import OrderView
from actors.domain.sourcing_decision import decoded
from serve.context import REQUEST_ID, Scope
from serve.gateway import Gateway
from serve.keys.data_keys import Erased
from serve.limits import PAGE_MAX
from serve.orders.hold_notes import is_noted, notes_in
from serve.orders.private import PrivateOrders, ship_to_of
from serve.orders.schemas import HistoryPage
from serve.privacy.schemas import FormerData, PlaceSeen, StaffNote
from serve.problems import Problem
from serve.replies import body_of
from serve.services import Services

# So many events of one order are looked through, and so much is told of all orders of a person: whoever has more has it
# told by who runs the cell.
EVENTS_MAX = 20_000
PAST_MAX = 10_000
_RELEASED = HoldsReleased.__name__
_PLACED = OrderPlaced.__name__
_WHOSE = frozenset({_PLACED, OrderRectified.__name__})
_history_decoder = msgspec.json.Decoder(HistoryPage | None)


class OrdersPast:
    """Of one export."""

    def __init__(self, services: Services, private: PrivateOrders, scope: Scope) -> None:
        self._gateway = services.gateway
        self._private = private
        self._cause: str = scope[REQUEST_ID]
        self._told = 0

    async def of(self, order: OrderView) -> tuple[list[StaffNote], list[FormerData], list[PlaceSeen]]:
        """(notes, whose it was said to be until when, places that were looked at), oldest first; nothing of somebody
        who is erased. order: as it is now. Raises Problem 409 for too much of it, 503."""
        notes: list[StaffNote] = []
        former: list[FormerData] = []
        places: list[PlaceSeen] = []
        before = b""
        async for event in events_of(self._gateway, order.order_id):
            at = msgspec.convert(event["at"], datetime)
            if is_noted(event):
                notes += await self._notes(order, event, at)
            if event["type"] == _PLACED:
                places = await self._considered(order.order_id, event)
            sealed = base64.b64decode(event.get("sealed", "")) if event["type"] in _WHOSE else b""
            if not sealed or sealed == before:
                continue
            if before:
                former += await self._former(order, before, at)
            before = sealed
        return notes, former, places

    async def _notes(self, order: OrderView, event: dict[str, Any], at: datetime) -> list[StaffNote]:
        withheld = None if order.withheld is msgspec.UNSET else order.withheld
        await self._private.notes.told(order.order_id, event, self._cause, withheld, restricted_too=True)
        # One that was written once for several reasons is one.
        told: dict[str, list[HoldKind]] = {}
        for reasons, note in notes_in(event):
            told.setdefault(note, []).extend(reasons)
        self._count(len(told))
        done: Literal["held", "released"] = "released" if event["type"] == _RELEASED else "held"
        return [StaffNote(at, done, reasons, note) for note, reasons in told.items()]

    async def _former(self, order: OrderView, sealed: bytes, until: datetime) -> list[FormerData]:
        try:
            said, _ = await self._private.private(order.order_id, sealed, self._cause)
        except Erased:
            return []
        self._count(1)
        to = ship_to_of(order.ship_to.country, said)
        return [FormerData(until, said.order_ref, to, said.email, said.gift_message)]

    async def _considered(self, order_id: str, placed: dict[str, Any]) -> list[PlaceSeen]:
        stored, _ = await self._private.sourcing(
            order_id, base64.b64decode(placed.get("sourcing", "")), self._cause, sealed=bool(placed.get("sealed")), restricted_too=True
        )  # fmt: skip
        return [PlaceSeen(one.location_id, one.km) for one in decoded(stored).seen] if stored else []

    def _count(self, more: int) -> None:
        self._told += more
        if self._told > PAST_MAX:
            raise _too_much(f"There are more than {PAST_MAX} notes and former addresses of this person.", PAST_MAX)


async def events_of(gateway: Gateway, order_id: str) -> AsyncIterator[dict[str, Any]]:
    """The history of an order, oldest first, as it is kept. Raises Problem 409 for too much of it, 503."""
    after: int | None = 0
    seen = 0
    while after is not None:
        page = _history_decoder.decode(body_of(await gateway.history("order", order_id, after, PAGE_MAX)))
        if page is None:
            return
        seen += len(page.events)
        if seen > EVENTS_MAX:
            raise _too_much(f"More than {EVENTS_MAX} things happened to an order of this person.", EVENTS_MAX)
        for event in page.events:
            yield event
        after = page.next_after


def _too_much(detail: str, limit: int) -> Problem:
    return Problem("privacy.too_much_past", detail, extra={"limit": limit})
