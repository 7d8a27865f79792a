"""`GET /v1/locations/{location_id}/ledger`: every change of stock, and why."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from actors.domain.rows import LedgerRow
from actors.domain.times import moment
from serve.context import REQUEST_ID
from serve.limits import PAGE_DEFAULT
from serve.locations.calls import LocationCalls, LocationId
from serve.locations.schemas import LedgerEntry, LedgerPage
from serve.openapi import documented
from serve.paging import Cursor, Limit, page_of
from serve.responses import ok

_LEDGER_POSITION = re.compile(r"^(\d{1,18})\.(\d{1,9})$")


def add(api: APIRouter, calls: LocationCalls) -> None:
    """The routes."""
    services = calls.services

    @api.get(
        "/v1/locations/{location_id}/ledger",
        summary="The stock ledger of a location",
        **documented(LedgerPage, problems=(400, 404, 421, 422)),
    )
    async def ledger(
        location_id: LocationId,
        request: Request,
        sku: Annotated[
            str | None,
            Query(
                min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$", description="only entries of this SKU"
            ),
        ] = None,
        cursor: Cursor = None,
        limit: Limit = PAGE_DEFAULT,
    ) -> Response:
        """Every change of stock with its reason and cause, newest first, from the read model (`as_of`)."""
        calls.territory.check_location(location_id)
        await calls.require(location_id, request.scope[REQUEST_ID])
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


def _entry(row: LedgerRow) -> LedgerEntry:
    return LedgerEntry(
        row.version, row.line, moment(row.at), row.sku, row.reason, row.quantity, row.on_hand_delta, row.allocated_delta,
        row.on_hand, row.allocated, row.cause, row.reference, row.value_minor, row.currency,
        row.aside, row.aside_delta, row.aside_balance, row.lot, row.bin_id, row.bin_delta,
    )  # fmt: skip
