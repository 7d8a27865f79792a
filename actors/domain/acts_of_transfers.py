"""What the audit calls what is done to transfers. See `acts.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from actors.domain.acts_of_stock import units_changed
from actors.domain.audit import Act, Changes
from actors.domain.transfer_commands import (
    CancelTransfer,
    CloseTransfer,
    DispatchPackages,
    ReceiveUnits,
    RequestTransfer,
    StartPicking,
    StopSending,
    TellMissing,
    WantStep,
)
from actors.domain.transfer_state import Transfer, status_of

_STEPS: Mapping[type, str] = {
    StartPicking: "start_picking", TellMissing: "short_pick", DispatchPackages: "dispatch", ReceiveUnits: "receive",
    StopSending: "stop_sending", CloseTransfer: "close", CancelTransfer: "cancel",
}  # fmt: skip


def of_transfer(state: Transfer | None, command: Any, events: Sequence[Any]) -> Act:
    """`transfer.request`, `transfer.dispatch`, …: a request with what is wanted, what was found with its units;
    `transfer.short_pick` and `transfer.close` with what is not there or lost, as that leaves the books;
    `transfer.want_short_pick` and `transfer.want_close` for what a second person is asked for, whose lines are the
    approval's."""
    if type(command) is RequestTransfer:
        wanted = units_changed("units", command.lines) if events else {}
        return Act("transfer.request", command.source_id, "", wanted)
    if type(command) is WantStep:
        return Act(f"transfer.want_{_STEPS[type(command.step)]}", "" if state is None else state.source_id)
    action, changes = f"transfer.{_STEPS[type(command)]}", dict[str, Any]()
    if state is None:
        return Act(action)
    place = state.destination_id if type(command) is ReceiveUnits else state.source_id
    if isinstance(command, TellMissing | CloseTransfer):
        changes = gone(command)
    elif type(command) is ReceiveUnits:
        changes = units_changed("found", ((line.sku, line.quantity) for line in command.found))
    elif type(command) is CancelTransfer:
        changes = {"status": (status_of(state), "cancelled")}
    return Act(action, place, "", changes if events else {})


def gone(command: TellMissing | CloseTransfer) -> Changes:
    """What leaves the books by it, and what was found besides."""
    if type(command) is TellMissing:
        return units_changed("missing", command.lines)
    assert type(command) is CloseTransfer
    found = units_changed("found", ((line.sku, line.quantity) for line in command.found))
    return units_changed("lost", command.lost) | found
