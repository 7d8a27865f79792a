"""Bodies and replies of the comparison systems: the shapes of OCEFS' API, so that one load script drives all."""

import hashlib
import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from perf.compare import rules


class Money(msgspec.Struct, forbid_unknown_fields=True):
    """An amount in minor units of an ISO 4217 currency."""

    amount: int
    currency: str


class Line(msgspec.Struct, forbid_unknown_fields=True):
    """One SKU of an order, quantity in base units."""

    sku: str
    quantity: int
    unit_price: Money


class Customer(msgspec.Struct, forbid_unknown_fields=True):
    """Who orders."""

    customer_ref: str
    country: str


class ShipTo(msgspec.Struct, forbid_unknown_fields=True):
    """Where the order goes; degrees."""

    country: str
    lat: float
    lon: float
    postcode: str = ""
    city: str = ""


class Placement(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST /v1/orders`."""

    order_ref: str
    channel: str
    customer: Customer
    ship_to: ShipTo
    lines: list[Line]

    def wants(self) -> list[rules.Want]:
        """The ordered SKUs, each once, in the order of the SKU: all systems lock stock in that order."""
        units: dict[str, int] = {}
        for line in self.lines:
            units[line.sku] = units.get(line.sku, 0) + line.quantity
        return sorted(units.items())


class Update(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST /v1/orders/{order_id}/updates`."""

    update: str
    fulfilment_id: str | None = None
    occurred_at: str | None = None


class OrderUpdate(msgspec.Struct, forbid_unknown_fields=True):
    """One item of `POST /v1/order-updates`."""

    order_id: str
    update: str
    fulfilment_id: str | None = None
    occurred_at: str | None = None


class OrderUpdates(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST /v1/order-updates`."""

    updates: list[OrderUpdate]


class Command(NamedTuple):
    """One update as the back end takes it."""

    order_id: str
    update: str
    key: str
    fingerprint: int


class Outcome(NamedTuple):
    """What became of one update; `version` and `status` are None for an unknown order."""

    code: str
    version: int | None
    status: str | None


class Placed(NamedTuple):
    """What became of a placement; `reply` is the JSON of a 201, empty unless `code` is ok."""

    code: str
    reply: bytes


class Backend(Protocol):
    """What a comparison system does behind its door."""

    async def open(self) -> None:
        """Connects to the database."""

    async def close(self) -> None:
        """Gives the connections back."""

    async def update(self, command: Command) -> Outcome:
        """Applies one update, durable before it returns."""

    async def update_many(self, commands: Sequence[Command]) -> Sequence[Outcome]:
        """Applies several; one that is refused does not harm the others."""

    async def place(self, placement: Placement, key: str, fingerprint: int) -> Placed:
        """Places an order and reserves its stock."""

    async def available(self, skus: Sequence[str]) -> Sequence[tuple[str, str, int]]:
        """(sku, location, free units) of these SKUs."""


JSON = msgspec.json.Encoder()


def fingerprint(*parts: bytes) -> int:
    """64 bits (signed) that tell whether a repeated key carries the same request."""
    return int.from_bytes(hashlib.blake2b(b"\0".join(parts), digest_size=8).digest(), "big", signed=True)


def new_order_id() -> str:
    """An id of the length of OCEFS' own."""
    return "us-" + secrets.token_hex(13)


def outcome_json(order_id: str, outcome: Outcome) -> dict[str, Any]:
    """A reply's body: the order's new state, or a problem with its code."""
    if outcome.code == rules.OK:
        return {"order_id": order_id, "version": outcome.version, "status": outcome.status}
    return problem(outcome.code, order_id=order_id, present_status=outcome.status)


def problem(code: str, **extra: Any) -> dict[str, Any]:
    """A problem body in the manner of RFC 9457."""
    status = rules.HTTP_STATUS[code]
    return {"type": f"urn:ocefs:problem:{code}", "title": code, "status": status, "code": code, **extra}


def placed_json(
    order_id: str, status: str, wants: Sequence[rules.Want], reserved: Sequence[rules.Reserved]
) -> dict[str, Any]:
    """The body of a 201."""
    by_place: dict[str, list[dict[str, Any]]] = {}
    for place, sku, quantity in reserved:
        by_place.setdefault(place, []).append({"sku": sku, "quantity": quantity})
    return {
        "order_id": order_id,
        "version": 1,
        "status": status,
        "fulfilments": [
            {"fulfilment_id": f"{order_id}/{place}", "location_id": place, "status": "allocated", "lines": lines}
            for place, lines in by_place.items()
        ],
        "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in wants],
    }


def available_json(rows: Sequence[tuple[str, str, int]]) -> dict[str, Any]:
    """The body of an availability answer: per SKU the total and what each location has."""
    by_sku: dict[str, list[dict[str, Any]]] = {}
    for sku, place, free in rows:
        by_sku.setdefault(sku, []).append({"location_id": place, "available": free})
    return {
        "skus": [
            {"sku": sku, "total": sum(place["available"] for place in places), "locations": places}
            for sku, places in by_sku.items()
        ]
    }
