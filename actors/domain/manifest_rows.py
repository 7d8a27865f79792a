"""What is written behind of a dock, and how it is built again from that. The rules are in `manifest.py`.

    docks         the queue's ends, and the manifests that have not left, without their parcels
    dock_parcels  a row for each parcel that waits or is on such a manifest
    dock_past     the last few manifests that are over, whole
    manifests     each manifest whole, as it was when its status, or who leaves by it, changed last: for
                  readers

A dock from before there were rows for parcels has all of it in its own: it is read so, and writes all of its rows with
the first command that changes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from actors.domain.kind import Context, Row, StoredRows
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
from actors.domain.manifest_evolve import roll_of
from actors.domain.manifest_state import Dock, Listed, Manifest, ManifestStatus, Roll, live, place_of, signed_for
from actors.domain.rows_of_packing import DockParcelRow, DockPastRow, DockRow, ManifestRow

TABLES = (DockRow, DockParcelRow, DockPastRow)
# The "number" of what is on no manifest.
_WAITING = 0


class Head(msgspec.Struct, array_like=True, gc=False):
    """A manifest that has not left, without its parcels."""

    number: int
    key: str
    closed_at_ms: int
    status: ManifestStatus
    carrier_ref: str


class Stored(msgspec.Struct, omit_defaults=True):
    """What a dock's own row has. waiting, manifests: of one from before."""

    next_number: int = 1
    waiting: list[Waiting] = []
    manifests: dict[int, Manifest] = {}
    next_place: int = 0
    first_place: int = 0
    heads: list[Head] = []


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Stored).decode
_waiting = msgspec.msgpack.Decoder(Waiting).decode
_listed = msgspec.msgpack.Decoder(Listed).decode
_past = msgspec.msgpack.Decoder(list[Manifest]).decode


# --- writing --------------------------------------------------------------------------------------------------------
def rows(state: Dock, version: int, events: Sequence[Event], context: Context) -> list[Row]:
    """The dock's own row, and what these events changed besides."""
    name = context.entity_id
    location_id, carrier = place_of(name)
    heads = [Head(one.number, one.key, one.closed_at_ms, one.status, one.carrier_ref) for one in live(state)]
    own = Stored(state.next_number, next_place=state.next_place, first_place=state.first_place, heads=heads)
    out: list[Row] = [DockRow(name, version, location_id, carrier, len(state.standing), _encode(own))]
    for event in events:
        out += _of_event(name, state, event)
    if state.whole is not None:
        out += _all(name, state)
    return out


def _of_event(name: str, dock: Dock, event: Event) -> Iterator[Row]:
    match event:
        case ParcelJoined():
            yield from _stands(name, dock, event.parcel.sscc)
        case ParcelLeft():
            yield DockParcelRow(name, _WAITING, event.sscc, gone=True)
        case ManifestClosing():
            yield from (DockParcelRow(name, _WAITING, sscc, gone=True) for sscc in event.ssccs)
            yield from (_on_list(name, dock.manifests[event.number], sscc) for sscc in event.ssccs)
            yield _whole(name, dock.manifests[event.number])
        case ManifestClosed():
            yield _whole(name, dock.manifests[event.number])
        case ParcelStopped():
            # It leaves by it no more: the list counts and weighs it no more either.
            yield _on_list(name, dock.manifests[event.number], event.sscc)
            yield _whole(name, dock.manifests[event.number])
        case ClearanceAsked() | ParcelChecked():
            yield _on_list(name, dock.manifests[event.number], event.sscc)
        case ManifestReturned() | HandOverDone():
            roll = dock.manifests[event.number]
            for sscc in roll.listed:
                yield DockParcelRow(name, roll.number, sscc, gone=True)
                yield from _stands(name, dock, sscc)
            yield _whole(name, roll)
            yield _past_row(name, dock)


def _all(name: str, dock: Dock) -> Iterator[Row]:
    for sscc in dock.standing:
        yield from _stands(name, dock, sscc)
    for roll in live(dock):
        yield from (_on_list(name, roll, sscc) for sscc in roll.listed)
    yield _past_row(name, dock)


def _stands(name: str, dock: Dock, sscc: str) -> Iterator[Row]:
    if sscc in dock.standing:
        yield DockParcelRow(name, _WAITING, sscc, _encode(dock.standing[sscc]))


def _on_list(name: str, roll: Roll, sscc: str) -> Row:
    return DockParcelRow(name, roll.number, sscc, _encode(roll.listed[sscc]))


def _past_row(name: str, dock: Dock) -> Row:
    going = {one.number for one in live(dock)}
    return DockPastRow(name, _encode([one.told() for one in dock.manifests.values() if one.number not in going]))


def _whole(name: str, roll: Roll) -> Row:
    (location_id, carrier), leaving = place_of(name), signed_for(roll.listed.values())
    return ManifestRow(
        name, roll.number, location_id, carrier, roll.status, roll.carrier_ref, len(leaving),
        sum(parcel.weight_g for parcel in leaving), roll.closed_at_ms, roll.handed_over_ms, _encode(roll.told()),
    )  # fmt: skip


# --- reading --------------------------------------------------------------------------------------------------------
def restore(entity_id: str, stored: StoredRows) -> tuple[Dock, int] | None:
    """The state and version from the dock's rows."""
    found = stored.get("docks")
    if not found:
        return None
    own = _decode(found[0].state)
    parcels = stored.get("dock_parcels") or ()
    past = stored.get("dock_past") or ()
    dock = Dock(own.next_number, next_place=own.next_place, first_place=own.first_place)
    dock.whole = "" if own.waiting or own.manifests else None
    waiting = [msgspec.structs.replace(one, place=place) for place, one in enumerate(own.waiting)]
    dock.next_place = max(dock.next_place, len(waiting))
    waiting += [_waiting(row.content) for row in parcels if row.number == _WAITING]
    dock.standing = {one.sscc: one for one in sorted(waiting, key=_place)}
    dock.codes = {one.tracking: one.sscc for one in dock.standing.values()}
    listed: dict[int, list[Listed]] = {}
    for row in parcels:
        if row.number != _WAITING:
            listed.setdefault(row.number, []).append(_listed(row.content))
    rolls = [_restored(_placed(one)) for one in own.manifests.values()]
    rolls += [_restored(one) for one in (_past(past[0].content) if past else ())]
    for head in own.heads:
        roll = roll_of(head.number, head.key, head.closed_at_ms, sorted(listed.get(head.number, ()), key=_place))
        roll.status, roll.carrier_ref = head.status, head.carrier_ref
        rolls.append(roll)
    dock.manifests = {one.number: one for one in rolls}
    for roll in live(dock):
        dock.on_list.update((one.sscc, roll.number) for one in roll.parcels if one.status != "withdrawn")
    return dock, found[0].version


def _place(one: Waiting | Listed) -> int:
    return one.place


def _placed(one: Manifest) -> Manifest:
    """From before parcels had a place: their order is that of the list."""
    for place, parcel in enumerate(one.parcels):
        parcel.place = place
    return one


def _restored(one: Manifest) -> Roll:
    roll = roll_of(one.number, one.key, one.closed_at_ms, one.parcels)
    roll.status, roll.carrier_ref, roll.code, roll.handed_over_ms = (
        one.status,
        one.carrier_ref,
        one.code,
        one.handed_over_ms,
    )
    return roll
