"""`make demo`: a step that is refused ends it with words, and what it tells is told as it is. The scenes themselves
are played in a real cell."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from actors.anomalies.settings import AnomalySettings
from cells import demo_day, demo_scenes
from cells.calls import Answer
from cells.config import load_region
from cells.errors import StepFailed


class Refusing(demo_day.Day):
    """Whatever it writes is refused."""

    def write(self, method: str, path: str, body: object, key: str = "") -> Answer:
        return Answer(422, {"code": "body.invalid"})


def day(kind: type[demo_day.Day] = demo_day.Day, **more: Any) -> tuple[demo_day.Day, io.StringIO]:
    out = io.StringIO()
    made = kind(load_region("us"), "http://127.0.0.1:1", Console(file=out, width=200), pause_s=0, **more)
    return made, out


def test_a_refused_step_goes_on_as_if_nothing_had_happened():
    refusing, _ = day(Refusing)
    with pytest.raises(StepFailed) as failed:
        demo_day.play(refusing, demo_scenes.SCENES)
    assert "POST /v1/skus was refused: 422" in failed.value.problem


def test_a_day_has_places_that_the_region_has_not():
    made, out = day()
    assert len(made.warehouses) >= 2
    assert made.stores
    assert set(made.cities) == {*made.warehouses, *made.stores}
    order = made.order_of(2, made.stores[0])
    assert order["ship_to"]["city"] == made.cities[made.stores[0]].city
    made.scene("a title")
    made.say("[bold]text as it is", "/v1/somewhere")
    assert "[bold]text as it is" in out.getvalue()
    assert "GET /v1/somewhere   (with X-OCEFS-Region: us)" in out.getvalue()
    made.say("what names its region itself", "/v1/transfers/us-transfer-1")
    assert out.getvalue().endswith("GET /v1/transfers/us-transfer-1\n")


class Rushed(demo_day.Day):
    """Its first so many orders get a unit each; counts what is cancelled."""

    cancelled = placed = 0

    def write(self, method: str, path: str, body: object, key: str = "") -> Answer:
        if path == "/v1/orders":
            self.placed += 1
            fits = self.placed <= demo_scenes.UNITS - demo_scenes.CART
            return Answer(201, {"order_id": "o", "status": "allocated" if fits else "backordered"})
        self.cancelled += body == {"update": "cancel"}
        return Answer(200, {"reservation_id": "r"})

    def until(self, path: str, fine: Any, deadline_s: float = 30.0) -> dict[str, Any]:
        return {"status": "expired", "stock": {"available": demo_scenes.CART}}

    def counts(self, location_id: str) -> dict[str, Any]:
        return dict.fromkeys(("allocated", "reserved", "available"), 0)


def test_three_demos_within_an_hour_raise_an_alert_of_cancelled_orders():
    rushed, out = day(Rushed)
    demo_scenes.rush(rushed)
    assert 0 < 3 * rushed.cancelled < AnomalySettings().voids
    assert f"The {rushed.cancelled} who got none" in out.getvalue()


def test_who_has_seen_a_day_is_sent_to_an_address_without_a_page(monkeypatch):
    router = SimpleNamespace(running=True, address="http://127.0.0.1:8080")
    monkeypatch.setattr(demo_scenes.process, "status", lambda home: router)
    monkeypatch.setattr(demo_scenes, "play", lambda day, scenes: 1.0)
    out, us = io.StringIO(), load_region("us")
    assert demo_scenes.run(us, Console(file=out, width=200), 0) == 0
    *_, calls, docs, dashboard = out.getvalue().splitlines()
    assert "calls in it went to http://127.0.0.1:8080;" in calls
    assert docs.endswith(f"API docs       {us.address}/docs")
    assert f"http://127.0.0.1:{us.ray.dashboard_port}  token:" in dashboard
