"""An order: what was bought, from where it is served, and how far it is.

Life of a fulfilment, and of an order that has one (several: the order is as far as the one that is least far; with some
shipped and some not it is `partly_shipped`):

                          ┌──── pause_picking ────┐
                          ▼                       │
    placed ─────────▶ allocated ─start_picking▶ picking ──pack──▶ packed ──ship──▶ shipped ──deliver──▶ delivered
      │                   ▲                       │                 │
      ├▶ partly_allocated ┤ allocate, timer   short_pick            │
      └▶ backordered ─────┘                 (asks elsewhere)        │
      └───────────────────── cancel: stock is given back ───────────┴──▶ cancelled

Allocation at placement: see `allocation.py`. What no location could serve is backordered: the order asks again by
itself, after `order_asking.RETRY_FIRST_MS`, then at doubled intervals, and at once on the update `allocate`. Where a
sourcing policy holds, the placement brings the plan by which its places are asked first, and the others in the order of
what they cost (`serve/orders/sourcing.py`).

An order and its locations talk by messages that are part of its events (`messages`): it asks a location to reserve and
goes on when the answer comes back as `ReservationAnswered`. The answer to `PlaceOrder` is provisional until the round
is over. An answer that comes after a cancellation is given back.

An order that was a cart's reservation claims it first (`reservation.py`). What the reservation has is converted where
it lies, each part a fulfilment; the rest is asked for as ever, and all of it when the reservation is
over, unknown or another's.

What nobody had, the order waits for in line at the places that it knows, which serve it as soon as they have some
(`order_waiting.py`). What is not out yet it does not ask for, but waits for it in line as well. After that the timer
asks only those in whose line it is not.

Units that a location keeps back from the order's channel are not asked for: a first round tells the channel only when
somebody was seen to keep any back (`PlaceOrder.buffered`), so that it costs nothing where nobody does; later rounds,
which are few, always tell it.

A fulfilment of which nothing at all was found is over (cancelled) with that short pick. A floor, which may have more to
say of it, cancels it itself.

What a location's floor picks (`floor.py`), the order hands to it, and tells it of the end: packed or cancelled
(`order_floor.py`). Units that are missing are for the floor to tell then, and for nobody else.

Who ordered, and where it goes, may be corrected at any time (RectifyOrder), and is taken out of an order that is over
(ForgetPerson): what was bought, when, for how much and in which country stays, as books and invoices need it.

Holds, what was asked for besides the goods, and changes after the placement are in `order_holds.py`, `order_terms.py`,
`order_changes.py`; what follows from them for floors, and from all-or-nothing, is added to whatever is decided
(`order_terms_floor.py`). `docs/domain/order.md` tells it whole.

Money that is given back: `order_refunds.py`.

An order that its customer collects at a store: `order_pickup.py`. It waits in no line (`order_waiting.py`): what the
store lacks is brought to it.

How it asks places is in `order_asking.py`, the steps of its fulfilments in `order_steps.py`, what its callers are told
in `order_replies.py`. What an event changes is in `order_evolve.py`, whom it tells in `order_messages.py`, its state is
in `order_state.py`, what callers see in `order_views.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from actors.domain import (
    order_asking,
    order_dates,
    order_holds,
    order_pickup,
    order_pickup_holds,
    order_pickup_redirect,
    order_pickup_steps,
    order_refunds,
    order_replies,
    order_steps,
    order_terms_floor,
    order_waiting,
)
from actors.domain.errors import Refused
from actors.domain.ids import guest_of
from actors.domain.kind import Context, Decision, Kind, Row, StoredRows
from actors.domain.order_backorder import DateMoved, LineAnswered, UnitsOffered
from actors.domain.order_commands import (
    CartAnswered,
    Command,
    ForgetPerson,
    PlaceOrder,
    RectifyOrder,
    ReservationAnswered,
    RetryAllocation,
    UpdateOrder,
)
from actors.domain.order_events import (
    Event,
    OrderPlaced,
    OrderRectified,
    PersonForgotten,
)
from actors.domain.order_evolve import evolve
from actors.domain.order_messages import messages, on_reply
from actors.domain.order_pickup_commands import MovePickup, PickupMoved, SupplyRequested
from actors.domain.order_promises import rows_of_promises
from actors.domain.order_rectified import rectified
from actors.domain.order_refund_commands import GiveRefund, WantRefund
from actors.domain.order_state import (
    Order,
    copied,
    due_of,
    is_under_way,
    order_change,
    order_row,
    places_of,
    restored,
    status_of,
)
from actors.domain.order_terms_commands import ChangeOrder, HoldOrder, PrioritiseOrder, ReleaseOrder
from actors.domain.order_terms_events import LinesChanged
from actors.domain.order_views import OrderContact, ViewContact, ViewOrder
from actors.domain.rows import OrderRow

_OF_TERMS = frozenset({HoldOrder, ReleaseOrder, PrioritiseOrder, ChangeOrder})
_WHOLE_ROW = frozenset({OrderPlaced, OrderRectified, PersonForgotten, LinesChanged})


# --- decide ---------------------------------------------------------------------------------------------------------
def decide(state: Order | None, command: Command, context: Context) -> Decision:
    """See the module's docstring for the rules."""
    decision = _decided(state, command, context)
    if state is None:
        has_terms = type(command) is PlaceOrder and command.terms is not None
    else:
        has_terms = state.terms is not None or type(command) in _OF_TERMS
    if has_terms and decision.events:
        decision.events.extend(order_terms_floor.follow(state, decision.events, context))
    if order_waiting.begins(state, decision.events) or (
        state is not None
        and state.backorder is not None
        and state.pickup is None
        and not order_waiting.settled(state, decision.events)
    ):
        _follow(state, decision, context)
    return decision


