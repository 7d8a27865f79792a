"""`GET /v1/availability`: hot, from memory, no actor call; what is not known here is asked about with what others ask
(`serve/catalogue/asking.py`)."""

from __future__ import annotations

from typing import get_args

import msgspec

from actors.domain.order_state import Channel
from actors.runtime.ports import Clock
from serve.availability.delivery import DeliveryDates, stamp_of
from serve.availability.index import AvailabilityIndex, SkuAvailability
from serve.availability.pickup import SKUS_MAX as PICKUP_SKUS_MAX
from serve.availability.pickup import PickupOffers, StorePickup
from serve.availability.places import Viewpoint
from serve.catalogue.known import KnownSkuCheck
from serve.context import REQUEST_ID, Receive, Scope
from serve.limits import SKUS_PER_QUERY_MAX
from serve.problems import Answer, Problem
from serve.queries import Names, check_names, number, pairs

CHANNELS = frozenset(get_args(Channel))
LOCATIONS_DEFAULT = 10
LOCATIONS_MAX = 100
_NAMES = Names(single=frozenset({"lat", "lon", "limit", "channel", "pickup"}), many=frozenset({"sku"}))


class AvailabilityView(msgspec.Struct, frozen=True):
    """Availability in the order of the SKUs asked for. `pickup`: the nearest stores, for who asks for them."""

    skus: list[SkuAvailability]
    pickup: list[StorePickup] | msgspec.UnsetType = msgspec.UNSET


def _wrong(name: str, detail: str) -> Problem:
    return Problem("request.parameter_invalid", f"{name}: {detail}", errors=[{"parameter": name, "detail": detail}])


class Availability:
    """The handler."""

    def __init__(self, index: AvailabilityIndex, known: KnownSkuCheck, clock: Clock, offers: PickupOffers) -> None:
        self._index = index
        self._offers = offers
        self._known = known
        self._clock = clock

    async def read(self, scope: Scope, receive: Receive) -> Answer:
        """Per SKU: the total, and the nearest locations that have any."""
        query: bytes = scope["query_string"]
        # Where nothing is sourced by a policy, nor has to be good for some time, nothing depends on the time.
        steering, now_ms, stamp = self._index.steering, 0, None
        if self._index.timed:
            now_ms = self._clock.now_ms()
            stamp = stamp_of(steering, now_ms) if steering.in_use else None
        kept = self._index.kept(query, stamp, now_ms)
        if kept is not None:
            return 200, kept, ()
        skus: list[str] = []
        lat = lon = None
        limit, channel, pickup = LOCATIONS_DEFAULT, "", False
        given = pairs(query)
        check_names(scope, given, _NAMES)
        for name, value in given:
            if name == "sku":
                skus.append(value)
            elif not value:
                continue  # as if it were not given
            elif name == "lat":
                lat = number(name, value, -90, 90)
            elif name == "lon":
                lon = number(name, value, -180, 180)
            elif name == "limit":
                if not (value.isascii() and value.isdigit() and len(value) <= 4 and 1 <= int(value) <= LOCATIONS_MAX):
                    raise _wrong("limit", f"must be a number from 1 to {LOCATIONS_MAX}.")
                limit = int(value)
            elif name == "channel":
                if value not in CHANNELS:
                    raise _wrong("channel", f"must be one of {', '.join(sorted(CHANNELS))}.")
                channel = value
            elif name == "pickup":
                if value not in ("true", "false"):
                    raise _wrong("pickup", "must be true or false.")
                pickup = value == "true"
        if not 1 <= len(skus) <= SKUS_PER_QUERY_MAX:
            raise _wrong("sku", f"name 1 to {SKUS_PER_QUERY_MAX} SKUs (sku=A&sku=B).")
        if (lat is None) != (lon is None):
            raise _wrong("lat" if lat is None else "lon", "lat and lon go together.")
        index = self._index
        if index.unknown(skus):
            await self._refuse_unknown(skus, scope[REQUEST_ID])
        # Without a point: as seen from the region's centre, and without distances.
        view = index.places.seen_from_country("") if lat is None or lon is None else index.places.seen_from(lat, lon)
        # The part without stores is kept by a name that is no query: whoever asks for them gets them.
        kept_as = query + b"#" if pickup else query
        body = index.kept(kept_as, stamp, now_ms) if pickup else None
        if body is None:
            dates = None
            if stamp is not None and view.km is not None:
                dates = DeliveryDates(steering, index.places, view, channel, now_ms)
            told = [index.encoded(sku, view, limit, channel, dates, now_ms) for sku in skus]
            body = b'{"skus":[%b]}' % b",".join(told)
            index.keep(kept_as, skus, body, stamp, now_ms)
        if pickup:
            # These are kept by themselves: they depend on more.
            return 200, self._with_pickup(body, skus, view, limit, channel), ()
        return 200, body, ()

    def _with_pickup(self, body: bytes, skus: list[str], view: Viewpoint, limit: int, channel: str) -> bytes:
        if view.km is None:
            raise _wrong("pickup", "say from where: give lat and lon.")
        if len(skus) > PICKUP_SKUS_MAX:
            raise _wrong("pickup", f"name at most {PICKUP_SKUS_MAX} SKUs.")
        stores = self._offers.encoded(skus, view, limit, channel, self._clock.now_ms())
        return b'%b,"pickup":%b}' % (body[:-1], stores)

    async def _refuse_unknown(self, skus: list[str], cause: str) -> None:
        for sku in skus:
            if not 1 <= len(sku) <= 64:
                raise _wrong("sku", "a SKU has 1 to 64 characters.")
        try:
            await self._known.require(skus, "{}", cause)
        except Problem as problem:
            if problem.code == "sku.unknown":
                problem.errors = [{"parameter": "sku", "detail": problem.detail}]
            raise
