"""Fills a cell with a small catalogue, places, stock and a few orders, over HTTP and through the router.

A cell is filled once. How far that is stands in a file of its folder: keys of commands are forgotten after a day, and
stock that was sold would come back with each start. Every write has a fixed `Idempotency-Key`, so that what was
cut short can be done again.
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

# What may stand in the file.
_BEGUN, _FILLED, _EMPTY = "begun", "filled", "empty"
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


def takes_demo(config: RegionConfig) -> bool:
    """Whether demo data may come into this cell: it is for trying, and nobody wanted it empty."""
    return config.region.profile == "demo" and _how_far(config) != _EMPTY


def is_to_fill(config: RegionConfig) -> bool:
    """Whether `seed` has not come to its end here yet."""
    return takes_demo(config) and _how_far(config) != _FILLED


def is_filled(config: RegionConfig) -> bool:
    """Whether it has all of the demo data."""
    return _how_far(config) == _FILLED


def leave_empty(config: RegionConfig) -> None:
    """No later start fills the cell, unless it has its demo data already."""
    if is_to_fill(config):
        _note(config, _EMPTY)


def _how_far(config: RegionConfig) -> str:
    try:
        return CellPaths(config.name).demo_data.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return ""


def _note(config: RegionConfig, how_far: str) -> None:
    file = CellPaths(config.name).demo_data
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{how_far}\n", encoding="ascii")


def seed(config: RegionConfig, router: str, trust: Trust | None = None) -> str:
    """Fill one cell, or go on where that was cut short; gives a sentence of what is there now. A cell with data
    from elsewhere stays as it is.

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
    again = _how_far(config) == _BEGUN
    seeder = _Seeder(region, router, trust, deadline, token)
    if not again and seeder.has_data():
        _note(config, _FILLED)
        return "none: it has data already"
    _note(config, _BEGUN)
    skus = [{"sku": sku, "description": text} for sku, text, _ in SKUS]
    seeder.write("POST", "/v1/skus", {"skus": skus}, "skus")
    with ThreadPoolExecutor(_WORKERS) as pool:
        for result in [pool.submit(seeder.location, *place, config, again) for place in all_places]:
            result.result()
    orders = demo_orders(config)
    for number, order in enumerate(orders):
        seeder.write("POST", "/v1/orders", order, f"order-{number}")
    _note(config, _FILLED)
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
        return self._ask(method, path, body, {"Idempotency-Key": f"demo-1-{self._region}-{key}"})

    def has_data(self) -> bool:
        """Whether there are goods or places. Raises `StepFailed`."""
        return any(self._ask("GET", f"/v1/{noun}?limit=1").body[noun] for noun in ("skus", "locations"))

    def _ask(self, method: str, path: str, body: object = None, more: dict[str, str] | None = None) -> Answer:
        headers = {"X-OCEFS-Region": self._region, **(more or {})}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token()}"
        answer = call_until(self._deadline, method, f"{self._router}{path}", body, headers, self._trust)
        if not answer.fine:
            raise StepFailed(
                f"the demo data of {self._region} were refused: {method} {path} → {answer.status} {answer.body!s:.300}",
                f"see: python -m cells status; python -m cells logs {self._region}",
            )
        return answer

    def location(self, identity: str, kind: str, place: Place, config: RegionConfig, again: bool) -> None:
        """A place and its first receipt: much in a warehouse, some of it in a store. `again`: not where
        stock has come already."""
        self.write("PUT", f"/v1/locations/{identity}", {"type": kind, **_fields(place)}, f"location-{identity}")
        if again and self._ask("GET", f"/v1/locations/{identity}/ledger?limit=1").body["entries"]:
            return
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
