"""`/v1/locations` and what is below."""

from __future__ import annotations

import re
import zoneinfo
from functools import cache
from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from actors.domain.ids import LOCATION_PATTERN
from actors.domain.location_commands import AdjustmentLine, AdjustStock, OpenLocation, ReceiptLine, ReceiveStock
from actors.domain.location_state import Changed, LocationStockView, ViewStock
from actors.domain.money import Money
from actors.domain.rows import LedgerRow, LocationRow
from serve.approvals.asking import ask_approval, needs_approval
from serve.approvals.schemas import AskedApproval
from serve.catalogue.known import KnownSkuCheck
from serve.context import ENTITY_ID, REQUEST_ID, WHO
from serve.freshness import moment
from serve.limits import PAGE_DEFAULT, PAGE_MAX
from serve.locations.schemas import (
    LedgerEntry,
    LedgerPage,
    LocationPage,
    LocationView,
    NewAdjustment,
    NewReceipt,
    Particulars,
    StockPage,
)
from serve.openapi import documented
from serve.paging import page_of
from serve.problems import Problem, field_problem
from serve.regions import Territory
from serve.replies import answer, body_of
from serve.requests import Write, decode
from serve.responses import AnswerResponse, ok
from serve.services import Services

_particulars_decoder = msgspec.json.Decoder(Particulars)
_receipt_decoder = msgspec.json.Decoder(NewReceipt)
_adjustment_decoder = msgspec.json.Decoder(NewAdjustment)
_stock_decoder = msgspec.json.Decoder(LocationStockView)
_LEDGER_POSITION = re.compile(r"^(\d{1,18})\.(\d{1,9})$")
LocationId = Annotated[str, Path(max_length=80, description="e.g. us-wh-seattle")]
_MONEY = {"amount": 450, "currency": "USD"}
_PARTICULARS = {
    "type": "warehouse", "name": "Seattle", "city": "Kent", "country": "US", "lat": 47.38, "lon": -122.23,
    "timezone": "America/Los_Angeles",
}  # fmt: skip
_RECEIPT = {"reference": "asn-4711", "lines": [{"sku": "85123A", "quantity": 120, "unit_value": _MONEY}]}
_ADJUSTMENT = {
    "reference": "count-12",
    "lines": [{"sku": "85123A", "quantity": -2, "reason": "damage", "safety_stock": 5}],
}


@cache
def _timezones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _line_value(money: Money | None) -> tuple[int, str] | None:
    return None if money is None else (money.amount, money.currency)


class _Locations:
    """What the routes share."""

    def __init__(self, services: Services, territory: Territory, known: KnownSkuCheck) -> None:
        self.services = services
        self.territory = territory
        self.known = known

    async def write(self, request: Request, location_id: str) -> Write:
        write = await self.services.bodies.read(request.scope, request.receive)
        self.territory.check_location(location_id)
        request.scope[ENTITY_ID] = location_id
        return write

    async def ask(self, request: Request, location_id: str, command: msgspec.Struct, write: Write) -> Response:
        reply = await self.services.gateway.ask(
            "location", location_id, command,
            command_id=write.key, digest=write.digest, cause=request.scope[REQUEST_ID], who=request.scope.get(WHO),
        )  # fmt: skip
        return AnswerResponse(answer(reply))

    async def stock(self, location_id: str, after: str, limit: int, cause: str) -> LocationStockView:
        reply = await self.services.gateway.view(
            "location", location_id, ViewStock(location_id, after, limit), cause=cause
        )
        return _stock_decoder.decode(body_of(reply))

    async def require(self, location_id: str, cause: str) -> None:
        """Raises Problem 404 when there is no such location."""
        if location_id not in self.services.index.places:
            # This replica may not have heard of it yet; the actor has, or refuses.
            await self.stock(location_id, "", 1, cause)

    def check_value(self, money: Money | None, position: int) -> None:
        if money is not None and not self.territory.accepts(money.currency):
            raise field_problem(
                "stock.currency_not_accepted",
                f"{money.currency} is not accepted here.",
                f"/lines/{position}/unit_value/currency",
                accepted=self.territory.currencies,
            )


def router(services: Services, territory: Territory, known: KnownSkuCheck) -> APIRouter:
    """The routes with their services."""
    api = APIRouter(tags=["locations"])
    locations = _Locations(services, territory, known)
    _add_writes(api, locations)
    _add_reads(api, locations)
    return api


