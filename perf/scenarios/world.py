"""What all users of the load test know: the regions with their goods and places, and the orders that wait for picking.

One process, cooperative threads (gevent): plain containers are safe between switches.
"""

import random
import secrets
from collections import deque
from typing import Any

from locust.contrib.fasthttp import FastHttpSession

from perf.credentials import NOBODY, Credentials, of_cell
from perf.scenarios.shape import region_names, router_address

SKUS_MAX = 200
OPEN_ORDERS_MAX = 5000
HOT_SHARE = 0.8
HOT_SKUS = 20
COUNTRY_HEADER = "X-OCEFS-Country"


class Region:
    """One region as a caller sees it: by its country, through the router."""

    def __init__(self, name: str, country: str, currency: str) -> None:
        self.name = name
        self.country = country
        self.currency = currency
        self._credentials: Credentials = NOBODY
        self.skus: list[str] = []
        self.locations: list[dict[str, Any]] = []
        self.waiting: deque[str] = deque(maxlen=OPEN_ORDERS_MAX)
        """Allocated orders that nobody works on. Whoever takes one out has it alone, so no step of it is illegal."""

    @property
    def headers(self) -> dict[str, str]:
        """What every request to the region carries."""
        return {COUNTRY_HEADER: self.country, **self._credentials.headers()}

    def learn(self, client: FastHttpSession) -> None:
        """Finds out once who we must be, and reads the catalogue and the locations. Raises CellError without
        a token that is wanted."""
        if self.skus and self.locations:
            return
        self._credentials = of_cell(router_address(), self.name, asking_s=0)
        goods = client.get("/v1/skus", params={"limit": SKUS_MAX}, headers=self.headers, name="GET /v1/skus").json()
        places = client.get("/v1/locations", headers=self.headers, name="GET /v1/locations").json()
        self.skus = [row["sku"] for row in _rows(goods)]
        self.locations = _rows(places)

    def some_skus(self, count: int) -> list[str]:
        """Distinct SKUs; most demand is for the hot ones, as on a Black Friday."""
        hot = self.skus[:HOT_SKUS]
        chosen: dict[str, None] = {}
        wanted = min(count, len(self.skus))
        while len(chosen) < wanted:
            chosen[random.choice(hot if random.random() < HOT_SHARE else self.skus)] = None
        return list(chosen)

    def place_of(self, *types: str) -> dict[str, Any]:
        """Any location of one of these types ("store", "warehouse"), or any at all when the region has none such."""
        fitting = [place for place in self.locations if place.get("type") in types]
        return random.choice(fitting or self.locations)

    def point(self) -> tuple[float, float]:
        """Where a customer may live, in degrees: within about 100 km of a location."""
        place = random.choice(self.locations)
        return round(place["lat"] + random.uniform(-1, 1), 4), round(place["lon"] + random.uniform(-1, 1), 4)


def _rows(page: dict[str, Any]) -> list[dict[str, Any]]:
    """The list in a page's body."""
    return next((value for value in page.values() if isinstance(value, list)), [])


def key() -> dict[str, str]:
    """The header of a write: a key that was never used."""
    return {"Idempotency-Key": f"load-{secrets.token_hex(12)}"}


KNOWN_REGIONS = {
    "us": Region("us", "US", "USD"),
    "eu": Region("eu", "DE", "EUR"),
    "latam": Region("latam", "BR", "BRL"),
}


def chosen_regions() -> list[Region]:
    """The regions that take part: those named in REGIONS (us,eu,latam), by default all."""
    names = region_names()
    wrong = [name for name in names if name not in KNOWN_REGIONS]
    if wrong or not names:
        raise SystemExit(f"REGIONS={','.join(names)}: {', '.join(wrong) or 'none'}; known: {', '.join(KNOWN_REGIONS)}")
    return [KNOWN_REGIONS[name] for name in names]


REGIONS = chosen_regions()
