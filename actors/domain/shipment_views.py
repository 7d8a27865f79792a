"""What may be asked about a shipment, and what is answered: who it goes to stands in none of it. The
rules are in `shipment.py`."""

from __future__ import annotations

from typing import Annotated

import msgspec

from actors.domain.location_events import Units
from actors.domain.personal_notes import ORDER_COUNTRY, PACKING_NOTE, SEALED_PAPER
from actors.domain.shipment_commands import Declared, Proposed, Sides
from actors.domain.shipment_state import (
    Content,
    Label,
    Parcel,
    Shipment,
    allowed_steps,
    check_reach,
    is_over,
    left_of,
    lines_of,
    parcel_of,
    status_of,
    unknown,
)


# --- queries --------------------------------------------------------------------------------------------------------
class ViewShipment(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The query for all of it. `within`: the locations that the rights reach, empty for the whole region. papers: with
    what is sealed, for who prints: never leaves the cell."""

    shipment_id: str
    within: list[str] = []
    papers: bool = False


# --- answers --------------------------------------------------------------------------------------------------------
class ShipmentStep(msgspec.Struct, frozen=True, gc=False):
    """The answer to most commands. parcel, sscc: of the one that it was about, 0 and "" for none; left: what is still
    to be packed, below 0: to be taken out.
    last_refusal: why the order or the location did not do what it was asked."""

    shipment_id: str
    version: int
    status: str
    parcel: int
    sscc: str
    left: list[Units]
    last_refusal: str
    allowed: list[str]


class LabelTicket(msgspec.Struct, frozen=True, gc=False):
    """The answer to `AskLabel` and `AskVoid`: which carrier to ask, and under which key. What it is asked stands in the
    label (`papers`), and not here: answers are remembered, in the history too. asked_at_ms: when it was first (UTC
    ms), 0 when nobody knows."""

    shipment_id: str
    version: int
    parcel: int
    status: str
    key: str
    carrier: str
    tracking: str
    code: str
    asked_at_ms: int = 0


class LabelView(msgspec.Struct, frozen=True, gc=False):
    """A label. amount: what was paid, minor units; request, document: sealed, only for who prints; asked_at_ms: as
    `LabelTicket`'s; filed: its paper has a row; declared: so, to customs, only for who prints."""

    key: str
    carrier: str
    service: str
    label_format: str
    status: str
    tracking: str
    amount: int
    currency: str
    code: str
    request: Annotated[bytes, SEALED_PAPER] = b""
    document: Annotated[bytes, SEALED_PAPER] = b""
    asked_at_ms: int = 0
    filed: bool = False
    declared: Declared | None = None


class ParcelView(msgspec.Struct, frozen=True, gc=False):
    """A parcel. See `shipment_state.Parcel`."""

    number: int
    carton: str
    sides_mm: Sides
    tare_g: int
    sscc: str
    contents: list[Content]
    closed: bool
    weight_g: int
    expected_g: int
    despite: bool
    place: str
    handed_over_ms: int | None
    code: str
    label: LabelView | None


class ShipmentView(msgspec.Struct, frozen=True, gc=False):
    """All of a shipment. See `shipment_state.Shipment`."""

    shipment_id: str
    version: int
    status: str
    location_id: str
    order_id: str
    number: int
    reason: str
    note: Annotated[str, PACKING_NOTE]
    country: Annotated[str, ORDER_COUNTRY]
    opened_at_ms: int
    updated_at_ms: int
    over: bool
    why: str
    last_refusal: str
    allowed: list[str]
    lines: list[Units]
    left: list[Units]
    missing: list[Units]
    proposal: list[Proposed]
    parcels: list[ParcelView]
    orphans: list[tuple[str, str]]
    ship_to: Annotated[bytes, SEALED_PAPER] = b""
    filed: bool = False
    sealed_note: Annotated[bytes, PACKING_NOTE] = b""


def step_view(shipment_id: str, version: int, state: Shipment, number: int) -> ShipmentStep:
    """How far it is now."""
    sscc = next((one.sscc for one in state.parcels if one.number == number), "")
    return ShipmentStep(
        shipment_id, version, status_of(state), number, sscc, sorted(left_of(state).items()), state.code, allowed_steps(state)
    )  # fmt: skip


def label_ticket(shipment_id: str, version: int, state: Shipment, number: int) -> LabelTicket:
    """What to ask the carrier."""
    label = parcel_of(state, number).label
    assert label is not None
    return LabelTicket(
        shipment_id,
        version,
        number,
        label.status,
        label.key,
        label.carrier,
        label.tracking,
        label.code,
        label.asked_at_ms,
    )


def view(state: Shipment | None, query: ViewShipment, version: int) -> msgspec.Struct:
    """Raises Refused `shipment.unknown`, `shipment.location_forbidden`."""
    if state is None:
        raise unknown()
    check_reach(query.within, state.location_id)
    # One that was over before its note was dropped with that, has it yet.
    note, sealed_note = ("", b"") if is_over(state) else (state.note, state.sealed_note)
    return ShipmentView(
        query.shipment_id, version, status_of(state), state.location_id, state.order_id, state.number, state.reason, note,
        state.country, state.opened_at_ms, state.updated_at_ms, is_over(state), state.why, state.code, allowed_steps(state),
        lines_of(state), sorted(left_of(state).items()), state.missing, state.proposal,
        [_parcel(one, papers=query.papers) for one in state.parcels], state.orphans, state.ship_to if query.papers else b"", state.filed,
        sealed_note,
    )  # fmt: skip


def _parcel(parcel: Parcel, *, papers: bool) -> ParcelView:
    label = None if parcel.label is None else _label(parcel.label, papers=papers)
    return ParcelView(
        parcel.number, parcel.carton, parcel.sides_mm, parcel.tare_g, parcel.sscc, parcel.contents, parcel.closed, parcel.weight_g,
        parcel.expected_g, parcel.despite, parcel.place, parcel.handed_over_ms, parcel.code, label,
    )  # fmt: skip


def _label(label: Label, *, papers: bool) -> LabelView:
    return LabelView(
        label.key, label.carrier, label.service, label.label_format, label.status, label.tracking, label.amount, label.currency,
        label.code, label.request if papers else b"", label.document if papers else b"", label.asked_at_ms, label.filed,
        label.declared if papers else None,
    )  # fmt: skip
