"""A transfer: units that go from a location to another, from when somebody wants them there to when
nothing of it is on the road.

    (unknown) ──request──▶ allocating ──▶ allocated ──start_picking──▶ picking ──dispatch──▶ partly_dispatched ──▶ dispatched ──receive──▶ receiving ──▶ closed
        │                   ▲    │            │                           │
        │ a large one       │    └────────────┴────────── cancel ─────────┴──▶ cancelled          until the first package leaves
        └────▶ requested ───┘ ApproveTransfer
                   │  └────── ApprovalNotGiven ──▶ refused
                   └───────── cancel ──▶ cancelled

A large one waits until somebody else approves it: with its first event it asks an approval of its own (`approval.py`),
which comes back as a command. Then it asks the source for its units (`Allocate`); what the source can't give is short,
and with nothing it closes as `nothing_available`.

Stock is the locations'. By messages that are part of its events the transfer tells the source what is picked short,
ships or stays (`ShortPick`, `Ship`, `Release`, all for "<transfer id>.1"), and the destination what comes (`Expect`)
and what is there (`ReceiveStock`, for "<transfer id>.<receipt>"). It goes on when they answer: a package is on the road
once the source has taken it off its books and said of which lots it is; units have arrived once they are in the books
of the destination. So per SKU

    allocated  = to_go + leaving + dispatched + missing + released     the source has allocated to it: to_go + leaving
    dispatched = received + lost + in_transit                          the destination expects: in_transit
    the destination has received from it: received + found

while no message is under way; and the first two lines at any time. It closes by itself when all that left is received
and nothing more will leave; else somebody closes it and names what is lost. More than was sent is received as found.

    transfer_commands.py  transfer_events.py  transfer_state.py     transfer_sending.py    what leaves the source
    balancing.py          what should be transferred                transfer_receiving.py  what arrives at the destination
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from actors.domain import ids, transfer_for_order, transfer_receiving, transfer_sending
from actors.domain.approval import AskApproval
from actors.domain.errors import Refused, decode_refusal
from actors.domain.kind import Context, Decision, Kind, Message, Row, StoredRows
from actors.domain.location_commands import Allocate, Expect, ReceiptLine, ReceiveStock, Release, Ship, ShortPick
from actors.domain.location_events import Units
from actors.domain.location_promises import Taken
from actors.domain.location_views import Shipped
from actors.domain.rows_of_transfers import TransferRow
from actors.domain.transfer_commands import (
    LINES_MAX,
    ApprovalNotGiven,
    ApproveTransfer,
    CancelTransfer,
    CloseTransfer,
    Command,
    DestinationReceived,
    DispatchPackages,
    LeaveTransfer,
    LookAtTransfer,
    ReceiveUnits,
    RequestTransfer,
    SentUnits,
    SourceAllocated,
    SourceShipped,
    StartPicking,
    StopSending,
    TellMissing,
    WantStep,
)
from actors.domain.transfer_events import (
    Event,
    InTransitChanged,
    LeavingPackage,
    OrderLeft,
    OrderSupplied,
    PackageLeft,
    PackagesDispatched,
    PackageStayed,
    PickingStarted,
    ReceiptBooked,
    ReceiptRefused,
    RestReleased,
    StockAllocated,
    StockAsked,
    StockReturned,
    TransferCancelled,
    TransferClosed,
    TransferLate,
    TransferRefused,
    TransferRequested,
    UnitsArrived,
    UnitsMissing,
)
from actors.domain.transfer_sending import check_moment, check_step, rest_of
from actors.domain.transfer_state import (
    OVER,
    ForOrder,
    Line,
    StepPossible,
    Transfer,
    TransferStatusView,
    ViewTransfer,
    allowed_steps,
    check_reach,
    on_the_road,
    status_of,
    totals_of,
    unknown,
    view,
)

# The number of the one part that a transfer has at its source.
_PART = 1


# --- decide ---------------------------------------------------------------------------------------------------------
def decide(state: Transfer | None, command: Command, context: Context) -> Decision:
    """See the module's docstring for the rules."""
    if type(command) is RequestTransfer:
        return _told(context, _request(state, command, context))
    if state is None:
        raise unknown()
    if type(command) is WantStep:
        _events(state, command.step, context)
        return Decision([], lambda state, version: StepPossible(context.entity_id, version, state.source_id))
    events = _events(state, command, context)
    return _told(context, events if state.for_order is None else transfer_for_order.with_told(state, events))


