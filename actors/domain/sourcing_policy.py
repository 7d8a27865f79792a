"""A sourcing policy: what a place must fulfil to serve, what serving costs, and how far an order may be split.

    rules     which places and goods are ruled out                    constraints: see `sourcing_constraints.py`
    limits    how many places, whether lines may be cut               see `sourcing_solver.py`
    costs     weights and rates of what is added up                   see `sourcing_cost.py`
    carriers  what a parcel costs and how long it takes, by distance  in zones: the first whose `to_km` reaches far enough
    bans      which goods may not go where, by law

A policy is immutable; a changed one is another version. Amounts are minor units of its one currency, in which the
values of a demand have to be as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from actors.domain.errors import Refused
from actors.domain.ids import END
from actors.domain.location_events import LocationType
from actors.domain.money import Currency

PLACES_MAX = 5
CARRIERS_MAX = 8
ZONES_MAX = 20
STEPS_MAX = 10
BANS_MAX = 200
# More than there are (ISO 3166-1 has 249).
COUNTRIES_MAX = 260
VERSION_MAX = 2**53 - 1

_Minor = Annotated[int, msgspec.Meta(ge=0, le=10_000_000)]
_Percent = Annotated[int, msgspec.Meta(ge=0, le=1_000)]
_Places = Annotated[int, msgspec.Meta(ge=1, le=PLACES_MAX)]
_Kilometres = Annotated[int, msgspec.Meta(ge=1, le=40_000)]
_CountryCode = Annotated[
    str, msgspec.Meta(pattern="^[A-Z]{2}" + END, description="ISO 3166-1 alpha-2", examples=["US"])
]
_Countries = Annotated[tuple[_CountryCode, ...], msgspec.Meta(max_length=COUNTRIES_MAX)]
_WORD = "^[a-z][a-z0-9_-]{0,31}" + END
_WORD_LOOKS = "a small letter, then small letters, digits, _ and -; at most 32 of them"
GoodsClass = Annotated[str, msgspec.Meta(pattern=_WORD, description=_WORD_LOOKS, examples=["knives"])]
CarrierName = Annotated[str, msgspec.Meta(pattern=_WORD, description=_WORD_LOOKS, examples=["post"])]
# No control characters: PostgreSQL's text can't hold a NUL.
_Source = Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[^\u0000-\u001f\u007f-\u009f]*" + END)]


class _Part(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """What all parts of a policy have in common."""


class Rules(_Part, frozen=True, gc=False):
    """location_types: those that may serve at all. ship_from_store: stores may. cross_border: places of other countries
    than the destination's may.
    distance_max_km: farther ones may not; 0: no limit. cut_off, promise: whether a place that is past its cut-off, or
    would deliver too late, is ruled out ("reject") or just leaves later and costs more ("cost"). The others: whether
    the constraint of that name holds."""

    location_types: Annotated[tuple[LocationType, ...], msgspec.Meta(max_length=8)] = ("warehouse", "store")
    ship_from_store: bool = True
    cross_border: bool = True
    distance_max_km: Annotated[int, msgspec.Meta(ge=0, le=40_000)] = 0
    cut_off: Literal["reject", "cost"] = "cost"
    promise: Literal["reject", "cost"] = "cost"
    capacity: bool = True
    hazard: bool = True
    temperature: bool = True
    legal: bool = True
    shelf_life: bool = True


class ValueStep(_Part, frozen=True, gc=False):
    """An order of less than `below_minor` is served from at most `places`."""

    below_minor: _Minor
    places: _Places


class Limits(_Part, frozen=True, gc=False):
    """places: at most, for any order. by_value: fewer for small orders; the first step that the order's value is below
    holds. ship_complete: all or nothing. cut_lines: the units of one line may come from several places."""

    places: _Places = 3
    by_value: Annotated[tuple[ValueStep, ...], msgspec.Meta(max_length=STEPS_MAX)] = ()
    ship_complete: bool = False
    cut_lines: bool = True


class Costs(_Part, frozen=True, gc=False):
    """carrier, labour: percent of what the carrier, and the place's people, cost. The others are rates in minor units:

    per_100_km  of distance, each parcel                     supply    each unit and week of supply that is missing to `supply_weeks`
    split       each place beyond the first                  workload  each place whose capacity is wholly taken; in proportion
    cut         each place beyond the first for one line     late      each day after the promise, each parcel

    What is above `supply_weeks` is worth as much, up to twice the weeks. markdown: percent of a unit's value that is
    lost when it has to be marked down; in proportion to the risk, and to the place's credit."""

    carrier_percent: _Percent = 100
    labour_percent: _Percent = 100
    per_100_km_minor: _Minor = 10
    split_minor: _Minor = 400
    cut_minor: _Minor = 100
    supply_minor: _Minor = 5
    supply_weeks: Annotated[int, msgspec.Meta(ge=0, le=104)] = 4
    markdown_percent: Annotated[int, msgspec.Meta(ge=0, le=100)] = 5
    workload_minor: _Minor = 100
    late_minor: _Minor = 500
    # What is unknown is taken for that far.
    unknown_km: _Kilometres = 2_000


