"""What is known of a transfer, and what may be asked about it. The rules are in `transfer.py`."""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

from actors.domain.errors import Refused
from actors.domain.location_events import Units
from actors.domain.transfer_commands import NotGiven
from actors.domain.transfer_events import ArrivedUnits, Outcome

Stage = Literal["requested", "allocating", "allocated", "picking", "closed", "cancelled", "refused"]
# What people are told: while it is being picked, how far it is on its way.
TransferStatus = Literal[
    "requested", "allocating", "allocated", "picking", "partly_dispatched", "dispatched", "receiving", "closed", "cancelled",
    "refused",
]  # fmt: skip
# `lost`: some of it never arrived; `stayed`: the source could not take it off its books.
PackageStatus = Literal["leaving", "on_the_way", "arrived", "lost", "stayed"]
# Over, whatever it came to.
OVER: frozenset[TransferStatus] = frozenset({"closed", "cancelled", "refused"})


class Line(msgspec.Struct, gc=False):
    """One SKU of it, in base units. leaving: in packages that the source has not yet taken off its books; missing:
    allocated and not found there; damaged: of those received, all that are not sellable."""

    wanted: int
    allocated: int = 0
    leaving: int = 0
    dispatched: int = 0
    missing: int = 0
    released: int = 0
    received: int = 0
    damaged: int = 0
    lost: int = 0
    found: int = 0

    @property
    def to_go(self) -> int:
        """Allocated at the source, and neither left nor leaving."""
        return self.allocated - self.leaving - self.dispatched - self.missing - self.released

    @property
    def in_transit(self) -> int:
        """On the road."""
        return self.dispatched - self.received - self.lost


class Packed(msgspec.Struct, gc=False):
    """Units of one lot in a package. received: in the destination's books; arriving: told to
    it, and not yet answered."""

    sku: str
    quantity: int
    lot: str = ""
    expires_on: int | None = None
    serial: bool = False
    received: int = 0
    arriving: int = 0

    @property
    def open(self) -> int:
        """Still to come."""
        return self.quantity - self.received - self.arriving


class Package(msgspec.Struct):
    """`number`: from 1. Until it has left nobody knows its lots."""

    number: int
    sscc: str
    lines: list[Packed]
    status: PackageStatus = "leaving"


class ForOrder(msgspec.Struct):
    """Whose the units are that arrive. arriving: by receipt that the destination has not answered, what of it is the
    order's; landed: in the destination's books, and the order does not know yet; told: the order
    knows what became of it."""

    order_id: str
    number: int
    arriving: dict[int, list[Units]] = {}
    landed: dict[str, int] = {}
    left: bool = False
    told: bool = False


class Transfer(msgspec.Struct):
    """The state. lines: by SKU. receipts: by number, those that the destination has not answered. revision: of what it
    was told to expect. code: of the last refusal by a location. sending: False once nothing more will leave. late:
    that it is late was told. life_days: see `RequestTransfer`."""

    source_id: str
    destination_id: str
    reference: str
    requested_at_ms: int
    updated_at_ms: int
    lines: dict[str, Line]
    expected_at_ms: int | None = None
    stage: Stage = "requested"
    approval_id: str = ""
    packages: list[Package] = []
    receipts: dict[int, list[ArrivedUnits]] = {}
    next_receipt: int = 1
    revision: int = 0
    sending: bool = True
    late: bool = False
    outcome: Outcome | NotGiven | Literal[""] = ""
    code: str = ""
    for_order: ForOrder | None = None
    life_days: dict[str, int] = {}


class Totals(NamedTuple):
    """Units over all lines."""

    wanted: int
    to_go: int
    leaving: int
    dispatched: int
    received: int
    lost: int
    found: int

    @property
    def in_transit(self) -> int:
        """On the road."""
        return self.dispatched - self.received - self.lost


def totals_of(transfer: Transfer) -> Totals:
    """Over all lines."""
    lines = transfer.lines.values()
    return Totals(
        sum(line.wanted for line in lines), sum(line.to_go for line in lines), sum(line.leaving for line in lines),
        sum(line.dispatched for line in lines), sum(line.received for line in lines), sum(line.lost for line in lines),
        sum(line.found for line in lines),
    )  # fmt: skip


def status_of(transfer: Transfer) -> TransferStatus:
    """How far it is."""
    if transfer.stage != "picking":
        return transfer.stage
    totals = totals_of(transfer)
    if totals.received:
        return "receiving"
    if totals.dispatched or totals.leaving:
        return "partly_dispatched" if totals.to_go else "dispatched"
    return "picking"


def has_left(transfer: Transfer) -> bool:
    """Is anything on its way, or was?"""
    return any(package.status != "stayed" for package in transfer.packages)


