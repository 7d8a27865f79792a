"""What the audit calls what is done to collections. See `acts.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from actors.domain.acts_of_stock import units_changed
from actors.domain.audit import Act
from actors.domain.collection_commands import (
    EndCollection,
    ExtendCollection,
    HandOver,
    LocateUnits,
    MakeReady,
    RenewCode,
    SayHere,
    VerifyCode,
    VerifyIdentity,
)
from actors.domain.collection_events import CodeMissed
from actors.domain.collection_state import Collection

_STEPS: Mapping[type, str] = {
    LocateUnits: "locate", MakeReady: "ready", ExtendCollection: "extend", SayHere: "here", VerifyCode: "verify_code",
    VerifyIdentity: "verify_identity", RenewCode: "renew_code", HandOver: "collect", EndCollection: "end",
}  # fmt: skip


def of_collection(state: Collection | None, command: Any, events: Sequence[Any]) -> Act:
    """`collection.locate` with what is missing, `collection.collect` with what was left behind,
    `collection.verify_code` with a wrong code as its refusal, …"""
    action = f"collection.{_STEPS[type(command)]}"
    place = "" if state is None else state.location_id
    if type(command) is LocateUnits:
        return Act(action, place, "", units_changed("missing", command.missing) if events else {})
    if type(command) is HandOver:
        return Act(action, place, "", units_changed("left", command.left) if events else {})
    if type(command) is VerifyCode and any(type(event) is CodeMissed for event in events):
        return Act(action, place, refused="collection.code_wrong")
    return Act(action, place)
