"""Warehouse staff: take orders through picking, packing, shipping and delivery, one by one and
in bodies; receive goods."""

import random

from locust import between, task

from perf.scenarios.users import RegionalUser
from perf.scenarios.world import key

WAVE_MAX = 20
LIFE = ("start_picking", "pack", "ship", "deliver")
RECEIPT_UNITS = 50


class WarehouseWorker(RegionalUser):
    """Somebody with a scanner, or the system that reports for a whole wave."""

    weight = 4
    wait_time = between(0.2, 1.0)

    @task(4)
    def one_order(self) -> None:
        """Takes one order all the way."""
        if not self.region.waiting:
            return
        order_id = self.region.waiting.popleft()
        for step in LIFE:
            if not self.update(order_id, step):
                return
        self.read(f"/v1/orders/{order_id}", "/v1/orders/{id}")

    @task(3)
    def wave(self) -> None:
        """Takes a wave of orders, one body per step."""
        orders = [self.region.waiting.popleft() for _ in range(min(WAVE_MAX, len(self.region.waiting)))]
        for step in LIFE:
            if not orders:
                return
            orders = self._step(orders, step)

    def _step(self, orders: list[str], step: str) -> list[str]:
        """The orders whose update was taken; an item that was refused makes the request a failure in the statistics."""
        body = {"updates": [{"order_id": order_id, "update": step} for order_id in orders]}
        path = "/v1/order-updates"
        with self.client.post(
            path, json=body, headers=self.region.headers | key(), name=f"POST {path}", catch_response=True
        ) as answer:
            if not answer.ok:
                return []
            results = answer.json()["results"]
            refused = [result for result in results if "error" in result]
            if refused:
                answer.failure(f"{len(refused)} of {len(results)} refused: {refused[0]['error'].get('code')}")
        return [result["order_id"] for result in results if "error" not in result]

    @task(1)
    def receive(self) -> None:
        """Goods come in, so that the day does not end sold out."""
        place = self.region.place_of("warehouse")
        lines = [{"sku": sku, "quantity": RECEIPT_UNITS} for sku in self.region.some_skus(5)]
        body = {"reference": f"ASN-{random.randint(1, 10**6)}", "lines": lines}
        self.write(f"/v1/locations/{place['location_id']}/receipts", body, "/v1/locations/{id}/receipts")
