"""`/v1/transfers`: units that go from a location to another, for both ends."""

from __future__ import annotations

from functools import partial
from typing import Annotated, get_args

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from actors.domain.ids import transfer_id as new_transfer_id
from actors.domain.times import HOUR_MS, moment
from actors.domain.transfer_commands import ApproveTransfer, RequestTransfer
from actors.domain.transfer_state import TransferStatus, TransferStatusView
from actors.runtime.read_model import TransferSummary
from serve.approvals.asking import needs_approval, person_asking
from serve.callers import reach_of
from serve.catalogue.known import Catalogue, KnownSkuCheck
from serve.context import REQUEST_ID, WHO
from serve.judging import judged
from serve.limits import PAGE_DEFAULT
from serve.openapi import documented
from serve.paging import Cursor, Limit, LocationAsked, one_of, page_at_places
from serve.receiving.lines import check_no_kit
from serve.regions import Territory
from serve.replies import body_of
from serve.responses import AnswerResponse, ok
from serve.services import Services
from serve.transfers import steps, suggestions
from serve.transfers.calls import TransferCalls, TransferId, detail, expected_ms, units_of
from serve.transfers.schemas import ListedTransfer, NewTransfer, TransferDetail, TransferPage

_STATUSES = frozenset(get_args(TransferStatus))
_new_decoder = msgspec.json.Decoder(NewTransfer)
_status_decoder = msgspec.json.Decoder(TransferStatusView)
_NEW = {
    "source_id": "us-wh-seattle", "destination_id": "us-st-portland", "reference": "refill-12",
    "lines": [{"sku": "85123A", "quantity": 40}, {"sku": "22423", "quantity": 6}], "expected_at": "2026-03-02T08:00:00Z",
}  # fmt: skip
_STATUS = {
    "transfer_id": "us-transfer-01kah2v3nq7h3k2m9qk4t1x0ab", "version": 1, "status": "allocating", "outcome": "", "allowed": ["cancel"],
    "approval_id": "",
}  # fmt: skip
_SHOWN = {
    "transfer_id": "us-transfer-01kah2v3nq7h3k2m9qk4t1x0ab", "version": 9, "status": "dispatched", "outcome": "",
    "source_id": "us-wh-seattle", "destination_id": "us-st-portland", "reference": "refill-12", "late": False,
    "requested_at": "2026-03-01T12:00:00Z", "expected_at": "2026-03-02T08:00:00Z",
}  # fmt: skip
_DETAIL = {
    **_SHOWN, "updated_at": "2026-03-01T14:30:00Z", "approval_id": "", "last_refusal": "", "allowed": ["receive", "close"],
    "lines": [{
        "sku": "85123A", "wanted": 40, "allocated": 40, "short": 0, "to_go": 0, "leaving": 0, "dispatched": 40, "in_transit": 40, "received": 0,
        "damaged": 0, "lost": 0, "found": 0, "missing": 0, "released": 0,
    }],
    "packages": [{
        "number": 1, "sscc": "095212340000000426", "status": "on_the_way",
        "lines": [{"sku": "85123A", "quantity": 40, "received": 0, "lot": "", "expires_on": None}],
    }],
}  # fmt: skip
_PAGE = {
    "transfers": [{**_SHOWN, "line_count": 1, "wanted": 40, "dispatched": 40, "received": 0, "lost": 0}],
    "as_of": "2026-03-01T14:31:00Z", "next_cursor": None,
}  # fmt: skip


