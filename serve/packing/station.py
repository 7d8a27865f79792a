"""`/v1/shipments/{shipment_id}/…`: the pack station. Whether it is their place, the shipment judges."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from actors.domain.allocation import need_of
from actors.domain.location_floor import ContentsView, ViewContents
from actors.domain.shipment_commands import (
    CancelManual,
    CloseParcel,
    FinishPacking,
    LotUnits,
    OpenParcel,
    PackUnits,
    PutBack,
    RemoveParcel,
    ReopenParcel,
    TakeOut,
    TellMissing,
)
from actors.domain.shipment_views import ShipmentView
from serve.callers import reach_of
from serve.context import REQUEST_ID
from serve.openapi import KEY_PARAMETER, documented
from serve.packing import examples
from serve.packing.calls import PackingCalls, ParcelNumber, ShipmentId
from serve.packing.labels import Labels
from serve.packing.opening import series
from serve.packing.schemas import MissingAtPacking, NewParcel, Nothing, ParcelClosure, Scan, StepDetail
from serve.problems import field_problem
from serve.responses import ok

_parcel_decoder = msgspec.json.Decoder(NewParcel)
_scan_decoder = msgspec.json.Decoder(Scan)
_closure_decoder = msgspec.json.Decoder(ParcelClosure)
_missing_decoder = msgspec.json.Decoder(MissingAtPacking)
_nothing_decoder = msgspec.json.Decoder(Nothing)
_contents_decoder = msgspec.json.Decoder(ContentsView)
_PROBLEMS = (401, 403, 404, 409, 421)
_SCAN = {"sku": "85123A", "quantity": 2}


def add(api: APIRouter, calls: PackingCalls, labels: Labels) -> None:
    """The routes."""
    _add_parcels(api, calls)
    _add_scans(api, calls)
    _add_ends(api, calls, labels)


def _add_parcels(api: APIRouter, calls: PackingCalls) -> None:
    @api.post(
        "/v1/shipments/{shipment_id}/parcels",
        summary="Put an empty carton on the table",
        **documented(StepDetail, request=NewParcel, request_example={"carton": "M"}, problems=_PROBLEMS, example=examples.STEP),
    )  # fmt: skip
    async def opened(shipment_id: ShipmentId, request: Request) -> Response:
        """One of the region's cartons by its name, or any other by its measures. It has its SSCC a moment later,
        mostly with this answer."""
        write, sent = await calls.document(request, _parcel_decoder)
        return ok(await calls.step(shipment_id, request, _parcel(calls, sent, reach_of(request.scope)), write))

    @api.post(
        "/v1/shipments/{shipment_id}/parcels/{parcel}/closure",
        summary="Weigh and close a parcel",
        **documented(StepDetail, request=ParcelClosure, request_example={"weight_g": 1240}, problems=_PROBLEMS, example=examples.PACKED),
    )  # fmt: skip
    async def closed(shipment_id: ShipmentId, parcel: ParcelNumber, request: Request) -> Response:
        """The weight is compared with that of the contents, where the catalogue knows it. With the last parcel the
        order's fulfilment is packed."""
        write, sent = await calls.document(request, _closure_decoder)
        settings = calls.settings
        command = CloseParcel(
            parcel,
            sent.weight_g,
            settings.tolerance_g,
            settings.tolerance_percent,
            sent.despite,
            reach_of(request.scope),
        )
        return ok(await calls.step(shipment_id, request, command, write))

    @api.post(
        "/v1/shipments/{shipment_id}/parcels/{parcel}/reopening",
        summary="Open a closed parcel again",
        **documented(StepDetail, request=Nothing, request_example={}, problems=_PROBLEMS, example=examples.STEP),
    )
    async def reopened(shipment_id: ShipmentId, parcel: ParcelNumber, request: Request) -> Response:
        """Its label has to be given back first. When all was packed, packing goes on: what no carrier takes is packed
        otherwise. So it is when other parcels have left: what is taken out of it is packed again."""
        write, _ = await calls.document(request, _nothing_decoder)
        return ok(await calls.step(shipment_id, request, ReopenParcel(parcel, reach_of(request.scope)), write))

    @api.delete(
        "/v1/shipments/{shipment_id}/parcels/{parcel}",
        summary="Take an empty carton away",
        **documented(StepDetail, problems=(400, 401, 403, 404, 408, 409, 413, 415, 421, 422), example=examples.STEP),
        openapi_extra={"parameters": [KEY_PARAMETER]},
    )
    async def removed(shipment_id: ShipmentId, parcel: ParcelNumber, request: Request) -> Response:
        """Its number is not given again."""
        write = await calls.bare(request)
        return ok(await calls.step(shipment_id, request, RemoveParcel(parcel, reach_of(request.scope)), write))


