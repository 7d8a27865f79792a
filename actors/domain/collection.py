"""A collection: units of an order that wait at a store for its customer, from when they are there to when they are
handed over or given back.

    (unknown) ──OpenCollection──▶ locating ──LocateUnits, TellPart──▶ located ──MakeReady──▶ ready ──VerifyCode, HandOver──▶ collected
                                     │                                   │                     ├─ all is left ──▶ left_behind
                                     │                                   │                     └─ `collect_by_ms` ──▶ expired
                                     ├─ nothing is there ──▶ nothing_found
                                     ├─ nobody makes it ready in time ──▶ given_up
                                     └─────────────── the order is cancelled ──────────────────┴──▶ cancelled     from each of them

Where the store's floor runs, it picks what was on the shelves, and the order passes on what it says; people find the
rest and confirm it by scan. When the collection is ready, the customer is told by a notice with a code; of the code
only its keyed digest is kept, and the notice is sealed by who makes it. Whoever gives the code, or is looked at by a
manager, may have the units within `VERIFIED_MS`. Wrong codes are counted, and end what was proved: after `TRIES_MAX`
none is taken any more, until there is another one (`collection_code.py`). What happens by the timer, and that a hold of
the order stops it, is in `collection_clock.py`.

Whether units are still to be handed over is the order's to say (`order_pickup.py`): each step that changes its stock
asks it first (`OrderAsked`), and is taken when it has agreed (`StepTaken`). One step is asked at a time, so there is
nothing to cross; meanwhile no other is possible, the timer waits, and only a cancellation comes in between. So each
unit is handed over, or given back, once, and the order and its collection never disagree.

What the order says of parts may come before the collection is opened, since messages keep no order: it is kept
(`unopened`). When it is over, code, notices and the customer's spot are forgotten; where the goods lie, when they were
handed over, a week after any other end, or when the order's person is erased. Times: UTC ms.

    collection_commands.py  collection_events.py  collection_state.py  collection_evolve.py  collection_asking.py
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from actors.domain import collection_clock, collection_code
from actors.domain.allocation import Need, need_of
from actors.domain.collection_asking import asked, check_contact, check_step, notice
from actors.domain.collection_commands import (
    Command,
    EndCollection,
    ExtendCollection,
    ForgetShelf,
    HandOver,
    LocateUnits,
    LookAtCollection,
    MakeReady,
    OpenCollection,
    OrderAnswered,
    PauseCollection,
    RedirectCollection,
    RenewCode,
    ResumeCollection,
    SayHere,
    StopCollection,
    TellPart,
    VerifyCode,
    VerifyIdentity,
)
from actors.domain.collection_events import (
    CollectionEnded,
    CollectionRedirected,
    CustomerHere,
    CustomerVerified,
    Event,
    LeftToPeople,
    NoticeTold,
    OrderAsked,
    PartTold,
    PickupOpened,
    ShelfForgotten,
    StepNotTaken,
    StepTaken,
    Terms,
    UnitsLocated,
)
from actors.domain.collection_evolve import evolve, remind_at
from actors.domain.collection_state import (
    OVER,
    Collection,
    ViewCollection,
    check_reach,
    collection_row,
    due,
    restored,
    status_view,
    to_find,
    units_of,
    unknown,
    verified,
    view,
)
from actors.domain.errors import Refused, decode_refusal
from actors.domain.kind import Answer, Context, Decision, Kind, Message, Row, StoredRows
from actors.domain.location_events import Units
from actors.domain.notice import WithdrawNotice, WriteNotice
from actors.domain.order_pickup_commands import MovePickup, PartMove, PickupMoved, PickupStep
from actors.domain.rows_of_collections import CollectionRow
from actors.domain.times import DAY_MS

HOLD_MAX_MS = 60 * DAY_MS
_OF_ORDER = (
    OpenCollection, TellPart, StopCollection, PauseCollection, ResumeCollection, RedirectCollection, ForgetShelf,
)  # fmt: skip


# --- decide ---------------------------------------------------------------------------------------------------------
def decide(state: Collection | None, command: Command, context: Context) -> Decision:
    """See the module's docstring. Raises Refused `collection.…`."""
    if type(command) in _OF_ORDER:
        return _final(state, _told(context, _of_order(state, command)), context)
    if state is None or not state.order_id:
        raise unknown()
    if type(command) is OrderAnswered:
        return _answered(state, command, context)
    if type(command) is LookAtCollection:
        return _told(context, collection_clock.look(state, context))
    assert not isinstance(command, (*_OF_ORDER, OrderAnswered, LookAtCollection))
    check_reach(state, command.within)
    events = _events(state, command, context)
    decision = _told(context, events)
    decision.provisional = any(type(event) is OrderAsked for event in events)
    return decision


