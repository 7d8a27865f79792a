"""Store associates: is it here, what do we have, what happened to it, and the count at the shelf."""

import random

from locust import between, task

from perf.scenarios.users import RegionalUser


class StoreAssociate(RegionalUser):
    """Somebody who works in one store."""

    weight = 3
    wait_time = between(1.0, 3.0)

    def on_start(self) -> None:
        """Has a store for the shift."""
        super().on_start()
        self.store = self.region.place_of("store")

    @task(5)
    def is_it_here(self) -> None:
        """A customer asks for something at the counter."""
        skus = self.region.some_skus(2)
        self.read("/v1/availability", "/v1/availability", sku=skus, lat=self.store["lat"], lon=self.store["lon"])

    @task(3)
    def stock(self) -> None:
        """The store's own stock."""
        self.read(f"/v1/locations/{self.store['location_id']}/stock", "/v1/locations/{id}/stock")

    @task(2)
    def ledger(self) -> None:
        """Why is the count what it is?"""
        self.read(f"/v1/locations/{self.store['location_id']}/ledger", "/v1/locations/{id}/ledger")

    @task(1)
    def adjust(self) -> None:
        """A unit turned up that was thought lost. (Never downwards: that may be refused, and rightly.)"""
        lines = [{"sku": random.choice(self.region.skus), "quantity": 1, "reason": "found"}]
        path = f"/v1/locations/{self.store['location_id']}/adjustments"
        self.write(path, {"reference": "cycle count", "lines": lines}, "/v1/locations/{id}/adjustments")
