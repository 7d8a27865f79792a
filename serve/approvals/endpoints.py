"""`/v1/approvals`: what waits for a second person, for those who may decide it and for who asked."""

from __future__ import annotations

from typing import Annotated, get_args

import msgspec
from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from actors.domain.approval import (
    ApprovalStatus,
    ApprovalView,
    Command,
    DecideApproval,
    ViewApproval,
    WithdrawApproval,
)
from actors.domain.approval_wanted import Wanted
from actors.domain.ids import APPROVAL_PATTERN, is_of
from actors.domain.location_commands import AdjustStock
from actors.domain.location_events import Units
from actors.domain.money import Money, Total
from actors.domain.order_refund_commands import GiveRefund
from actors.domain.times import moment
from actors.domain.transfer_commands import ApproveTransfer, CloseTransfer, FoundLine, TellMissing
from actors.runtime.read_model import ApprovalSummary
from serve.approvals.schemas import (
    ApprovalDecision,
    ApprovalDetail,
    ApprovalPage,
    ListedApproval,
    WantedAdjustment,
    WantedClosure,
    WantedOfApproval,
    WantedRefund,
    WantedShortPick,
    WantedTransfer,
    Withdrawal,
)
from serve.callers import places_asked
from serve.context import ENTITY_ID, PRINCIPAL, REQUEST_ID, WHO
from serve.days import date_of
from serve.identity.guard import Principal
from serve.limits import PAGE_DEFAULT
from serve.locations.schemas import NewAdjustmentLine
from serve.openapi import documented
from serve.paging import Cursor, Limit, LocationAsked, check_choice, one_of, page_of
from serve.problems import Problem, field_problem
from serve.replies import body_of
from serve.requests import Write, decode
from serve.responses import ok
from serve.services import Services
from serve.transfers.schemas import FoundUnits, TransferLine

ApprovalId = Annotated[str, Path(max_length=64, description="e.g. us-approval-01kah2v3nq7h3k2m9qk4t1x0ab")]
_STATUSES = frozenset(get_args(ApprovalStatus))
_decision_decoder = msgspec.json.Decoder(ApprovalDecision)
_withdrawal_decoder = msgspec.json.Decoder(Withdrawal)
_view_decoder = msgspec.json.Decoder(ApprovalView)
_DECISION = {"decision": "refuse", "note": "count_again"}


