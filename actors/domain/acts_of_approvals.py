"""What the audit says of approvals: who asked, who decided, and how it ended. See `acts.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from actors.domain.acts_changes import in_units, with_totals
from actors.domain.acts_of_orders import money_back
from actors.domain.acts_of_stock import units_changed
from actors.domain.acts_of_transfers import gone
from actors.domain.approval import (
    Approval,
    ApprovalExpired,
    ApprovalSettled,
    AskApproval,
    DecideApproval,
    WithdrawApproval,
)
from actors.domain.approval_wanted import Wanted, reasons_of
from actors.domain.audit import Act, Audited, Changes, Who
from actors.domain.location_commands import AdjustStock
from actors.domain.order_refund_commands import GiveRefund
from actors.domain.transfer_commands import ApproveTransfer, CloseTransfer, TellMissing

SETTLED = "approval.settle"
_EXPIRED = "approval.expired"
# It is the cell's own: nobody asks for an approval to end.
_NOBODY = Who()


def of_approval(state: Approval | None, command: Any, events: Sequence[Any]) -> Act:
    """`approval.ask`, `approval.approve`, `approval.refuse`, `approval.withdraw`. What is asked or approved is told by
    what it adds to the counts, which nobody knows before it is done, takes off the books, or gives back; `person`: who
    asked and who decided, since the target's turn that follows has no line of its own."""
    if type(command) is AskApproval:
        asked: Changes = {"status": (None, "pending"), **_deltas(command.wanted)} if events else {}
        return Act("approval.ask", command.location_id, ",".join(reasons_of(command.wanted)), asked)
    if state is None:
        return Act("approval.withdraw" if type(command) is WithdrawApproval else f"approval.{command.verdict}")
    if type(command) is WithdrawApproval:
        return Act(
            "approval.withdraw", state.location_id, "", {"status": (state.status, "withdrawn")} if events else {}
        )
    assert type(command) is DecideApproval
    decided: Changes = {}
    why = ",".join(reasons_of(state.wanted)) if command.verdict == "approve" else command.note
    if events:
        status = "approved" if command.verdict == "approve" else "refused"
        decided = {"status": (state.status, status), "person": (state.asked_by, command.by)}
        if command.verdict == "approve":
            decided |= _deltas(state.wanted)
    return Act(f"approval.{command.verdict}", state.location_id, why, decided)


def settled(state: Any, events: Sequence[Any]) -> list[Audited]:
    """`approval.settle`: what became of it. `outcome`: "" when it was done, else the code by which its target refused
    it, or that nobody decided in time. Known only when the target has answered, or when the time is over: nobody's
    line, with who asked and who decided in `person`."""
    lines = []
    for event in events:
        if type(event) is ApprovalExpired:
            lines.append(_ended(state, "expired", _EXPIRED))
        elif type(event) is ApprovalSettled:
            lines.append(_ended(state, "failed" if event.code else "done", event.code))
    return lines


def _ended(approval: Approval, status: str, outcome: str) -> Audited:
    changes: Changes = {"status": (approval.status, status), "person": (approval.asked_by, approval.decided_by)}
    return Audited(_NOBODY, Act(SETTLED, approval.location_id, ",".join(reasons_of(approval.wanted)), changes), outcome)


def _deltas(wanted: Wanted) -> Changes:
    if type(wanted) is ApproveTransfer:
        return units_changed("units", wanted.lines)
    if type(wanted) is GiveRefund:
        return money_back(wanted)
    if isinstance(wanted, TellMissing | CloseTransfer):
        return gone(wanted)
    assert type(wanted) is AdjustStock
    return with_totals(in_units("on_hand_delta", ((line.sku, line.quantity) for line in wanted.lines if line.quantity)))