def _follow(state: Order | None, decision: Decision, context: Context) -> None:
    """With what the places in whose lines it is have to know because of it."""
    after = copied(state) if state is not None else None
    for event in decision.events:
        after = evolve(after, event, context)
    if after is not None:
        decision.events.extend(order_waiting.follows(after, context, order_asking.next_retry_ms(after, context)))


def _decided(state: Order | None, command: Command, context: Context) -> Decision:
    if type(command) is PlaceOrder:
        return order_asking.place(state, command, context)
    if state is None:
        raise _unknown(context.entity_id)
    if type(command) is UpdateOrder:
        if command.asker:
            check_asker(state, context.entity_id, command.asker)
        if command.within:
            _check_reach(state, command)
        if state.pickup is not None:
            return _of_pickup(state, order_pickup.narrowed(state, command), context)
        return _update(state, command, context)
    if type(command) is ReservationAnswered:
        return order_asking.answered(state, command, context)
    if type(command) is CartAnswered:
        return order_asking.cart_answered(state, command, context)
    if type(command) is RetryAllocation:
        return order_asking.retry(state, context)
    if type(command) is RectifyOrder:
        return _rectify(state, command, context)
    if type(command) is UnitsOffered:
        return order_replies.status(context, *order_waiting.offered(state, command, context))
    if type(command) is LineAnswered:
        return order_replies.status(context, *order_waiting.answered(state, command, context))
    if type(command) is DateMoved:
        return order_replies.status(context, *order_dates.moved(state, command, context))
    if type(command) is MovePickup:
        retry_at_ms = context.now_ms + order_asking.RETRY_FIRST_MS
        step = order_pickup_steps.moved(state, command, retry_at_ms, context)
        told = PickupMoved(step.over, step.stopped)
        return Decision(step.events, lambda state, version: told)
    if type(command) is SupplyRequested:
        return order_replies.status(context, *order_pickup.requested(state, command))
    if type(command) is ForgetPerson:
        return _forget(state, context)
    if type(command) is GiveRefund:
        return order_refunds.give(state, command, context)
    if type(command) is WantRefund:
        return order_refunds.want(state, command, context)
    return _of_terms(state, command, context)


def _of_terms(order: Order, command: Command, context: Context) -> Decision:
    if type(command) is ChangeOrder:
        check_asker(order, context.entity_id, command.asker)
        order_pickup.check_change(order, command)
        return order_asking.change(order, command, context)
    if type(command) is HoldOrder:
        return _held(order, order_holds.hold(order, command, context), context)
    if type(command) is ReleaseOrder:
        return _held(order, order_holds.release(order, command, context), context)
    assert type(command) is PrioritiseOrder
    return order_replies.status(context, *order_holds.prioritise(order, command, context))


def _held(order: Order, events: list[Event], context: Context) -> Decision:
    """With what follows for what is collected."""
    more = [] if order.pickup is None else order_pickup_holds.follow(order, events, context)
    return order_replies.status(context, *events, *more)


def _update(state: Order, command: UpdateOrder, context: Context) -> Decision:
    if command.update == "short_pick":
        return order_asking.short_pick(state, command, context)
    if command.update == "allocate":
        return order_asking.allocate(state, command, context)
    if command.update == "cancel" and command.fulfilment is None:
        return order_steps.cancel(state, command, context)
    return order_steps.step(state, command, context)


