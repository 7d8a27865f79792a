"""The scenes of `make demo`, in their order. Each is a thing that people do in a day, by the calls that they make."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from rich.console import Console

from cells.demo import places
from cells.demo_day import Day, play
from cells.demo_pickup import pickup
from cells.errors import StepFailed
from cells.paths import CellPaths
from cells.settings import RegionConfig
from cells.show import pages_of
from router import process

CART = 5
# That are for sale when the rush begins, the cart's among them.
UNITS = 78
# A few more than get one. The others' orders are cancelled by the demo, and many within an hour are the alert `voids`.
BUYERS = UNITS - CART + 3


def opening(day: Day) -> None:
    """A delivery comes, case by case, and is put away."""
    here, sku = day.warehouses[0], day.sku
    goods = {"sku": sku, "description": "a mug of the day", "units": {"case": 12}, "weight_g": 350}
    day.do("POST", "/v1/skus", {"skus": [goods]})
    bins = [_bin("A", rack) for rack in (1, 2, 3)] + [_bin("DOCK", 1, use="dock")]
    day.do("PUT", f"/v1/locations/{here}/bins", {"bins": bins})
    announced = {
        "location_id": here, "expected_at": _soon(hours=1), "purchase_ref": f"PO-{day.run}",
        "lines": [{"line": 10, "sku": sku, "quantity": 5, "unit": "case"}],
    }  # fmt: skip
    inbound = day.do("POST", "/v1/inbounds", announced)["inbound_id"]
    day.say(f"A supplier announces 5 cases of {sku} to {here}: 60 are to come, none may be promised yet.")
    came = {"lines": [{"sku": sku, "quantity": 4, "unit": "case"}, {"sku": sku, "quantity": 2, "condition": "damaged"}]}
    day.do("POST", f"/v1/inbounds/{inbound}/receipts", came)
    day.say("Four cases come, and two mugs of the fifth: broken. The other ten never do.", f"/v1/inbounds/{inbound}")
    day.do("POST", f"/v1/inbounds/{inbound}/closure", {"shortages": [{"sku": sku, "quantity": 10}]})
    day.until(f"/v1/locations/{here}/stock/{sku}", lambda body: body["stock"]["available"] == 48)
    moves = [{"sku": sku, "quantity": 40, "to_bin": "A-01-01"}, {"sku": sku, "quantity": 6, "to_bin": "A-02-01"}]
    day.do("POST", f"/v1/locations/{here}/moves", {"lines": moves})
    day.do("PUT", f"/v1/locations/{here}/levels", {"levels": [{"sku": sku, "reorder_point": 20}]})
    day.say(
        "They are put away: 40 in A-01-01, 6 in A-02-01, the rest still lies at the dock. Below 20 it shall be told that stock runs low.",
        f"/v1/locations/{here}/stock/{sku}",
    )
    day.do("POST", f"/v1/locations/{day.warehouses[1]}/receipts", {"lines": [{"sku": sku, "quantity": 30}]})


def rush(day: Day) -> None:
    """More buyers than units."""
    near, sku = day.warehouses[0], day.sku
    city = day.cities[near]
    cart = {
        "channel": "online", "lines": [{"sku": sku, "quantity": CART}], "ttl_s": 10,
        "ship_to": {"country": city.country, "lat": city.lat, "lon": city.lon},
    }  # fmt: skip
    day.until(f"/v1/availability?sku={sku}", lambda body: body["skus"][0]["available"] == UNITS)
    reservation = day.do("POST", "/v1/reservations", cart)["reservation_id"]
    day.say(f"Somebody puts {CART} in a cart; they are kept for ten seconds.", f"/v1/reservations/{reservation}")
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda number: day.write("POST", "/v1/orders", day.order_of(1, near), f"day-{day.run}-rush-{number}"), range(BUYERS)))  # fmt: skip
    statuses = Counter(answer.body["status"] for answer in answers if answer.fine)
    counts = day.counts(near)
    day.say(
        f"{BUYERS} people buy one each, at once: {dict(statuses)}. {near} has {counts['allocated']} allocated, {counts['reserved']} in the cart, "
        f"{counts['available']} available; nobody was promised a mug that somebody else has."
    )
    waiting = [answer.body["order_id"] for answer in answers if answer.fine and answer.body["status"] == "backordered"]
    for order_id in waiting:
        day.do("POST", f"/v1/orders/{order_id}/updates", {"update": "cancel"})
    day.say(f"The {len(waiting)} who got none were told so at once; none of them wants to wait.")
    body = day.until(f"/v1/reservations/{reservation}", lambda one: one["status"] == "expired")
    back = day.until(f"/v1/locations/{near}/stock/{sku}", lambda one: one["stock"]["reserved"] == 0)["stock"]
    day.say(f"The cart is forgotten ({body['status']}): its {CART} are for sale again, {back['available']} available.")
    day.do("POST", f"/v1/locations/{day.warehouses[1]}/receipts", {"lines": [{"sku": sku, "quantity": 40}]})


def short_pick(day: Day) -> None:
    """What the books have is not on the shelf."""
    near = day.warehouses[0]
    order = day.do("POST", "/v1/orders", day.order_of(3, near))
    path = f"/v1/orders/{order['order_id']}"
    day.do("POST", f"{path}/updates", {"update": "start_picking"})
    day.say(f"An associate at {near} picks an order of three.", path)
    short = {"update": "short_pick", "lines": [{"sku": day.sku, "quantity": 1}]}
    day.do("POST", f"{path}/updates", short)
    found = day.until(path, lambda body: body["status"] == "picking" and len(body["fulfilments"]) == 2)
    places = ", ".join(f"{one['lines'][0]['quantity']} from {one['location_id']}" for one in found["fulfilments"])
    day.say(
        f"One mug is not there. It leaves the books, and the order asks elsewhere at once: {places}.", f"{path}/events"
    )


def transfer(day: Day) -> None:
    """Stock goes to where it is missed, and not all of it arrives."""
    source, here, sku = day.warehouses[1], day.stores[0], day.sku
    asked = {
        "source_id": source,
        "destination_id": here,
        "lines": [{"sku": sku, "quantity": 10}],
        "expected_at": _soon(hours=20),
    }
    path = f"/v1/transfers/{day.do('POST', '/v1/transfers', asked)['transfer_id']}"
    day.until(path, lambda body: body["status"] == "allocated")
    day.do("POST", f"{path}/picking", {})
    packages = [{"lines": [{"sku": sku, "quantity": 6}]}, {"lines": [{"sku": sku, "quantity": 4}]}]
    day.do("POST", f"{path}/dispatches", {"packages": packages})
    day.until(
        path,
        lambda body: body["status"] == "dispatched" and all(one["status"] == "on_the_way" for one in body["packages"]),
    )
    day.say(
        f"{source} sends ten mugs to {here} in two packages: they are on the road, and nobody's.",
        f"/v1/inventory/{sku}",
    )
    day.do("POST", f"{path}/receipts", {"packages": ["1"]})
    day.do("POST", f"{path}/receipts", {"lines": [{"sku": sku, "quantity": 3}]})
    day.until(path, lambda body: body["lines"][0]["received"] == 9)
    day.do("POST", f"{path}/closure", {"lost": [{"sku": sku, "quantity": 1}]})
    day.say(
        "The first package comes whole, of the second one mug is missing: whoever closes the transfer has to name it as lost.",
        path,
    )


def count(day: Day) -> None:
    """A count freezes nothing."""
    here, sku = day.stores[0], day.sku
    spot = {"sku": sku}
    path = f"/v1/counts/{day.do('POST', '/v1/counts', {'location_id': here, 'spots': [spot], 'tolerance': {'units': 1}})['count_id']}"
    day.do("POST", f"{path}/begun", {"spots": [spot]})
    day.until(path, lambda body: body["spots"][0]["status"] == "begun")
    counted_at = datetime.now(UTC).isoformat()
    sold = day.do("POST", "/v1/orders", day.order_of(2, here))["order_id"]
    for step in ("start_picking", "pack", "ship"):
        day.do("POST", f"/v1/orders/{sold}/updates", {"update": step})
    day.until(f"/v1/locations/{here}/stock/{sku}", lambda body: body["stock"]["on_hand"] == 7)
    day.say(
        f"At {here} somebody counts 8 mugs where the books have 9. Before that is handed in, two are sold and shipped."
    )
    found = {"spot": spot, "lines": [{"sku": sku, "quantity": 8}], "counted_at": counted_at}
    day.do("POST", f"{path}/counted", found)
    day.until(path, lambda body: body["status"] == "closed")
    stock = day.until(f"/v1/locations/{here}/stock/{sku}", lambda body: body["stock"]["on_hand"] == 6)["stock"]
    day.say(
        f"The count is compared with the books of that moment: one is missing, not two too many. On hand: {stock['on_hand']}.",
        f"/v1/locations/{here}/ledger?sku={sku}",
    )


def evening(day: Day) -> None:
    """What is left, and where it went."""
    seen = day.get(f"/v1/inventory/{day.sku}")
    for place in seen["places"]:
        counts = {name: place[name] for name in ("on_hand", "available", "allocated", "reserved", "damaged")}
        day.say(f"{place['location_id']}: {', '.join(f'{value} {name}' for name, value in counts.items())}")
    day.say("All of it, over all places, with what is on the road:", f"/v1/inventory/{day.sku}")


SCENES: Sequence[tuple[str, Callable[[Day], None]]] = (
    ("a store opens: a delivery", opening),
    ("an online rush", rush),
    ("a short pick", short_pick),
    ("a transfer", transfer),
    ("a count while stock moves", count),
    ("a pickup", pickup),
    ("the evening", evening),
)


def run(config: RegionConfig, console: Console, pause_s: float) -> int:
    """Plays the day in a cell that runs; the exit code. Raises StepFailed."""
    found = process.status(CellPaths("router").home)
    if not found.running:
        raise StepFailed("the router does not run", "make up")
    if not places(config.name):
        raise StepFailed(f"the demo knows no places of {config.name}", "try us, eu or latam")
    day = Day(config, found.address, console, process.trust(CellPaths("router").home), pause_s)
    seconds = play(day, SCENES)
    # Of the router itself there is no page: it takes the calls.
    told = f"\nThat was a day, in {seconds:.0f} s. The calls in it went to {found.address}; in a browser there is:"
    console.print("\n".join([told, *pages_of(config)]), highlight=False, soft_wrap=True)
    return 0


def _bin(zone: str, rack: int, use: str = "pick") -> dict[str, object]:
    name = f"{zone}-{rack:02}-01"
    return {
        "bin_id": name,
        "zone": zone,
        "aisle": 1,
        "rack": rack,
        "level": 1,
        "x_dm": 20,
        "y_dm": 10 * rack,
        "use": use,
    }


def _soon(hours: int) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()