def _add_writes(api: APIRouter, locations: _Locations) -> None:
    @api.put(
        "/v1/locations/{location_id}",
        summary="Open or change a location",
        **documented(Changed, request=Particulars, request_example=_PARTICULARS, problems=(404, 421)),
    )
    async def put(location_id: LocationId, request: Request) -> Response:
        """Makes a warehouse or store known. Its id is the region, a dash and a name of lower-case letters, digits and dashes."""
        if location_id.startswith(f"{locations.territory.region}-") and not LOCATION_PATTERN.fullmatch(location_id):
            detail = (
                "After the region and a dash: 1 to 63 lower-case letters, digits or dashes, not beginning with a dash."
            )
            raise Problem("location.id_invalid", detail, errors=[{"parameter": "location_id", "detail": detail}])
        write = await locations.write(request, location_id)
        sent = decode(_particulars_decoder, write.body)
        if sent.timezone not in _timezones():
            raise field_problem("body.invalid", f"There is no time zone {sent.timezone}.", "/timezone")
        command = OpenLocation(sent.type, sent.name, sent.city, sent.country, sent.lat, sent.lon, sent.timezone)
        return await locations.ask(request, location_id, command, write)

    @api.post(
        "/v1/locations/{location_id}/receipts",
        summary="Goods came in",
        **documented(Changed, request=NewReceipt, request_example=_RECEIPT, problems=(404, 421)),
    )
    async def receive(location_id: LocationId, request: Request) -> Response:
        """Adds units to the stock on hand, up to 1,000 lines."""
        write = await locations.write(request, location_id)
        sent = decode(_receipt_decoder, write.body)
        for position, line in enumerate(sent.lines):
            locations.check_value(line.unit_value, position)
        await locations.known.require([line.sku for line in sent.lines], "/lines/{}/sku", request.scope[REQUEST_ID])
        lines = [ReceiptLine(line.sku, line.quantity, _line_value(line.unit_value)) for line in sent.lines]
        return await locations.ask(request, location_id, ReceiveStock(lines, sent.reference), write)

    @api.post(
        "/v1/locations/{location_id}/adjustments",
        summary="Correct the stock",
        **documented(
            Changed,
            request=NewAdjustment,
            request_example=_ADJUSTMENT,
            problems=(404, 409, 421),
            accepted=AskedApproval,
        ),
    )
    async def adjust(location_id: LocationId, request: Request) -> Response:
        """Corrects stock on hand and safety stock: all lines or none. What is reserved can't be taken away. More units than one person may
        correct are answered with 202: nothing is changed until somebody else approves it."""
        write = await locations.write(request, location_id)
        sent = decode(_adjustment_decoder, write.body)
        for position, line in enumerate(sent.lines):
            if line.quantity == 0 and line.safety_stock is None:
                detail = "quantity is 0 and no safety_stock is given."
                raise field_problem("stock.change_empty", detail, f"/lines/{position}/quantity")
            locations.check_value(line.unit_value, position)
        await locations.known.require([line.sku for line in sent.lines], "/lines/{}/sku", request.scope[REQUEST_ID])
        lines = [
            AdjustmentLine(line.sku, line.quantity, line.reason, _line_value(line.unit_value), line.safety_stock)
            for line in sent.lines
        ]
        command = AdjustStock(lines, sent.reference)
        if needs_approval(locations.services, command):
            await locations.require(location_id, request.scope[REQUEST_ID])
            return await ask_approval(locations.services, request, location_id, location_id, command, write)
        return await locations.ask(request, location_id, command, write)


def _add_reads(api: APIRouter, locations: _Locations) -> None:
    services = locations.services

    @api.get("/v1/locations", summary="Warehouses and stores", **documented(LocationPage, problems=(400, 422)))
    async def listed(
        cursor: Annotated[str | None, Query(max_length=512)] = None,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = PAGE_MAX,
    ) -> Response:
        """The places of the region, from memory."""
        after = services.cursors.open("locations", cursor) or ""
        rows = [row for row in services.index.places.all() if row.location_id > after]
        page = rows[:limit]
        more = services.cursors.seal("locations", page[-1].location_id) if len(rows) > limit else None
        return ok(LocationPage([_view(row) for row in page], more))

    @api.get(
        "/v1/locations/{location_id}/stock",
        summary="Stock of a location",
        **documented(StockPage, problems=(400, 404, 421, 422)),
    )
    async def stock(
        location_id: LocationId,
        request: Request,
        cursor: Annotated[str | None, Query(max_length=512)] = None,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = PAGE_DEFAULT,
    ) -> Response:
        """By SKU, from the location's actor: every acknowledged change is in it."""
        locations.territory.check_location(location_id)
        scope = f"stock\0{location_id}"
        after = services.cursors.open(scope, cursor) or ""
        page = await locations.stock(location_id, after, limit, request.scope[REQUEST_ID])
        more = services.cursors.seal(scope, page.next_after) if page.next_after else None
        return ok(StockPage(page.location_id, page.version, page.stock, more))

    @api.get(
        "/v1/locations/{location_id}/ledger",
        summary="The stock ledger of a location",
        **documented(LedgerPage, problems=(400, 404, 421, 422)),
    )
    async def ledger(
        location_id: LocationId,
        request: Request,
        sku: Annotated[str | None, Query(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")] = None,
        cursor: Annotated[str | None, Query(max_length=512)] = None,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = PAGE_DEFAULT,
    ) -> Response:
        """Every change of stock with its reason and cause, newest first, from the read model (`as_of`)."""
        locations.territory.check_location(location_id)
        await locations.require(location_id, request.scope[REQUEST_ID])
        page = await page_of(
            services, f"ledger\0{location_id}\0{sku or ''}", cursor, limit,
            lambda before, some: services.read_model.ledger(location_id, sku=sku, before=_ledger_position(before), limit=some),
            lambda row: f"{row.version}.{row.line}",
        )  # fmt: skip
        return ok(LedgerPage(location_id, [_entry(row) for row in page.items], page.as_of, page.next_cursor))


def _ledger_position(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    found = _LEDGER_POSITION.match(text)
    # It is signed, so it is one of ours.
    assert found is not None
    return int(found[1]), int(found[2])


def _view(row: LocationRow) -> LocationView:
    return LocationView(
        row.location_id, row.type, row.name, row.city, row.country, row.lat, row.lon, row.timezone  # type: ignore[arg-type]
    )  # fmt: skip


def _entry(row: LedgerRow) -> LedgerEntry:
    return LedgerEntry(
        row.version, row.line, moment(row.at), row.sku, row.reason, row.quantity, row.on_hand_delta, row.reserved_delta,
        row.on_hand, row.reserved, row.cause, row.reference, row.value_minor, row.currency,
    )  # fmt: skip