def _of_pickup(state: Order, command: UpdateOrder, context: Context) -> Decision:
    decision = _update(state, command, context)
    whole = command.update == "cancel" and command.fulfilment is None
    told = order_pickup.stopped(state) if whole else order_pickup.told(state, decision.events)
    decision.events.extend(told)
    return decision


def _unknown(order_id: str) -> Refused:
    return Refused("order.unknown", f"There is no order {order_id}.", order_id=order_id)


def check_asker(order: Order, order_id: str, asker: str) -> None:
    """Raises Refused, as if there were no such order, unless it is the asker's own: the customer's who placed it, or of
    the guest (`guest_of`) whose mailbox it still names. "" is somebody who may see all."""
    if not asker or asker == order.owner:
        return
    if not order.email_digest or asker != guest_of(order_id, order.email_digest):
        raise _unknown(order_id)


def _check_reach(order: Order, command: UpdateOrder) -> None:
    """Raises Refused when the step would move what the caller's rights do not reach."""
    here = {f.number for f in order.fulfilments if f.location_id in command.within}
    if command.update == "allocate":
        theirs = False  # where an order is served from is the region's matter
    elif command.fulfilment is not None:
        theirs = command.fulfilment in here or all(f.number != command.fulfilment for f in order.fulfilments)
    elif command.update == "cancel":
        theirs = bool(here) and len(here) == len(order.fulfilments)
    else:
        theirs = bool(here)
    if not theirs:
        raise Refused("order.location_forbidden", f"Your rights don't reach what {command.update} would move.")


def _rectify(order: Order, command: RectifyOrder, context: Context) -> Decision:
    if order.forgotten:
        raise Refused("order.person_erased", "The person was erased: there is nothing to correct.")
    if (command.sealed, command.order_ref) == (order.sealed, order.order_ref):
        return order_replies.status(context)
    if command.was and command.was != order.sealed:
        raise Refused("order.changed_meanwhile", "Somebody has changed who ordered, or where it goes: look again.")
    return order_replies.status(context, rectified(order, command), *order_pickup_redirect.redirected(order, command))


def _forget(order: Order, context: Context) -> Decision:
    status = status_of(order)
    if is_under_way(status, order.updated_at_ms, context.now_ms):
        detail = f"The order is {status}: it has to be known yet to whom it goes."
        raise Refused("order.under_way", detail, order_id=context.entity_id, status=status)
    if order.forgotten:
        return order_replies.status(context)
    return order_replies.status(
        context, PersonForgotten([] if order.pickup is None else list(order.pickup.collections))
    )


# --- projections ----------------------------------------------------------------------------------------------------
def view(state: Order | None, query: ViewOrder | ViewContact, version: int) -> msgspec.Struct:
    """The whole order, or how its customer can be reached."""
    if state is None:
        raise _unknown(query.order_id)
    if type(query) is ViewContact:
        turn = 0 if state.pickup is None else state.pickup.contact_turn
        return OrderContact(
            query.order_id, state.email_digest, state.sealed, state.ship_to.country, state.owner, turn, state.forgotten,
            places_of(state),
        )  # fmt: skip
    assert type(query) is ViewOrder
    check_asker(state, query.order_id, query.asker)
    return order_replies.shown(query.order_id, state, version, own=bool(query.asker))


def rows(state: Order, version: int, events: Sequence[Event], context: Context) -> list[Row]:
    """The order's one row, whole when it is new or whose it is has changed; and whether it is
    held, when that has changed."""
    held = [] if state.terms is None else order_holds.rows(context.entity_id, state, events)
    more = [*rows_of_promises(state, events, context), *held]
    if not _WHOLE_ROW.isdisjoint(map(type, events)):
        return [order_row(context.entity_id, state, version), *more]
    return [order_change(context.entity_id, state, version), *more]


def restore(entity_id: str, stored: StoredRows) -> tuple[Order, int] | None:
    """The state and version from the order's stored row."""
    found = stored.get("orders")
    return (restored(found[0].state), found[0].version) if found else None


ORDER = Kind(
    name="order",
    commands=Command,
    events=Event,
    queries=ViewOrder | ViewContact,
    decide=decide,
    evolve=evolve,
    view=view,
    tables=(OrderRow,),
    restore=restore,
    rows=rows,
    messages=messages,
    on_reply=on_reply,
    due=due_of,
    wake=RetryAllocation,
)