def _parcel(calls: PackingCalls, sent: NewParcel, within: list[str]) -> OpenParcel:
    """Raises Problem 422."""
    # A region whose config names no prefix any more goes on with what its shipments know.
    counted_by = series(calls.services) if calls.settings.company_prefix else ""
    sides = (sent.length_mm, sent.width_mm, sent.height_mm)
    if sent.carton:
        if any(side is not None for side in (*sides, sent.tare_g)):
            detail = "Name a carton, or measure one: not both."
            raise field_problem("packing.carton_measured", detail, "/carton")
        known = {one.inner.carton: one for one in calls.settings.cartons}
        one = known.get(sent.carton)
        if one is None:
            detail = f"There is no carton {sent.carton}: it is one of {', '.join(known) or 'none'}, or measure it."
            raise field_problem("packing.carton_unknown", detail, "/carton", known=list(known))
        return OpenParcel(sent.carton, one.outer, one.inner.weight_g, one.inner.weight_max_g, within, counted_by)
    length, width, height = sides
    if length is None or width is None or height is None or sent.tare_g is None:
        detail = "A carton without a name needs its three sides and what it weighs empty."
        raise field_problem("packing.carton_incomplete", detail, "/carton")
    return OpenParcel("", (length, width, height), sent.tare_g, 0, within, counted_by)


def _add_scans(api: APIRouter, calls: PackingCalls) -> None:
    @api.post(
        "/v1/shipments/{shipment_id}/parcels/{parcel}/scans",
        summary="Check and pack what was scanned",
        **documented(StepDetail, request=Scan, request_example=_SCAN, problems=_PROBLEMS, example=examples.STEP),
    )
    async def scanned(shipment_id: ShipmentId, parcel: ParcelNumber, request: Request) -> Response:
        """A wrong item, one too many, or a lot that is not set aside for this shipment is refused, with what to do
        instead. Of what is kept by lot or serial number, that is scanned too."""
        write, sent = await calls.document(request, _scan_decoder)
        lots = await _allotted(calls, shipment_id, {sent.sku}, request)
        allotted = [(lot, units) for _, lot, units in lots]
        command = PackUnits(parcel, sent.sku, sent.quantity, sent.lot, allotted, reach_of(request.scope))
        return ok(await calls.step(shipment_id, request, command, write))

    @api.post(
        "/v1/shipments/{shipment_id}/parcels/{parcel}/take-outs",
        summary="Take units out of a parcel",
        **documented(StepDetail, request=Scan, request_example=_SCAN, problems=_PROBLEMS, example=examples.STEP),
    )
    async def taken_out(shipment_id: ShipmentId, parcel: ParcelNumber, request: Request) -> Response:
        """Of an open one."""
        write, sent = await calls.document(request, _scan_decoder)
        command = TakeOut(parcel, sent.sku, sent.quantity, sent.lot, reach_of(request.scope))
        return ok(await calls.step(shipment_id, request, command, write))

    @api.post(
        "/v1/shipments/{shipment_id}/missing",
        summary="Tell that units are not there to be packed",
        **documented(StepDetail, request=MissingAtPacking, request_example={"lines": [_SCAN]}, problems=_PROBLEMS, example=examples.STEP),
    )  # fmt: skip
    async def missing(shipment_id: ShipmentId, request: Request) -> Response:
        """They leave the books; an order looks for them elsewhere, and what is packed is all that this shipment has.
        When the order holds less by now than the shipment took it to, it knew: nothing leaves the books
        (`last_refusal`: `order.fulfilment_changed`), and `left` says what is still to be packed."""
        write, sent = await calls.document(request, _missing_decoder)
        lots = [(line.sku, line.lot, line.quantity) for line in sent.lines if line.lot]
        # Whoever names no lot names the SKU once; the shipment says so.
        named = need_of((sku, units) for sku, _, units in lots)
        lines = [*named.items(), *((line.sku, line.quantity) for line in sent.lines if not line.lot)]
        allotted = await _allotted(calls, shipment_id, {sku for sku, _ in lines}, request)
        command = TellMissing(lines, reach_of(request.scope), lots, allotted)
        return ok(await calls.step(shipment_id, request, command, write))


