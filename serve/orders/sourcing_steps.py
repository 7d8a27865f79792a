"""What came of a sourcing decision, from the later events of its order, in words of three languages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from actors.domain.order_state import fulfilment_id
from actors.domain.order_views import UnitsView
from actors.domain.sourcing_phrases import PHRASES, Language
from serve.orders.sourcing_schemas import Happening, SourcingStep

_WORDS: Mapping[Language, Mapping[Happening, str]] = {
    "en": {
        "asked": "{place} was asked for {goods}.",
        "asked_again": "What was missing was asked of {place}: {goods}.",
        "given": "{place} gave all: {goods}.",
        "given_partly": "{place} gave only {goods}.",
        "given_nothing": "{place} gave nothing.",
        "came_too_late": "{place} answered too late; it got back {goods}.",
        "short_picked": "At {place} {goods} could not be found.",
        "cart_given": "The cart had kept {goods} at {place}.",
        "cart_refused": "The cart had nothing to give any more.",
    },
    "es": {
        "asked": "Se pidió a {place}: {goods}.",
        "asked_again": "Lo que faltaba se pidió a {place}: {goods}.",
        "given": "{place} lo dio todo: {goods}.",
        "given_partly": "{place} dio solo {goods}.",
        "given_nothing": "{place} no dio nada.",
        "came_too_late": "{place} respondió demasiado tarde; se le devolvió {goods}.",
        "short_picked": "En {place} no se encontró {goods}.",
        "cart_given": "El carrito había apartado {goods} en {place}.",
        "cart_refused": "El carrito ya no tenía nada que dar.",
    },
    "pt": {
        "asked": "Pediu-se a {place}: {goods}.",
        "asked_again": "O que faltava foi pedido a {place}: {goods}.",
        "given": "{place} deu tudo: {goods}.",
        "given_partly": "{place} deu apenas {goods}.",
        "given_nothing": "{place} não deu nada.",
        "came_too_late": "{place} respondeu tarde demais; {goods} foi devolvido.",
        "short_picked": "Em {place} não se encontrou {goods}.",
        "cart_given": "O carrinho tinha reservado {goods} em {place}.",
        "cart_refused": "O carrinho já não tinha nada para dar.",
    },
}
# (what, fulfilment's number, location, lines)
_Step = tuple[Happening, int, str, Sequence[Sequence[Any]]]


def steps_of(
    order_id: str, events: Sequence[dict[str, Any]], language: Language, names: Mapping[str, str]
) -> list[SourcingStep]:
    """In order. names: what places are called; of others the id is told."""
    asked: dict[int, tuple[str, dict[str, int]]] = {}
    rounds = 0
    out = []
    for event in events:
        for what, number, place, lines in _of(event, asked, again=rounds > 0):
            units = [UnitsView(sku, n) for sku, n in lines]
            goods = ", ".join(PHRASES[language]["units"].format(units=one.quantity, sku=one.sku) for one in units)
            words = _WORDS[language][what].format(place=names.get(place, place), goods=goods)
            told_as = fulfilment_id(order_id, number) if number else ""
            out.append(SourcingStep(event["sequence"], event["at"], what, place, told_as, units, words))
        rounds += event["type"] == "AllocationAsked"
    return out


def _of(event: dict[str, Any], asked: dict[int, tuple[str, dict[str, int]]], *, again: bool) -> Iterable[_Step]:
    kind = event["type"]
    if kind == "AllocationAsked" or kind == "CartClaimed":
        what: Happening = "cart_given" if kind == "CartClaimed" else "asked_again" if again else "asked"
        for number, place, lines in event["asks"]:
            asked[number] = (place, dict(lines))
            yield what, number, place, lines
        if kind == "CartClaimed" and not event["asks"]:
            yield "cart_refused", 0, "", []
    elif kind == "ReservationSettled":
        place, wanted = asked.get(event["number"], ("", {}))
        given: Happening = "given_nothing" if not event["lines"] else "given_partly"
        yield "given" if dict(event["lines"]) == wanted else given, event["number"], place, event["lines"]
    elif kind == "ReservationReturned":
        yield "came_too_late", event["number"], event["location_id"], event["lines"]
    elif kind == "ShortPicked":
        yield "short_picked", event["number"], event["location_id"], event["lines"]
