"""The dock of a location for one carrier: parcels that wait, and the manifests by which they are handed over.

    parcel with its label ──join──▶ waiting ──close──▶ closing ──the carrier took note──▶ closed ──scan by scan──▶ handed over
                                      ▲                   │                                 │
                                      └── it did not ─────┘            missing ones, left for the next
                                      └─────────────────────────────────────────────────────┘

    a parcel that is scanned:   listed ──▶ clearing: its shipment asks the order ──▶ cleared: load it
                                  ▲                   └──▶ held: not now, scan it again      withdrawn: its shipment was stopped, it never leaves

What waits is the one open manifest: closing takes the oldest 300 of it. The carrier is told beside the turn, once,
under the key that is given here; until it has answered, closing gives the same key and the same parcels again. A parcel
waits once or is on one manifest, never both. One that is left for the next manifest is not told to the carrier again.
Only what is cleared is handed over, and its shipment is told.

Whatever is done with one parcel costs the same, however many stand there: each has a row of its own
(`manifest_rows.py`), and nobody goes through them all but who closes or hands over a manifest.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import msgspec

from actors.domain.errors import Refused
from actors.domain.kind import Answer, Context, Decision, Kind, Message
from actors.domain.manifest_commands import (
    CloseManifest,
    Command,
    CompleteHandOver,
    JoinDock,
    LeaveDock,
    NoteManifest,
    NoteManifestRefused,
    ParcelAnswered,
    ScanParcel,
)
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
from actors.domain.manifest_evolve import evolve
from actors.domain.manifest_rows import TABLES, restore, rows
from actors.domain.manifest_state import (
    LISTED_MAX,
    OPEN_MAX,
    WAITING_MAX,
    Dock,
    DockStep,
    DockView,
    Listed,
    ManifestTicket,
    ManifestView,
    Roll,
    ScanView,
    ViewDock,
    ViewManifest,
    check_reach,
    live,
    manifest_of,
)
from actors.domain.shipment_commands import ClearParcel, NoteHandedOver

_SHOWN_MAX = 20


# --- decide ---------------------------------------------------------------------------------------------------------
def decide(state: Dock | None, command: Command, context: Context) -> Decision:
    """See the module's docstring for the rules."""
    dock, name = state or Dock(), context.entity_id
    match command:
        case JoinDock():
            return _told(name, _join(dock, command))
        case LeaveDock():
            return _told(name, _leave(dock, command))
        case ParcelAnswered():
            return _checked(dock, command, name)
        case CloseManifest():
            check_reach(command.within, name)
            events, number = _close(dock, context)
            return Decision(events, lambda state, version: _ticket(name, version, state, number))
        case NoteManifest():
            status = manifest_of(state, command.number).status
            closed = [ManifestClosed(command.number, command.carrier_ref)] if status == "closing" else []
            return Decision(list(closed), lambda state, version: _ticket(name, version, state, command.number))
        case NoteManifestRefused():
            status = manifest_of(state, command.number).status
            returned = [ManifestReturned(command.number, command.code)] if status == "closing" else []
            return Decision(list(returned), lambda state, version: _ticket(name, version, state, command.number))
        case ScanParcel():
            check_reach(command.within, name)
            return _scan(dock, command, context)
    assert type(command) is CompleteHandOver
    check_reach(command.within, name)
    done = _complete(state, command, context)
    return Decision(done, lambda state, version: ManifestView(name, version, manifest_of(state, command.number).told()))


def _told(name: str, events: list[Event]) -> Decision:
    return Decision(events, lambda state, version: DockStep(name, version, len(state.standing) if state else 0))


def _listed(dock: Dock, sscc: str) -> tuple[Roll, Listed] | None:
    """Where it is on a manifest whose parcels have not left, and may leave."""
    number = dock.on_list.get(sscc)
    if number is None:
        return None
    manifest = dock.manifests[number]
    return manifest, manifest.listed[sscc]


def _join(dock: Dock, command: JoinDock) -> list[Event]:
    if command.sscc in dock.standing or command.sscc in dock.on_list:
        return []
    if len(dock.standing) >= WAITING_MAX:
        raise Refused("manifest.dock_full", f"{WAITING_MAX} parcels wait: close manifests first.", waiting=WAITING_MAX)
    parcel = Waiting(command.sscc, command.shipment_id, command.parcel, command.tracking, command.weight_g)
    return [ParcelJoined(parcel)]


def _leave(dock: Dock, command: LeaveDock) -> list[Event]:
    """Raises Refused `manifest.parcel_listed`."""
    waiting = dock.standing.get(command.sscc)
    if waiting is not None and waiting.announced and not command.withdrawn:
        detail = "The carrier was told of the parcel: it does not take the label back."
        raise Refused("manifest.parcel_listed", detail)
    if waiting is not None:
        return [ParcelLeft(command.sscc)]
    found = _listed(dock, command.sscc)
    if found is None:
        return []
    manifest, parcel = found
    if command.withdrawn:
        return [ParcelStopped(manifest.number, parcel.sscc)]
    detail = f"The parcel is on manifest {manifest.number}: it is handed over, or left for the next, first."
    raise Refused("manifest.parcel_listed", detail, number=manifest.number)


def _close(dock: Dock, context: Context) -> tuple[list[Event], int]:
    """Raises Refused `manifest.…`."""
    closing = next((one.number for one in live(dock) if one.status == "closing"), None)
    if closing is not None:
        return [], closing
    if not dock.standing:
        raise Refused("manifest.nothing_to_hand_over", "No parcel waits for this carrier.")
    if len(live(dock)) >= OPEN_MAX:
        detail = f"{OPEN_MAX} manifests wait for a driver: hand those over first."
        raise Refused("manifest.too_many_open", detail, numbers=[one.number for one in live(dock)])
    number, chosen = dock.next_number, list(islice(dock.standing.values(), LISTED_MAX))
    events: list[Event] = [ManifestClosing(number, f"{context.entity_id}.{number}", [one.sscc for one in chosen])]
    if all(one.announced for one in chosen):
        # The carrier knows of each of them.
        events.append(ManifestClosed(number, ""))
    return events, number