class Zone(_Part, frozen=True, gc=False):
    """What a parcel costs up to a distance, and after how many days (of 24 hours) it is there."""

    to_km: _Kilometres
    parcel_minor: _Minor
    per_kg_minor: _Minor
    days: Annotated[int, msgspec.Meta(ge=0, le=90)]


class Carrier(_Part, frozen=True, gc=False):
    """Zones by distance, nearest first; the last one goes on for ever."""

    name: CarrierName
    zones: Annotated[tuple[Zone, ...], msgspec.Meta(min_length=1, max_length=ZONES_MAX)]


class Ban(_Part, frozen=True, gc=False):
    """Goods of this class may not go to these countries, from these; empty: all. source: the
    law, for whoever asks why."""

    goods: GoodsClass
    to: _Countries = ()
    out_of: _Countries = ()
    source: _Source = ""


GROUND = Carrier(
    "ground",
    (
        Zone(50, 450, 40, 1),
        Zone(300, 550, 60, 2),
        Zone(1_000, 700, 90, 3),
        Zone(3_000, 950, 140, 5),
        Zone(40_000, 1_500, 300, 8),
    ),
)


class Policy(_Part, frozen=True, gc=False):
    """See the module's docstring. The defaults serve from the nearest place that has everything, unless
    another is clearly cheaper."""

    version: Annotated[int, msgspec.Meta(ge=1, le=VERSION_MAX)] = 1
    currency: Currency = "USD"
    rules: Rules = Rules()
    limits: Limits = Limits()
    costs: Costs = Costs()
    carriers: Annotated[tuple[Carrier, ...], msgspec.Meta(max_length=CARRIERS_MAX)] = (GROUND,)
    bans: Annotated[tuple[Ban, ...], msgspec.Meta(max_length=BANS_MAX)] = ()


def policy_from(raw: Mapping[str, Any]) -> Policy:
    """The policy from plain data; what is not given has its default.

    Raises Refused: `sourcing.policy_invalid` with the `field` and what would be right, `sourcing.policy_excludes_all`
    when no place could ever serve."""
    try:
        policy = msgspec.convert(raw, Policy)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `$.")
        raise _invalid(place.rstrip("`") or "the policy", reason[:1].lower() + reason[1:]) from None
    check(policy)
    return policy


def check(policy: Policy) -> None:
    """What a type can't say. Raises Refused as `policy_from` does."""
    _check_steps(policy.limits)
    names = [carrier.name for carrier in policy.carriers]
    for number, carrier in enumerate(policy.carriers):
        if names.index(carrier.name) != number:
            raise _invalid(f"carriers[{number}].name", f"{carrier.name} stands there twice: each carrier once")
        for at in range(1, len(carrier.zones)):
            before, here = carrier.zones[at - 1].to_km, carrier.zones[at].to_km
            if here <= before:
                raise _invalid(
                    f"carriers[{number}].zones[{at}].to_km", f"{here} is not more than {before}: nearest first"
                )
    for number, ban in enumerate(policy.bans):
        if not ban.to and not ban.out_of:
            raise _invalid(f"bans[{number}]", "names no country: give `to`, `out_of` or both")
    _check_somebody(policy)


def _check_steps(limits: Limits) -> None:
    for at, step in enumerate(limits.by_value):
        field = f"limits.by_value[{at}]"
        if step.places > limits.places:
            raise _invalid(f"{field}.places", f"{step.places} is more than limits.places, which is {limits.places}")
        if at and step.below_minor <= limits.by_value[at - 1].below_minor:
            raise _invalid(f"{field}.below_minor", "is not more than the one before: smallest value first")
        if at and step.places < limits.by_value[at - 1].places:
            raise _invalid(
                f"{field}.places", "is less than the one before: a dearer order may be split as far at least"
            )


def _check_somebody(policy: Policy) -> None:
    why = ""
    types = set(policy.rules.location_types)
    if not types:
        why = "rules.location_types is empty: name warehouse, store or both"
    elif types == {"store"} and not policy.rules.ship_from_store:
        why = "rules.location_types has stores only, and rules.ship_from_store is false"
    elif not policy.carriers:
        why = "carriers is empty: nobody could carry a parcel"
    if why:
        raise Refused("sourcing.policy_excludes_all", f"No place could ever serve: {why}.", field=why.split()[0])


def _invalid(field: str, why: str) -> Refused:
    return Refused("sourcing.policy_invalid", f"{field}: {why}.", field=field)


def places_allowed(limits: Limits, value_minor: int) -> int:
    """Over how many places an order of this value may be split."""
    for step in limits.by_value:
        if value_minor < step.below_minor:
            return min(step.places, limits.places)
    return limits.places
