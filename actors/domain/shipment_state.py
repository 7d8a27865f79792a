"""What is known of a shipment, and what it adds up to. The rules are in `shipment.py`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec

from actors.domain.allocation import need_of
from actors.domain.errors import Refused
from actors.domain.location_events import Units
from actors.domain.personal_notes import ORDER_COUNTRY, ORDER_OWNER, PACKING_NOTE, PAPER_DIGEST, SEALED_PAPER, TRACKING
from actors.domain.shipment_commands import Declared, Known, LabelFormat, LotUnits, ManualReason, Proposed, Sides
from actors.domain.shipment_events import Outcome

Stage = Literal["allocating", "packing", "settling", "packed", "leaving", "shipped", "unpacking", "ended"]
# `kept`: given back, and the carrier would not have it.
LabelStatus = Literal["asked", "refused", "bought", "voiding", "voided", "kept"]
# Where it is on its way out: with the dock asked whether it takes it, waiting there, free to leave, with the carrier.
Place = Literal["", "asked", "waiting", "cleared", "handed_over"]
PARCELS_MAX = 300
# SKUs and lots in all parcels together: it is all kept in one state.
CONTENTS_MAX = 5_000
# Of labels' documents that are kept, in all parcels together; larger ones the carrier tells again.
DOCUMENTS_BYTES_MAX = 2_000_000
ORPHANS_MAX = 20
# Of what a refusal names.
SHOWN_MAX = 20
# What is noted of a carrier that could not be reached.
UNAVAILABLE = "carrier.unavailable"


class Content(msgspec.Struct, array_like=True, gc=False):
    """Units of a lot in a parcel."""

    sku: str
    lot: str
    units: int


class Label(msgspec.Struct):
    """One that the carrier was asked for under `key`, at `asked_at_ms` first (UTC ms; 0: nobody knows). code: of its
    last refusal, to sell or to take it back. filed: its paper has a row (`shipment_papers.py`). digest: keyed, of the
    request; declared: how it was declared to customs; unheard: tries under the key of which nobody knows what came (one
    from before they were counted: one)."""

    key: str
    carrier: str
    service: str
    label_format: LabelFormat
    request: Annotated[bytes, SEALED_PAPER]
    dock: str
    status: LabelStatus = "asked"
    tracking: Annotated[str, TRACKING] = ""
    document: Annotated[bytes, SEALED_PAPER] = b""
    amount: int = 0
    currency: str = ""
    code: str = ""
    asked_at_ms: int = 0
    filed: bool = False
    digest: Annotated[str, PAPER_DIGEST] = ""
    declared: Declared | None = None
    unheard: int = 1


class Parcel(msgspec.Struct):
    """A carton. labels: how many were asked for. answer: a command that waits for one (its number, or that it is off
    the dock). code: why it has no number, or why the dock did not take it or stopped it."""

    number: int
    carton: str
    sides_mm: Sides
    tare_g: int
    weight_max_g: int
    sscc: str = ""
    contents: list[Content] = []
    closed: bool = False
    weight_g: int = 0
    expected_g: int = 0
    despite: bool = False
    label: Label | None = None
    labels: int = 0
    place: Place = ""
    handed_over_ms: int | None = None
    answer: str = ""
    code: str = ""


class Shipment(msgspec.Struct):
    """The state. order_id "": a manual one, whose units are allocated to "<its id>.1". wanted: by SKU, what is to be
    packed. missing: what is being told as missing; asking: that, or what the order holds, is not answered;
    missing_lots: which lots of it, as far as that is known. reopened: it was packed before; outside: what was taken out
    of parcels since others have left.
    clearing: (parcel, dock) that wait for the order's answer. answer: the command that waits for the stock, the missing
    or the order. why: it was stopped.
    note, sealed_note: of a manual one, for who packs, in a cell without keys and in one with them.
    person: keyed digest of whom a manual one is for; filed: its address has a row; filing: papers (parcels, 0 for the
    address) that get their rows with the event that ends it (`shipment_papers.py`)."""

    location_id: str
    order_id: str
    number: int
    series: str
    opened_at_ms: int
    updated_at_ms: int
    wanted: dict[str, int]
    known: Known
    proposal: list[Proposed]
    stage: Stage = "packing"
    reason: ManualReason | Literal[""] = ""
    note: Annotated[str, PACKING_NOTE] = ""
    country: Annotated[str, ORDER_COUNTRY] = ""
    ship_to: Annotated[bytes, SEALED_PAPER] = b""
    parcels: list[Parcel] = []
    next_parcel: int = 1
    missing: list[Units] = []
    clearing: list[tuple[int, str]] = []
    answer: str = ""
    orphans: list[tuple[str, str]] = []
    why: str = ""
    code: str = ""
    outcome: Outcome = ""
    person: Annotated[str, ORDER_OWNER] = ""
    filed: bool = False
    filing: list[int] = []
    asking: bool = False
    reopened: bool = False
    missing_lots: list[LotUnits] = []
    outside: list[Content] = []
    sealed_note: Annotated[bytes, PACKING_NOTE] = b""

    @property
    def telling(self) -> bool:
        """Is what was told as missing, or asked, not answered?"""
        return self.asking or bool(self.missing)

    @property
    def manual(self) -> bool:
        """Without an order."""
        return not self.order_id


def unknown() -> Refused:
    """There is no such shipment."""
    return Refused("shipment.unknown", "There is no such shipment.")


def check_reach(within: list[str], location_id: str) -> None:
    """Raises Refused `shipment.location_forbidden` unless the rights reach the place."""
    if within and location_id not in within:
        raise Refused(
            "shipment.location_forbidden", "Your rights don't reach where this is packed.", location_id=location_id
        )


def find_parcel(shipment: Shipment, number: int) -> Parcel | None:
    """None when there is none."""
    return next((parcel for parcel in shipment.parcels if parcel.number == number), None)


def parcel_of(shipment: Shipment, number: int) -> Parcel:
    """Raises Refused `shipment.parcel_unknown`."""
    found = find_parcel(shipment, number)
    if found is not None:
        return found
    known = [parcel.number for parcel in shipment.parcels]
    raise Refused("shipment.parcel_unknown", f"There is no parcel {number}.", parcels=known[:20])


def packed_of(shipment: Shipment) -> dict[str, int]:
    """Units per SKU in all parcels."""
    return need_of((content.sku, content.units) for parcel in shipment.parcels for content in parcel.contents)


def left_of(shipment: Shipment) -> dict[str, int]:
    """Units per SKU that are still to be packed; below 0: that are to be taken out again."""
    if shipment.stage == "shipped":
        # What was not there when the first parcel left never follows.
        return need_of((one.sku, one.units) for one in shipment.outside)
    packed, missing = packed_of(shipment), dict(shipment.missing)
    left = {sku: units - missing.get(sku, 0) - packed.pop(sku, 0) for sku, units in shipment.wanted.items()}
    return {sku: units for sku, units in (left | {sku: -units for sku, units in packed.items()}).items() if units}


def is_complete(shipment: Shipment, closing: int = 0, *, settled: bool = False) -> bool:
    """Is all that is wanted in closed parcels, and is there something? closing: a parcel that counts as closed;
    settled: what is being told as missing is."""
    return (
        (settled or not shipment.telling)
        and bool(lines_of(shipment))
        and all(parcel.closed or parcel.number == closing for parcel in shipment.parcels)
        and not left_of(shipment)
    )


def is_repacked(shipment: Shipment) -> bool:
    """Is something of it packed otherwise after parcels of it have left?"""
    return shipment.stage == "shipped" and (bool(shipment.outside) or any(not one.closed for one in shipment.parcels))


def may_be_reopened(parcel: Parcel) -> bool:
    """Is it closed, and nobody has a label for it?"""
    return parcel.closed and not parcel.place and not open_labels([parcel])


def may_hold_less(shipment: Shipment) -> bool:
    """Is all that is there in closed parcels, so that what is left may not be the order's any more?"""
    if shipment.manual or shipment.telling or not all(parcel.closed for parcel in shipment.parcels):
        return False
    return any(units > 0 for units in left_of(shipment).values())


