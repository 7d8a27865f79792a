"""An inbound: goods that a supplier has announced to a location (by purchase order or ASN), and what came of them.

    (unknown) ──announce──▶ announced ──receive──▶ receiving ─┬─ all is in ────────────────────────▶ closed
                              │  ▲ change            │  ▲      └─ close, with all shortages named ───▶
                              │  └─ the location     └──┴ change, receive
                              │     took nothing
                              └──cancel──▶ cancelled

Stock is the location's. By messages that are part of its events the inbound tells it what to expect (`Expect`, each
time all that remains) and what is there (`ReceiveStock`, for "<inbound id>.<receipt>"). A receipt counts once the
location has it in its books; the answer to `ReceiveGoods` is provisional until then. What the location refuses (rules
of lots, bins that are full) has not come: its units remain, and its packages may be received
again. So per announced SKU

    announced = remaining + arriving + received - over      arriving: told to the location, and not answered
    the location expects: remaining                         and has received from it: received

once no message is under way; the first line at any time, except that arriving units may be more than remain: then
nothing remains. More than was announced, and what was not announced at all, is taken only when it is said so. A package
is received once, by its SSCC (GS1 General Specifications, 3.2): as announced, or with what was really in it. What
differs is told when it closes: under, over, unexpected, damaged. After that nothing is received of
it any more. Times: UTC ms.

    inbound_commands.py   inbound_events.py   inbound_state.py   inbound_views.py
    inbound_announcing.py what is announced, and changed of it   inbound_receiving.py   what comes
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from actors.domain import inbound_announcing, inbound_receiving
from actors.domain.errors import Refused, decode_refusal
from actors.domain.inbound_commands import (
    AnnounceInbound,
    CancelInbound,
    ChangeInbound,
    CloseInbound,
    Command,
    LocationAnswered,
    ReceiveGoods,
)
from actors.domain.inbound_events import (
    Event,
    ExpectationChanged,
    GoodsReceived,
    InboundAnnounced,
    InboundCancelled,
    InboundChanged,
    InboundClosed,
    ReceiptBooked,
    ReceiptRefused,
)
from actors.domain.inbound_state import (
    Inbound,
    Line,
    Package,
    Receipt,
    announce,
    arrive,
    book,
    check_reach,
    closed,
    copied,
    remaining_of,
    status_of,
    take_back,
    unknown,
)
from actors.domain.inbound_views import ViewInbound, receipt_answer, status_view, view
from actors.domain.kind import Answer, Context, Decision, Kind, Message, Row, StoredRows
from actors.domain.location_commands import Expect, ReceiveStock
from actors.domain.rows_of_inbounds import InboundRow


# --- decide ---------------------------------------------------------------------------------------------------------
def decide(state: Inbound | None, command: Command, context: Context) -> Decision:
    """See the module's docstring. Raises Refused `inbound.…`, `barcode.…`."""
    if type(command) is AnnounceInbound:
        return _told(context, _announce(state, command, context))
    if state is None:
        raise unknown()
    match command:
        case ReceiveGoods():
            return _receive(state, command, context)
        case LocationAnswered():
            return _answered(state, command, context)
        case ChangeInbound():
            return _told(context, _change(state, command, context))
        case CloseInbound():
            return _told(context, _close(state, command))
    assert type(command) is CancelInbound
    return _told(context, _cancel(state, command))


def _told(context: Context, events: list[Event]) -> Decision:
    return Decision(events, lambda state, version: status_view(context.entity_id, state, version))


def _announce(state: Inbound | None, command: AnnounceInbound, context: Context) -> list[Event]:
    if state is not None:
        raise Refused("inbound.exists", f"Inbound {context.entity_id} exists already.")
    check_reach(command.within, command.location_id)
    event = inbound_announcing.announced(command, context)
    lines = [(line.sku, line.units) for line in command.lines]
    return [event, ExpectationChanged(command.location_id, 1, command.expected_at_ms, lines)]


def _change(inbound: Inbound, command: ChangeInbound, context: Context) -> list[Event]:
    _check_open(inbound, command.within)
    if command.expected_at_ms is None and command.packages is None and not command.lines and not command.removed:
        raise Refused("inbound.nothing_named", "Name what changes.")
    event, lines = inbound_announcing.changed(inbound, command, context)
    expected = _expected(inbound, lines, event.expected_at_ms)
    return [event, expected, *_all_in(inbound, lines)]


