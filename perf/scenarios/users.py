"""What every user of the load test has: a region, its header, and a check of the answers."""

import random
from typing import Any

from locust import FastHttpUser
from locust.contrib.fasthttp import FastResponse

from cells.trust import client_context
from perf.scenarios.shape import router_address
from perf.scenarios.world import REGIONS, Region, key

TIMEOUT_S = 10.0


class RegionalUser(FastHttpUser):
    """Somebody in one of the regions. All requests go to the router, which picks the cell by the country header."""

    abstract = True
    host = router_address()
    connection_timeout = TIMEOUT_S
    network_timeout = TIMEOUT_S
    insecure = False
    ssl_context_factory = staticmethod(client_context)
    region: Region

    def on_start(self) -> None:
        """Picks the region and learns its goods and places."""
        self.region = random.choice(REGIONS)
        self.region.learn(self.client)

    def read(self, path: str, name: str, **query: Any) -> FastResponse:
        """A GET; `name` is its line in the statistics, without ids."""
        return self.client.get(path, params=query or None, headers=self.region.headers, name=f"GET {name}")

    def write(self, path: str, body: dict[str, Any], name: str) -> FastResponse:
        """A POST with a fresh Idempotency-Key."""
        return self.client.post(path, json=body, headers=self.region.headers | key(), name=f"POST {name}")

    def update(self, order_id: str, update: str) -> bool:
        """One update of one order; whether it was taken."""
        return bool(self.write(f"/v1/orders/{order_id}/updates", {"update": update}, "/v1/orders/{id}/updates").ok)
