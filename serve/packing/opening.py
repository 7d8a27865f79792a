"""`POST /v1/shipments` and `/v1/manual-shipments`, and shipments as they are told."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from actors.domain import gs1, ids
from actors.domain.location_events import Units
from actors.domain.order_views import OrderView
from actors.domain.shipment_commands import OpenManual, OpenShipment
from actors.domain.shipment_state import STATUSES
from actors.domain.times import moment
from actors.runtime.read_model import ShipmentSummary
from serve.callers import reach_of
from serve.context import REQUEST_ID
from serve.judging import judged
from serve.limits import PAGE_DEFAULT
from serve.openapi import documented
from serve.packing import examples
from serve.packing.calls import PackingCalls, ShipmentId, detail, step_decoder, step_detail
from serve.packing.proposing import Proposing, proposed
from serve.packing.recipients import Recipients
from serve.packing.schemas import (
    ListedShipment,
    NewManualShipment,
    NewShipment,
    Placed,
    PlacedParcel,
    ProposalDetail,
    ShipmentDetail,
    ShipmentPage,
    StepDetail,
)
from serve.paging import Cursor, Limit, LocationAsked, one_of, page_at_places
from serve.problems import Problem, field_problem
from serve.responses import AnswerResponse, encode, ok
from serve.services import Services

_new_decoder = msgspec.json.Decoder(NewShipment)
_manual_decoder = msgspec.json.Decoder(NewManualShipment)
_PACKABLE = ("allocated", "picking")


def add(api: APIRouter, calls: PackingCalls, proposing: Proposing, recipients: Recipients) -> None:
    """The routes."""
    _add_reading(api, calls, proposing, recipients)

    @api.post(
        "/v1/shipments",
        summary="Begin to pack a fulfilment",
        **documented(
            StepDetail, request=NewShipment, request_example={"fulfilment_id": "us-01kah2v3nq7h3k2m9qk4t1x0ab.1"}, status=201, headers={201: ["Location"]},
            problems=(401, 403, 404, 409, 421), example=examples.STEP,
        ),
    )  # fmt: skip
    async def begin(request: Request) -> Response:
        """Of an order that is being picked. What should go into which carton is proposed (`GET …/proposal`). To begin
        again what was begun gives the same shipment."""
        return await _begin(calls, proposing, recipients, request)

    @api.post(
        "/v1/manual-shipments",
        summary="Ship something without an order",
        **documented(
            StepDetail, request=NewManualShipment, request_example=examples.MANUAL, status=201, headers={201: ["Location"]},
            problems=(401, 403, 404, 409, 421), example=examples.STEP | {"shipment_id": "us-shipment-01kah2v3nq7h3k2m9qk4t1x0ab"},
        ),
    )  # fmt: skip
    async def manual(request: Request) -> Response:
        """A sample, a return to a supplier. The location sets all of it aside, or it is `not_available`; the units
        leave its books when they leave the building."""
        return await _manual(calls, proposing, recipients, request)


async def _begin(calls: PackingCalls, proposing: Proposing, recipients: Recipients, request: Request) -> Response:
    write, sent = await calls.document(request, _new_decoder)
    order_id, _, number = sent.fulfilment_id.rpartition(".")
    if not gs1.is_digits(number) or len(number) > 6 or number.startswith("0"):
        raise field_problem("order.fulfilment_unknown", "There is no such fulfilment.", "/fulfilment_id")
    calls.territory.check_order(order_id)
    order = await recipients.order(order_id, request)
    command, refused = await judged(_opening(calls, proposing, request, order, sent.fulfilment_id))
    shipment_id = ids.shipment_of(order_id, int(number))
    return _made(await calls.ask(shipment_id, request, command, write, refused=refused))


async def _opening(
    calls: PackingCalls, proposing: Proposing, request: Request, order: OrderView, name: str
) -> OpenShipment:
    """Raises Problem."""
    location_id, lines = _held(order, name)
    return OpenShipment(
        location_id, order.order_id, int(name.rpartition(".")[2]), lines, proposing.known(lines),
        proposed(await proposing.proposal(lines)), series(calls.services), reach_of(request.scope),
    )  # fmt: skip


def _held(order: OrderView, name: str) -> tuple[str, list[Units]]:
    """Where it is packed, and what of. Raises Problem 404, 409."""
    fulfilment = next((one for one in order.fulfilments if one.fulfilment_id == name), None)
    if fulfilment is None:
        raise field_problem("order.fulfilment_unknown", f"There is no fulfilment {name}.", "/fulfilment_id")
    if fulfilment.status not in _PACKABLE:
        detail = f"The fulfilment is {fulfilment.status}: what is being picked can be packed."
        raise Problem("shipment.not_packable", detail, extra={"fulfilment_status": fulfilment.status})
    return fulfilment.location_id, [(line.sku, line.quantity) for line in fulfilment.lines if line.quantity]


def series(services: Services) -> str:
    """Who counts the SSCCs. Raises Problem 409."""
    settings = services.settings
    if not settings.packing.company_prefix:
        detail = "The region has no GS1 company prefix: `[packing] company_prefix` of its config."
        raise Problem("packing.no_company_prefix", detail)
    return ids.sscc_series_id(settings.region, settings.packing.company_prefix, settings.packing.sscc_extension)


async def _manual(calls: PackingCalls, proposing: Proposing, recipients: Recipients, request: Request) -> Response:
    services = calls.services
    write, sent = await calls.document(request, _manual_decoder)
    # It tells of a person: what is remembered of it must not confirm a guess.
    write = write._replace(digest=calls.private.digest(write.body, write.digest))
    calls.territory.check_location(sent.location_id)
    await calls.locations.require(sent.location_id, request.scope[REQUEST_ID])
    await calls.known.require([line.sku for line in sent.lines], "/lines/{}/sku", request.scope[REQUEST_ID])
    shipment_id = ids.shipment_id(services.settings.region, services.clock.now_ms(), write.key)
    command, refused = await judged(_manually(calls, proposing, recipients, request, sent, shipment_id))
    return _made(await calls.ask(shipment_id, request, command, write, creates=True, refused=refused))


async def _manually(
    calls: PackingCalls, proposing: Proposing, recipients: Recipients, request: Request, sent: NewManualShipment, shipment_id: str
) -> OpenManual:  # fmt: skip
    """Raises Problem."""
    services, lines = calls.services, [(line.sku, line.quantity) for line in sent.lines]
    for position, (sku, _) in enumerate(lines):
        if services.index.details(sku).kit:
            raise field_problem("shipment.kit", f"{sku} is a kit: name its parts.", f"/lines/{position}/sku")
    person = recipients.person(sent.customer_ref, sent.email)
    sealed = await recipients.sealed_party(shipment_id, sent.ship_to, person, request)
    sealed_note = await recipients.sealed_note(shipment_id, sent.note, person, request)
    return OpenManual(
        sent.location_id, sent.reason, "" if sealed_note else sent.note, lines, proposing.known(lines), proposed(await proposing.proposal(sorted(lines))),
        series(services), sent.ship_to.country, sealed, reach_of(request.scope), person,
        sealed_note,
    )  # fmt: skip


def _made(body: bytes) -> Response:
    step = step_detail(step_decoder.decode(body))
    location = f"/v1/shipments/{step.shipment_id}"
    return AnswerResponse((201, encode(step), ((b"location", location.encode()),)))


def _add_reading(api: APIRouter, calls: PackingCalls, proposing: Proposing, recipients: Recipients) -> None:
    services = calls.services

    @api.get(
        "/v1/shipments/{shipment_id}",
        summary="One shipment with its parcels",
        **documented(ShipmentDetail, problems=(401, 403, 404, 421, 422), example=examples.DETAIL),
    )
    async def read(shipment_id: ShipmentId, request: Request) -> Response:
        """As it is now. Who it goes to stands on its papers only. The note of a manual one may tell of a person: that
        it is read is written down."""
        view = await calls.view(shipment_id, request)
        note = await recipients.note(view, request)
        if note:
            await services.trail.read(request.scope, "shipment.read", "shipment", shipment_id)
        return ok(detail(view, note))

    @api.get(
        "/v1/shipments/{shipment_id}/proposal",
        summary="Which cartons to take, and where each unit goes in them",
        **documented(ProposalDetail, problems=(401, 403, 404, 421, 422), example=examples.PROPOSAL),
    )
    async def proposal(shipment_id: ShipmentId, request: Request) -> Response:
        """The same units give the same answer. Nobody has to follow it; where the catalogue lacks
        measures there is none."""
        view = await calls.view(shipment_id, request)
        found = await proposing.proposal(view.lines)
        parcels = [
            PlacedParcel(
                one.carton, [Placed(*msgspec.structs.astuple(unit)) for unit in one.placements], one.weight_g, round(one.fill, 3)
            )
            for one in found.parcels
        ]  # fmt: skip
        return ok(ProposalDetail(parcels, found.problem, list(found.skus)))

    @api.get(
        "/v1/shipments",
        summary="Shipments of one's locations",
        **documented(ShipmentPage, problems=(400, 401, 403, 422), example=examples.PAGE),
    )
    async def find(
        request: Request,
        location_id: LocationAsked = None,
        status: Annotated[str | None, one_of(STATUSES)] = None,
        cursor: Cursor = None,
        limit: Limit = PAGE_DEFAULT,
    ) -> Response:
        """By id, the last first, from the read model, which is a moment behind (`as_of`)."""
        page = await page_at_places(
            services, request, "shipments", status, STATUSES, location_id, cursor, limit,
            services.read_model.shipments, lambda shipment: shipment.shipment_id,
        )  # fmt: skip
        return ok(ShipmentPage([_listed(one) for one in page.items], page.as_of, page.next_cursor))


def _listed(one: ShipmentSummary) -> ListedShipment:
    return ListedShipment(
        one.shipment_id, one.version, one.status, one.location_id, one.order_id, one.reason, one.parcels, one.units, one.weight_g,
        moment(one.opened_at), moment(one.updated_at),
    )  # fmt: skip
