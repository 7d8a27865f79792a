"""A reservation: units that are kept for a cart until its time is over, or it is ordered.

    (unknown) ──MakeReservation──▶ asking ──HoldAnswered, the last of them──▶ held (wholly or partly) ─┬─ReleaseReservation──▶ released
                                     │                                         │  ▲                    ├─`expires_at_ms`─────▶ expired
                                     └─ nothing, or not all of `whole` ──▶ refused└──┴ExtendReservation └─ClaimReservation────▶ converted

From `asking` it may be released, expire and be converted too: what a location reserves after that is given back. Places
are chosen as for an order (`allocation.py`): at most three, none of them twice. With `whole`, what some have reserved
is given back when others don't have the rest.

A reservation and its locations talk by messages that are part of its events: `Reserve`, answered by `HoldAnswered`, and
`Unreserve`. Its locations keep what they have reserved until they are told otherwise, so its units are always in one of
three places, whatever dies: with the reservation (`holds`), on their way back (an `Unreserve` that is part of the event
by which they left it), or with the order that claimed them.

An order that was placed with a reservation claims it by a message. The reservation answers what is the order's to
convert, gives back the rest, and has nothing any more: the order sends `Convert` to the locations (`order.py`), or
`Unreserve` if it was cancelled meanwhile. The same order is given the same answer however often it asks; another order
is refused. What counts for expiry is the time, not the timer. Times: UTC ms.

When its owner is erased (ForgetOwner), one that still lasts is released, and nothing says any more whose it was. Which
order took it stays: that order has lost its person too, and without the id an answer that was lost on the way could not
be given again, and its units would be nobody's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from actors.domain import allocation, location_commands
from actors.domain.allocation import SPLIT_MAX, Need, Place
from actors.domain.errors import Refused
from actors.domain.kind import Answer, Context, Decision, Kind, Message, Row, StoredRows
from actors.domain.location_events import Units
from actors.domain.location_promises import Taken
from actors.domain.reservation_commands import (
    Claimed,
    ClaimReservation,
    Command,
    ExpireReservation,
    ExtendReservation,
    ForgetOwner,
    HeldPart,
    HoldAnswered,
    MakeReservation,
    ReleaseReservation,
)
from actors.domain.reservation_events import (
    Ending,
    Event,
    HoldReturned,
    HoldsAsked,
    HoldSettled,
    OwnerForgotten,
    ReservationConverted,
    ReservationEnded,
    ReservationExtended,
    ReservationMade,
)
from actors.domain.reservation_state import (
    LIVE,
    Hold,
    Reservation,
    ViewReservation,
    due_of,
    held_of,
    parts_of,
    reservation_row,
    reservation_view,
    restored,
)
from actors.domain.rows_of_reservation import ReservationRow
from actors.domain.times import DAY_MS, HOUR_MS

TTL_MIN_MS = 10_000
TTL_MAX_MS = DAY_MS
# However often it is extended: goods in a cart are sold to nobody else.
TOTAL_MAX_MS = 48 * HOUR_MS


# --- decide ---------------------------------------------------------------------------------------------------------
def decide(state: Reservation | None, command: Command, context: Context) -> Decision:
    """See the module's docstring. Raises Refused `reservation.exists`, `reservation.unknown`, `reservation.expired`,
    `reservation.over`, `reservation.converted`, `reservation.too_long`."""
    if type(command) is MakeReservation:
        return _make(state, command, context)
    reservation = _known(state, context.entity_id)
    if type(command) is HoldAnswered:
        return _answered(reservation, command, context)
    if type(command) is ExtendReservation:
        return _extend(reservation, command, context)
    if type(command) is ReleaseReservation:
        return _release(reservation, command, context)
    if type(command) is ClaimReservation:
        return _claim(reservation, command, context)
    if type(command) is ForgetOwner:
        return _forget(reservation, context)
    assert type(command) is ExpireReservation
    late = reservation.stage in LIVE and context.now_ms >= reservation.expires_at_ms
    return _end(reservation, "expired", context) if late else _told(context, [])


def _known(state: Reservation | None, reservation_id: str) -> Reservation:
    if state is None:
        raise _unknown(reservation_id)
    return state


def _unknown(reservation_id: str) -> Refused:
    return Refused(
        "reservation.unknown", f"There is no reservation {reservation_id}.", reservation_id=reservation_id
    )  # fmt: skip


def check_asker(reservation: Reservation, reservation_id: str, asker: str) -> None:
    """Raises Refused, as if there were no such reservation, unless it is the asker's own; "" is somebody who
    may place orders for all."""
    if asker and asker != reservation.owner:
        raise _unknown(reservation_id)


def _check_live(reservation: Reservation, context: Context) -> None:
    identity = context.entity_id
    if reservation.stage == "expired" or (reservation.stage in LIVE and context.now_ms >= reservation.expires_at_ms):
        raise Refused("reservation.expired", "The reservation's time is over.", reservation_id=identity)
    if reservation.stage == "converted":
        raise Refused("reservation.converted", "The reservation was ordered.", reservation_id=identity)
    if reservation.stage not in LIVE:
        detail = f"The reservation was {reservation.stage}."
        raise Refused("reservation.over", detail, reservation_id=identity, status=reservation.stage)


def _told(context: Context, events: list[Event]) -> Decision:
    return Decision(events, lambda state, version: reservation_view(context.entity_id, state, version))


def _make(state: Reservation | None, command: MakeReservation, context: Context) -> Decision:
    if state is not None:
        raise Refused("reservation.exists", f"Reservation {context.entity_id} exists already.")
    need = allocation.need_of(command.lines)
    made = ReservationMade(
        list(need.items()), command.channel, command.whole, context.now_ms + command.ttl_ms, context.command_id, command.owner,
        command.life_days,
    )  # fmt: skip
    asks = _asks(need, command.places, SPLIT_MAX, whole=command.whole)
    if not asks:
        return _told(context, [made, ReservationEnded("refused", [], _short(need, command.places))])
    decision = _told(context, [made, _asked(asks, command.places, command)])
    decision.provisional = True
    return decision


def _asks(need: Need, places: Sequence[Place], splits: int, *, whole: bool) -> list[HeldPart]:
    """Empty when there is nobody to ask, or when all who are asked don't seem to have the whole."""
    plan = allocation.plan(need, places, splits) if need and splits > 0 else []
    if whole and allocation.need_of(line for _, part in plan for line in part.items()) != need:
        return []
    return [HeldPart(place, sorted(part.items())) for place, part in plan]


