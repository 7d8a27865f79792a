"""What is written down of promises, so that it can be asked how often they were kept. Of orders of which nothing
was promised nothing is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from actors.domain.kind import Context
from actors.domain.order_backorder import BackorderFilled
from actors.domain.order_events import Event, FulfilmentsMoved, OrderCancelled, ReservationSettled
from actors.domain.order_state import Order
from actors.domain.rows_of_promises import PromiseRow

_TOLD = frozenset({"shipped", "delivered", "cancelled"})


def rows_of_promises(state: Order, events: Sequence[Event], context: Context) -> Iterable[PromiseRow]:
    """One for each step that a fulfilment with a promise took. What happened elsewhere is told with its own
    moment, if that was told."""
    promised = {one.number: one for one in state.fulfilments if one.promised_by_ms is not None}
    if not promised:
        return
    for event in events:
        at_ms, step, numbers = context.now_ms, "", list[int]()
        if type(event) is BackorderFilled or (type(event) is ReservationSettled and event.lines):
            step, numbers = "allocated", [event.number]
        elif type(event) is FulfilmentsMoved and event.to in _TOLD:
            step, numbers = event.to, [move.number for move in event.moves]
            at_ms = event.occurred_at_ms or at_ms
        elif type(event) is OrderCancelled:
            step, numbers = "cancelled", list(promised)
        for number in numbers:
            one = promised.get(number)
            if one is not None and one.promised_by_ms is not None:
                yield PromiseRow(
                    context.entity_id,
                    number,
                    step,
                    at_ms,
                    one.promised_by_ms,
                    state.channel,
                    one.location_id,
                    one.transit_ms,
                )