def lines_of(shipment: Shipment) -> list[Units]:
    """What is wanted and not missing, in order."""
    missing = dict(shipment.missing)
    lines = ((sku, units - missing.get(sku, 0)) for sku, units in shipment.wanted.items())
    return sorted((sku, units) for sku, units in lines if units)


def expected_g(shipment: Shipment, parcel: Parcel) -> int:
    """What the parcel has to weigh by its contents, 0 when the weight of some is not known."""
    weights = shipment.known.weights_g
    if any(content.sku not in weights for content in parcel.contents):
        return 0
    return parcel.tare_g + sum(weights[content.sku] * content.units for content in parcel.contents)


def is_good(label: Label | None) -> bool:
    """Has it a label by which it may travel?"""
    return label is not None and label.status == "bought"


def open_labels(parcels: Iterable[Parcel]) -> list[int]:
    """Numbers of parcels whose labels the carrier sold, or may have sold, and has not taken back."""
    return [
        one.number for one in parcels if one.label is not None and one.label.status in ("asked", "bought", "voiding")
    ]


def is_over(shipment: Shipment) -> bool:
    """Is there nothing left to do?"""
    if shipment.stage == "shipped":
        return not shipment.outside and all(parcel.place == "handed_over" for parcel in shipment.parcels)
    return shipment.stage == "ended"


