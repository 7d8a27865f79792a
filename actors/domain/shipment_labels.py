"""Labels of parcels: bought, given back, and waiting at the dock. The carrier is asked beside the turn, each time under
the key that is given here: what it says comes as a command. The rules are in `shipment.py`.

              LabelAsked           LabelBought          VoidAsked          LabelVoided
    (none) ──────────────▶ asked ───────────▶ bought ───────────▶ voiding ──────────────▶ voided, or with a code kept
                             │ LabelRefused      ▲                    │ VoidDropped: on a closed manifest
                             └──▶ refused ───────┘ (it was sold, and nobody had heard)
                                                 └────────────────────┘

Each try to buy one is counted before the carrier is asked (`LabelTried`). That it could not be reached says nothing of
other tries: the label stays `asked`, under its key, while one of them may have bought it; another label can be asked
for only once the carrier said no, or none of the tries reached it.
"""

from __future__ import annotations

from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.shipment_commands import (
    AskLabel,
    AskVoid,
    Declared,
    DockAnswered,
    NoteLabel,
    NoteLabelRefused,
    NoteLabelUnavailable,
    NoteVoided,
    TryLabel,
)
from actors.domain.shipment_events import (
    Event,
    LabelAsked,
    LabelBought,
    LabelOrphaned,
    LabelRefused,
    LabelTried,
    LabelUnavailable,
    LabelVoided,
    ParcelAtDock,
    ParcelOffered,
    ParcelWithdrawn,
    VoidAsked,
    VoidDropped,
)
from actors.domain.shipment_state import (
    DOCUMENTS_BYTES_MAX,
    ORPHANS_MAX,
    UNAVAILABLE,
    Label,
    Parcel,
    Shipment,
    Stage,
    check_stage,
    find_parcel,
    is_good,
    parcel_of,
)

_BEFORE: tuple[Stage, ...] = ("packing", "settling", "packed")
# Those that are found later follow the first that left.
_LABELLED: tuple[Stage, ...] = (*_BEFORE, "leaving", "shipped")


def ask_label(shipment: Shipment, command: AskLabel, context: Context) -> list[Event]:
    """What was asked for once is asked for in the same way until the carrier has answered.
    Raises Refused `shipment.…`."""
    parcel = parcel_of(shipment, command.parcel)
    label = parcel.label
    if shipment.stage == "unpacking" and label is not None and label.status in ("asked", "bought"):
        return []
    check_stage(shipment, "label", *_LABELLED)
    if not parcel.closed:
        detail = f"Parcel {parcel.number} is open: what it weighs is not known yet."
        raise Refused("shipment.parcel_open", detail, parcel=parcel.number)
    if not parcel.sscc:
        detail = "The parcel has no number yet: ask again in a moment."
        if parcel.code:
            detail = "The parcel got no number: open it, and pack what is in it into another one."
        raise Refused("shipment.sscc_pending", detail, parcel=parcel.number, why=parcel.code)
    same = label is not None and (label.carrier, label.service, label.label_format) == (
        command.carrier, command.service, command.label_format,
    )  # fmt: skip
    if label is not None and label.status == "bought":
        if not same:
            detail = f"It has a label of {label.carrier}, {label.service} ({label.label_format}): give that back first."
            raise Refused(
                "shipment.parcel_labelled", detail, parcel=parcel.number, carrier=label.carrier, service=label.service,
                label_format=label.label_format,
            )  # fmt: skip
        return offered(shipment, parcel, label, label.tracking)
    if label is not None and label.status in ("voiding", "kept"):
        detail = "The label is being given back." if label.status == "voiding" else "The carrier did not take it back."
        raise Refused("shipment.label_voiding", detail, parcel=parcel.number)
    if label is not None and any(key == label.key for key, _ in shipment.orphans):
        # It was sold while the parcel was open, and is given back by hand: this is another one.
        return [_asked(command, _next_key(parcel, context), command.request, command.digest, command.declared, 0)]
    # From before tries were counted: the one that could not be reached may not have been the only one.
    perhaps = label is not None and label.status == "refused" and label.code == UNAVAILABLE and label.unheard
    if label is not None and (label.status == "asked" or perhaps):
        if same:
            return [_asked(command, label.key, label.request, label.digest, label.declared, 1)] if perhaps else []
        detail = f"{label.carrier} was asked for {label.service} and has not answered: ask it again first."
        raise Refused("shipment.label_asked", detail, carrier=label.carrier, service=label.service)
    if same and label is not None and label.status == "refused" and _is_asked_again(label, command):
        key = label.key
    else:
        key = _next_key(parcel, context)
    return [_asked(command, key, command.request, command.digest, command.declared, 0)]


def _next_key(parcel: Parcel, context: Context) -> str:
    return f"{context.entity_id}.{parcel.number}.{parcel.labels + 1}"


def _is_asked_again(label: Label, command: AskLabel) -> bool:
    """Is it the same request? What is sealed is another text each time."""
    return label.digest == command.digest if command.digest else label.request == command.request


def _asked(
    command: AskLabel, key: str, request: bytes, digest: str, declared: Declared | None, unheard: int
) -> Event:  # fmt: skip
    return LabelAsked(
        command.parcel, key, command.carrier, command.service, command.label_format, request, command.dock, digest, declared, unheard
    )  # fmt: skip


def try_label(shipment: Shipment, command: TryLabel) -> list[Event]:
    """Nothing when it is answered meanwhile, or must not be bought any more. Raises Refused `shipment.…`."""
    parcel = parcel_of(shipment, command.parcel)
    label = parcel.label
    if label is None:
        raise Refused("shipment.label_missing", "No label was asked for.", parcel=parcel.number)
    if label.key != command.key:
        return []
    wanted = shipment.stage in _LABELLED and parcel.closed
    if label.status == "asked" or (label.status == "refused" and wanted):
        return [LabelTried(parcel.number)]
    return []


