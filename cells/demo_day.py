"""`make demo`: a day in the life of a cell, played through the router in about two minutes, with lines that tell what
happens and where to look.

    opening    bins, a delivery, put-away, levels          demo_scenes.py has the scenes, in their order
    rush       more buyers than units, and a cart that is forgotten
    …

Every run has SKUs of its own, so that it can be played again; it changes nothing that others ordered.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Console

from cells.calls import Answer, call, call_until
from cells.demo import places
from cells.errors import StepFailed
from cells.keys import local_token
from cells.paths import CellPaths
from cells.settings import RegionConfig
from cells.trust import Trust

_CALL_S = 20.0


class Day:
    """What the scenes share. `sku`: of this run."""

    def __init__(
        self, config: RegionConfig, router: str, console: Console, trust: Trust | None = None, pause_s: float = 1.5
    ) -> None:
        self.region = config.name
        self.currency = config.region.currencies[0]
        self.run = time.strftime("%m%d-%H%M%S")
        self.sku = f"MUG-{self.run}"
        self.router = router
        self._config = config
        self._console = console
        self._trust = trust
        self._pause_s = pause_s
        self._number = 0
        of_region = places(config.name)
        self.warehouses = [identity for identity, kind, _ in of_region if kind == "warehouse"]
        self.stores = [identity for identity, kind, _ in of_region if kind == "store"]
        self.cities = {identity: place for identity, _, place in of_region}

    # --- telling ------------------------------------------------------------------------------------------------------
    def scene(self, title: str) -> None:
        """A new chapter."""
        self._console.rule(f"[bold]{title}[/]", align="left")

    def say(self, text: str, look: str = "") -> None:
        """A line of what happens, and the call that shows it."""
        self._console.print(f"  {text}", markup=False, soft_wrap=True)
        if look:
            # The router reads the region from an id in the path; of a list or a SKU it has to be told.
            named = f"/{self.region}-" in look
            header = "" if named else f"   (with X-OCEFS-Region: {self.region})"
            self._console.print(f"      GET {look}{header}", style="dim", markup=False, soft_wrap=True)
        time.sleep(self._pause_s)

    # --- doing --------------------------------------------------------------------------------------------------------
    def _headers(self) -> dict[str, str]:
        headers = {"X-OCEFS-Region": self.region}
        if self._config.identity.mode == "required":
            headers["Authorization"] = f"Bearer {local_token(CellPaths(self.region), self.region)}"
        return headers

    def write(self, method: str, path: str, body: object, key: str = "") -> Answer:
        """One write, with a key of its own unless it is said which; whatever the answer is."""
        self._number += 1
        headers = self._headers() | {"Idempotency-Key": key or f"day-{self.run}-{self._number}"}
        return call_until(time.monotonic() + _CALL_S, method, f"{self.router}{path}", body, headers, self._trust)

    def do(self, method: str, path: str, body: object) -> dict[str, Any]:
        """A write that must work. Raises StepFailed."""
        answer = self.write(method, path, body)
        if not answer.fine:
            raise StepFailed(
                f"the demo's {method} {path} was refused: {answer.status} {answer.body!s:.400}",
                f"see: python -m cells status; python -m cells logs {self.region}",
            )
        return dict(answer.body)

    def get(self, path: str) -> dict[str, Any]:
        """A read that must work. Raises StepFailed."""
        answer = call("GET", f"{self.router}{path}", None, self._headers(), trust=self._trust)
        if not answer.fine:
            raise StepFailed(f"the demo's GET {path} was refused: {answer.status} {answer.body!s:.400}", "")
        return dict(answer.body)

    def until(self, path: str, fine: Callable[[dict[str, Any]], bool], deadline_s: float = 30.0) -> dict[str, Any]:
        """Reads until it is as it should be. Raises StepFailed after the deadline."""
        deadline = time.monotonic() + deadline_s
        while not fine(body := self.get(path)):
            if time.monotonic() > deadline:
                raise StepFailed(
                    f"GET {path} did not become what it should within {deadline_s:.0f} s: {body!s:.300}", ""
                )
            time.sleep(0.2)
        return body

    # --- what several scenes need -------------------------------------------------------------------------------------
    def order_of(self, units: int, near: str, **more: Any) -> dict[str, Any]:
        """The body of an order to where a place is."""
        city = self.cities[near]
        price = {"amount": 1290, "currency": self.currency}
        ship_to = {"country": city.country, "city": city.city, "lat": city.lat, "lon": city.lon}
        return {
            "order_ref": f"DAY-{self.run}", "channel": "online", "customer": {"customer_ref": "demo-day", "country": city.country},
            "ship_to": ship_to, "lines": [{"sku": self.sku, "quantity": units, "unit_price": price}], **more,
        }  # fmt: skip

    def counts(self, location_id: str) -> dict[str, Any]:
        """The stock of the day's SKU at a place."""
        stock = self.get(f"/v1/locations/{location_id}/stock/{self.sku}")["stock"]
        return dict(stock)


def play(day: Day, scenes: Sequence[tuple[str, Callable[[Day], None]]]) -> float:
    """Plays the scenes; gives the seconds that it took. Raises StepFailed."""
    began = time.monotonic()
    for title, scene in scenes:
        day.scene(title)
        scene(day)
    return time.monotonic() - began