def _told(context: Context, events: list[Event]) -> Decision:
    return Decision(events, lambda state, version: status_view(context.entity_id, state, version, context.now_ms))


def _of_order(state: Collection | None, command: Command) -> list[Event]:
    """What the order says, in whatever order it comes. Refuses nothing."""
    if type(command) is ForgetShelf:
        return [ShelfForgotten()] if state is not None and state.shelf else []
    if state is not None and state.stage in OVER:
        return []
    if type(command) is StopCollection:
        return [CollectionEnded("cancelled")]
    if type(command) is PauseCollection or type(command) is ResumeCollection:
        return collection_clock.of_hold(state, command)
    if type(command) is RedirectCollection:
        return collection_code.redirect(state, command)
    opened = state is not None and state.stage != "unopened"
    if type(command) is TellPart:
        told = PartTold(command.number, command.picked, command.missing)
        gone = command.missing if opened else []
        return [told, *_emptied({} if state is None else units_of(state), gone)]
    assert type(command) is OpenCollection
    if opened:
        return []
    units = need_of(line for part in command.parts for line in part.lines)
    early = [line for lines in (state.early.values() if state is not None else ()) for line in lines]
    opening = PickupOpened(command.order_id, command.location_id, command.parts, command.clock)
    return [opening, *_emptied(units, early)]


def _emptied(units: Need, missing: Sequence[Units]) -> list[Event]:
    gone = need_of(missing)
    return [CollectionEnded("nothing_found")] if gone and all(n <= gone.get(sku, 0) for sku, n in units.items()) else []


def _final(state: Collection | None, decision: Decision, context: Context) -> Decision:
    """With the answer that is still owed, when it ends meanwhile."""
    asking = state.asking if state is not None else None
    if asking is not None and asking.awaited and any(type(event) is CollectionEnded for event in decision.events):
        final = Answer(
            asking.awaited, lambda state, version: status_view(context.entity_id, state, version, context.now_ms)
        )
        decision.answers.append(final)
    return decision


def _events(state: Collection, command: Command, context: Context) -> list[Event]:
    match command:
        case LocateUnits():
            return _locate(state, command, context)
        case MakeReady():
            return _make_ready(state, command, context)
        case ExtendCollection():
            return _extend(state, command, context)
        case SayHere():
            check_step(state, "here", context)
            # Two sealed words can't be compared, but their digests can.
            sealed = bool(command.sealed_spot or state.sealed_spot)
            known = (state.here_spot, state.spot_digest) == (command.spot, command.spot_digest)
            if state.here_at_ms is not None and known and (command.spot_digest or not sealed):
                return []
            return [CustomerHere(state.location_id, command.spot, command.sealed_spot, command.spot_digest)]
        case VerifyCode():
            return collection_code.verify(state, command, context)
        case RenewCode():
            return collection_code.renew(state, command, context)
        case VerifyIdentity():
            check_step(state, "verify_identity", context)
            return [CustomerVerified("identity")]
        case HandOver():
            return _hand_over(state, command, context)
    assert type(command) is EndCollection
    check_step(state, "end", context)
    return [asked(state, command.why, [], context)]