def _told(context: Context, events: list[Event]) -> Decision:
    return Decision(events, lambda state, version: _status_view(context.entity_id, state, version))


def _status_view(transfer_id: str, state: Transfer, version: int) -> TransferStatusView:
    return TransferStatusView(
        transfer_id, version, status_of(state), state.outcome, allowed_steps(state), state.approval_id
    )  # fmt: skip


def _events(transfer: Transfer, command: Command, context: Context) -> list[Event]:
    match command:
        case StartPicking():
            check_reach(command.within, transfer.source_id)
            check_step(transfer, "start_picking", context)
            return [PickingStarted()]
        case TellMissing():
            return transfer_sending.tell_missing(transfer, command, context)
        case DispatchPackages():
            return transfer_sending.dispatch(transfer, command, context)
        case StopSending():
            return transfer_sending.stop_sending(transfer, command, context)
        case ReceiveUnits():
            return transfer_receiving.receive(transfer, command, context)
        case CloseTransfer():
            return transfer_receiving.close(transfer, command, context)
        case CancelTransfer():
            return _cancel(transfer, command, context)
        case LookAtTransfer():
            return _look_at(transfer, context)
        case LeaveTransfer():
            return _leave(transfer, context)
    return _answered(transfer, command, context)


def _answered(transfer: Transfer, command: Command, context: Context) -> list[Event]:
    """What comes from other entities. Only an approval may be refused: it tells who gave it."""
    match command:
        case ApproveTransfer():
            if transfer.stage != "requested":
                raise Refused("transfer.not_waiting", "The transfer does not wait for an approval any more.")
            lines = [(sku, line.wanted) for sku, line in transfer.lines.items()]
            life = transfer_for_order.life_on_the_road(transfer.life_days, transfer.expected_at_ms, context)
            return [StockAsked(transfer.source_id, lines, command.cause, life)]
        case ApprovalNotGiven():
            return [TransferRefused(command.outcome)] if transfer.stage == "requested" else []
        case SourceAllocated():
            return _allocated(transfer, command)
        case SourceShipped():
            return transfer_sending.shipped(transfer, command)
    assert type(command) is DestinationReceived
    return transfer_receiving.answered(transfer, command)


def _request(state: Transfer | None, command: RequestTransfer, context: Context) -> list[Event]:
    if state is not None:
        raise Refused("transfer.exists", f"Transfer {context.entity_id} exists already.")
    if command.source_id == command.destination_id:
        raise Refused("transfer.same_location", "A transfer goes from a location to another.")
    check_reach(command.within, command.source_id, command.destination_id)
    check_moment(command.expected_at_ms, context)
    _check_lines(command.lines)
    requested = TransferRequested(
        command.source_id, command.destination_id, command.lines, command.reference, command.expected_at_ms,
        command.approval_ms, command.asked_by if command.approval_ms else "", command.for_order, command.life_days or {},
    )  # fmt: skip
    if command.approval_ms:
        return [requested]
    life = transfer_for_order.life_on_the_road(requested.life_days, command.expected_at_ms, context)
    return [requested, StockAsked(command.source_id, command.lines, life_days=life)]


def _check_lines(lines: Sequence[Units]) -> None:
    if not 0 < len(lines) <= LINES_MAX:
        raise Refused("transfer.lines_number", f"A transfer has 1 to {LINES_MAX} lines.", lines_max=LINES_MAX)
    named = set[str]()
    for sku, _ in lines:
        if sku in named:
            raise Refused("transfer.sku_repeated", f"{sku} is named twice.", sku=sku)
        named.add(sku)


