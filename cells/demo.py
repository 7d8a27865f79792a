"""Fills a cell with a small catalogue, places, stock and a few orders, over HTTP and through the router.

Every write has a fixed `Idempotency-Key`, and is the same each time: doing it again changes nothing.
"""

import time
import unicodedata
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from cells.calls import Answer, call_until
from cells.demo_data import SKUS, STORES, WAREHOUSES, Place
from cells.errors import StepFailed
from cells.keys import local_token
from cells.paths import CellPaths
from cells.settings import RegionConfig
from cells.trust import Trust

# Raise it when the demo data change, so that a cell filled by an older version takes the new ones.
_VERSION = 1
_SEED_S = 60.0
_WORKERS = 6


def location_id(region: str, kind: str, place: Place) -> str:
    """E.g. `us-wh-seattle`, `eu-st-milan`."""
    plain = unicodedata.normalize("NFKD", place.city).encode("ascii", "ignore").decode()
    return f"{region}-{'wh' if kind == 'warehouse' else 'st'}-{plain.lower().replace(' ', '-')}"


def places(region: str) -> list[tuple[str, str, Place]]:
    """(location id, "warehouse" or "store", place) of a region; none for a region that the demo doesn't know."""
    return [
        (location_id(region, kind, place), kind, place)
        for kind, of_region in (("warehouse", WAREHOUSES), ("store", STORES))
        for place in of_region.get(region, [])
    ]


def seed(config: RegionConfig, router: str, trust: Trust | None = None) -> str:
    """Fill one cell; gives a sentence of what is there now.

    Args:
        config: the region.
        router: the router's address, `http://127.0.0.1:8080`.
        trust: how it is verified, if it speaks HTTPS.

    Raises:
        StepFailed: the cell refused something, or took nothing for too long.
    """
    region, all_places = config.name, places(config.name)
    if not all_places:
        return f"no demo data for {region}"
    deadline = time.monotonic() + _SEED_S
    token = partial(local_token, CellPaths(region), region) if config.identity.mode == "required" else None
    seeder = _Seeder(region, router, trust, deadline, token)
    skus = [{"sku": sku, "description": text} for sku, text, _ in SKUS]
    seeder.write("POST", "/v1/skus", {"skus": skus}, "skus")
    with ThreadPoolExecutor(_WORKERS) as pool:
        for result in [pool.submit(seeder.location, *place, config) for place in all_places]:
            result.result()
    orders = demo_orders(config)
    for number, order in enumerate(orders):
        seeder.write("POST", "/v1/orders", order, f"order-{number}")
    kinds = [kind for _, kind, _ in all_places]
    return (
        f"{kinds.count('warehouse')} warehouses, {kinds.count('store')} stores, {len(SKUS)} SKUs, {len(orders)} orders"
    )


class _Seeder:
    def __init__(
        self, region: str, router: str, trust: Trust | None, deadline: float, token: Callable[[], str] | None
    ) -> None:
        self._token = token
        self._region = region
        self._router = router
        self._trust = trust
        self._deadline = deadline

    def write(self, method: str, path: str, body: object, key: str) -> Answer:
        """One write under a fixed key. Raises `StepFailed` if it is refused."""
        headers = {"Idempotency-Key": f"demo-{_VERSION}-{self._region}-{key}", "X-OCEFS-Region": self._region}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token()}"
        answer = call_until(self._deadline, method, f"{self._router}{path}", body, headers, self._trust)
        if not answer.fine:
            raise StepFailed(
                f"the demo data of {self._region} were refused: {method} {path} → {answer.status} {answer.body!s:.300}",
                f"see: python -m cells status; python -m cells logs {self._region}",
            )
        return answer

    def location(self, identity: str, kind: str, place: Place, config: RegionConfig) -> None:
        """A place and its first receipt: much in a warehouse, some of it in a store."""
        self.write("PUT", f"/v1/locations/{identity}", {"type": kind, **_fields(place)}, f"location-{identity}")
        lines = [
            {
                "sku": sku,
                "quantity": 400 if kind == "warehouse" else 12,
                "unit_value": {"amount": price // 2, "currency": config.region.currencies[0]},
            }
            for number, (sku, _, price) in enumerate(SKUS)
            if kind == "warehouse" or (number + len(identity)) % 3
        ]
        body = {"reference": "demo", "lines": lines}
        self.write("POST", f"/v1/locations/{identity}/receipts", body, f"receipt-{identity}")


def _fields(place: Place) -> dict[str, Any]:
    return {
        "name": place.city,
        "city": place.city,
        "country": place.country,
        "lat": place.lat,
        "lon": place.lon,
        "timezone": place.timezone,
    }


def demo_orders(config: RegionConfig, count: int = 5) -> list[dict[str, Any]]:
    """A few orders to cities of the region, each of one to three lines."""
    cities: Sequence[Place] = STORES[config.name]
    orders = []
    for number in range(count):
        place = cities[number * 3 % len(cities)]
        lines = [
            {
                "sku": sku,
                "quantity": 1 + number % 2,
                "unit_price": {"amount": price, "currency": config.region.currencies[0]},
            }
            for sku, _, price in SKUS[number * 7 : number * 7 + 1 + number % 3]
        ]
        orders.append(
            {
                "order_ref": f"DEMO-{number + 1}",
                "channel": ("online", "store", "marketplace")[number % 3],
                "customer": {"customer_ref": f"demo-customer-{number % 3 + 1}", "country": place.country},
                "ship_to": {"country": place.country, "city": place.city, "lat": place.lat, "lon": place.lon},
                "lines": lines,
            }
        )
    return orders