def _asked(asks: list[HeldPart], places: Sequence[Place], wanted: MakeReservation | Reservation) -> HoldsAsked:
    asked = {ask.location_id for ask in asks}
    others = [place for place in places if place.location_id not in asked]
    # Where nobody else could have the rest, a part would only keep it from others for a moment.
    return HoldsAsked(asks, others, wanted.channel, wanted.whole and not others, wanted.life_days)


def _short(need: Need, places: Sequence[Place]) -> list[Units]:
    """What the places that may serve it together don't seem to have."""
    plan = allocation.plan(need, places)
    seen = allocation.need_of(line for _, part in plan for line in part.items())
    return [(sku, units - seen.get(sku, 0)) for sku, units in need.items() if units > seen.get(sku, 0)]


def _answered(reservation: Reservation, command: HoldAnswered, context: Context) -> Decision:
    hold = next((h for h in reservation.holds if h.location_id == command.location_id and h.asking), None)
    if hold is None:
        returned = HoldReturned(HeldPart(command.location_id, command.lines))
        return _told(context, [returned] if command.lines else [])
    if any(other.asking and other is not hold for other in reservation.holds):
        return _told(context, [HoldSettled(command.location_id, command.lines, over=False)])
    missing = _missing(reservation, command.lines)
    splits = SPLIT_MAX - len(parts_of(reservation)) - bool(command.lines)
    asks = _asks(missing, reservation.candidates, splits, whole=reservation.whole)
    settled = HoldSettled(command.location_id, command.lines, over=not asks)
    if asks:
        return _told(context, [settled, _asked(asks, reservation.candidates, reservation)])
    events: list[Event] = [settled]
    held = [*parts_of(reservation), *([HeldPart(command.location_id, command.lines)] if command.lines else [])]
    if missing and (reservation.whole or not held):
        events.append(ReservationEnded("refused", held, list(missing.items())))
    return _final(reservation, _told(context, events), context)


