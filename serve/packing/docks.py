"""`/v1/locations/{location_id}/docks/{carrier}`: what waits for a carrier, its manifests, and the hand-over."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from actors.domain import gs1
from actors.domain.errors import Refused
from actors.domain.gs1_elements import parse
from actors.domain.ids import CARRIER_PATTERN, dock_id
from actors.domain.manifest_commands import (
    CloseManifest,
    Command,
    CompleteHandOver,
    NoteManifest,
    NoteManifestRefused,
    ScanParcel,
)
from actors.domain.manifest_events import Waiting
from actors.domain.manifest_state import (
    DockView,
    Manifest,
    ManifestTicket,
    ManifestView,
    ScanView,
    ViewDock,
    ViewManifest,
    signed_for,
)
from actors.domain.times import moment
from actors.runtime.read_model import ManifestSummary
from partners.carrier import Carrier as CarrierPort
from partners.carrier import CarrierError, CarrierRefused
from partners.carrier import Manifest as CarrierManifest
from serve.callers import reach_of
from serve.context import REQUEST_ID, WHO
from serve.freshness import from_store
from serve.limits import PAGE_DEFAULT
from serve.locations.calls import LocationId
from serve.openapi import KEY_PARAMETER, documented
from serve.packing import examples
from serve.packing.calls import WAIT_MS, LanguageAsked, PackingCalls, PaperAsked
from serve.packing.carriers import told_as
from serve.packing.dock_schemas import (
    DockDetail,
    DockScan,
    HandOver,
    ListedParcel,
    ManifestDetail,
    ManifestLine,
    ManifestPage,
    ScanDetail,
    WaitingDetail,
)
from serve.packing.documents import NAMED, Document
from serve.packing.labels import KEYS_TRUSTED_MS, Labels
from serve.packing.manifest_list import manifest_list
from serve.paging import Cursor, Limit, page_of
from serve.problems import Problem
from serve.replies import body_of
from serve.requests import Write, decode
from serve.responses import AnswerResponse, encode, ok
from serve.services import Services

Carrier = Annotated[str, Path(max_length=24, description="e.g. post")]
Number = Annotated[int, Path(ge=1, le=1_000_000_000, description="of the manifest, at this dock")]
_ROOT = "/v1/locations/{location_id}/docks/{carrier}"
_PROBLEMS = (401, 403, 404, 409, 421)
_READ = (*_PROBLEMS, 422)
_scan_decoder = msgspec.json.Decoder(DockScan)
_hand_over_decoder = msgspec.json.Decoder(HandOver)
_ticket_decoder = msgspec.json.Decoder(ManifestTicket)
_scanned_decoder = msgspec.json.Decoder(ScanView)
_dock_decoder = msgspec.json.Decoder(DockView)
_manifest_decoder = msgspec.json.Decoder(ManifestView)
_content_decoder = msgspec.msgpack.Decoder(Manifest)


class DockCalls:
    """Asks docks."""

    def __init__(self, calls: PackingCalls, labels: Labels) -> None:
        self.calls = calls
        self.labels = labels
        self.services = calls.services

    def name(self, location_id: str, carrier: str) -> str:
        """The dock's id. Raises Problem 404, 421."""
        self.calls.territory.check_location(location_id)
        if not CARRIER_PATTERN.fullmatch(carrier):
            raise no_carrier(self.services)
        return dock_id(location_id, carrier)

    async def write(self, request: Request, location_id: str) -> Write:
        """Raises Problem."""
        return await self.calls.locations.write(request, location_id)

    async def ask(self, dock: str, request: Request, command: Command, write: Write, *, suffix: str = "") -> bytes:
        """What the dock answers, as JSON. suffix: of what follows from the same call. Raises Problem."""
        reply = await self.services.gateway.ask(
            "manifest", dock, command,
            command_id=write.key + suffix, digest=0 if suffix else write.digest, wait_ms=WAIT_MS,
            cause=request.scope[REQUEST_ID], who=request.scope.get(WHO),
        )  # fmt: skip
        return body_of(reply)

    async def there(self, dock: str, carrier: str, request: Request) -> DockView:
        """The dock as it is now. Raises Problem 404 where there is no such carrier, and never was."""
        query = ViewDock(dock, reach_of(request.scope))
        reply = await self.services.gateway.view("manifest", dock, query, cause=request.scope[REQUEST_ID])
        told = _dock_decoder.decode(body_of(reply))
        if not told.version and carrier not in self.services.carriers:
            # Of one that was taken out of the config since what waits, and what left, can still be read.
            raise no_carrier(self.services)
        return told

    async def manifest(self, dock: str, number: int, request: Request) -> Manifest:
        """From the dock, or from the read model once that has forgotten it. Raises Problem."""
        query = ViewManifest(dock, number, reach_of(request.scope))
        try:
            reply = await self.services.gateway.view("manifest", dock, query, cause=request.scope[REQUEST_ID])
            return _manifest_decoder.decode(body_of(reply)).manifest
        except Problem as problem:
            if problem.code != "manifest.unknown":
                raise
            content = await from_store(self.services.read_model.manifest(dock, number))
            if content is None:
                raise
            return _content_decoder.decode(content)

    async def close(self, dock: str, carrier: str, request: Request, write: Write) -> int:
        """Tells the carrier, once. Raises Problem."""
        port = self.labels.port(carrier)
        ticket = _ticket_decoder.decode(await self.ask(dock, request, CloseManifest(reach_of(request.scope)), write))
        if ticket.status != "closing":
            return ticket.number
        # A call that is sent again has the answer of then: the carrier is asked for what is being closed now.
        manifest = await self.manifest(dock, ticket.number, request)
        if manifest.status == "returned":
            raise told_as(CarrierRefused(manifest.code, "The carrier has refused it, and its parcels wait again."))
        if manifest.status != "closing":
            return ticket.number
        command: Command
        try:
            taken = await self._taken(port, ticket)
        except CarrierRefused as refused:
            command = NoteManifestRefused(ticket.number, refused.code)
            await asyncio.shield(self.ask(dock, request, command, write, suffix=f"/{ticket.key} {refused.code}"))
            raise told_as(refused) from None
        except CarrierError as error:
            raise told_as(error) from None
        command = NoteManifest(ticket.number, taken.manifest_id)
        await asyncio.shield(self.ask(dock, request, command, write, suffix=f"/{ticket.key} taken"))
        return ticket.number

    async def _taken(self, port: CarrierPort, ticket: ManifestTicket) -> CarrierManifest:
        """Told once, whenever that was first: a carrier knows keys for a while only. Raises CarrierError."""
        if self.services.clock.now_ms() - ticket.closed_at_ms >= KEYS_TRUSTED_MS:
            found = await port.find_manifest(ticket.key)
            if found is not None:
                return found
        return await port.manifest(ticket.key, tuple(ticket.tracking_numbers))