def status_of(shipment: Shipment) -> str:
    """As people are told."""
    if shipment.stage == "ended":
        return "not_available" if shipment.outcome == "not_available" else "cancelled"
    return shipment.stage


STATUSES = (
    "allocating", "packing", "settling", "packed", "leaving", "shipped", "unpacking", "cancelled", "not_available",
)  # fmt: skip


def allowed_steps(shipment: Shipment) -> list[str]:
    """What people may do now."""
    closed = any(parcel.closed for parcel in shipment.parcels)
    if shipment.stage == "packing":
        steps = ["open_parcel", "pack", "take_out", "close_parcel", "tell_missing"]
        steps += ["reopen_parcel", "label"] if closed else []
        steps += ["finish"] if is_complete(shipment) or may_hold_less(shipment) else []
    elif shipment.stage == "settling":
        steps = ["label"]
    elif shipment.stage == "packed":
        steps = ["label", "void", "hand_over"]
        steps += ["reopen_parcel"] if any(map(may_be_reopened, shipment.parcels)) else []
    elif shipment.stage in ("leaving", "shipped") and not is_over(shipment):
        # A parcel that stands at no dock yet follows those that have left.
        steps = ["hand_over"] if all(parcel.place for parcel in shipment.parcels) else ["label", "void", "hand_over"]
        if is_repacked(shipment):
            steps += ["open_parcel", "pack", "take_out", "close_parcel", "remove_parcel", "tell_missing"]
        if shipment.stage == "shipped" and any(map(may_be_reopened, shipment.parcels)):
            steps.append("reopen_parcel")
    else:
        steps = ["put_back"] if shipment.stage == "unpacking" else []
    if shipment.manual and shipment.stage in ("allocating", "packing", "packed"):
        steps.append("cancel")
    return steps


def check_stage(shipment: Shipment, step: str, *stages: Stage) -> None:
    """Raises Refused `shipment.illegal_transition`."""
    if shipment.stage not in stages:
        status = status_of(shipment)
        raise Refused(
            "shipment.illegal_transition", f"`{step}` is not possible while the shipment is {status}.",
            step=step, status=status, allowed=allowed_steps(shipment),
        )  # fmt: skip


def check_at_station(shipment: Shipment, step: str) -> None:
    """Raises Refused `shipment.illegal_transition` unless it is being packed, or packed otherwise."""
    check_stage(shipment, step, "shipped" if is_repacked(shipment) else "packing")
