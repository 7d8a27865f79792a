"""Articles as callers write them, and as the catalogue has them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import UNSET

from actors.domain.article import Article, Details
from actors.domain.catalogue import Said
from actors.domain.money import Money
from actors.domain.times import moment
from serve.catalogue.schemas import KitPart, SkuDefinition, SkuDetail
from serve.moments import END_MS
from serve.problems import field_problem
from serve.regions import Territory

# Fields that are the same in both.
_ALIKE = (
    "units", "weight_g", "length_mm", "width_mm", "height_mm", "tracking", "expires", "min_life_days", "hazard_class", "temperature",
    "origin_country", "hs_code",
)  # fmt: skip


def said_of(sent: SkuDefinition, position: int, territory: Territory) -> Said | None:
    """What the caller says of the SKU besides its description, None for nothing. Raises Problem 422."""
    base = f"/skus/{position}"
    fields: dict[str, Any] = {name: value for name in _ALIKE if (value := getattr(sent, name)) is not UNSET}
    if sent.kit is not UNSET:
        fields["kit"] = tuple((part.sku, part.quantity) for part in sent.kit)
    if sent.substitutes is not UNSET:
        fields["substitutes"] = tuple(sent.substitutes)
    if sent.goods_classes is not UNSET:
        fields["goods_classes"] = tuple(sent.goods_classes)
    if sent.released_at is not UNSET:
        fields["released_at_ms"] = _release_ms(sent.released_at, base)
    if sent.unit_cost is not UNSET:
        fields["cost_minor"], fields["currency"] = _cost(sent.unit_cost, base, territory)
    return Said(sent.sku, Details(**fields), list(fields)) if fields else None


def _release_ms(at: datetime | None, base: str) -> int | None:
    if at is None:
        return None
    at_ms = int(at.timestamp() * 1000)
    if not 0 <= at_ms < END_MS:
        detail = "A release lies between the years 1970 and 2099."
        raise field_problem("catalogue.release_out_of_range", detail, f"{base}/released_at")
    return at_ms


def _cost(cost: Money | None, base: str, territory: Territory) -> tuple[int | None, str]:
    if cost is None:
        return None, ""
    if not territory.accepts(cost.currency):
        raise field_problem(
            "catalogue.currency_not_accepted",
            f"{cost.currency} is not accepted here.",
            f"{base}/unit_cost/currency",
            accepted=territory.currencies,
        )
    return cost.amount, cost.currency


def detail_of(article: Article) -> SkuDetail:
    """As it is told to callers."""
    details = article.details
    alike = {name: getattr(details, name) for name in _ALIKE}
    released_ms, cost_minor = details.released_at_ms, details.cost_minor
    return SkuDetail(
        sku=article.sku,
        description=article.description,
        kit=[KitPart(sku, units) for sku, units in details.kit],
        substitutes=list(details.substitutes),
        goods_classes=list(details.goods_classes),
        released_at=None if released_ms is None else moment(released_ms),
        unit_cost=None if cost_minor is None else Money(cost_minor, details.currency),
        **alike,
    )