def _locate(state: Collection, command: LocateUnits, context: Context) -> list[Event]:
    check_step(state, "locate", context)
    if not command.found and not command.missing and not command.shelf:
        raise Refused("collection.nothing_named", "Name what was found, what is missing, or the shelf.")
    wanted, left = units_of(state), to_find(state)
    for sku, units in need_of([*command.found, *command.missing]).items():
        if sku not in wanted:
            raise Refused("collection.sku_not_in", f"{sku} is not part of it.", sku=sku)
        if units > left.get(sku, 0):
            detail = f"{left.get(sku, 0)} units of {sku} are still to be found here."
            raise Refused("collection.too_many", detail, sku=sku, to_find=left.get(sku, 0))
    events: list[Event] = []
    if command.found or command.shelf:
        events.append(UnitsLocated(command.found, command.shelf or state.shelf))
    if command.missing:
        events.append(asked(state, "missing", _shares(state, command.missing), context))
    return events


def _shares(state: Collection, missing: Sequence[Units]) -> list[PartMove]:
    """Of which parts they are missing: of those that people look for, the newest first."""
    rest, out = need_of(missing), list[PartMove]()
    for number in sorted(state.parts, reverse=True):
        part = state.parts[number]
        lines = [] if part.floor else [(sku, min(n, rest.get(sku, 0))) for sku, n in part.lines.items()]
        lines = [(sku, n) for sku, n in lines if n]
        for sku, n in lines:
            rest[sku] -= n
        out += [PartMove(number, lines)] if lines else []
    return out


def _make_ready(state: Collection, command: MakeReady, context: Context) -> list[Event]:
    check_step(state, "ready", context)
    check_contact(state, command.contact)
    terms = _terms(command.digest, context.now_ms, command, context)
    return [asked(state, "ready", [], context, terms=terms)]


def _terms(digest: bytes, ready_at_ms: int, command: MakeReady | ExtendCollection, context: Context) -> Terms:
    hold_ms = command.collect_by_ms - context.now_ms
    if not 0 < hold_ms <= HOLD_MAX_MS:
        raise Refused("collection.hold_out_of_range", "It is kept until a moment within the next 60 days.")
    remind_at_ms = remind_at(command.collect_by_ms, context.now_ms)
    return Terms(digest, ready_at_ms, command.collect_by_ms, remind_at_ms, command.notices, command.contact)


def _extend(state: Collection, command: ExtendCollection, context: Context) -> list[Event]:
    check_step(state, "extend", context)
    check_contact(state, command.contact)
    assert state.terms is not None
    latest_ms = state.terms.ready_at_ms + min(command.total_ms, HOLD_MAX_MS)
    if command.collect_by_ms > latest_ms:
        days = (latest_ms - state.terms.ready_at_ms) // DAY_MS
        raise Refused("collection.too_long", f"It is kept for {days} days at most.", latest_ms=latest_ms)
    # It is never made shorter: the customer was told.
    if command.collect_by_ms <= state.terms.collect_by_ms:
        return []
    terms = _terms(state.terms.digest, state.terms.ready_at_ms, command, context)
    return [asked(state, "extended", [], context, terms=terms)]


def _hand_over(state: Collection, command: HandOver, context: Context) -> list[Event]:
    if state.stage == "ready" and state.asking is None and not verified(state, context.now_ms):
        raise Refused("collection.not_verified", "Ask for the code first: it is proved for 15 minutes.")
    check_step(state, "collect", context)
    all_, left = units_of(state), need_of(command.left)
    for sku, units in left.items():
        if units > all_.get(sku, 0):
            detail = f"{all_.get(sku, 0)} units of {sku} are in it."
            raise Refused("collection.too_many", detail, sku=sku, units=all_.get(sku, 0))
    parts = []
    for number, part in sorted(state.parts.items()):
        stays = [(sku, min(n, left.get(sku, 0))) for sku, n in part.lines.items()]
        for sku, n in stays:
            left[sku] = left.get(sku, 0) - n
        goes = [(sku, n - stay) for (sku, n), (_, stay) in zip(part.lines.items(), stays, strict=True)]
        if any(part.lines.values()):
            parts.append(PartMove(number, [one for one in goes if one[1]], [one for one in stays if one[1]]))
    return [asked(state, "collected", parts, context)]