def no_carrier(services: Services) -> Problem:
    """404, with those that there are."""
    known = sorted(services.carriers)
    return Problem("manifest.unknown", f"There is no such carrier here: {', '.join(known) or 'none is set up'}.")


def add(api: APIRouter, docks: DockCalls) -> None:
    """The routes."""
    _add_reading(api, docks)
    _add_closing(api, docks)

    @api.post(
        f"{_ROOT}/manifests/{{number}}/scans",
        summary="Scan a parcel before the driver",
        **documented(ScanDetail, request=DockScan, request_example={"code": examples.SSCC}, problems=_PROBLEMS, example=examples.SCAN),
    )  # fmt: skip
    async def scanned(location_id: LocationId, carrier: Carrier, number: Number, request: Request) -> Response:
        """May it be loaded? Its order is asked, if none of its parcels has left yet: what was cancelled stays.
        `clearing`: not answered yet, scan it again."""
        dock = docks.name(location_id, carrier)
        write = await docks.write(request, location_id)
        code = _number_of(decode(_scan_decoder, write.body).code)
        command = ScanParcel(number, code, reach_of(request.scope))
        told = _scanned_decoder.decode(await docks.ask(dock, request, command, write))
        return ok(
            ScanDetail(told.number, told.sscc, told.tracking, told.status, told.load, told.code, told.seen, told.of)
        )

    @api.post(
        f"{_ROOT}/manifests/{{number}}/hand-over",
        summary="The driver has signed",
        **documented(ManifestDetail, request=HandOver, request_example={"leave_missing": True}, problems=_PROBLEMS, example=examples.HANDED_OVER),
    )  # fmt: skip
    async def handed_over(location_id: LocationId, carrier: Carrier, number: Number, request: Request) -> Response:
        """What was not loaded is told, and waits for the next one when that is said."""
        dock = docks.name(location_id, carrier)
        write = await docks.write(request, location_id)
        sent = decode(_hand_over_decoder, write.body)
        command = CompleteHandOver(number, sent.leave_missing, reach_of(request.scope))
        told = _manifest_decoder.decode(await docks.ask(dock, request, command, write))
        return ok(manifest_detail(dock, told.manifest))


def _add_closing(api: APIRouter, docks: DockCalls) -> None:
    @api.post(
        f"{_ROOT}/manifests",
        summary="Close what waits into a manifest",
        **documented(
            ManifestDetail,
            status=201,
            headers={201: ["Location"]},
            problems=(400, 408, 413, 415, *_READ),
            example=examples.MANIFEST,
        ),
        openapi_extra={"parameters": [KEY_PARAMETER]},
    )
    async def closed(location_id: LocationId, carrier: Carrier, request: Request) -> Response:
        """The oldest 300 parcels. The carrier is told once: while it has not answered (503), this call again tells it
        the same under the same key. What it refuses waits again."""
        dock = docks.name(location_id, carrier)
        write = await docks.calls.bare(request)
        number = await docks.close(dock, carrier, request, write)
        body = encode(manifest_detail(dock, await docks.manifest(dock, number, request)))
        place = f"/v1/locations/{location_id}/docks/{carrier}/manifests/{number}"
        return AnswerResponse((201, body, ((b"location", place.encode()),)))