def _ticket(name: str, version: int, dock: Dock | None, number: int) -> ManifestTicket:
    manifest = manifest_of(dock, number)
    fresh = [parcel.tracking for parcel in manifest.parcels if not parcel.announced]
    return ManifestTicket(name, version, number, manifest.status, manifest.key, fresh, manifest.closed_at_ms)


def _scan(dock: Dock, command: ScanParcel, context: Context) -> Decision:
    """Raises Refused `manifest.…`."""
    manifest = manifest_of(dock, command.number)
    if manifest.status != "closed":
        why = "has yet to be told to the carrier" if manifest.status == "closing" else "is over"
        raise Refused("manifest.not_closed", f"Manifest {manifest.number} {why}.", status=manifest.status)
    parcel = manifest.find(command.code)
    if parcel is None:
        raise _elsewhere(dock, command)
    if parcel.status == "withdrawn":
        raise Refused(
            "manifest.parcel_stopped", "Stop: it must not leave. Bring it back to the pack station.", sscc=parcel.sscc
        )
    sscc = parcel.sscc
    asks = parcel.status in ("listed", "held")
    asked = ClearanceAsked(manifest.number, sscc, parcel.shipment_id, parcel.parcel, context.command_id)
    return Decision(
        [asked] if asks else [], lambda state, version: _scanned(state, command.number, sscc), provisional=asks
    )


def _elsewhere(dock: Dock, command: ScanParcel) -> Refused:
    code = command.code
    where = next((one.number for one in live(dock) if one.find(code) is not None), 0)
    if where:
        detail = f"It is on manifest {where}, not on {command.number}."
    elif code in dock.standing or code in dock.codes:
        detail = "It waits for the next manifest: put it back."
    else:
        detail = "No parcel with this number waits for this carrier here: put it back."
    return Refused("manifest.parcel_unknown", detail, on_manifest=where)


def _scanned(dock: Dock, number: int, sscc: str) -> ScanView:
    manifest = manifest_of(dock, number)
    parcel = manifest.listed[sscc]
    load = parcel.status == "cleared"
    return ScanView(number, sscc, parcel.tracking, parcel.status, load, parcel.code, manifest.seen, manifest.may)


def _checked(dock: Dock, command: ParcelAnswered, name: str) -> Decision:
    found = _listed(dock, command.sscc)
    if found is None or found[1].status != "clearing":
        return _told(name, [])
    manifest, parcel = found
    number, sscc = manifest.number, parcel.sscc
    decision = _told(name, [ParcelChecked(number, sscc, command.code)])
    if parcel.answer:
        decision.answers.append(Answer(parcel.answer, lambda state, version: _scanned(state, number, sscc)))
    return decision


def _complete(state: Dock | None, command: CompleteHandOver, context: Context) -> list[Event]:
    """Raises Refused `manifest.…`."""
    manifest = manifest_of(state, command.number)
    if manifest.status != "closed":
        why = "has yet to be told to the carrier" if manifest.status == "closing" else "is over"
        raise Refused("manifest.not_closed", f"Manifest {manifest.number} {why}.", status=manifest.status)
    clearing = [one.sscc for one in manifest.parcels if one.status == "clearing"]
    if clearing:
        detail = "Parcels that were scanned wait for an answer: ask again in a moment."
        raise Refused("manifest.clearing", detail, ssccs=clearing[:_SHOWN_MAX])
    missing = [one.sscc for one in manifest.parcels if one.status in ("listed", "held")]
    if missing and not command.leave:
        detail = f"{len(missing)} parcels were not loaded: find them, or say that they are left for the next one."
        raise Refused("manifest.parcels_missing", detail, missing=len(missing), ssccs=missing[:_SHOWN_MAX])
    handed = [(one.shipment_id, one.parcel) for one in manifest.parcels if one.status == "cleared"]
    return [HandOverDone(manifest.number, handed, missing, context.now_ms)]


# --- messages -------------------------------------------------------------------------------------------------------
def messages(dock_id: str, event: Event) -> Iterable[Message]:
    """Shipments are asked whether a parcel may leave, and told that it has."""
    if type(event) is ClearanceAsked:
        yield Message("shipment", event.shipment_id, ClearParcel(event.parcel, dock_id))
    elif type(event) is HandOverDone:
        for shipment_id, parcel in event.handed:
            yield Message("shipment", shipment_id, NoteHandedOver(parcel, event.at_ms))


# --- projections ----------------------------------------------------------------------------------------------------
def view(state: Dock | None, query: ViewDock | ViewManifest, version: int) -> msgspec.Struct:
    """A dock at which nothing ever waited is empty. Raises Refused `manifest.…`."""
    check_reach(query.within, query.dock_id)
    if type(query) is ViewManifest:
        return ManifestView(query.dock_id, version, manifest_of(state, query.number).told())
    dock = state or Dock()
    told = [dock.manifests[number].told() for number in sorted(dock.manifests)]
    return DockView(query.dock_id, version, dock.waiting, told)


MANIFEST = Kind(
    name="manifest", commands=Command, events=Event, queries=ViewDock | ViewManifest, decide=decide, evolve=evolve, view=view,
    tables=TABLES, restore=restore, rows=rows, messages=messages,
)  # fmt: skip
