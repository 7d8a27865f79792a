"""Bodies of `/v1/approvals`, and of what is asked for."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from actors.domain.approval import ApprovalStatus, RefusalNote, Verdict
from actors.domain.approval_wanted import ApprovalAction
from actors.domain.money import Total
from actors.domain.order_refund_state import RefundReason
from actors.domain.personal_notes import APPROVER
from serve.locations.schemas import NewAdjustmentLine
from serve.transfers.schemas import FoundUnits, TransferLine


class ApprovalDecision(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """What somebody else makes of it. `refuse` needs a `note`; `approve` has none."""

    decision: Verdict
    note: RefusalNote | None = None


class Withdrawal(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """An empty object: there is nothing more to say."""


class AskedApproval(msgspec.Struct, frozen=True):
    """Nothing is done yet: somebody else has to approve it before `expires_at`."""

    approval_id: str
    status: ApprovalStatus
    expires_at: datetime


class WantedAdjustment(msgspec.Struct, frozen=True, tag_field="action", tag="stock.adjust"):
    """A correction of stock, as it was asked for."""

    lines: list[NewAdjustmentLine]
    reference: str


class WantedTransfer(msgspec.Struct, frozen=True, tag_field="action", tag="transfer.approve"):
    """A transfer, as it was asked for. The approval's `target_id` is its id."""

    source_id: str
    destination_id: str
    lines: list[TransferLine]


class WantedShortPick(msgspec.Struct, frozen=True, tag_field="action", tag="transfer.short_pick"):
    """Units that are not there for the transfer that is the approval's `target_id`, as it was asked for."""

    lines: list[TransferLine]


class WantedClosure(msgspec.Struct, frozen=True, tag_field="action", tag="transfer.close"):
    """That the transfer that is the approval's `target_id` is closed, with what is lost and found, as it was asked
    for."""

    lost: list[TransferLine]
    found: list[FoundUnits]


class WantedRefund(msgspec.Struct, frozen=True, tag_field="action", tag="refund.give"):
    """A refund of the order that is the approval's `target_id`, as it was asked for."""

    amount: Total
    reason: RefundReason


# What is asked for, as it is told.
WantedOfApproval = WantedAdjustment | WantedTransfer | WantedRefund | WantedShortPick | WantedClosure


class ListedApproval(msgspec.Struct, frozen=True):
    """One approval in a list. `size`: base units of stock, over all lines, whichever way they go (of a closure
    those that are lost), or minor units of a refund; `reasons`: of an adjustment or a refund; `decided_by`: "" until it
    is approved or refused."""

    approval_id: str
    version: int
    status: ApprovalStatus
    action: ApprovalAction
    location_id: str
    target_kind: str
    target_id: str
    size: int
    reasons: list[str]
    asked_by: Annotated[str, APPROVER]
    decided_by: Annotated[str, APPROVER]
    asked_at: datetime
    expires_at: datetime


class ApprovalPage(msgspec.Struct, frozen=True):
    """Newest first. `as_of`: how fresh it is, null while not every host has told; `next_cursor`: null at the end."""

    approvals: list[ListedApproval]
    as_of: datetime | None
    next_cursor: str | None


class ApprovalDetail(msgspec.Struct, frozen=True):
    """All of an approval. `decided_at`: null until it is approved or refused; `note`: of a refusal, else ""; `failure`:
    the code of the target's refusal once it has `failed`, else ""; `wanted`: what is asked for."""

    approval_id: str
    version: int
    status: ApprovalStatus
    location_id: str
    target_kind: str
    target_id: str
    size: int
    reasons: list[str]
    asked_by: Annotated[str, APPROVER]
    asked_at: datetime
    expires_at: datetime
    decided_by: Annotated[str, APPROVER]
    decided_at: datetime | None
    note: str
    failure: str
    wanted: WantedOfApproval