def _missing(reservation: Reservation, lines: Iterable[Units]) -> Need:
    held = allocation.need_of([*held_of(reservation).items(), *lines])
    return {sku: units - held.get(sku, 0) for sku, units in reservation.lines if units > held.get(sku, 0)}


def _final(reservation: Reservation, decision: Decision, context: Context) -> Decision:
    """With the answer that is still owed to whoever made it."""
    if reservation.place_command:
        final = Answer(
            reservation.place_command, lambda state, version: reservation_view(context.entity_id, state, version)
        )
        decision.answers.append(final)
    return decision


def _extend(reservation: Reservation, command: ExtendReservation, context: Context) -> Decision:
    check_asker(reservation, context.entity_id, command.asker)
    _check_live(reservation, context)
    total_ms = min(command.total_ms or TOTAL_MAX_MS, TOTAL_MAX_MS)
    until, latest = context.now_ms + command.ttl_ms, reservation.made_at_ms + total_ms
    if until > latest:
        left_s = max(0, latest - context.now_ms) // 1000
        detail = f"It lasts {total_ms // HOUR_MS} hours at most; {left_s} s of them are left."
        raise Refused("reservation.too_long", detail, reservation_id=context.entity_id, left_s=left_s)
    # It is never made shorter: somebody else may rely on what he was told.
    return _told(context, [ReservationExtended(until)] if until > reservation.expires_at_ms else [])


def _release(reservation: Reservation, command: ReleaseReservation, context: Context) -> Decision:
    check_asker(reservation, context.entity_id, command.asker)
    if reservation.stage == "converted":
        _check_live(reservation, context)
    # Of one that is over there is nothing left to give back: that is what was wanted.
    return _end(reservation, "released", context) if reservation.stage in LIVE else _told(context, [])


def _end(reservation: Reservation, how: Ending, context: Context) -> Decision:
    return _final(reservation, _told(context, [ReservationEnded(how, parts_of(reservation))]), context)


def _forget(reservation: Reservation, context: Context) -> Decision:
    if not reservation.owner:
        return _told(context, [])
    decision = _end(reservation, "released", context) if reservation.stage in LIVE else _told(context, [])
    decision.events.append(OwnerForgotten())
    return decision


def _claim(reservation: Reservation, command: ClaimReservation, context: Context) -> Decision:
    # Before anything else: its owner may be forgotten by now.
    if reservation.stage == "converted" and reservation.order_id == command.order_id:
        return _claimed([], reservation.converted)
    check_asker(reservation, context.entity_id, command.owner)
    _check_live(reservation, context)
    need, parts, rest = allocation.need_of(command.lines), list[HeldPart](), list[HeldPart]()
    for held in parts_of(reservation):
        taken = [(sku, min(units, need.get(sku, 0))) for sku, units in held.lines]
        for sku, units in taken:
            need[sku] = need.get(sku, 0) - units
        left = [(sku, units - took) for (sku, units), (_, took) in zip(held.lines, taken, strict=True)]
        _add(parts, held.location_id, taken)
        _add(rest, held.location_id, left)
    decision = _claimed([ReservationConverted(command.order_id, parts, rest)], parts)
    return _final(reservation, decision, context)


def _claimed(events: list[Event], parts: list[HeldPart]) -> Decision:
    return Decision(events, lambda state, version: Claimed(parts))


