"""A small region behind the whole API: two warehouses, a store, four SKUs, stock."""

import itertools
from typing import Any

import httpx
import msgspec

from serve.app import build
from serve.services import Services
from serve.settings import ApiSettings
from tests.unit.serve.fake_alerts import FakeAlerts
from tests.unit.serve.fake_audit import FakeAudit
from tests.unit.serve.fake_gateway import FakeClock, FakeGateway
from tests.unit.serve.fake_read_model import FakeReadModel

SETTINGS = ApiSettings(
    region="us",
    lat=39.83,
    lon=-98.58,
    countries=frozenset({"US", "CA"}),
    currencies=frozenset({"USD", "CAD"}),
    other_countries={"DE": "eu", "GB": "eu", "BR": "latam"},
    other_regions=frozenset({"eu", "latam"}),
    cursor_key=b"0123456789abcdef",
    consent_texts=frozenset({"newsletter-1", "terms-9"}),
)
PLACES = {
    "us-wh-seattle": ("warehouse", 47.38, -122.23),
    "us-wh-newark": ("warehouse", 40.73, -74.17),
    "us-st-portland": ("store", 45.52, -122.68),
}
STOCK = {
    "us-wh-seattle": {"A1": 100, "B 2": 10},
    "us-wh-newark": {"A1": 50, "B 2": 50, "C3": 5},
    "us-st-portland": {"A1": 3},
}
SKUS = ("A1", "B 2", "C3", "D4")


class Cell:
    """The region's parts, and its API for callers."""

    def __init__(self, settings: ApiSettings = SETTINGS) -> None:
        self.clock = FakeClock()
        self.gateway = FakeGateway(self.clock)
        self.read_model = FakeReadModel(self.gateway)
        self.audit = FakeAudit()
        kept = self.audit if settings.identity == "required" else None
        self.alerts = FakeAlerts(self.gateway)
        listed = self.alerts if settings.identity == "required" else None
        self.services = Services(settings, self.gateway, self.read_model, self.clock, audit=kept, alerts=listed)
        self.app = build(self.services)
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, raise_app_exceptions=False), base_url="http://cell"
        )
        self._keys = itertools.count(1)

    async def post(self, path: str, body: Any, key: str | None = None, **headers: str) -> httpx.Response:
        return await self.write("POST", path, body, key, **headers)

    async def write(self, method: str, path: str, body: Any, key: str | None = None, **headers: str) -> httpx.Response:
        sent = {"Content-Type": "application/json", "Idempotency-Key": key or f"key-{next(self._keys)}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return await self.http.request(method, path, content=content, headers=sent)

    async def get(self, path: str, **query: Any) -> httpx.Response:
        return await self.http.get(path, params=query or None)

    async def placed(self, *lines: tuple[str, int], **more: Any) -> dict[str, Any]:
        answer = await self.post("/v1/orders", order(*lines, **more))
        assert answer.status_code == 201, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def state(self) -> tuple[Any, ...]:
        """Everything that a refused call must not have changed."""
        versions = {key: version for key, (_, version) in self.gateway.entities.items()}
        return versions, len(self.gateway.events), len(self.gateway.ledger), len(self.gateway.remembered)


def order(*lines: tuple[str, int], **more: Any) -> dict[str, Any]:
    """The body of a placement; by default two units of A1 to Seattle."""
    return {
        "order_ref": "web-1",
        "channel": "online",
        "customer": {"customer_ref": "c-17", "country": "US"},
        "ship_to": {"country": "US", "postcode": "98101", "city": "Seattle", "lat": 47.61, "lon": -122.33},
        "lines": [
            {"sku": sku, "quantity": quantity, "unit_price": {"amount": 1299, "currency": "USD"}}
            for sku, quantity in lines or (("A1", 2),)
        ],
    } | more


async def furnish(cell: Cell) -> None:
    """SKUs, places and stock, through the API."""
    await furnish_with(cell, {})


async def furnish_with(cell: Cell, headers: dict[str, str]) -> None:
    """The same by somebody who may."""
    assert (await cell.post("/v1/skus", {"skus": [{"sku": sku} for sku in SKUS]}, **headers)).status_code == 200
    for location_id, (kind, lat, lon) in PLACES.items():
        place = {
            "type": kind,
            "name": location_id,
            "city": "",
            "country": "US",
            "lat": lat,
            "lon": lon,
            "timezone": "UTC",
        }
        assert (await cell.write("PUT", f"/v1/locations/{location_id}", place, **headers)).status_code == 200
        lines = [{"sku": sku, "quantity": units} for sku, units in STOCK[location_id].items()]
        receipt = {"reference": "asn-1", "lines": lines}
        answer = await cell.post(f"/v1/locations/{location_id}/receipts", receipt, **headers)
        assert answer.status_code == 200, answer.text


async def make_services(port: int) -> Services:
    """For a Serve replica: its own small cell."""
    cell = Cell(msgspec.structs.replace(SETTINGS, port=port, drain_s=2))
    await furnish(cell)
    return cell.services