def _add_reading(api: APIRouter, docks: DockCalls) -> None:
    services = docks.services

    @api.get(
        _ROOT,
        summary="What waits at a location for a carrier",
        **documented(DockDetail, problems=_READ, example=examples.DOCK),
    )
    async def dock(location_id: LocationId, carrier: Carrier, request: Request) -> Response:
        """As it is now, with the manifests that are not handed over."""
        name = docks.name(location_id, carrier)
        told = await docks.there(name, carrier, request)
        waiting = [_waiting(one) for one in told.waiting]
        return ok(DockDetail(name, told.version, waiting, [_line(one) for one in told.manifests]))

    @api.get(
        f"{_ROOT}/manifests",
        summary="Manifests of a location and carrier",
        **documented(ManifestPage, problems=(400, *_READ), example=examples.MANIFESTS),
    )
    async def listed(
        location_id: LocationId,
        carrier: Carrier,
        request: Request,
        cursor: Cursor = None,
        limit: Limit = PAGE_DEFAULT,
    ) -> Response:
        """Newest first, from the read model, which is a moment behind (`as_of`)."""
        name = docks.name(location_id, carrier)
        page = await page_of(
            services, f"manifests\0{name}", cursor, limit,
            lambda before, some: services.read_model.manifests(name, before=None if before is None else int(before), limit=some),
            lambda manifest: str(manifest.number),
        )  # fmt: skip
        if not page.items:
            await docks.there(name, carrier, request)
        return ok(ManifestPage([_summary(one) for one in page.items], page.as_of, page.next_cursor))

    @api.get(
        f"{_ROOT}/manifests/{{number}}",
        summary="One manifest with its parcels",
        **documented(ManifestDetail, problems=_READ, example=examples.MANIFEST),
    )
    async def read(location_id: LocationId, carrier: Carrier, number: Number, request: Request) -> Response:
        """As it is now, or as it was in the end."""
        name = docks.name(location_id, carrier)
        return ok(manifest_detail(name, await docks.manifest(name, number, request)))

    @api.get(
        f"{_ROOT}/manifests/{{number}}/list.pdf",
        summary="The list of a manifest, to sign",
        **documented(None, media_type="application/pdf", problems=_READ, headers=NAMED),
    )
    async def printed(
        location_id: LocationId,
        carrier: Carrier,
        number: Number,
        request: Request,
        language: LanguageAsked = "en",
        paper: PaperAsked = "a4",
    ) -> Response:
        """For the driver. After the hand-over, what he took."""
        name = docks.name(location_id, carrier)
        manifest = await docks.manifest(name, number, request)
        settings = docks.calls.settings
        drawn = await asyncio.to_thread(manifest_list, name, manifest, settings, language, paper)
        return Document(drawn, "pdf", f"manifest-{name}-{number}")


def _number_of(code: str) -> str:
    """The SSCC in what a scanner sends, or the text as it is: a tracking number."""
    if gs1.is_digits(code) and len(code) == gs1.SSCC_DIGITS:
        return code
    try:
        elements = parse(code)
    except Refused:
        return code
    return next((one.value for one in elements if one.ai == "00"), code)


def _waiting(one: Waiting) -> WaitingDetail:
    return WaitingDetail(one.sscc, one.shipment_id, one.parcel, one.tracking, one.weight_g)


def manifest_detail(dock: str, one: Manifest) -> ManifestDetail:
    """As callers are told."""
    parcels = [
        ListedParcel(p.sscc, p.shipment_id, p.parcel, p.tracking, p.weight_g, p.status, p.code) for p in one.parcels
    ]
    return ManifestDetail(
        dock, one.number, one.status, one.carrier_ref, one.code, moment(one.closed_at_ms),
        None if one.handed_over_ms is None else moment(one.handed_over_ms), sum(p.weight_g for p in signed_for(one.parcels)), parcels,
    )  # fmt: skip


def _line(one: Manifest) -> ManifestLine:
    leaving = signed_for(one.parcels)
    return ManifestLine(
        one.number, one.status, one.carrier_ref, len(leaving), sum(p.weight_g for p in leaving), moment(one.closed_at_ms),
        None if one.handed_over_ms is None else moment(one.handed_over_ms),
    )  # fmt: skip


def _summary(one: ManifestSummary) -> ManifestLine:
    return ManifestLine(
        one.number, one.status, one.carrier_ref, one.parcels, one.weight_g, moment(one.closed_at),
        None if one.handed_over_at is None else moment(one.handed_over_at),
    )  # fmt: skip