async def _allotted(calls: PackingCalls, shipment_id: str, skus: set[str], request: Request) -> list[LotUnits]:
    """The lots of these SKUs that their location keeps for the shipment. Raises Problem."""
    tracked = {sku for sku in skus if calls.services.index.details(sku).tracking != "none"}
    if not tracked:
        return []
    view = await calls.view(shipment_id, request)
    query = ViewContents(view.location_id, [], [_cause(view)])
    told = await calls.locations.view(view.location_id, query, request.scope[REQUEST_ID])
    claims = _contents_decoder.decode(told).claims
    return [(claim.sku, claim.lot, claim.units) for claim in claims if claim.sku in tracked]


def _cause(view: ShipmentView) -> str:
    """Under which name its location keeps its units."""
    return f"{view.order_id or view.shipment_id}.{view.number}"


def _add_ends(api: APIRouter, calls: PackingCalls, labels: Labels) -> None:
    @api.post(
        "/v1/shipments/{shipment_id}/completion",
        summary="Tell the order once more that all is packed",
        **documented(StepDetail, request=Nothing, request_example={}, problems=_PROBLEMS, example=examples.PACKED),
    )
    async def finished(shipment_id: ShipmentId, request: Request) -> Response:
        """It is told by itself with the last parcel; this is for when it refused (`last_refusal`), and the reason is
        gone. With something left that is not there, while all else is in closed parcels, the order is asked
        whether it holds that at all."""
        write, _ = await calls.document(request, _nothing_decoder)
        return ok(await calls.step(shipment_id, request, FinishPacking(reach_of(request.scope)), write))

    @api.post(
        "/v1/shipments/{shipment_id}/unpacking",
        summary="Unpack a shipment that was stopped",
        **documented(StepDetail, request=Nothing, request_example={}, problems=_PROBLEMS, example=examples.UNPACKED),
    )
    async def unpacked(shipment_id: ShipmentId, request: Request) -> Response:
        """Its goods lie in their places again. Labels that were bought are given back to the carrier first; one that
        does not answer is asked again by the same call."""
        write, _ = await calls.document(request, _nothing_decoder)
        view = await calls.view(shipment_id, request, papers=True)
        if await labels.note_if_cancelled(view, request, write):
            view = await calls.view(shipment_id, request, papers=True)
        if view.status == "unpacking":
            await labels.give_all_back(view, request, write)
        return ok(await calls.step(shipment_id, request, PutBack(reach_of(request.scope)), write))

    @api.post(
        "/v1/shipments/{shipment_id}/cancellation",
        summary="Cancel a manual shipment",
        **documented(StepDetail, request=Nothing, request_example={}, problems=_PROBLEMS, example=examples.UNPACKED),
    )
    async def cancelled(shipment_id: ShipmentId, request: Request) -> Response:
        """Until its first parcel stands before the driver. The location has its units back;
        what is packed is unpacked."""
        write, _ = await calls.document(request, _nothing_decoder)
        return ok(await calls.step(shipment_id, request, CancelManual(reach_of(request.scope)), write))