def _allocated(transfer: Transfer, command: SourceAllocated) -> list[Event]:
    if transfer.stage != "allocating":
        return [StockReturned(transfer.source_id, command.lines)] if command.lines else []
    allocated = StockAllocated(command.lines, command.code)
    return [allocated] if command.lines else [allocated, TransferClosed("nothing_available")]


def _cancel(transfer: Transfer, command: CancelTransfer, context: Context) -> list[Event]:
    check_reach(command.within, transfer.source_id, transfer.destination_id)
    check_step(transfer, "cancel", context)
    rest = rest_of(transfer)
    return [*([RestReleased(transfer.source_id, rest)] if rest else []), TransferCancelled()]


def _leave(transfer: Transfer, context: Context) -> list[Event]:
    if "cancel" in allowed_steps(transfer):
        return _cancel(transfer, CancelTransfer(), context)
    gone = status_of(transfer) in OVER or transfer.for_order is None or transfer.for_order.left
    if gone:
        return []
    road = on_the_road(transfer, {})
    return [OrderLeft(), *([transfer_sending.in_transit(transfer, {}, left=True)] if road else [])]


def _look_at(transfer: Transfer, context: Context) -> list[Event]:
    due_ms = due(transfer)
    if due_ms is None or context.now_ms < due_ms:
        return []
    totals = totals_of(transfer)
    return [TransferLate(due_ms, totals.in_transit, totals.to_go + totals.leaving)]


def due(transfer: Transfer) -> int | None:
    """When the transfer is late (UTC ms); None when that was told, is not known, or does not matter (yet)."""
    waiting = transfer.stage in ("allocating", "allocated", "picking")
    return transfer.expected_at_ms if waiting and not transfer.late else None


# --- evolve ---------------------------------------------------------------------------------------------------------
def evolve(state: Transfer | None, event: Event, context: Context) -> Transfer:
    """The next state; takes over `state`."""
    if type(event) is TransferRequested:
        lines = {sku: Line(units) for sku, units in event.lines}
        return Transfer(
            event.source_id, event.destination_id, event.reference, context.now_ms, context.now_ms, lines, event.expected_at_ms,
            approval_id=ids.approval_of(context.entity_id) if event.approval_ms else "",
            for_order=None if event.for_order is None else ForOrder(*event.for_order), life_days=event.life_days,
        )  # fmt: skip
    assert state is not None
    state.updated_at_ms = context.now_ms
    if state.for_order is not None:
        transfer_for_order.noted(state.for_order, event)
    match event:
        case StockAsked():
            state.stage = "allocating"
        case StockAllocated():
            state.stage, state.code = "allocated", event.code
            for sku, units in event.lines:
                state.lines[sku].allocated = units
        case PickingStarted():
            state.stage = "picking"
        case UnitsMissing():
            for sku, units in event.lines:
                state.lines[sku].missing += units
        case TransferRefused():
            state.stage, state.outcome = "refused", event.outcome
        case TransferCancelled():
            state.stage, state.sending = "cancelled", False
        case TransferLate():
            state.late = True
        case _:
            _on_its_way(state, event)
    return state


def _on_its_way(state: Transfer, event: Event) -> None:
    match event:
        case PackagesDispatched():
            transfer_sending.dispatched(state, event)
        case PackageLeft():
            transfer_sending.left(state, event)
        case PackageStayed():
            transfer_sending.stayed(state, event)
        case RestReleased():
            transfer_sending.released(state, event)
        case InTransitChanged():
            state.revision = event.revision
        case UnitsArrived():
            transfer_receiving.arrived(state, event)
        case ReceiptBooked():
            transfer_receiving.booked(state, event)
        case ReceiptRefused():
            transfer_receiving.not_booked(state, event)
        case TransferClosed():
            transfer_receiving.closed(state, event)
        case _:
            # The units of a `StockReturned` were never the transfer's.
            assert type(event) in (StockReturned, OrderLeft, OrderSupplied)