class _Approvals:
    """The handlers' work."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def view(self, approval_id: str, request: Request) -> ApprovalView:
        """Raises Problem 401, 403 or 404."""
        self._check_id(approval_id, request)
        principal = _principal(request)
        # Its endpoint asks for no permission, since who asked needs none.
        self._services.guard.require_trust(principal)
        others = "approvals.read" in principal.permissions
        query = ViewApproval(approval_id, sorted(principal.locations), principal.subject, others)
        reply = await self._services.gateway.view(
            "approval", approval_id, query, cause=request.scope[REQUEST_ID]
        )  # fmt: skip
        found = _view_decoder.decode(body_of(reply))
        if not others and found.asked_by != principal.subject:
            # The approval says so itself; a host of the release before does not know that strangers may ask.
            raise Problem("approval.location_forbidden", "You may not see this approval.")
        return found

    async def decide(self, approval_id: str, request: Request) -> ApprovalView:
        """Raises Problem."""
        write = await self._services.bodies.read(request.scope, request.receive)
        sent = decode(_decision_decoder, write.body)
        if sent.decision == "refuse" and sent.note is None:
            raise field_problem("body.missing_field", "Field `note` is required.", "/note")
        if sent.decision == "approve" and sent.note is not None:
            raise field_problem("body.invalid", "Only a refusal has a note.", "/note")
        principal = _principal(request)
        command = DecideApproval(sent.decision, principal.subject, sorted(principal.locations), sent.note or "")
        return await self._ask(approval_id, request, command, write)

    async def withdraw(self, approval_id: str, request: Request) -> ApprovalView:
        """Raises Problem."""
        write = await self._services.bodies.read(request.scope, request.receive)
        decode(_withdrawal_decoder, write.body)
        # In a doubted session nothing is taken back, and who may not see it is told what he is told when he looks.
        # Asked itself, it would tell him that it is there: by its refusal, or by its memory of keys.
        await self.view(approval_id, request)
        return await self._ask(approval_id, request, WithdrawApproval(_principal(request).subject), write)

    async def _ask(self, approval_id: str, request: Request, command: Command, write: Write) -> ApprovalView:
        self._check_id(approval_id, request)
        reply = await self._services.gateway.ask(
            "approval", approval_id, command,
            command_id=write.key, digest=write.digest, cause=request.scope[REQUEST_ID], who=request.scope.get(WHO),
        )  # fmt: skip
        return _view_decoder.decode(body_of(reply))

    def _check_id(self, approval_id: str, request: Request) -> None:
        request.scope[ENTITY_ID] = approval_id
        if not is_of(approval_id, APPROVAL_PATTERN, self._services.settings.region):
            raise Problem("approval.unknown", "There is no such approval.")


def _principal(request: Request) -> Principal:
    # There are approvals only where identity is required, and the guard has seen everybody.
    principal: Principal = request.scope[PRINCIPAL]
    return principal


def router(services: Services) -> APIRouter:
    """The routes with their services."""
    api = APIRouter(tags=["approvals"])
    approvals = _Approvals(services)
    _add_list(api, services)

    @api.get(
        "/v1/approvals/{approval_id}",
        summary="One approval with what is asked for",
        **documented(ApprovalDetail, problems=(401, 403, 404, 422)),
    )
    async def read(approval_id: ApprovalId, request: Request) -> Response:
        """As it is now: for who may read approvals, as far as his rights reach, and for who asked, wherever it is."""
        return ok(_detail(await approvals.view(approval_id, request)))

    @api.post(
        "/v1/approvals/{approval_id}/decision",
        summary="Approve or refuse",
        **documented(
            ApprovalDetail, request=ApprovalDecision, request_example=_DECISION, problems=(401, 403, 404, 409)
        ),
    )
    async def decided(approval_id: ApprovalId, request: Request) -> Response:
        """By a person who did not ask for it, and whose rights reach the place. What is `approved` is on its way, and
        is done once; `done` or `failed` tells afterwards how it went."""
        return ok(_detail(await approvals.decide(approval_id, request)))

    @api.post(
        "/v1/approvals/{approval_id}/withdrawal",
        summary="Take back what one has asked for",
        **documented(ApprovalDetail, request=Withdrawal, request_example={}, problems=(401, 403, 404, 409)),
    )
    async def withdrawn(approval_id: ApprovalId, request: Request) -> Response:
        """By who asked, while nobody has decided."""
        return ok(_detail(await approvals.withdraw(approval_id, request)))

    return api


def _add_list(api: APIRouter, services: Services) -> None:
    @api.get(
        "/v1/approvals",
        summary="What waits for a second person, and what came of it",
        **documented(ApprovalPage, problems=(400, 401, 403, 422)),
    )
    async def find(
        request: Request,
        status: Annotated[str | None, one_of(_STATUSES)] = None,
        location_id: LocationAsked = None,
        cursor: Cursor = None,
        limit: Limit = PAGE_DEFAULT,
    ) -> Response:
        """Newest first, of the places that one's rights reach, from the read model, which is a
        moment behind (`as_of`)."""
        check_choice("status", status, _STATUSES)
        places = places_asked(request.scope, location_id)
        page = await page_of(
            services, f"approvals\0{status or ''}\0{location_id or ''}", cursor, limit,
            lambda before, some: services.read_model.approvals(status=status, locations=places, before=before, limit=some),
            lambda approval: approval.approval_id,
        )  # fmt: skip
        return ok(ApprovalPage([_listed(approval) for approval in page.items], page.as_of, page.next_cursor))


def _listed(approval: ApprovalSummary) -> ListedApproval:
    return ListedApproval(
        approval.approval_id, approval.version, approval.status, approval.action, approval.location_id,  # type: ignore[arg-type]
        approval.target_kind, approval.target_id, approval.size, approval.reasons.split(",") if approval.reasons else [], approval.asked_by,
        approval.decided_by, moment(approval.asked_at), moment(approval.expires_at),
    )  # fmt: skip


def _detail(approval: ApprovalView) -> ApprovalDetail:
    return ApprovalDetail(
        approval.approval_id, approval.version, approval.status, approval.location_id, approval.target_kind,
        approval.target_id, approval.size, approval.reasons, approval.asked_by, moment(approval.asked_at_ms),
        moment(approval.expires_at_ms), approval.decided_by,
        moment(approval.decided_at_ms) if approval.decided_at_ms else None, approval.note, approval.code,
        _wanted(approval.wanted),
    )  # fmt: skip


def _wanted(wanted: Wanted) -> WantedOfApproval:
    if type(wanted) is GiveRefund:
        return WantedRefund(Total(wanted.amount, wanted.currency), wanted.reason)
    if type(wanted) is ApproveTransfer:
        return WantedTransfer(wanted.source_id, wanted.destination_id, _units(wanted.lines))
    if type(wanted) is TellMissing:
        return WantedShortPick(_units(wanted.lines))
    if type(wanted) is CloseTransfer:
        return WantedClosure(_units(wanted.lost), [_found(line) for line in wanted.found])
    assert type(wanted) is AdjustStock
    lines = [
        NewAdjustmentLine(
            line.sku, line.quantity, line.reason,  # type: ignore[arg-type]
            None if line.value is None else Money(*line.value), line.safety_stock, line.lot, line.bin, line.condition,
        )
        for line in wanted.lines
    ]  # fmt: skip
    return WantedAdjustment(lines, wanted.reference)


def _units(lines: list[Units]) -> list[TransferLine]:
    return [TransferLine(sku, units) for sku, units in lines]


def _found(line: FoundLine) -> FoundUnits:
    expires_on = None if line.expires_on is None else date_of(line.expires_on)
    return FoundUnits(line.sku, line.quantity, line.condition, line.lot, expires_on, line.bin)
