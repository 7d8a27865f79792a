"""`POST /v1/skus`, `GET /v1/skus`."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request
from msgspec import Meta
from starlette.responses import Response

from actors.domain.catalogue import Defined, DefineSkus
from actors.domain.ids import catalogue_id
from serve.context import REQUEST_ID, WHO
from serve.limits import ITEMS_MAX, PAGE_DEFAULT, PAGE_MAX, Sku, Text
from serve.openapi import documented
from serve.problems import field_problem
from serve.replies import answer
from serve.requests import decode
from serve.responses import AnswerResponse, ok
from serve.services import Services


class SkuDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One SKU."""

    sku: Sku
    description: Text = ""


class SkuDefinitions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/skus`."""

    skus: Annotated[list[SkuDefinition], Meta(min_length=1, max_length=ITEMS_MAX)]


class SkuView(msgspec.Struct, frozen=True):
    """One SKU as told to callers."""

    sku: str
    description: str


class SkuPage(msgspec.Struct, frozen=True):
    """In code point order; `next_cursor`: null at the end."""

    skus: list[SkuView]
    next_cursor: str | None


_definitions_decoder = msgspec.json.Decoder(SkuDefinitions)
_EXAMPLE = {"skus": [{"sku": "85123A", "description": "White hanging heart T-light holder"}]}


def router(services: Services) -> APIRouter:
    """The routes with their services."""
    api = APIRouter(tags=["catalogue"])
    settings = services.settings

    @api.post(
        "/v1/skus",
        summary="Define SKUs",
        **documented(Defined, request=SkuDefinitions, request_example=_EXAMPLE),
    )
    async def define(request: Request) -> Response:
        """Adds SKUs or changes their descriptions, up to 1,000 a call."""
        write = await services.bodies.read(request.scope, request.receive)
        skus = decode(_definitions_decoder, write.body).skus
        seen: set[str] = set()
        for position, entry in enumerate(skus):
            if entry.sku in seen:
                raise field_problem("catalogue.sku_repeated", f"{entry.sku} is named twice.", f"/skus/{position}/sku")
            seen.add(entry.sku)
        command = DefineSkus([(entry.sku, entry.description) for entry in skus])
        reply = await services.gateway.ask(
            "catalogue", catalogue_id(settings.region), command,
            command_id=write.key, digest=write.digest, cause=request.scope[REQUEST_ID], who=request.scope.get(WHO),
        )  # fmt: skip
        return AnswerResponse(answer(reply))

    @api.get("/v1/skus", summary="The catalogue", **documented(SkuPage, problems=(400, 422)))
    async def listed(
        cursor: Annotated[str | None, Query(max_length=512)] = None,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = PAGE_DEFAULT,
    ) -> Response:
        """From memory; a SKU defined a moment ago may not be here yet, and can be ordered nevertheless."""
        after = services.cursors.open("skus", cursor) or ""
        page, more = services.index.page_of_skus(after, limit)
        next_cursor = services.cursors.seal("skus", page[-1][0]) if more else None
        return ok(SkuPage([SkuView(sku, text) for sku, text in page], next_cursor))

    return api
