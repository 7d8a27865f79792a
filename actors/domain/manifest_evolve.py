"""What an event changes at a dock. The rules are in `manifest.py`."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from actors.domain.kind import Context
from actors.domain.manifest_events import (
    ClearanceAsked,
    Event,
    HandOverDone,
    ManifestClosed,
    ManifestClosing,
    ManifestReturned,
    ParcelChecked,
    ParcelJoined,
    ParcelLeft,
    ParcelStopped,
    Waiting,
)
from actors.domain.manifest_state import OVER_KEPT, Dock, Listed, Roll

_SEEN = ("cleared", "handed_over")


def evolve(state: Dock | None, event: Event, context: Context) -> Dock:
    """The next state; takes over `state`."""
    dock = state or Dock()
    if dock.whole is not None:
        # All rows go with the first command that changes it, later ones write what they change.
        dock.whole = context.command_id if dock.whole in ("", context.command_id) else None
    match event:
        case ParcelJoined():
            _stand(dock, replace(event.parcel, place=dock.next_place))
            dock.next_place += 1
        case ParcelLeft():
            _take(dock, event.sscc)
        case ManifestClosing():
            chosen = [listed_of(_take(dock, sscc)) for sscc in event.ssccs]
            dock.manifests[event.number] = roll_of(event.number, event.key, context.now_ms, chosen)
            dock.on_list.update((one.sscc, event.number) for one in chosen)
            dock.next_number = event.number + 1
        case ParcelStopped():
            roll = dock.manifests[event.number]
            parcel = roll.listed[event.sscc]
            roll.may, roll.seen = roll.may - 1, roll.seen - (parcel.status in _SEEN)
            parcel.status = "withdrawn"
            del dock.on_list[event.sscc]
        case ClearanceAsked():
            parcel = dock.manifests[event.number].listed[event.sscc]
            parcel.status, parcel.answer, parcel.code = "clearing", event.command_id, ""
        case ParcelChecked():
            roll = dock.manifests[event.number]
            parcel = roll.listed[event.sscc]
            parcel.status, parcel.answer, parcel.code = ("held" if event.code else "cleared"), "", event.code
            roll.seen += not event.code
        case _:
            _manifest_changed(dock, event)
    return dock


def _manifest_changed(dock: Dock, event: Event) -> None:
    assert isinstance(event, ManifestClosed | ManifestReturned | HandOverDone)
    roll = dock.manifests[event.number]
    if type(event) is ManifestClosed:
        roll.status, roll.carrier_ref = "closed", event.carrier_ref
        return
    if type(event) is ManifestReturned:
        roll.status, roll.code = "returned", event.code
        again, announced = [one for one in roll.parcels if one.status != "withdrawn"], False
    else:
        assert type(event) is HandOverDone
        roll.status, roll.handed_over_ms = "handed_over", event.at_ms
        left = frozenset(event.left)
        again, announced = [one for one in roll.parcels if one.sscc in left], True
        for parcel in roll.listed.values():
            if parcel.status == "cleared":
                parcel.status = "handed_over"
            elif parcel.sscc in left:
                parcel.status = "left"
    for sscc in roll.listed:
        # One that was stopped may be on a later manifest by now.
        if dock.on_list.get(sscc) == roll.number:
            del dock.on_list[sscc]
    _wait_again(dock, again, announced=announced)
    _over(dock, roll)


# --- the queue ------------------------------------------------------------------------------------------------------
def _stand(dock: Dock, parcel: Waiting) -> None:
    dock.standing[parcel.sscc] = parcel
    dock.codes[parcel.tracking] = parcel.sscc


def _take(dock: Dock, sscc: str) -> Waiting:
    parcel = dock.standing.pop(sscc)
    if dock.codes.get(parcel.tracking) == sscc:
        del dock.codes[parcel.tracking]
    return parcel


def _wait_again(dock: Dock, parcels: Iterable[Listed], *, announced: bool) -> None:
    """Before all others."""
    again = [
        Waiting(one.sscc, one.shipment_id, one.parcel, one.tracking, one.weight_g, announced or one.announced)
        for one in parcels
    ]
    dock.first_place -= len(again)
    others, dock.standing = dock.standing, {}
    for number, one in enumerate(again):
        _stand(dock, replace(one, place=dock.first_place + number))
    dock.standing.update(others)


def _over(dock: Dock, roll: Roll) -> None:
    """It is the latest that is over; the oldest of too many is forgotten."""
    dock.manifests[roll.number] = dock.manifests.pop(roll.number)
    over = [one.number for one in dock.manifests.values() if one.status in ("handed_over", "returned")]
    for number in over[:-OVER_KEPT]:
        del dock.manifests[number]


# --- manifests ------------------------------------------------------------------------------------------------------
def listed_of(one: Waiting) -> Listed:
    """As it comes onto a manifest."""
    return Listed(
        one.sscc, one.shipment_id, one.parcel, one.tracking, one.weight_g, one.announced, place=one.place
    )  # fmt: skip


def roll_of(number: int, key: str, closed_at_ms: int, parcels: Iterable[Listed]) -> Roll:
    """With what is known from its parcels."""
    listed = {one.sscc: one for one in parcels}
    may = [one for one in listed.values() if one.status != "withdrawn"]
    seen = sum(one.status in _SEEN for one in may)
    return Roll(
        number, key, closed_at_ms, listed, {one.tracking: one.sscc for one in listed.values()}, len(may), seen
    )  # fmt: skip