def _add(parts: list[HeldPart], location_id: str, lines: Iterable[Units]) -> None:
    some = [(sku, units) for sku, units in lines if units]
    if some:
        parts.append(HeldPart(location_id, some))


# --- evolve ---------------------------------------------------------------------------------------------------------
def evolve(state: Reservation | None, event: Event, context: Context) -> Reservation:
    """The next state; takes over `state`."""
    if type(event) is ReservationMade:
        return Reservation(
            event.lines, event.channel, event.whole, context.now_ms, event.expires_at_ms, event.owner, event.command_id, event.life_days
        )  # fmt: skip
    assert state is not None
    if type(event) is HoldsAsked:
        state.holds.extend(Hold(ask.location_id, ask.lines) for ask in event.asks)
        state.candidates = event.places
    elif type(event) is HoldSettled:
        _settle(state, event)
    elif type(event) is ReservationExtended:
        state.expires_at_ms = event.expires_at_ms
    elif type(event) is ReservationEnded:
        _over(state)
        state.stage, state.missing = event.how, event.missing
    elif type(event) is ReservationConverted:
        _over(state)
        state.stage, state.order_id, state.converted = "converted", event.order_id, event.parts
    elif type(event) is OwnerForgotten:
        state.owner = ""
    return state


def _settle(reservation: Reservation, event: HoldSettled) -> None:
    for hold in reservation.holds:
        if hold.location_id == event.location_id:
            hold.asking, hold.lines = False, event.lines
    reservation.holds = [hold for hold in reservation.holds if hold.lines]
    if event.over:
        reservation.stage, reservation.place_command, reservation.candidates = "held", "", []


def _over(reservation: Reservation) -> None:
    reservation.holds, reservation.candidates, reservation.place_command = [], [], ""


# --- messages and projections ---------------------------------------------------------------------------------------
def messages(reservation_id: str, event: Event) -> Iterable[Message]:
    """What the locations are asked for, and what they are given back."""
    if type(event) is HoldsAsked:
        for ask in event.asks:
            reserve = location_commands.Reserve(
                reservation_id, ask.lines, event.channel, event.whole, event.life_days
            )  # fmt: skip
            yield Message("location", ask.location_id, reserve, on_reply=True)
    elif type(event) is HoldReturned:
        yield _unreserve(reservation_id, event.part)
    elif type(event) is ReservationEnded or type(event) is ReservationConverted:
        for part in event.returned:
            yield _unreserve(reservation_id, part)


def _unreserve(reservation_id: str, part: HeldPart) -> Message:
    return Message("location", part.location_id, location_commands.Unreserve(reservation_id, part.lines))


_decode_taken = msgspec.json.Decoder(Taken).decode


def on_reply(message: Message, reply: bytes, refused: bool) -> HoldAnswered:
    """A location that refuses (it is unknown) has reserved nothing."""
    return HoldAnswered(message.entity_id, [] if refused else _decode_taken(reply).lines)


def view(state: Reservation | None, query: ViewReservation, version: int) -> msgspec.Struct:
    """All of it. Raises Refused `reservation.unknown`."""
    reservation = _known(state, query.reservation_id)
    check_asker(reservation, query.reservation_id, query.asker)
    return reservation_view(query.reservation_id, reservation, version)


def rows(state: Reservation, version: int, events: Sequence[Event], context: Context) -> list[Row]:
    """Its one row."""
    return [reservation_row(context.entity_id, state, version)]


def restore(entity_id: str, stored: StoredRows) -> tuple[Reservation, int] | None:
    """The state and version from the stored row."""
    found = stored.get("reservations")
    return (restored(found[0].state), found[0].version) if found else None


RESERVATION = Kind(
    name="reservation", commands=Command, events=Event, queries=ViewReservation, decide=decide, evolve=evolve, view=view,
    tables=(ReservationRow,), restore=restore, rows=rows, messages=messages, on_reply=on_reply, due=due_of,
    wake=ExpireReservation,
)  # fmt: skip
