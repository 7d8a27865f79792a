"""What the audit calls what is done to shipments and at docks. See `acts.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from actors.domain.acts_of_stock import plain, units_changed
from actors.domain.audit import Act, Changes
from actors.domain.manifest_commands import CompleteHandOver
from actors.domain.manifest_events import HandOverDone
from actors.domain.manifest_state import Dock
from actors.domain.shipment_commands import CancelManual, CloseParcel, OpenManual, OpenShipment, TellMissing
from actors.domain.shipment_events import ParcelClosed
from actors.domain.shipment_state import Shipment, status_of


def of_shipment(state: Shipment | None, command: Any, events: Sequence[Any]) -> Act:
    """`shipment.open_manual` with its reason and its units, as these leave without an order; `shipment.tell_missing`
    with what leaves the books; `shipment.close_parcel` with the weights when somebody said that a wrong one is right;
    all else is called as its command."""
    if type(command) is OpenManual:
        wanted = units_changed("units", command.lines) if events else {}
        return Act("shipment.open_manual", command.location_id, command.reason, wanted)
    if type(command) is OpenShipment:
        return Act("shipment.open", command.location_id)
    place = state.location_id if state is not None else ""
    changes: Changes = {}
    if type(command) is TellMissing:
        changes = units_changed("missing", command.lines) if events else {}
    elif type(command) is CloseParcel:
        odd = [event for event in events if type(event) is ParcelClosed and event.despite]
        changes = {f"parcel_{event.parcel}.weight_g": (event.expected_g, event.weight_g) for event in odd}
    elif type(command) is CancelManual and state is not None:
        changes = {"status": (status_of(state), "cancelled")} if events else {}
    return Act(plain("shipment", type(command)).action, place, "", changes)


def of_manifest(state: Dock | None, command: Any, events: Sequence[Any]) -> Act:
    """`manifest.complete_hand_over` with how many parcels left, and how many did not; all else is called as its
    command. Where it was is in the dock's own id."""
    named = plain("manifest", type(command))
    if type(command) is not CompleteHandOver:
        return named
    changes: Changes = {}
    for event in events:
        if type(event) is HandOverDone:
            changes = {"handed_over": (None, len(event.handed)), "left": (None, len(event.left))}
    return Act(named.action, "", "", changes)
