"""What can be asked of a second person: commands of the entity that does it. The rules are in `approval.py`.

What is approved goes to its target as it was asked for, with the approval as its `cause`, and without the rights of who
asked: what counts are those of who decides. Another one is a type more in `Wanted`, and a line in `_ACTIONS`, `size_of`
and `reasons_of`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from actors.domain.location_commands import AdjustStock
from actors.domain.order_refund_commands import GiveRefund
from actors.domain.transfer_commands import ApproveTransfer, CloseTransfer, TellMissing

ApprovalAction = Literal["stock.adjust", "transfer.approve", "refund.give", "transfer.short_pick", "transfer.close"]
Wanted = AdjustStock | ApproveTransfer | GiveRefund | TellMissing | CloseTransfer


class Action(NamedTuple):
    """What a command is called that is asked for, and the kind of entity that it goes to."""

    name: ApprovalAction
    kind: str


_ACTIONS: Mapping[type, Action] = {
    AdjustStock: Action("stock.adjust", "location"),
    ApproveTransfer: Action("transfer.approve", "transfer"),
    GiveRefund: Action("refund.give", "order"),
    TellMissing: Action("transfer.short_pick", "transfer"),
    CloseTransfer: Action("transfer.close", "transfer"),
}


def action_of(wanted: Wanted) -> Action:
    """See `Action`."""
    return _ACTIONS[type(wanted)]


def size_of(wanted: Wanted) -> int:
    """How much it is, whichever way it goes: base units over all lines; of a refund minor units of its currency; of a
    transfer that is closed what is lost."""
    if type(wanted) is GiveRefund:
        return wanted.amount
    if type(wanted) is AdjustStock:
        return sum(abs(line.quantity) for line in wanted.lines)
    if type(wanted) is CloseTransfer:
        return sum(units for _, units in wanted.lost)
    assert type(wanted) is ApproveTransfer or type(wanted) is TellMissing
    return sum(units for _, units in wanted.lines)


def reasons_of(wanted: Wanted) -> list[str]:
    """The reason codes of what changes counts, each once, or of a refund; what is done to a transfer has none."""
    if type(wanted) is GiveRefund:
        return [wanted.reason]
    if type(wanted) is AdjustStock:
        return list(dict.fromkeys(line.reason for line in wanted.lines if line.quantity))
    return []
