"""`POST /v1/transfers/{transfer_id}/…`: what people do about a transfer, a path a step. Whether it is their
place, the transfer judges."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from actors.domain.transfer_commands import (
    CancelTransfer,
    CloseTransfer,
    DispatchPackages,
    NewPackage,
    ReceivedLine,
    ReceiveUnits,
    StartPicking,
    StopSending,
    TellMissing,
)
from actors.domain.transfer_state import TransferStatusView
from serve.approvals.schemas import AskedApproval
from serve.callers import reach_of
from serve.judging import judged
from serve.openapi import documented
from serve.transfers.calls import TransferCalls, TransferId, expected_ms, units_of
from serve.transfers.schemas import NewDispatch, NoDetails, TransferClosure, TransferReceipt, TransferShortPick

_nothing_decoder = msgspec.json.Decoder(NoDetails)
_missing_decoder = msgspec.json.Decoder(TransferShortPick)
_dispatch_decoder = msgspec.json.Decoder(NewDispatch)
_receipt_decoder = msgspec.json.Decoder(TransferReceipt)
_closure_decoder = msgspec.json.Decoder(TransferClosure)
_PROBLEMS = (401, 403, 404, 409, 421)
_LINES = [{"sku": "85123A", "quantity": 2}]
_DISPATCH = {
    "packages": [
        {"sscc": "095212340000000426", "lines": [{"sku": "85123A", "quantity": 40}]},
        {"lines": [{"sku": "22423", "quantity": 6}]},
    ],
    "expected_at": "2026-03-02T08:00:00Z",
}
_RECEIPT = {
    "packages": ["095212340000000426"],
    "lines": [
        {"sku": "22423", "quantity": 5, "package": "2", "bin": "A-01-03"},
        {"sku": "22423", "quantity": 1, "package": "2", "condition": "damaged"},
    ],
    "found": [{"sku": "85123A", "quantity": 1}],
}
_STATUS = {
    "transfer_id": "us-transfer-01kah2v3nq7h3k2m9qk4t1x0ab", "version": 7, "status": "picking", "outcome": "",
    "allowed": ["short_pick", "dispatch", "cancel"], "approval_id": "",
}  # fmt: skip
_ON_THE_WAY = {**_STATUS, "status": "dispatched", "allowed": ["receive", "close"]}
_RECEIVING = {**_STATUS, "status": "receiving", "allowed": ["receive", "close"]}
_CLOSED = {**_STATUS, "status": "closed", "outcome": "with_loss", "allowed": ["receive"]}
_CANCELLED = {**_STATUS, "status": "cancelled", "allowed": []}


def add(api: APIRouter, calls: TransferCalls) -> None:
    """The routes."""
    _add_sending(api, calls)
    _add_receiving(api, calls)

    @api.post(
        "/v1/transfers/{transfer_id}/closure",
        summary="Close a transfer with what is lost",
        **documented(
            TransferStatusView,
            request=TransferClosure,
            request_example={"lost": _LINES},
            problems=_PROBLEMS,
            example=_CLOSED,
            accepted=AskedApproval,
            headers={202: ["Location"]},
        ),
    )
    async def closed(transfer_id: TransferId, request: Request) -> Response:
        """Nothing more will come. Everything that is on the road has to be named as lost, just that; what never left
        stays at the source. A transfer of which all has arrived closes by itself. More units lost than one person may
        correct are answered with 202: nothing is closed until somebody else approves it."""
        write, sent = await calls.services.bodies.document(request, _closure_decoder)
        found, refused = await judged(calls.found(transfer_id, sent.found, request))
        step = CloseTransfer(units_of(sent.lost), found or [], reach_of(request.scope))
        return await calls.ask_off_books(transfer_id, request, step, write, refused)

    @api.post(
        "/v1/transfers/{transfer_id}/cancellation",
        summary="Cancel a transfer",
        **documented(TransferStatusView, request=NoDetails, request_example={}, problems=_PROBLEMS, example=_CANCELLED),
    )
    async def cancelled(transfer_id: TransferId, request: Request) -> Response:
        """Until the first package leaves. The source has its units back."""
        write, _ = await calls.services.bodies.document(request, _nothing_decoder)
        return await calls.ask(transfer_id, request, CancelTransfer(reach_of(request.scope)), write)


def _add_sending(api: APIRouter, calls: TransferCalls) -> None:
    @api.post(
        "/v1/transfers/{transfer_id}/picking",
        summary="Start to pick a transfer",
        **documented(TransferStatusView, request=NoDetails, request_example={}, problems=_PROBLEMS, example=_STATUS),
    )
    async def picking(transfer_id: TransferId, request: Request) -> Response:
        """Somebody at the source fetches the units."""
        write, _ = await calls.services.bodies.document(request, _nothing_decoder)
        return await calls.ask(transfer_id, request, StartPicking(reach_of(request.scope)), write)

    @api.post(
        "/v1/transfers/{transfer_id}/short-picks",
        summary="Tell that allocated units are not there",
        **documented(
            TransferStatusView,
            request=TransferShortPick,
            request_example={"lines": _LINES},
            problems=_PROBLEMS,
            example=_STATUS,
            accepted=AskedApproval,
            headers={202: ["Location"]},
        ),
    )
    async def missing(transfer_id: TransferId, request: Request) -> Response:
        """They leave the books of the source, and won't be sent. More units than one person may correct are answered
        with 202: they stay in the books until somebody else approves it."""
        write, sent = await calls.services.bodies.document(request, _missing_decoder)
        step = TellMissing(units_of(sent.lines), reach_of(request.scope))
        return await calls.ask_off_books(transfer_id, request, step, write)

    @api.post(
        "/v1/transfers/{transfer_id}/dispatches",
        summary="Send packages on their way",
        **documented(
            TransferStatusView, request=NewDispatch, request_example=_DISPATCH, problems=_PROBLEMS, example=_ON_THE_WAY
        ),
    )
    async def dispatched(transfer_id: TransferId, request: Request) -> Response:
        """All or some of what was allocated; the rest may follow. From now on the destination expects it. Of which lots
        it is, the source says: first expired, first out."""
        write, sent = await calls.services.bodies.document(request, _dispatch_decoder)
        packages = [NewPackage(package.sscc or "", units_of(package.lines)) for package in sent.packages]
        command = DispatchPackages(packages, expected_ms(sent.expected_at), reach_of(request.scope))
        return await calls.ask(transfer_id, request, command, write)

    @api.post(
        "/v1/transfers/{transfer_id}/completion",
        summary="Send nothing more",
        **documented(
            TransferStatusView, request=NoDetails, request_example={}, problems=_PROBLEMS, example=_ON_THE_WAY
        ),
    )
    async def stopped(transfer_id: TransferId, request: Request) -> Response:
        """What has not left stays at the source, which has it back. The transfer closes once
        all that left has arrived."""
        write, _ = await calls.services.bodies.document(request, _nothing_decoder)
        return await calls.ask(transfer_id, request, StopSending(reach_of(request.scope)), write)


def _add_receiving(api: APIRouter, calls: TransferCalls) -> None:
    @api.post(
        "/v1/transfers/{transfer_id}/receipts",
        summary="Receive packages or units of a transfer",
        **documented(
            TransferStatusView,
            request=TransferReceipt,
            request_example=_RECEIPT,
            problems=_PROBLEMS,
            example=_RECEIVING,
        ),
    )
    async def received(transfer_id: TransferId, request: Request) -> Response:
        """By package, as it was sent, or unit by unit with their condition; as often as it takes. More than was sent is
        named as `found`, also when the transfer is closed. What the destination can't book (an unknown bin, say) counts
        as on the road, with the code as `last_refusal`."""
        write, sent = await calls.services.bodies.document(request, _receipt_decoder)
        found = await calls.found(transfer_id, sent.found, request)
        lines = [
            ReceivedLine(line.sku, line.quantity, line.condition, line.lot, line.package, line.bin)
            for line in sent.lines
        ]
        command = ReceiveUnits(sent.packages, lines, found, reach_of(request.scope))
        return await calls.ask(transfer_id, request, command, write)