def _answered(state: Collection, command: OrderAnswered, context: Context) -> Decision:
    asking = state.asking
    if asking is None or asking.step != command.step:
        return _told(context, [])
    events: list[Event]
    if command.code:
        events = [StepNotTaken(command.step, command.code), *collection_clock.refused(state, command)]
    elif command.over:
        events = [CollectionEnded("cancelled")]
    else:
        left = [LeftToPeople(state.location_id)] if command.stopped else []
        events = [StepTaken(command.step), *left, *_after(state, command.step)]
    decision = _told(context, events)
    if asking.awaited:
        # Only who asked for the step hears why it was refused: whatever comes later is not answered with it.
        final = Answer(
            asking.awaited,
            lambda state, version: status_view(context.entity_id, state, version, context.now_ms, command.code),
        )
        decision.answers.append(final)
    return decision


def _after(state: Collection, step: PickupStep) -> list[Event]:
    asking = state.asking
    assert asking is not None
    if step == "missing":
        missing = need_of(line for move in asking.parts for line in move.lines)
        left = {sku: units - missing.get(sku, 0) for sku, units in units_of(state).items()}
        return [] if any(left.values()) else [CollectionEnded("nothing_found")]
    if step == "given_up":
        return collection_clock.after_given_up(state, asking.parts)
    if step == "ready":
        return notice(state, asking.terms.notices.ready if asking.terms is not None else None)
    if step == "collected":
        return [CollectionEnded("collected" if any(move.lines for move in asking.parts) else "left_behind")]
    if step == "expired":
        told = notice(state, state.terms.notices.expired if state.terms is not None else None)
        return [*told, CollectionEnded("expired")]
    return [CollectionEnded("left_behind")] if step == "left_behind" else []


# --- messages and their answers ------------------------------------------------------------------------------------
def messages(collection_id: str, event: Event) -> Iterable[Message]:
    """The order is asked, the customer is told."""
    if type(event) is OrderAsked:
        terms = event.terms
        asked = MovePickup(
            collection_id, event.step, event.parts, None if terms is None else terms.ready_at_ms,
            None if terms is None else terms.collect_by_ms, 0 if terms is None else terms.contact,
        )  # fmt: skip
        yield Message("order", event.order_id, asked, on_reply=True)
    elif type(event) is NoticeTold:
        one = event.notice
        write = WriteNotice(one.template, event.about, one.sealed_address, one.sealed_content, one.until_ms)
        yield Message("notice", one.notice_id, write)
    elif type(event) is CollectionRedirected:
        for name in event.withdrawn:
            yield Message("notice", name, WithdrawNotice(ahead=True))


_decode_moved = msgspec.json.Decoder(PickupMoved).decode


def on_reply(message: Message, reply: bytes, refused: bool) -> Command:
    """What the order says to the step."""
    asked = message.command
    assert type(asked) is MovePickup
    if refused:
        body = decode_refusal(reply)
        return OrderAnswered(asked.step, code=body.code, turn=body.extra.get("turn"))
    moved = _decode_moved(reply)
    return OrderAnswered(asked.step, moved.over, stopped=moved.stopped)


# --- projections ----------------------------------------------------------------------------------------------------
def rows(state: Collection, version: int, events: Sequence[Event], context: Context) -> list[Row]:
    """Its one row."""
    return [collection_row(context.entity_id, state, version)]


def restore(entity_id: str, stored: StoredRows) -> tuple[Collection, int] | None:
    """The state and version from the stored row."""
    found = stored.get("collections")
    return (restored(found[0].state), found[0].version) if found else None


def as_written(event: Event) -> Event:
    """As the history keeps it: where somebody waited is nobody's any more once the collection is over, nor is where the
    goods did, under whatever name they lay there."""
    match event:
        case CustomerHere():
            return msgspec.structs.replace(event, spot="", sealed_spot=b"", spot_digest="")
        case UnitsLocated():
            return msgspec.structs.replace(event, shelf="")
    return event


COLLECTION = Kind(
    name="collection", commands=Command, events=Event, queries=ViewCollection, decide=decide, evolve=evolve, view=view,
    tables=(CollectionRow,), restore=restore, rows=rows, messages=messages, on_reply=on_reply, due=due, wake=LookAtCollection,
    written=as_written, warns=collection_clock.warns,
)  # fmt: skip