def _check_open(inbound: Inbound, within: list[str]) -> None:
    check_reach(within, inbound.location_id)
    if inbound.ended:
        detail = f"The inbound is {inbound.ended}. What comes after that is received at the location itself."
        raise Refused(f"inbound.{inbound.ended}", detail, outcome=inbound.outcome)


def _expected(inbound: Inbound, lines: Mapping[str, Line], expected_at_ms: int) -> ExpectationChanged:
    return ExpectationChanged(inbound.location_id, inbound.revision + 1, expected_at_ms, remaining_of(lines))


def _nothing_more(inbound: Inbound) -> ExpectationChanged:
    return ExpectationChanged(inbound.location_id, inbound.revision + 1, inbound.expected_at_ms, [])


def _all_in(inbound: Inbound, lines: Mapping[str, Line], answered: int = 0) -> list[Event]:
    """It closes by itself once nothing remains and the location has answered all; `answered`: the receipt
    that it has just answered."""
    waits = any(one.status == "booking" and number != answered for number, one in inbound.receipts.items())
    if waits or any(line.remaining for line in lines.values()) or not any(line.received for line in lines.values()):
        return []
    return [closed(lines)]


def _receive(inbound: Inbound, command: ReceiveGoods, context: Context) -> Decision:
    _check_open(inbound, command.within)
    event = inbound_receiving.received(inbound, command, context)
    lines = copied(inbound.lines)
    arrive(lines, event.lines)
    events: list[Event] = [event, _expected(inbound, lines, inbound.expected_at_ms)]
    return Decision(events, _answer_of(context, event.receipt).reply, provisional=True)


def _answer_of(context: Context, receipt: int, awaited: str = "") -> Answer:
    return Answer(awaited, lambda state, version: receipt_answer(context.entity_id, state, version, receipt))


def _answered(inbound: Inbound, command: LocationAnswered, context: Context) -> Decision:
    receipt = inbound.receipts.get(command.receipt)
    if receipt is None or receipt.status != "booking":
        return _told(context, [])
    lines, events = copied(inbound.lines), list[Event]()
    if command.code:
        take_back(lines, receipt.lines)
        events.append(ReceiptRefused(command.receipt, command.code, command.detail))
        events.append(_expected(inbound, lines, inbound.expected_at_ms))
    else:
        book(lines, receipt.lines)
        events.append(ReceiptBooked(command.receipt))
    # Also when it is refused: what was waited for may have been more than remained.
    events += _all_in(inbound, lines, command.receipt)
    decision = _told(context, events)
    decision.answers.append(_answer_of(context, command.receipt, receipt.awaited))
    return decision


def _close(inbound: Inbound, command: CloseInbound) -> list[Event]:
    _check_open(inbound, command.within)
    _check_books(inbound)
    if status_of(inbound) == "announced":
        raise Refused("inbound.nothing_came", "Nothing of it has come: cancel it.")
    missing, named = remaining_of(inbound.lines), dict[str, int]()
    for sku, units in command.shortages:
        named[sku] = named.get(sku, 0) + units
    if named != dict(missing):
        detail = "Name as shortages just what has not come: all of it, and nothing else."
        raise Refused("inbound.shortages_differ", detail, remaining=dict(missing[:50]))
    return [closed(inbound.lines), *([_nothing_more(inbound)] if missing else [])]


def _check_books(inbound: Inbound) -> None:
    if inbound.waits:
        raise Refused("inbound.books_open", "The location has a receipt to write down yet: try again.")


def _cancel(inbound: Inbound, command: CancelInbound) -> list[Event]:
    _check_open(inbound, command.within)
    _check_books(inbound)
    if status_of(inbound) != "announced":
        raise Refused("inbound.goods_came", "Goods of it have come: close it, and name what has not.")
    return [InboundCancelled(), _nothing_more(inbound)]


