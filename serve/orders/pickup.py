"""Where an order comes from that its customer collects at a store: what the store seems to have, and which places seem
to have the rest, for transfers to it.

Where sourcing has something to go by, its engine for pickups decides (`actors/domain/sourcing_pickup.py`); else the
nearest places to the store are asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from actors.domain.allocation import Need, Place, need_of
from actors.domain.location_events import Units
from actors.domain.order_commands import PlaceOrder
from actors.domain.order_pickup_state import PickupAt
from actors.domain.order_state import Line, parts_of
from actors.domain.order_terms_state import Terms
from actors.domain.rows import LocationRow
from actors.domain.times import HOUR_MS
from serve.availability.index import AvailabilityIndex
from serve.orders.sourcing import Sourcing
from serve.orders.waiting import releases
from serve.problems import Problem, field_problem
from serve.settings import ApiSettings

SOURCES_MAX = 8
POINTER = "/pickup/location_id"


def check_plain(terms: Terms | None, release: Mapping[str, int]) -> None:
    """Raises Problem 422: what is collected comes to the store as it is ordered, and is out."""
    if terms is not None and terms.asks_for_more:
        detail = "What is collected at a store is neither grouped, nor stood in for, nor all or nothing."
        raise field_problem("pickup.with_terms", detail, "/terms")
    if release:
        raise field_problem("pickup.not_released", "It is not out yet: what is ordered ahead is sent.", POINTER)


class PickupPlan(NamedTuple):
    """here: what the store seems to have; sources: who may send the rest, best first; expected_at_ms: when that would
    be there (UTC ms), ready_ms: when all of it may be collected, None when nobody knows."""

    here: Place
    sources: list[Place]
    expected_at_ms: int | None = None
    ready_ms: int | None = None


class PickupOffer(NamedTuple):
    """Of one unit of each SKU, as one order. here: SKUs that lie at the store; short: those for which a placement would
    be refused; ready_ms: as `PickupPlan` has it."""

    here: list[str]
    short: list[str]
    ready_ms: int | None


class Pickups:
    """Of one replica."""

    def __init__(self, index: AvailabilityIndex, settings: ApiSettings) -> None:
        self._index = index
        self._sourcing = Sourcing(index)
        self._settings = settings

    def store(self, location_id: str) -> LocationRow:
        """The store. Raises Problem 422 where nothing can be collected."""
        places = self._index.places
        if location_id not in places:
            detail = "There is no such store."
            raise field_problem("pickup.location_unknown", detail, POINTER)
        store = places.get(location_id)
        if store.type != "store":
            detail = f"{location_id} is no store: nothing is collected there."
            raise field_problem("pickup.not_a_store", detail, POINTER)
        return store

    def plan(self, lines: Sequence[Line], store: LocationRow, channel: str, currency: str, now_ms: int) -> PickupPlan:
        """As things were seen a moment ago; the places themselves decide. Raises Problem 422."""
        need = need_of((line.sku, line.quantity) for line in lines)
        if self._index.steering.in_use:
            planned = self._sourcing.pickup(lines, store, channel, currency, now_ms)
            if planned is not None:
                found, sources = planned
                expected = None if found.transfers is None else found.transfers.deliver_by_ms
                return PickupPlan(Place(store.location_id, found.here), sources[:SOURCES_MAX], expected, found.ready_ms)
        view = self._index.places.seen_from(store.lat, store.lon)
        stocks = self._index.stocks(need, channel, now_ms)
        here = {sku: at[store.location_id] for sku, at in stocks.items() if store.location_id in at}
        others = [
            place
            for place in self._index.candidates(need, view, channel, now_ms)
            if place.location_id != store.location_id
        ]
        # Those that only keep it are asked when these had less than was seen. Nobody waits in line for what is
        # collected, so each is there once.
        having = [place for place in others if place.available]
        known = {place.location_id for place in having}
        sources = having + [place for place in others if place.location_id not in known]
        return PickupPlan(Place(store.location_id, here), sources[:SOURCES_MAX])

    def offer(self, skus: Sequence[str], store: LocationRow, channel: str, now_ms: int) -> PickupOffer:
        """What a placement would come to; of what is not out yet none is taken. What it would be worth is not known."""
        index = self._index
        lines = [Line(sku, 1, 0) for sku in dict.fromkeys(skus)]
        kits = index.kits(line.sku for line in lines)
        ahead = releases(index, lines, kits, None, now_ms)
        parts = parts_of(lines, kits) if kits else lines
        need = need_of((line.sku, line.quantity) for line in parts)
        plan = self.plan(parts, store, channel, "", now_ms)
        lacking = {*ahead, *(sku for sku, _ in short_of(need, plan))}
        here = plan.here.available
        made_of = {line.sku: [part for part, _ in (kits or {}).get(line.sku, [(line.sku, 1)])] for line in lines}
        return PickupOffer(
            [sku for sku, parts in made_of.items() if all(here.get(part, 0) >= need[part] for part in parts)],
            [sku for sku, parts in made_of.items() if lacking.intersection(parts)],
            plan.ready_ms,
        )

    def of(self, command: PlaceOrder, location_id: str, lines: Sequence[Line], now_ms: int) -> PlaceOrder:
        """The placement of an order that is collected there; the order itself refuses what nobody seems to
        have. Raises Problem 422."""
        if command.reservation_id:
            detail = "A cart's units lie where they lie: place the order without the reservation."
            raise field_problem("pickup.with_reservation", detail, "/reservation_id")
        store, settings = self.store(location_id), self._settings
        plan = self.plan(lines, store, command.channel, command.currency, now_ms)
        guarded = settings.identity == "required" and settings.approval_transfer_units > 0
        at = PickupAt(
            location_id, plan.sources, plan.expected_at_ms, settings.approval_transfer_units if guarded else 0,
            settings.approval_expires_hours * HOUR_MS if guarded else 0,
            short_of(need_of((line.sku, line.quantity) for line in lines), plan), plan.ready_ms,
            settings.pickup_late_hours * HOUR_MS, settings.pickup_give_up_hours * HOUR_MS,
        )  # fmt: skip
        places = [plan.here] if any(plan.here.available.values()) else []
        return msgspec.structs.replace(command, places=places, pickup=at)


def short_of(need: Need, plan: PickupPlan) -> list[Units]:
    """What all of them together don't seem to have: an order that lacks something is not taken."""
    places = [plan.here, *plan.sources]
    short = [(sku, n - sum(max(0, one.available.get(sku, 0)) for one in places)) for sku, n in need.items()]
    return [(sku, units) for sku, units in short if units > 0]


def check_whole(order_has_ship_to: bool, pickup: bool) -> None:
    """Raises Problem 422 for an order of which nobody knows where it goes."""
    if not order_has_ship_to and not pickup:
        detail = "Object missing required field `ship_to`"
        raise Problem("body.missing_field", detail, errors=[{"pointer": "/ship_to", "detail": detail}])
