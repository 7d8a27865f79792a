"""What is not done at once but asked for: commands that are too large for one person, in a
cell that knows its people."""

from __future__ import annotations

import msgspec
from fastapi import Request
from starlette.responses import Response

from actors.domain.approval import ApprovalView, AskApproval
from actors.domain.approval_wanted import Wanted, size_of
from actors.domain.ids import DEVICE_PATTERN, approval_id
from actors.domain.order_refund_commands import GiveRefund
from actors.domain.times import HOUR_MS, moment
from actors.domain.transfer_commands import ApproveTransfer
from serve.approvals.schemas import AskedApproval
from serve.callers import subject_of
from serve.context import REQUEST_ID, WHO, Scope
from serve.problems import Problem
from serve.replies import body_of
from serve.requests import Write
from serve.responses import AnswerResponse, encode
from serve.services import Services

_view_decoder = msgspec.json.Decoder(ApprovalView)


def needs_approval(services: Services, wanted: Wanted) -> bool:
    """Is it more than one person may do? Never while identity is off: there are no two persons then. What a transfer
    takes off the books is measured as what a correction does: it would get round that else."""
    settings = services.settings
    if settings.identity != "required":
        return False
    if type(wanted) is GiveRefund:
        most = alone_minor_max(services, wanted.currency)
        return most is not None and size_of(wanted) > most
    transfer = type(wanted) is ApproveTransfer
    limit = settings.approval_transfer_units if transfer else settings.approval_adjustment_units
    return 0 < limit < size_of(wanted)


def alone_minor_max(services: Services, currency: str) -> int | None:
    """How much of an order one person may give back, in minor units; None for all of it. Nothing in a currency other
    than the region's first: nobody here knows what that is worth."""
    settings = services.settings
    if settings.identity != "required" or not settings.approval_refund_minor:
        return None
    return settings.approval_refund_minor if currency == settings.currency else 0


def person_asking(scope: Scope) -> str:
    """Who asks, in whose name it waits. Raises Problem 403 for a device that nobody works on: whoever has it in his
    hand could approve it himself."""
    subject = subject_of(scope)
    if DEVICE_PATTERN.match(subject):
        raise Problem(
            "approval.person_required", "That needs an approval, so a person has to ask: sign in on the device."
        )
    return subject


async def ask_approval(
    services: Services, request: Request, location_id: str, target_id: str, wanted: Wanted, write: Write, refused: bytes = b""
) -> Response:  # fmt: skip
    """202 with the approval. The same key for the same target gives the same approval again, whatever became of it.
    `refused`: see `judging.judged`. Raises Problem."""
    settings, asked_by = services.settings, person_asking(request.scope)
    # A key is good once a target, as it is for what is done at once; where it lies may be another place meanwhile.
    key = f"{target_id}:{write.key}"
    asked_for = AskApproval(location_id, target_id, wanted, asked_by, settings.approval_expires_hours * HOUR_MS)
    reply = await services.gateway.ask(
        "approval", approval_id(settings.region, services.clock.now_ms(), key), None if refused else asked_for,
        command_id=key, digest=write.digest, creates=True, cause=request.scope[REQUEST_ID], who=request.scope.get(WHO),
        refused=refused,
    )  # fmt: skip
    asked = _view_decoder.decode(body_of(reply))
    body = encode(AskedApproval(asked.approval_id, asked.status, moment(asked.expires_at_ms)))
    return AnswerResponse((202, body, ((b"location", f"/v1/approvals/{asked.approval_id}".encode()),)))
