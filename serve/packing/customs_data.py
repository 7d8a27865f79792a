"""What customs are told of a parcel, from the catalogue, the order and the parcel itself."""

from __future__ import annotations

from collections.abc import Mapping

from actors.domain.customs import CustomsDeclaration, CustomsLine, Reason
from actors.domain.customs_area import leaves
from actors.domain.money import AMOUNT_MAX, Money
from actors.domain.postal import Party
from actors.domain.shipment_views import ParcelView, ShipmentView
from serve.availability.index import AvailabilityIndex
from serve.days import date_of
from serve.packing.recipients import Recipient
from serve.packing.schemas import CustomsWords
from serve.problems import Problem

# Why something goes out without an order, as customs call it.
REASONS: Mapping[str, Reason] = {
    "sample": "commercial_sample", "supplier_return": "returned_goods", "replacement": "other", "gift": "gift", "repair": "returned_goods",
    "other": "other",
}  # fmt: skip
_DAY_MS = 86_400_000


def declaration_of(
    view: ShipmentView, parcel: ParcelView, sender: Party, to: Recipient, words: CustomsWords, index: AvailabilityIndex, now_ms: int
) -> CustomsDeclaration | None:  # fmt: skip
    """None: it does not leave the customs territory. Raises Problem 409 with the SKUs of which the catalogue does not say enough."""
    if not leaves(sender.country, to.party.country):
        return None
    lacking: dict[str, list[str]] = {}
    sums: dict[str, int] = {}
    for content in parcel.contents:
        sums[content.sku] = sums.get(content.sku, 0) + content.units
    lines = []
    for sku, units in sorted(sums.items()):
        details, said, price = index.details(sku), index.description(sku), _price(sku, to, index)
        missing = [
            name
            for name, known in (
                ("description", len(said) >= 3), ("weight_g", details.weight_g), ("hs_code", len(details.hs_code) in (6, 8, 10)),
                ("origin_country", details.origin_country), ("value", price is not None),
            )
            if not known
        ]  # fmt: skip
        if missing:
            lacking[sku] = missing
            continue
        assert price is not None
        value = Money(min(price.amount * units, AMOUNT_MAX), price.currency)
        lines.append(
            CustomsLine(said[:100], units, details.weight_g * units, value, details.hs_code, details.origin_country)
        )
    if lacking:
        named = "; ".join(f"{sku}: {', '.join(names)}" for sku, names in list(lacking.items())[:5])
        detail = f"The catalogue does not say enough for customs of {named}."
        raise Problem("customs.article_incomplete", detail, extra={"lacking": lacking})
    reason, text = words.reason, words.reason_text
    if not view.order_id and reason == "sale_of_goods":
        reason = REASONS[view.reason]
        text = text or (view.reason if reason == "other" else "")
    name = view.order_id or view.shipment_id
    return CustomsDeclaration(
        sender, to.party, reason, tuple(lines), parcel.weight_g, name, f"{name}-{parcel.number}"[:64],
        date_of(now_ms // _DAY_MS).isoformat(), text, words.sender_tax_id,
    )  # fmt: skip


def _price(sku: str, to: Recipient, index: AvailabilityIndex) -> Money | None:
    """What was paid for one, else what it costs the retailer; None when nobody knows."""
    if to.order is not None:
        for line in to.order.lines:
            if line.sku == sku:
                return line.unit_price
    details = index.details(sku)
    return None if details.cost_minor is None else Money(details.cost_minor, details.currency)
