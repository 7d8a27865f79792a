"""What customs are told of a parcel, from the catalogue, the order and the parcel itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from actors.domain.customs import CustomsDeclaration, CustomsLine, Reason, check
from actors.domain.customs_area import leaves
from actors.domain.errors import Refused
from actors.domain.location_capacity import local_day
from actors.domain.money import Money
from actors.domain.postal import Party
from actors.domain.shipment_commands import Declared, DeclaredGoods
from actors.domain.shipment_views import ParcelView, ShipmentView
from serve.availability.index import AvailabilityIndex
from serve.days import date_of
from serve.packing.recipients import Recipient
from serve.packing.schemas import CustomsWords
from serve.packing.settings import PackingSettings
from serve.packing.worth import values_of
from serve.problems import Problem

# Why something goes out without an order, as customs call it.
REASONS: Mapping[str, Reason] = {
    "sample": "commercial_sample", "supplier_return": "returned_goods", "replacement": "other", "gift": "gift", "repair": "returned_goods",
    "other": "other",
}  # fmt: skip
# Digits of an HS code that every customs office wants.
HS_DIGITS = 6
_CURRENCY = ["lines.value.currency"]


def declaration_of(
    view: ShipmentView, parcel: ParcelView, sender: Party, to: Recipient, words: CustomsWords, index: AvailabilityIndex, at_ms: int,
    settings: PackingSettings,
) -> CustomsDeclaration | None:  # fmt: skip
    """As of a moment (UTC ms), which tells the day in the region. None: it does not leave the customs territory. Raises
    Problem 409 with the SKUs of which the catalogue does not say enough, and of a declaration that makes no sense as a
    whole (`customs.check`)."""
    if not leaves(sender.country, to.party.country):
        return None
    lacking: dict[str, list[str]] = {}
    sums: dict[str, int] = {}
    for content in parcel.contents:
        sums[content.sku] = sums.get(content.sku, 0) + content.units
    lines = []
    digits = settings.hs_digits.get(to.party.country, HS_DIGITS)
    values = values_of(sums, view, to.order, index)
    for sku, units in sorted(sums.items()):
        details, said, value = index.details(sku), index.description(sku), values.get(sku)
        missing = [
            name
            for name, known in (
                ("description", len(said) >= 3), ("weight_g", details.weight_g), ("hs_code", len(details.hs_code) in (6, 8, 10) and len(details.hs_code) >= digits),
                ("origin_country", details.origin_country), ("value", value is not None),
            )
            if not known
        ]  # fmt: skip
        if missing or value is None:
            lacking[sku] = missing
            continue
        lines.append(
            CustomsLine(said[:100], units, details.weight_g * units, value, details.hs_code, details.origin_country)
        )
    if lacking:
        named = "; ".join(f"{sku}: {', '.join(names)}" for sku, names in list(lacking.items())[:5])
        detail = f"The catalogue does not say enough for customs of {named}."
        raise Problem("customs.article_incomplete", detail, extra={"lacking": lacking, "hs_digits": digits})
    _refuse_currencies(values)
    reason, text = words.reason, words.reason_text
    if not view.order_id and reason == "sale_of_goods":
        reason = REASONS[view.reason]
        text = text or (view.reason if reason == "other" else "")
    on = date_of(local_day(settings.timezone, at_ms)).isoformat()
    declared = _declaration(
        view, parcel, sender, to, _as_weighed(lines, parcel.weight_g, settings), CustomsWords(reason, text, words.sender_tax_id), on
    )  # fmt: skip
    try:
        return check(declared)
    except Refused as refused:
        raise Problem(refused.body.code, refused.body.detail, extra=refused.body.extra) from None


def kept_of(declaration: CustomsDeclaration) -> Declared:
    """What of it is kept with the label, so that papers that are made later say the same."""
    goods = [
        DeclaredGoods(one.description, one.units, one.net_weight_g, one.value.amount, one.hs_code, one.origin)
        for one in declaration.lines
    ]
    currency = declaration.lines[0].value.currency
    return Declared(
        declaration.reason, declaration.reason_text, declaration.sender_tax_id, declaration.declared_on, currency, goods
    )


def told_again(
    view: ShipmentView, parcel: ParcelView, sender: Party, to: Recipient, kept: Declared
) -> CustomsDeclaration:  # fmt: skip
    """The declaration of which that was kept, whatever the catalogue says by now."""
    lines = [
        CustomsLine(one.description, one.units, one.net_weight_g, Money(one.amount, kept.currency), one.hs_code, one.origin)
        for one in kept.goods
    ]  # fmt: skip
    words = CustomsWords(kept.reason, kept.reason_text, kept.sender_tax_id)
    return _declaration(view, parcel, sender, to, lines, words, kept.declared_on)


def _declaration(
    view: ShipmentView, parcel: ParcelView, sender: Party, to: Recipient, lines: Sequence[CustomsLine], words: CustomsWords, on: str
) -> CustomsDeclaration:  # fmt: skip
    name = view.order_id or view.shipment_id
    return CustomsDeclaration(
        sender, to.party, words.reason, tuple(lines), parcel.weight_g, name, f"{name}-{parcel.number}"[:64], on, words.reason_text,
        words.sender_tax_id,
    )  # fmt: skip


def _as_weighed(lines: Sequence[CustomsLine], gross_g: int, settings: PackingSettings) -> list[CustomsLine]:
    """By how much the scale may differ from the catalogue, goods may seem heavier than their parcel: then the scale is
    right, and each line weighs less by its share."""
    net = sum(line.net_weight_g for line in lines)
    over = net - gross_g
    if over <= 0 or over > max(settings.tolerance_g, net * settings.tolerance_percent // 100):
        return list(lines)
    return [replace(line, net_weight_g=max(1, line.net_weight_g * gross_g // net)) for line in lines]


def _refuse_currencies(values: Mapping[str, Money]) -> None:
    """Raises Problem 422 for goods that can't stand in one declaration: nobody here knows what one
    currency is worth in another."""
    by_sku = {sku: value.currency for sku, value in sorted(values.items())}
    currencies = sorted(set(by_sku.values()))
    if len(currencies) > 1:
        detail = (
            f"The goods of the parcel are worth something in {', '.join(currencies)}, and customs want one currency: let the catalogue tell the cost of what nobody paid for in that of the "
            "others, or pack them apart."
        )
        raise Problem(
            "customs.currencies", detail, extra={"currencies": currencies, "skus": by_sku, "fields": _CURRENCY}
        )