# --- evolve ---------------------------------------------------------------------------------------------------------
def evolve(state: Inbound | None, event: Event, context: Context) -> Inbound:
    """The next state; takes over `state`."""
    if type(event) is InboundAnnounced:
        state = Inbound(
            event.location_id, event.supplier_ref, event.purchase_ref, event.asn_ref, event.tolerance_percent, context.now_ms,
            context.now_ms, event.expected_at_ms, {}, {package.sscc: Package(package.lines) for package in event.packages},
        )  # fmt: skip
        announce(state.lines, event.lines)
        return state
    assert state is not None
    state.updated_at_ms = context.now_ms
    match event:
        case InboundChanged():
            _changed(state, event)
        case ExpectationChanged():
            state.revision = event.revision
        case GoodsReceived():
            _arrived(state, event, context)
        case ReceiptBooked():
            receipt = _settled(state, event.receipt, "booked")
            receipt.over = book(state.lines, receipt.lines)
        case ReceiptRefused():
            _refused(state, event)
        case InboundClosed():
            state.ended, state.outcome, state.discrepancies = "closed", event.outcome, event.discrepancies
        case InboundCancelled():
            state.ended = "cancelled"
    return state


def _changed(state: Inbound, event: InboundChanged) -> None:
    state.expected_at_ms = event.expected_at_ms
    announce(state.lines, event.lines, event.removed)
    if event.packages is not None:
        came = {sscc: package for sscc, package in state.packages.items() if package.receipt}
        state.packages = came | {package.sscc: Package(package.lines) for package in event.packages}


def _arrived(state: Inbound, event: GoodsReceived, context: Context) -> None:
    state.next_receipt = event.receipt + 1
    state.receipts[event.receipt] = Receipt(context.now_ms, event.reference, event.packages, event.lines, event.awaited)
    arrive(state.lines, event.lines)
    for sscc in event.packages:
        state.packages[sscc].receipt, state.packages[sscc].status = event.receipt, "booking"


def _settled(state: Inbound, number: int, status: Literal["booked", "refused"]) -> Receipt:
    receipt = state.receipts[number]
    receipt.status, receipt.awaited = status, ""
    for sscc in receipt.packages:
        package = state.packages[sscc]
        package.status = "received" if status == "booked" else "announced"
        package.receipt = number if status == "booked" else 0
    return receipt


def _refused(state: Inbound, event: ReceiptRefused) -> None:
    receipt = _settled(state, event.receipt, "refused")
    take_back(state.lines, receipt.lines)
    receipt.code, receipt.detail, receipt.lines = event.code, event.detail, []
    inbound_receiving.forget_refused(state.receipts)


# --- messages and their answers ------------------------------------------------------------------------------------
def messages(inbound_id: str, event: Event) -> Iterable[Message]:
    """See the module's docstring."""
    match event:
        case ExpectationChanged():
            expect = Expect(inbound_id, "purchase", event.revision, event.expected_at_ms, event.lines)
            yield Message("location", event.location_id, expect)
        case GoodsReceived():
            lines = [line for one in event.lines for line in inbound_receiving.receipt_lines(one, one.value)]
            receive = ReceiveStock(lines, event.reference, f"{inbound_id}.{event.receipt}")
            yield Message("location", event.location_id, receive, on_reply=True)
        case _:
            pass


def on_reply(message: Message, reply: bytes, refused: bool) -> Command:
    """What the location says to a receipt."""
    sent = message.command
    assert type(sent) is ReceiveStock
    receipt = int(sent.cause.rpartition(".")[2])
    if not refused:
        return LocationAnswered(receipt)
    body = decode_refusal(reply)
    return LocationAnswered(receipt, body.code, body.detail)


# --- projections ----------------------------------------------------------------------------------------------------
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Inbound).decode


def rows(state: Inbound, version: int, events: Sequence[Event], context: Context) -> list[Row]:
    """The inbound's one row."""
    lines = state.lines.values()
    return [
        InboundRow(
            context.entity_id, version, status_of(state), state.outcome, state.location_id, state.supplier_ref, state.purchase_ref,
            state.asn_ref, sum(1 for line in lines if line.number), len(state.packages), sum(line.units for line in lines),
            sum(line.received for line in lines), 0 if state.ended else sum(line.remaining for line in lines), state.announced_at_ms, state.expected_at_ms,
            bool(state.ended), _encode(state),
        )
    ]  # fmt: skip


def restore(entity_id: str, stored: StoredRows) -> tuple[Inbound, int] | None:
    """The state and version from the stored row."""
    found = stored.get("inbounds")
    return (_decode(found[0].state), found[0].version) if found else None


INBOUND = Kind(
    name="inbound", commands=Command, events=Event, queries=ViewInbound, decide=decide, evolve=evolve, view=view,
    tables=(InboundRow,), restore=restore, rows=rows, messages=messages, on_reply=on_reply,
)  # fmt: skip
