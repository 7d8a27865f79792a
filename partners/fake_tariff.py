"""What the fake carrier takes, and for how much: by zone, weight and service.

Pure, and made up, but shaped like the price lists of parcel services: the larger of the real weight and that of the
volume counts, in whole kilograms; far is dearer; and what is too heavy, too large, dangerous or cannot be
delivered is refused by name.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from actors.domain.customs_area import EU, leaves
from actors.domain.money import Money
from actors.domain.postal import Party
from partners.carrier import CarrierParcel, CarrierRefused, Place, Quote, QuoteRequest

WEIGHT_G_MAX = 30_000
SIDE_MM_MAX = 1_200
# Length and girth (twice the other two sides), as parcel services limit it.
GIRTH_MM_MAX = 3_000
# A kilogram for each 5,000 cm³, as carriers by air and road count it.
VOLUME_PER_KG_MM3 = 5_000_000
# Lithium batteries within their equipment go; nothing else that has a class does.
HAZARDS_TAKEN = frozenset({"", "UN3481", "UN3091"})
_AMERICAS = frozenset({"AR", "BR", "CA", "CL", "CO", "MX", "PE", "US", "UY"})
# By country: the form of a postcode. A country that is not here takes any, and none at all.
POSTCODES = {
    "US": r"[0-9]{5}(-[0-9]{4})?", "CA": r"[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]", "MX": r"[0-9]{5}", "BR": r"[0-9]{5}-?[0-9]{3}",
    "AR": r"[A-Z]?[0-9]{4}([A-Z]{3})?", "CL": r"[0-9]{3}-?[0-9]{4}", "CO": r"[0-9]{6}", "DE": r"[0-9]{5}", "FR": r"[0-9]{5}",
    "ES": r"[0-9]{5}", "IT": r"[0-9]{5}", "PT": r"[0-9]{4}-[0-9]{3}", "PL": r"[0-9]{2}-[0-9]{3}", "NL": r"[0-9]{4} ?[A-Z]{2}",
    "BE": r"[0-9]{4}", "AT": r"[0-9]{4}", "DK": r"[0-9]{4}", "SE": r"[0-9]{3} ?[0-9]{2}", "CZ": r"[0-9]{3} ?[0-9]{2}",
    "IE": r"[A-Z][0-9]{1,2}[0-9W]? ?[A-Z0-9]{4}", "GB": r"[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}",
}  # fmt: skip


class Service(NamedTuple):
    """factor: of the base price, in percent. days: by zone, 0 to 3. letters: how its tracking numbers begin."""

    name: str
    letters: str
    factor: int
    days: tuple[int, int, int, int]
    weight_g_max: int


SERVICES = (
    Service("economy", "CE", 100, (4, 5, 8, 15), WEIGHT_G_MAX),
    Service("standard", "CP", 140, (2, 3, 5, 9), WEIGHT_G_MAX),
    Service("express", "EX", 310, (1, 1, 2, 4), 20_000),
)
# By zone: for the parcel, and for each kilogram, in cents.
_PRICES = ((390, 45), (520, 70), (1_450, 240), (2_600, 620))


def quotes(wanted: QuoteRequest) -> list[Quote]:
    """The services that take it, cheapest first. CarrierRefused: none does."""
    check(wanted)
    zone = zone_of(wanted.origin, wanted.destination)
    base, per_kg = _PRICES[zone]
    kilograms = -(-charged_g(wanted.parcel) // 1000)
    currency = "EUR" if wanted.origin.country in EU else "USD"
    return [
        Quote(one.name, Money((base + per_kg * kilograms) * one.factor // 100, currency), one.days[zone])
        for one in SERVICES
        if wanted.parcel.weight_g <= one.weight_g_max
    ]


def zone_of(origin: Place | Party, destination: Place | Party) -> int:
    """0: the same district (the postcode begins alike), 1: the same country, 2: the same continent's market,
    3: the rest of the world."""
    if origin.country == destination.country:
        return 0 if origin.postcode[:2] == destination.postcode[:2] else 1
    both = {origin.country, destination.country}
    return 2 if both <= EU or both <= _AMERICAS else 3


def charged_g(parcel: CarrierParcel) -> int:
    """The weight that is paid for: the real one, or the volume's if that is more."""
    volume = parcel.length_mm * parcel.width_mm * parcel.height_mm
    return max(parcel.weight_g, volume * 1000 // VOLUME_PER_KG_MM3)


def check(wanted: QuoteRequest) -> None:
    """CarrierRefused: `carrier.too_heavy`, `carrier.too_large`, `carrier.hazard`, `carrier.postcode`,
    `carrier.customs_missing`."""
    parcel = wanted.parcel
    sides = sorted((parcel.length_mm, parcel.width_mm, parcel.height_mm))
    if parcel.weight_g > WEIGHT_G_MAX:
        raise CarrierRefused("carrier.too_heavy", f"A parcel may have {WEIGHT_G_MAX // 1000} kg.")
    if sides[2] > SIDE_MM_MAX or sides[2] + 2 * (sides[0] + sides[1]) > GIRTH_MM_MAX:
        raise CarrierRefused(
            "carrier.too_large", f"A side may have {SIDE_MM_MAX} mm, length and girth {GIRTH_MM_MAX} mm."
        )
    if parcel.hazard not in HAZARDS_TAKEN:
        raise CarrierRefused("carrier.hazard", f"Goods of class {parcel.hazard} are not carried.")
    for party in (wanted.origin, wanted.destination):
        form = POSTCODES.get(party.country)
        if form is not None and re.fullmatch(form, party.postcode) is None:
            raise CarrierRefused("carrier.postcode", f"No postcode of {party.country}.")
    if leaves(wanted.origin.country, wanted.destination.country) and wanted.declared is None:
        raise CarrierRefused(
            "carrier.customs_missing", "A parcel that leaves the customs territory needs a declaration."
        )
