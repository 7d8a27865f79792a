"""The scene of `make demo` in which a customer collects an order at a store that has not all of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from cells.demo_day import Day

WANTED = 8


def pickup(day: Day) -> None:
    """What the store lacks is sent there, made ready, and handed over by a code; one mug is left behind."""
    here, sku = day.stores[0], day.sku
    asked = day.order_of(WANTED, here) | {"pickup": {"location_id": here}}
    del asked["ship_to"]
    order = day.do("POST", "/v1/orders", asked)["order_id"]
    path = f"/v1/orders/{order}"
    day.say(f"Somebody wants to collect {WANTED} mugs at {here}, which has only six of them.", path)
    _bring(day, here, order)
    seen = day.until(path, lambda body: body["pickup"]["status"] == "locating")
    name = seen["pickup"]["collections"][-1]["collection_id"]
    collection = f"/v1/collections/{name}"
    day.say(
        "They are the order's from the moment that they land. An associate looks where the mugs lie, and finds them.",
        collection,
    )
    day.do("POST", f"{collection}/located", {"found": [{"sku": sku, "quantity": WANTED}], "shelf": "shelf 12"})
    ready = _certain(day, collection, day.do("POST", f"{collection}/ready", {}), "ready")
    day.say("All of it waits on shelf 12, and its customer is told so, with a code.", path)
    day.do("POST", f"{path}/here", {"spot": "bay 4"})
    day.say("The customer is here, in bay 4: it shows on the store's list.", f"/v1/collections?location_id={here}")
    if "code" in ready:
        day.do("POST", f"{collection}/verification", {"code": ready["code"]})
        day.say("The code is right.")
    else:
        day.do("POST", f"{collection}/identity-check", {})
        day.say("The code went to the customer alone: a manager looks at who it is.")
    handed = day.do("POST", f"{collection}/hand-over", {"left": [{"sku": sku, "quantity": 1}]})
    _certain(day, collection, handed, "collected")
    stock = day.until(f"/v1/locations/{here}/stock/{sku}", lambda body: body["stock"]["allocated"] == 0)["stock"]
    day.say(
        f"One mug has a chip, and stays: {stock['on_hand']} on hand again, the others are the customer's.",
        f"{path}/events",
    )


def _bring(day: Day, here: str, order: str) -> None:
    """The transfer that the order has asked for, from its source to the store."""
    found = day.until(
        f"/v1/transfers?location_id={here}",
        lambda body: any(one["reference"] == order for one in body["transfers"]),
    )
    transfer = next(one for one in found["transfers"] if one["reference"] == order)
    path = f"/v1/transfers/{transfer['transfer_id']}"
    day.say(f"The order asks {transfer['source_id']} to send {transfer['wanted']} there.", path)
    seen = day.until(path, lambda body: body["status"] == "allocated")
    lines = [{"sku": line["sku"], "quantity": line["allocated"]} for line in seen["lines"]]
    day.do("POST", f"{path}/picking", {})
    expected = (datetime.now(UTC) + timedelta(hours=3)).isoformat()
    day.do("POST", f"{path}/dispatches", {"packages": [{"lines": lines}], "expected_at": expected})
    day.until(path, lambda body: body["packages"][0]["status"] == "on_the_way")
    day.do("POST", f"{path}/receipts", {"packages": ["1"]})


def _certain(day: Day, collection: str, answer: dict[str, Any], status: str) -> dict[str, Any]:
    """The answer to a step, once the order has agreed to it."""
    if answer["status"] != status:
        day.until(collection, lambda body: body["status"] == status)
    return answer
