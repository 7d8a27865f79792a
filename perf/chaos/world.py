"""What the chaos run's cell deals in: three warehouses, some SKUs that are plenty and a few that are fought over."""

import random
from typing import Any

from actors.domain.ids import new_order_id
from actors.runtime.sharding import shard_of

REGION = "us"
CURRENCY = "USD"
PLACES = {
    "us-wh-reno": ("Reno", 39.53, -119.81, "America/Los_Angeles"),
    "us-wh-dallas": ("Dallas", 32.78, -96.80, "America/Chicago"),
    "us-wh-newark": ("Newark", 40.74, -74.17, "America/New_York"),
}
PROBE = "PROBE"
PLENTY = tuple(f"PLENTY-{number:02}" for number in range(24))
SCARCE = tuple(f"SCARCE-{number}" for number in range(6))
PLENTY_UNITS = 50_000
# Of what is fought over less comes in than is wanted: of 120 s at 400 updates/s some 1,700
# units are wanted, and 800 come.
SCARCE_UNITS = 5
RESTOCK_UNITS = 3


def skus() -> dict[str, Any]:
    """The body that defines all SKUs."""
    return {"skus": [{"sku": sku, "description": sku.lower()} for sku in (PROBE, *PLENTY, *SCARCE)]}


def particulars(location_id: str) -> dict[str, Any]:
    """The body that opens a warehouse."""
    city, lat, lon, timezone = PLACES[location_id]
    place = {"type": "warehouse", "name": city, "city": city, "country": "US"}
    return place | {"lat": lat, "lon": lon, "timezone": timezone}


def first_receipt() -> list[tuple[str, int]]:
    """Units per SKU that each warehouse has at the beginning."""
    plenty = [(sku, PLENTY_UNITS) for sku in (PROBE, *PLENTY)]
    return plenty + [(sku, SCARCE_UNITS) for sku in SCARCE]


def receipt(lines: list[tuple[str, int]]) -> dict[str, Any]:
    """The body of a receipt."""
    return {"lines": [{"sku": sku, "quantity": units} for sku, units in lines]}


def order(units: dict[str, int], chance: random.Random) -> dict[str, Any]:
    """The body of an order, to somewhere in the region."""
    price = {"amount": 1299, "currency": CURRENCY}
    return {
        "order_ref": f"chaos-{chance.randrange(1_000_000)}",
        "channel": "online",
        "customer": {"customer_ref": f"c-{chance.randrange(500)}", "country": "US"},
        "ship_to": {
            "country": "US",
            "lat": round(chance.uniform(30, 45), 2),
            "lon": round(chance.uniform(-120, -75), 2),
        },
        "lines": [{"sku": sku, "quantity": count, "unit_price": price} for sku, count in units.items()],
    }


def basket(chance: random.Random) -> dict[str, int]:
    """Units per SKU of a new order: one to three lines, now and then of what is scarce."""
    units = {chance.choice(PLENTY): chance.randint(1, 4) for _ in range(chance.randint(1, 3))}
    if chance.random() < 0.25:
        units[chance.choice(SCARCE)] = chance.randint(1, 3)
    return units


def key_in_shard(shard: int, shards: int, head: str) -> str:
    """A key whose order lives in the given shard."""
    number = 0
    while True:
        key = f"{head}-{shard}-{number}"
        if shard_of("order", new_order_id(REGION, 0, key), shards) == shard:
            return key
        number += 1
