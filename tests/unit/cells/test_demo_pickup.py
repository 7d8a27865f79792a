"""The scene of a pickup, played against the API of a small cell: its calls are good ones, and it tells what happens."""

from __future__ import annotations

import asyncio
import io
from typing import Any

from rich.console import Console

from cells.calls import Answer
from cells.config import load_region
from cells.demo_day import Day
from cells.demo_pickup import WANTED, pickup
from tests.unit.serve.small_cell import SETTINGS, Cell


class InMemory(Day):
    """Its calls go to an API without a network."""

    def __init__(self, console: Console) -> None:
        super().__init__(load_region("us"), "http://cell", console, pause_s=0)
        self.loop = asyncio.new_event_loop()
        self.cell = Cell(SETTINGS)

    def write(self, method: str, path: str, body: object, key: str = "") -> Answer:
        answer = self.loop.run_until_complete(self.cell.write(method, path, body, key or None))
        return Answer(answer.status_code, answer.json())

    def get(self, path: str) -> dict[str, Any]:
        answer = self.loop.run_until_complete(self.cell.http.get(path))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def until(self, path: str, good: Any) -> dict[str, Any]:
        found = self.get(path)
        assert good(found), found
        return found


def test_the_scene_of_a_pickup_makes_a_call_that_is_refused():
    out = io.StringIO()
    day = InMemory(Console(file=out, width=200))
    here, source = day.stores[0], day.warehouses[0]
    day.do("POST", "/v1/skus", {"skus": [{"sku": day.sku}]})
    for place, kind, units in ((here, "store", 6), (source, "warehouse", 30)):
        city = day.cities[place]
        body = {
            "type": kind,
            "name": place,
            "city": city.city,
            "country": city.country,
            "lat": city.lat,
            "lon": city.lon,
        }
        day.do("PUT", f"/v1/locations/{place}", body)
        day.do("POST", f"/v1/locations/{place}/receipts", {"lines": [{"sku": day.sku, "quantity": units}]})
    pickup(day)
    told = out.getvalue()
    assert f"The order asks {source} to send 2 there." in told
    assert "One mug has a chip, and stays: 1 on hand again" in told
    stock = day.get(f"/v1/locations/{here}/stock/{day.sku}")["stock"]
    assert (stock["on_hand"], stock["allocated"]) == (6 + 2 - WANTED + 1, 0)
    day.loop.run_until_complete(day.cell.http.aclose())
    day.loop.close()