def router(services: Services, territory: Territory, known: KnownSkuCheck) -> APIRouter:
    """The routes with their services."""
    api = APIRouter(tags=["transfers"])
    calls = TransferCalls(services, territory, known)
    _add_list(api, calls)

    @api.post(
        "/v1/transfers",
        summary="Request a transfer",
        **documented(
            TransferStatusView,
            request=NewTransfer,
            request_example=_NEW,
            status=201,
            headers={201: ["Location"]},
            problems=(401, 403, 404, 421),
            example=_STATUS,
        ),
    )
    async def request_one(request: Request) -> Response:
        """From either end. The source sets aside what it has of it; what it lacks is short. More units than one person
        may request wait, as `requested`, for an approval."""
        return await _request(calls, request)

    @api.get(
        "/v1/transfers/{transfer_id}",
        summary="One transfer with its lines and packages",
        **documented(TransferDetail, problems=(401, 403, 404, 421, 422), example=_DETAIL),
    )
    async def read(transfer_id: TransferId, request: Request) -> Response:
        """As it is now, for both ends."""
        return ok(detail(await calls.view(transfer_id, request)))

    steps.add(api, calls)
    suggestions.add(api, services, known)
    return api


async def _request(calls: TransferCalls, request: Request) -> Response:
    services, scope = calls.services, request.scope
    write, sent = await calls.services.bodies.document(request, _new_decoder)
    for location_id in (sent.source_id, sent.destination_id):
        calls.territory.check_location(location_id)
        await calls.locations.require(location_id, scope[REQUEST_ID])
    skus = [line.sku for line in sent.lines]
    await calls.known.require(skus, "/lines/{}/sku", scope[REQUEST_ID])
    _, refused = await judged(calls.known.judged(partial(_check_no_kits, skus), skus, scope[REQUEST_ID]))
    lines, asked_by, approval_ms = units_of(sent.lines), "", 0
    if needs_approval(services, ApproveTransfer(sent.source_id, sent.destination_id, lines)):
        asked_by, approval_ms = person_asking(scope), services.settings.approval_expires_hours * HOUR_MS
    command = RequestTransfer(
        sent.source_id, sent.destination_id, lines, sent.reference, expected_ms(sent.expected_at), approval_ms, asked_by,
        reach_of(request.scope),
    )  # fmt: skip
    made_id = new_transfer_id(services.settings.region, services.clock.now_ms(), write.key)
    reply = await services.gateway.ask(
        "transfer", made_id, None if refused else command,
        command_id=write.key, digest=write.digest, creates=True, cause=scope[REQUEST_ID], who=scope.get(WHO),
        refused=refused,
    )  # fmt: skip
    body = body_of(reply)
    # A repeated call is told of the first one's transfer.
    location = f"/v1/transfers/{_status_decoder.decode(body).transfer_id}"
    return AnswerResponse((201, body, ((b"location", location.encode()),)))


def _check_no_kits(skus: list[str], catalogue: Catalogue) -> None:
    for position, sku in enumerate(skus):
        check_no_kit(catalogue.details(sku), sku, f"/lines/{position}")


def _add_list(api: APIRouter, calls: TransferCalls) -> None:
    services = calls.services

    @api.get(
        "/v1/transfers",
        summary="Transfers from and to one's locations",
        **documented(TransferPage, problems=(400, 401, 403, 422), example=_PAGE),
    )
    async def find(
        request: Request,
        location_id: LocationAsked = None,
        status: Annotated[str | None, one_of(_STATUSES)] = None,
        cursor: Cursor = None,
        limit: Limit = PAGE_DEFAULT,
    ) -> Response:
        """Newest first, of which one end is that location or a place that one's rights reach, from the read model,
        which is a moment behind (`as_of`)."""
        page = await page_at_places(
            services, request, "transfers", status, _STATUSES, location_id, cursor, limit,
            services.read_model.transfers, lambda transfer: transfer.transfer_id,
        )  # fmt: skip
        return ok(TransferPage([_listed(transfer) for transfer in page.items], page.as_of, page.next_cursor))


def _listed(transfer: TransferSummary) -> ListedTransfer:
    return ListedTransfer(
        transfer.transfer_id, transfer.version, transfer.status, transfer.outcome, transfer.source_id,  # type: ignore[arg-type]
        transfer.destination_id, transfer.reference, transfer.line_count, transfer.wanted, transfer.dispatched,
        transfer.received, transfer.lost, transfer.late, moment(transfer.requested_at),
        None if transfer.expected_at is None else moment(transfer.expected_at),
    )  # fmt: skip
