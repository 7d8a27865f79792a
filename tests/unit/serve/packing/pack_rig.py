"""A small cell with cartons, a carrier and a sender, and goods that the catalogue knows; what a
pack station does in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from actors.domain.carton import CartonType
from actors.domain.postal import Party
from serve.packing.settings import CarrierAccount, Carton, PackingSettings
from tests.unit.serve.guarded_cell import GuardedCell, furnished
from tests.unit.serve.post_office import without_waiting
from tests.unit.serve.small_cell import SETTINGS, Cell, order

SENDER = Party("Larch & Alder", ("1 Dock Street",), "Seattle", "98101", "US", phone="+12065550100")
PACKING = PackingSettings(
    company_prefix="9521234",
    cartons=(
        Carton(CartonType("S", 200, 150, 100, 80, 5_000, 20)), Carton(CartonType("M", 400, 300, 200, 200, 20_000, 60)),
    ),
    sender=SENDER, carriers=(CarrierAccount("post"), CarrierAccount("courier", label_format="zpl")),
)  # fmt: skip
GOODS = [
    {
        "sku": "A1", "description": "Oak coaster", "weight_g": 100, "length_mm": 100, "width_mm": 100, "height_mm": 20,
        "hs_code": "441990", "origin_country": "PT",
    },
    {"sku": "B 2", "description": "Tea", "weight_g": 250, "tracking": "lot"},
]  # fmt: skip
SEATTLE = "us-wh-seattle"
DOCK = f"/v1/locations/{SEATTLE}/docks/post"
TO_MIA: dict[str, Any] = {
    "country": "US", "postcode": "98109", "city": "Ballardtown", "recipient": "Mia Quillfeather", "street": "12 Larkspur Close",
    "phone": "+1 206 555 0188", "lat": 47.61, "lon": -122.33,
}  # fmt: skip


def open_cell() -> Cell:
    return Cell(msgspec.structs.replace(SETTINGS, packing=PACKING))


def guarded_cell(folder) -> GuardedCell:
    return GuardedCell(folder, packing=PACKING)


class Station:
    """Somebody at a pack station, with these headers."""

    def __init__(self, cell: Cell, **headers: str) -> None:
        self.cell = cell
        self.headers = headers

    async def goods(self) -> None:
        answer = await self.cell.post("/v1/skus", {"skus": GOODS}, **self.headers)
        assert answer.status_code == 200, answer.text

    async def picked(self, *lines: tuple[str, int], **more: Any) -> str:
        """An order that is being picked in Seattle; its id."""
        answer = await self.cell.post("/v1/orders", order(*(lines or (("A1", 3),)), **more), **self.headers)
        assert answer.status_code == 201, answer.text
        order_id: str = answer.json()["order_id"]
        await self.done("POST", f"/v1/orders/{order_id}/updates", {"update": "start_picking"})
        return order_id

    async def opened(self, *lines: tuple[str, int], **more: Any) -> tuple[str, str]:
        """(order, shipment) of an order that is being packed."""
        order_id = await self.picked(*lines, **more)
        told = await self.done("POST", "/v1/shipments", {"fulfilment_id": f"{order_id}.1"}, 201)
        return order_id, told["shipment_id"]

    async def packed(self, *lines: tuple[str, int], **more: Any) -> tuple[str, str]:
        """(order, shipment) with all of it in one closed parcel."""
        lines = lines or (("A1", 3),)
        order_id, name = await self.opened(*lines, **more)
        await self.fill(name, *lines)
        return order_id, name

    async def fill(self, name: str, *lines: tuple[str, int]) -> dict[str, Any]:
        """A parcel with these, closed."""
        path = f"/v1/shipments/{name}/parcels"
        number = (await self.done("POST", path, {"carton": "M"}))["parcel"]
        for sku, units in lines:
            await self.done("POST", f"{path}/{number}/scans", {"sku": sku, "quantity": units})
        weight_g = 200 + sum({"A1": 100, "B 2": 250}.get(sku, 0) * units for sku, units in lines)
        return await self.done("POST", f"{path}/{number}/closure", {"weight_g": weight_g})

    async def labelled(self, name: str, number: int = 1, **more: Any) -> dict[str, Any]:
        body = {"carrier": "post", "service": "standard"} | more
        return await self.done("POST", f"/v1/shipments/{name}/parcels/{number}/label", body)

    async def write(self, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
        if body is None:
            sent = {"Idempotency-Key": key or f"bare-{next(self.cell._keys)}"} | self.headers
            return await self.cell.http.request(method, path, headers=sent)
        return await self.cell.write(method, path, body, key, **self.headers)

    async def done(self, method: str, path: str, body: Any = None, status: int = 200, key: str | None = None) -> Any:
        answer = await self.write(method, path, body, key)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def refused(self, code: str, method: str, path: str, body: Any = None, status: int = 409) -> Any:
        before = self.cell.state()[0]
        answer = await self.write(method, path, body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert self.cell.state()[0] == before
        return answer.json()

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.cell.http.get(path, params=query or None, headers=self.headers)
        assert answer.status_code == 200, answer.text
        return answer

    async def read(self, name: str) -> Any:
        return (await self.get(f"/v1/shipments/{name}")).json()


def stock(station: Station, sku: str = "A1", place: str = SEATTLE) -> tuple[int, int]:
    """(on hand, allocated)."""
    row = station.cell.gateway.entities["location", place][0].stock[sku]
    return row.on_hand, row.allocated


@asynccontextmanager
async def guarded_station(folder, monkeypatch) -> AsyncIterator[Station]:
    """In a cell with identity, which seals; nobody has to wait for letters."""
    without_waiting(monkeypatch)
    async with furnished(folder, packing=PACKING) as cell:
        made = Station(cell, **cell.bearer())
        await made.goods()
        yield made