# --- messages and their answers ------------------------------------------------------------------------------------
def messages(transfer_id: str, event: Event) -> Iterable[Message]:
    """See the module's docstring."""
    match event:
        case TransferRequested():
            if event.approval_ms:
                yield _approval_asked(transfer_id, event)
        case StockAsked():
            allocate = Allocate(transfer_id, _PART, event.lines, life_days=event.life_days)
            yield Message("location", event.source_id, allocate, on_reply=True)
        case RestReleased() | StockReturned():
            yield Message("location", event.source_id, Release(transfer_id, _PART, event.lines))
        case UnitsMissing():
            yield Message(
                "location", event.source_id, ShortPick(transfer_id, _PART, event.lines, [], event.approval_id)
            )
        case PackagesDispatched():
            for package in event.packages:
                yield Message("location", event.source_id, _ship(transfer_id, package), on_reply=True)
        case InTransitChanged():
            expect = Expect(transfer_id, "transfer", event.revision, event.expected_at_ms, event.lines)
            yield Message("location", event.destination_id, expect)
        case UnitsArrived():
            yield Message("location", event.destination_id, _receipt(transfer_id, event), on_reply=True)
        case OrderSupplied():
            yield transfer_for_order.message(event)
        case _:
            pass


def _approval_asked(transfer_id: str, event: TransferRequested) -> Message:
    wanted = ApproveTransfer(event.source_id, event.destination_id, event.lines)
    asked = AskApproval(event.source_id, transfer_id, wanted, event.asked_by, event.approval_ms)
    return Message("approval", ids.approval_of(transfer_id), asked)


def _ship(transfer_id: str, package: LeavingPackage) -> Ship:
    return Ship(transfer_id, _PART, package.lines, package.number)


def _receipt(transfer_id: str, event: UnitsArrived) -> ReceiveStock:
    lines = [
        ReceiptLine(one.sku, one.quantity, None, one.lot, one.expires_on, one.condition, one.bin, one.serial)
        for one in event.lines
    ]
    allot = transfer_for_order.allot(event) if event.for_order else None
    return ReceiveStock(lines, event.reference, f"{transfer_id}.{event.receipt}", allot)


_decode_taken = msgspec.json.Decoder(Taken).decode
_decode_shipped = msgspec.json.Decoder(Shipped).decode


def on_reply(message: Message, reply: bytes, refused: bool) -> Command:
    """What a location says to what it was asked."""
    command, code = message.command, decode_refusal(reply).code if refused else ""
    if type(command) is Allocate:
        return SourceAllocated([] if refused else _decode_taken(reply).lines, code)
    if type(command) is Ship:
        return SourceShipped(command.package, [] if refused else _sent(command, _decode_shipped(reply)), code)
    assert type(command) is ReceiveStock
    return DestinationReceived(int(command.cause.rpartition(".")[2]), code)


def _sent(command: Ship, shipped: Shipped) -> list[SentUnits]:
    by_lot = {one.sku for one in shipped.lots}
    plain = [SentUnits(sku, units) for sku, units in command.lines if sku not in by_lot]
    return [*plain, *(SentUnits(one.sku, one.units, one.lot, one.expires_on, one.serial) for one in shipped.lots)]


# --- projections ----------------------------------------------------------------------------------------------------
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Transfer).decode


def rows(state: Transfer, version: int, events: Sequence[Event], context: Context) -> list[Row]:
    """The transfer's one row."""
    totals, status = totals_of(state), status_of(state)
    return [
        TransferRow(
            context.entity_id, version, status, state.outcome, state.source_id, state.destination_id, state.reference,
            len(state.lines), totals.wanted, totals.dispatched, totals.received, totals.lost, state.late,
            state.requested_at_ms, state.expected_at_ms, status in OVER, due(state), _encode(state),
        )
    ]  # fmt: skip


def restore(entity_id: str, stored: StoredRows) -> tuple[Transfer, int] | None:
    """The state and version from the stored row."""
    found = stored.get("transfers")
    return (_decode(found[0].state), found[0].version) if found else None


TRANSFER = Kind(
    name="transfer", commands=Command, events=Event, queries=ViewTransfer, decide=decide, evolve=evolve, view=view,
    tables=(TransferRow,), restore=restore, rows=rows, messages=messages, on_reply=on_reply, due=due, wake=LookAtTransfer,
)  # fmt: skip
