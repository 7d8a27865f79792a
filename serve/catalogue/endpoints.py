"""`POST /v1/skus`, `GET /v1/skus`, `GET /v1/skus/{sku}`."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Request
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.responses import Response

from actors.domain.article import Article
from actors.domain.catalogue import Defined, DefineSkus, ShowArticle
from actors.domain.ids import catalogue_id
from serve.callers import check_reaches_all
from serve.catalogue.articles import detail_of, said_of
from serve.catalogue.schemas import SkuDefinition, SkuDefinitions, SkuDetail, SkuPage, SkuView
from serve.context import REQUEST_ID, WHO
from serve.limits import PAGE_DEFAULT
from serve.openapi import documented
from serve.paging import Cursor, Limit
from serve.problems import field_problem
from serve.regions import Territory
from serve.replies import answer, body_of
from serve.requests import decode
from serve.responses import AnswerResponse, ok
from serve.services import Services

_definitions_decoder = msgspec.json.Decoder(SkuDefinitions)
_article_decoder = msgspec.json.Decoder(Article)
_LIGHT = {
    "sku": "85123A",
    "description": "White hanging heart T-light holder",
    "units": {"case": 12, "pallet": 480},
    "weight_g": 310,
    "length_mm": 120,
    "width_mm": 120,
    "height_mm": 180,
    "substitutes": ["85123B"],
    "origin_country": "PT",
    "hs_code": "940550",
    "unit_cost": {"amount": 120, "currency": "USD"},
}
_CREAM = {
    "sku": "HC-50", "description": "Hand cream 50 ml", "weight_g": 70, "tracking": "lot", "expires": True, "min_life_days": 90,
}  # fmt: skip
_GIFT = {
    "sku": "GIFT-1",
    "description": "Evening gift set",
    "kit": [{"sku": "85123A", "quantity": 2}, {"sku": "HC-50", "quantity": 1}],
    "released_at": "2026-11-20T08:00:00Z",
}
_EXAMPLE = {"skus": [{"sku": "85123B", "description": "Red hanging heart T-light holder"}, _LIGHT, _CREAM, _GIFT]}
_DETAIL = {
    "tracking": "none", "expires": False, "min_life_days": 0, "hazard_class": "", "temperature": "ambient", "kit": [], "goods_classes": [],
    "released_at": None, **_LIGHT,
}  # fmt: skip


class _SkuConvertor(PathConvertor):
    """`{sku:sku}` in a template: slashes stand decoded in the path, and one that ends before the SKU is no resource."""

    regex = ".+"


register_url_convertor("sku", _SkuConvertor())
SkuInPath = Annotated[
    str, Path(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$", description="percent-encoded")
]


def router(services: Services, territory: Territory) -> APIRouter:
    """The routes with their services."""
    api = APIRouter(tags=["catalogue"])
    catalogue = catalogue_id(services.settings.region)

    @api.post(
        "/v1/skus",
        summary="Define SKUs",
        **documented(Defined, request=SkuDefinitions, request_example=_EXAMPLE, problems=(403, 409)),
    )
    async def define(request: Request) -> Response:
        """Adds SKUs or changes what is known of them, up to 1,000 a call: all or none. Parts of kits and substitutes
        are known already, or defined by the same call. The catalogue is the region's: rights that are bound to
        locations don't reach it."""
        check_reaches_all(
            request.scope, "The catalogue holds for the whole region, and your rights don't reach all of it."
        )
        write = await services.bodies.read(request.scope, request.receive)
        command = _command(decode(_definitions_decoder, write.body).skus, territory)
        reply = await services.gateway.ask(
            "catalogue", catalogue, command,
            command_id=write.key, digest=write.digest, cause=request.scope[REQUEST_ID], who=request.scope.get(WHO),
        )  # fmt: skip
        return AnswerResponse(answer(reply))

    @api.get("/v1/skus", summary="The catalogue", **documented(SkuPage, problems=(400, 422)))
    async def listed(
        cursor: Cursor = None,
        limit: Limit = PAGE_DEFAULT,
    ) -> Response:
        """From memory; a SKU defined a moment ago may not be here yet, and can be ordered nevertheless."""
        after = services.cursors.open("skus", cursor) or ""
        page, more = services.index.page_of_skus(after, limit)
        next_cursor = services.cursors.seal("skus", page[-1][0]) if more else None
        return ok(SkuPage([SkuView(sku, text) for sku, text in page], next_cursor))

    @api.get("/v1/skus/{sku:sku}", summary="One SKU", **documented(SkuDetail, problems=(404, 422), example=_DETAIL))
    async def one(sku: SkuInPath, request: Request) -> Response:
        """With all that is known of it, from the catalogue's actor: every acknowledged change is in it."""
        cause = request.scope[REQUEST_ID]
        reply = await services.gateway.view("catalogue", catalogue, ShowArticle(sku), cause=cause)
        return ok(detail_of(_article_decoder.decode(body_of(reply))))

    return api


def _command(skus: list[SkuDefinition], territory: Territory) -> DefineSkus:
    """Raises Problem 422."""
    seen: set[str] = set()
    for position, entry in enumerate(skus):
        if entry.sku in seen:
            raise field_problem("catalogue.sku_repeated", f"{entry.sku} is named twice.", f"/skus/{position}/sku")
        seen.add(entry.sku)
    described = [(entry.sku, entry.description) for entry in skus]
    said = [said_of(entry, position, territory) for position, entry in enumerate(skus)]
    return DefineSkus(described, [one for one in said if one is not None])