def allowed_steps(transfer: Transfer) -> list[str]:
    """What may be done now."""
    if transfer.stage in ("requested", "allocating"):
        return ["cancel"]
    if transfer.stage == "allocated":
        return ["start_picking", "cancel"]
    if transfer.stage == "closed":
        return ["receive"] if transfer.outcome != "nothing_available" else []
    if transfer.stage != "picking":
        return []
    totals, left = totals_of(transfer), has_left(transfer)
    steps = ["short_pick", "dispatch"] if totals.to_go else []
    if not left:
        return [*steps, "cancel"]
    return [*steps, *(["stop_sending"] if totals.to_go else []), "receive", "close"]


# --- queries and answers -------------------------------------------------------------------------------------------
class ViewTransfer(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The query for all of it. `within`: the locations that the rights reach, empty for the whole region."""

    transfer_id: str
    within: list[str] = []


class TransferStatusView(msgspec.Struct, frozen=True, gc=False):
    """The answer to every command. `allowed`: what may be done now; `approval_id`: by which a large one waits for a
    second person, or has waited."""

    transfer_id: str
    version: int
    status: TransferStatus
    outcome: str
    allowed: list[str]
    approval_id: str = ""


class StepPossible(msgspec.Struct, frozen=True, gc=False):
    """The answer to `WantStep`: it could be done now. `location_id`: the source, whose units they are in the books
    until then, by which it is judged who may decide."""

    transfer_id: str
    version: int
    location_id: str


class LineView(msgspec.Struct, frozen=True, gc=False):
    """One SKU: dispatched = received + lost + in_transit; allocated = to_go + leaving + dispatched + missing +
    released; short: wanted, and not to be had at the source. See `Line`."""

    sku: str
    wanted: int
    allocated: int
    short: int
    to_go: int
    leaving: int
    dispatched: int
    in_transit: int
    received: int
    damaged: int
    lost: int
    found: int
    missing: int
    released: int


class PackedView(msgspec.Struct, frozen=True, gc=False):
    """Units of one lot in a package. expires_on: days since 1970-01-01."""

    sku: str
    quantity: int
    received: int
    lot: str
    expires_on: int | None


class PackageView(msgspec.Struct, frozen=True, gc=False):
    """One package."""

    number: int
    sscc: str
    status: PackageStatus
    lines: list[PackedView]


class TransferView(msgspec.Struct, frozen=True, gc=False):
    """All of a transfer. See `Transfer`."""

    transfer_id: str
    version: int
    status: TransferStatus
    outcome: str
    source_id: str
    destination_id: str
    reference: str
    requested_at_ms: int
    updated_at_ms: int
    expected_at_ms: int | None
    late: bool
    approval_id: str
    last_refusal: str
    allowed: list[str]
    lines: list[LineView]
    packages: list[PackageView]


def unknown() -> Refused:
    """There is no such transfer."""
    return Refused("transfer.unknown", "There is no such transfer.")


def check_reach(within: list[str], *places: str) -> None:
    """Raises Refused `transfer.location_forbidden` unless the rights reach one of the places."""
    if within and not set(places).intersection(within):
        raise Refused("transfer.location_forbidden", "Your rights don't reach where this is done.", locations=[*places])


def view(state: Transfer | None, query: ViewTransfer, version: int) -> msgspec.Struct:
    """All of it. Raises Refused `transfer.unknown`, `transfer.location_forbidden`."""
    if state is None:
        raise unknown()
    check_reach(query.within, state.source_id, state.destination_id)
    return TransferView(
        query.transfer_id, version, status_of(state), state.outcome, state.source_id, state.destination_id, state.reference,
        state.requested_at_ms, state.updated_at_ms, state.expected_at_ms, state.late, state.approval_id, state.code,
        allowed_steps(state), [_line(sku, line, state) for sku, line in state.lines.items()],
        [_package(package) for package in state.packages],
    )  # fmt: skip


def _line(sku: str, line: Line, transfer: Transfer) -> LineView:
    short = 0 if transfer.stage in ("requested", "allocating") else line.wanted - line.allocated
    return LineView(
        sku, line.wanted, line.allocated, short, line.to_go, line.leaving, line.dispatched, line.in_transit, line.received,
        line.damaged, line.lost, line.found, line.missing, line.released,
    )  # fmt: skip


def _package(package: Package) -> PackageView:
    lines = [PackedView(one.sku, one.quantity, one.received, one.lot, one.expires_on) for one in package.lines]
    return PackageView(package.number, package.sscc, package.status, lines)


def on_the_road(transfer: Transfer, changes: dict[str, int]) -> list[Units]:
    """Units per SKU that are on the road once these are added."""
    lines = [(sku, line.in_transit + changes.get(sku, 0)) for sku, line in transfer.lines.items()]
    return [(sku, units) for sku, units in lines if units]
