"""Customers: look whether it is there, order, follow, list what they ordered, now and then cancel."""

import random
import secrets
from collections import deque

from locust import between, task

from perf.scenarios.users import RegionalUser

OWN_ORDERS_MAX = 20


class Customer(RegionalUser):
    """Somebody who shops online."""

    weight = 10
    wait_time = between(0.5, 2.0)

    def on_start(self) -> None:
        """A new customer each time."""
        super().on_start()
        self.customer_ref = f"load-{secrets.token_hex(4)}"
        self.lat, self.lon = self.region.point()
        self.own: deque[str] = deque(maxlen=OWN_ORDERS_MAX)

    @task(12)
    def look(self) -> None:
        """Availability of what is on the page."""
        skus = self.region.some_skus(random.randint(1, 5))
        self.read("/v1/availability", "/v1/availability", sku=skus, lat=self.lat, lon=self.lon)

    @task(5)
    def order(self) -> None:
        """1 to 3 articles."""
        body = {
            "order_ref": f"load-{secrets.token_hex(6)}",
            "channel": random.choice(("online", "online", "online", "marketplace")),
            "customer": {"customer_ref": self.customer_ref, "country": self.region.country},
            "ship_to": {"country": self.region.country, "city": "", "lat": self.lat, "lon": self.lon},
            "lines": [
                {
                    "sku": sku,
                    "quantity": random.randint(1, 2),
                    "unit_price": {"amount": random.randint(199, 19_999), "currency": self.region.currency},
                }
                for sku in self.region.some_skus(random.randint(1, 3))
            ],
        }
        answer = self.write("/v1/orders", body, "/v1/orders")
        if answer.ok:
            order = answer.json()
            self.own.append(order["order_id"])
            if order["status"] == "allocated":
                self.region.waiting.append(order["order_id"])

    @task(6)
    def follow(self) -> None:
        """Where is my order?"""
        if self.own:
            order_id = random.choice(self.own)
            self.read(f"/v1/orders/{order_id}", "/v1/orders/{id}")
            if random.random() < 0.2:
                self.read(f"/v1/orders/{order_id}/events", "/v1/orders/{id}/events")

    @task(2)
    def list_own(self) -> None:
        """What did I order?"""
        self.read("/v1/orders", "/v1/orders?customer_ref=", customer_ref=self.customer_ref)

    @task(1)
    def change_mind(self) -> None:
        """Cancels an order that nobody picks yet."""
        if self.region.waiting and random.random() < 0.3:
            self.update(self.region.waiting.pop(), "cancel")