def note_label(shipment: Shipment, command: NoteLabel) -> list[Event]:
    """It may come late, and twice."""
    parcel = find_parcel(shipment, command.parcel)
    label = parcel.label if parcel is not None else None
    over = shipment.stage == "ended" and label is not None and label.status in ("asked", "refused")
    # One try heard no, so the parcel was opened again: what is in it now is something else.
    opened = parcel is not None and not parcel.closed and shipment.stage != "unpacking"
    if parcel is None or label is None or label.key != command.key or over or opened:
        # Nobody prints it any more, and nothing that tells who should have got it is kept.
        known = any(key == command.key for key, _ in shipment.orphans)
        if known or len(shipment.orphans) >= ORPHANS_MAX:
            return []
        return [LabelOrphaned(command.parcel, command.key, command.tracking)]
    if label.status not in ("asked", "refused"):
        return []
    kept = sum(len(one.label.document) for one in shipment.parcels if one.label is not None)
    document = command.document if kept + len(command.document) <= DOCUMENTS_BYTES_MAX else b""
    bought = LabelBought(parcel.number, command.tracking, document, command.amount, command.currency)
    return [bought, *offered(shipment, parcel, label, command.tracking)]


def note_refused(shipment: Shipment, command: NoteLabelRefused) -> list[Event]:
    """It may come late, and twice."""
    parcel = find_parcel(shipment, command.parcel)
    label = parcel.label if parcel is not None else None
    if label is None or label.key != command.key or label.status != "asked":
        return []
    return [LabelRefused(command.parcel, command.code)]


def note_unavailable(shipment: Shipment, command: NoteLabelUnavailable) -> list[Event]:
    """Told once for each try."""
    parcel = find_parcel(shipment, command.parcel)
    label = parcel.label if parcel is not None else None
    if label is None or label.key != command.key or label.status != "asked":
        return []
    if label.unheard > 1:
        return [LabelUnavailable(command.parcel, command.code)]
    return [LabelRefused(command.parcel, command.code)]


def offered(shipment: Shipment, parcel: Parcel, label: Label, tracking: str) -> list[Event]:
    """To the dock, once the order knows that it is packed."""
    if shipment.stage not in ("packed", "leaving", "shipped") or parcel.place or not parcel.closed:
        return []
    return [ParcelOffered(parcel.number, label.dock, parcel.sscc, tracking, parcel.weight_g)]


def all_offered(shipment: Shipment) -> list[Event]:
    """As `offered`, at the moment at which it is packed."""
    return [
        ParcelOffered(parcel.number, parcel.label.dock, parcel.sscc, parcel.label.tracking, parcel.weight_g)
        for parcel in shipment.parcels
        if parcel.label is not None and is_good(parcel.label) and not parcel.place
    ]


def ask_void(shipment: Shipment, command: AskVoid, context: Context) -> list[Event]:
    """Off the dock first, so that it leaves with no driver. Raises Refused `shipment.…`."""
    parcel = parcel_of(shipment, command.parcel)
    # At the dock it may be before the driver by now, once others have left.
    check_stage(shipment, "void", *(_BEFORE if parcel.place else _LABELLED), "unpacking")
    label = parcel.label
    if label is None or label.status not in ("bought", "voiding"):
        detail = "There is no label that could be given back."
        raise Refused("shipment.label_missing", detail, parcel=parcel.number)
    if label.status == "voiding":
        return []
    if parcel.place == "asked" and shipment.stage != "unpacking":
        raise Refused(
            "shipment.dock_asked", "It is on its way to the dock: ask again in a moment.", parcel=parcel.number
        )
    dock = label.dock if parcel.place == "waiting" else ""
    return [VoidAsked(parcel.number, dock, parcel.sscc, context.command_id)]


def note_voided(shipment: Shipment, command: NoteVoided) -> list[Event]:
    """It may come late, and twice. What the carrier does not take back is good still, unless
    nobody wants it any more."""
    parcel = find_parcel(shipment, command.parcel)
    label = parcel.label if parcel is not None else None
    if parcel is None or label is None or label.key != command.key or label.status != "voiding":
        return []
    if shipment.stage in ("unpacking", "ended"):
        return [LabelVoided(command.parcel, command.code)]
    if parcel.place:
        return []  # nobody asks the carrier before the dock has let it go
    if command.code:
        return [VoidDropped(command.parcel, command.code), *offered(shipment, parcel, label, label.tracking)]
    return [LabelVoided(command.parcel)]


def dock_answered(shipment: Shipment, command: DockAnswered) -> list[Event]:
    """What the dock says to a parcel that joins or leaves."""
    parcel = find_parcel(shipment, command.parcel)
    if parcel is None or parcel.label is None:
        return []
    if command.left:
        if parcel.label.status != "voiding" or not parcel.place:
            return []
        left = ParcelAtDock(parcel.number, command.code, left=True)
        return [left] if not command.code else [VoidDropped(parcel.number, command.code)]
    if parcel.place != "asked":
        return []
    there = ParcelAtDock(parcel.number, command.code)
    stopped = shipment.stage in ("unpacking", "ended") and not command.code
    return [there, ParcelWithdrawn(parcel.number, parcel.label.dock, parcel.sscc)] if stopped else [there]


def withdrawn(shipment: Shipment) -> list[Event]:
    """All that wait at the dock must not leave from there."""
    return [
        ParcelWithdrawn(parcel.number, parcel.label.dock, parcel.sscc)
        for parcel in shipment.parcels
        if parcel.label is not None and parcel.place == "waiting"
    ]
