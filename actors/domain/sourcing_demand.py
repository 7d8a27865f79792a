"""What is asked of sourcing: the goods that are wanted, and the places that may serve them.

Where an order goes to is known here by its country alone; distances come with the places, so no address
is needed and none is kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Annotated

import msgspec

from actors.domain.article import Temperature
from actors.domain.errors import Refused
from actors.domain.location_events import LocationType
from actors.domain.personal_notes import ORDER_COUNTRY

LINES_MAX = 2_000
CANDIDATES_MAX = 2_000


class Wanted(msgspec.Struct, frozen=True, gc=False):
    """Units of one SKU. value_minor, weight_g: of one unit (0: unknown). hazard_class: UN class or division ("3",
    "2.1"), "" for none. goods: classes that law may restrict. group: lines of the same group are served together from
    one place or not at all; "" for none.
    min_life_days: shelf life that must be left."""

    sku: str
    units: int
    value_minor: int = 0
    weight_g: int = 0
    hazard_class: str = ""
    temperature: Temperature = "ambient"
    goods: tuple[str, ...] = ()
    group: str = ""
    min_life_days: int = 0


class Demand(msgspec.Struct, frozen=True, gc=False):
    """An order, or what is left of one. promise_by_ms: when it has to be there, None when nothing was promised.
    ship_complete: all or nothing, whatever the policy says. Times: UTC ms."""

    lines: tuple[Wanted, ...]
    to_country: Annotated[str, ORDER_COUNTRY]
    now_ms: int
    channel: str = "online"
    promise_by_ms: int | None = None
    ship_complete: bool = False


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """A place that may serve.

    distance_km: to the destination, None when unknown. available: units per SKU, only of what is wanted. ships: it is
    enabled to ship to customers.
    serves: countries that it ships to, empty for all. closed: it does not work today; for good when there is no
    `dispatch_ms` either. cut_off_ms: until when what comes leaves with today's dispatch, None for no cut-off.
    dispatch_ms: when what comes now leaves, None for at once (see `sourcing_calendar.moments`). capacity_orders,
    capacity_units: what it can still take today, None for no limit. hazard_classes, temperatures: what it may hold; a
    whole class ("2") has all its divisions. life_days: least shelf life left per SKU. supply_weeks: weeks of supply per
    SKU. markdown_risk: 0..1 per SKU. workload: open work over capacity, 0 and more. labour: minor units for each order
    and each of its lines. carriers: that call there, empty for all."""

    location_id: str
    location_type: LocationType = "warehouse"
    country: str = ""
    distance_km: float | None = None
    available: dict[str, int] = {}
    ships: bool = True
    serves: tuple[str, ...] = ()
    closed: bool = False
    cut_off_ms: int | None = None
    dispatch_ms: int | None = None
    capacity_orders: int | None = None
    capacity_units: int | None = None
    hazard_classes: tuple[str, ...] = ()
    temperatures: tuple[Temperature, ...] = ("ambient",)
    life_days: dict[str, int] = {}
    supply_weeks: dict[str, float] = {}
    markdown_risk: dict[str, float] = {}
    workload: float = 0.0
    labour_order_minor: int = 0
    labour_line_minor: int = 0
    carriers: tuple[str, ...] = ()


def items_of(demand: Demand) -> list[Wanted]:
    """The demand with one line for each SKU, sorted by SKU. Lines that repeat a SKU are added up, and the groups that
    they belong to become one: their units come out of the same stock. The longest shelf life counts, and the other
    particulars are those of the first.

    Raises Refused: `sourcing.lines_too_many` (what costs time are different SKUs: an order of many kits has far more
    lines of parts than those), `sourcing.units_invalid`."""
    by_sku: dict[str, Wanted] = {}
    groups = _Groups()
    for line in demand.lines:
        if line.units <= 0:
            raise Refused("sourcing.units_invalid", f"{line.units} units of {line.sku} can't be served.", sku=line.sku)
        before = by_sku.get(line.sku)
        if before is None:
            by_sku[line.sku] = line
            continue
        by_sku[line.sku] = msgspec.structs.replace(
            before,
            units=before.units + line.units,
            group=groups.joined(before.group, line.group),
            min_life_days=max(before.min_life_days, line.min_life_days),
        )
    if len(by_sku) > LINES_MAX:
        raise Refused("sourcing.lines_too_many", f"At most {LINES_MAX} different SKUs.", lines=len(by_sku))
    return [groups.settled(by_sku[sku]) for sku in sorted(by_sku)]


class _Groups:
    """Groups that turned out to be one."""

    def __init__(self) -> None:
        self._same_as: dict[str, str] = {}

    def _first(self, group: str) -> str:
        while group in self._same_as:
            group = self._same_as[group]
        return group

    def joined(self, one: str, other: str) -> str:
        """The group of both; "" is none and joins nothing."""
        first, second = sorted((self._first(one), self._first(other)))
        if first and first != second:
            self._same_as[second] = first
        return first or second

    def settled(self, item: Wanted) -> Wanted:
        group = self._first(item.group)
        return item if group == item.group else msgspec.structs.replace(item, group=group)


def candidates_of(candidates: Iterable[Candidate]) -> list[Candidate]:
    """By id, so that the order in which they came decides nothing.

    Raises Refused: `sourcing.places_too_many`, `sourcing.place_twice`."""
    places = sorted(candidates, key=lambda place: place.location_id)
    if len(places) > CANDIDATES_MAX:
        raise Refused("sourcing.places_too_many", f"At most {CANDIDATES_MAX} places.", places=len(places))
    for before, place in pairwise(places):
        if before.location_id == place.location_id:
            raise Refused("sourcing.place_twice", f"{place.location_id} is there twice.", location_id=place.location_id)
    return places
