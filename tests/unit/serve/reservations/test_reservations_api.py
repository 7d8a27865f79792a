"""Carts through the whole API. What is decided about them is in tests/unit/domain/test_reservation*.py."""

from __future__ import annotations

import pytest

from actors.domain.location_commands import ReceiptLine, ReceiveStock
from actors.domain.reservation_commands import ExpireReservation
from actors.runtime.errors import JournalUnavailable
from serve.identity.limits import RESERVATIONS_BY_CUSTOMER
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.post_office import bearer, coded, joined, without_waiting
from tests.unit.serve.small_cell import furnish_with, order

NOBODY = "us-resv-01kah2v3nq7h3k2m9qk4t1x0ab"
SEATTLE, NEWARK = "us-wh-seattle", "us-wh-newark"
PLAIN = order() | {"customer": {"country": "US"}}


def wanted(*lines, **more):
    return {
        "channel": "online",
        "lines": [{"sku": sku, "quantity": units} for sku, units in lines or (("A1", 2),)],
        "ship_to": {"country": "US", "lat": 47.61, "lon": -122.33},
    } | more


async def made(cell, *lines, headers=None, **more):
    answer = await cell.post("/v1/reservations", wanted(*lines, **more), **(headers or {}))
    assert answer.status_code == 201, answer.text
    return answer.json()["reservation_id"]


async def read(cell, cart, headers=None):
    return await cell.http.get(f"/v1/reservations/{cart}", headers=headers)


async def extend(cell, cart, ttl_s=900, **headers):
    return await cell.post(f"/v1/reservations/{cart}/extensions", {"ttl_s": ttl_s}, **headers)


async def give_back(cell, cart, key="back-1", **headers):
    return await cell.http.delete(f"/v1/reservations/{cart}", headers={"Idempotency-Key": key, **headers})


async def stock(cell, location_id=SEATTLE, sku="A1"):
    page = (await cell.get(f"/v1/locations/{location_id}/stock")).json()
    return next(line for line in page["stock"] if line["sku"] == sku)


async def over(cell, cart):
    cell.clock.now += 86_400_000
    await cell.gateway.ask("reservation", cart, ExpireReservation(), command_id=f"w-{cart}", digest=1)


async def test_a_cart_is_kept_at_the_nearest_place_and_told_until_when(cell):
    answer = await cell.post("/v1/reservations", wanted(("A1", 2), ("B 2", 3), ttl_s=900))
    told = answer.json()
    cart = told["reservation_id"]
    assert (answer.status_code, answer.headers["location"]) == (201, f"/v1/reservations/{cart}")
    assert told == {
        "reservation_id": cart, "version": 3, "status": "held", "policy": "partial", "channel": "online",
        "lines": [{"sku": "A1", "wanted": 2, "held": 2}, {"sku": "B 2", "wanted": 3, "held": 3}],
        "parts": [{"location_id": SEATTLE, "lines": [{"sku": "A1", "quantity": 2}, {"sku": "B 2", "quantity": 3}]}],
        "missing": [], "made_at": "2026-01-01T00:00:00Z", "expires_at": "2026-01-01T00:15:00Z", "order_id": "",
    }  # fmt: skip
    assert (await read(cell, cart)).json() == told
    line = await stock(cell)
    assert (line["on_hand"], line["available"], line["reserved"], line["allocated"]) == (100, 98, 2, 0)


async def test_a_repeated_call_keeps_units_twice(cell):
    first = await cell.post("/v1/reservations", wanted(), "cart-1")
    cell.clock.now += 5_000
    second = await cell.post("/v1/reservations", wanted(), "cart-1")
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert (await stock(cell))["reserved"] == 2
    other = await cell.post("/v1/reservations", wanted(("A1", 3)), "cart-1")
    assert coded(other) == (422, "idempotency.key_reused")


async def test_a_cart_is_told_as_given_back_by_the_answer_of_its_extension(cell):
    cart = await made(cell)
    longer = await cell.post(f"/v1/reservations/{cart}/extensions", {"ttl_s": 900}, "same")
    assert longer.status_code == 200, longer.text
    headers = {"Idempotency-Key": "same", "Content-Type": "application/json"}
    back = await cell.http.request(
        "DELETE", f"/v1/reservations/{cart}", content=longer.request.content, headers=headers
    )
    assert coded(back) == (422, "idempotency.key_reused")


async def test_a_caller_waits_for_locations_that_are_late(cell):
    cell.gateway.deliver = False
    answer = await cell.post("/v1/reservations", wanted())
    assert (answer.status_code, answer.json()["status"]) == (201, "asking")
    cell.gateway.run_outbox()
    assert (await read(cell, answer.json()["reservation_id"])).json()["status"] == "held"


async def test_what_can_not_be_had_is_kept_in_part_or_not_named(cell):
    part = (await cell.post("/v1/reservations", wanted(("C3", 9)))).json()
    assert (part["status"], part["lines"]) == ("partly_held", [{"sku": "C3", "wanted": 9, "held": 5}])
    for body, missing in ((wanted(("C3", 1)), 1), (wanted(("A1", 400), policy="whole"), 247)):
        answer = await cell.post("/v1/reservations", body)
        problem = answer.json()
        assert coded(answer) == (409, "reservation.not_available")
        assert [line["quantity"] for line in problem["missing"]] == [missing]
        assert (await read(cell, problem["reservation_id"])).json()["status"] == "refused"
    assert (await stock(cell))["reserved"] == 0


async def test_a_cart_without_a_destination_or_with_another_country_s_goes_wrong(cell):
    body = wanted()
    del body["ship_to"]
    told = (await cell.post("/v1/reservations", body)).json()
    assert told["status"] == "held"
    assert (await cell.post("/v1/reservations", wanted(ship_to={"country": "CA"}))).json()["status"] == "held"
    assert coded(await cell.post("/v1/reservations", wanted(ship_to={"country": "DE"}))) == (421, "region.misdirected")
    lonely = await cell.post("/v1/reservations", wanted(ship_to={"country": "US", "lat": 47.6}))
    assert coded(lonely) == (422, "order.coordinates_incomplete")
    assert lonely.json()["errors"][0]["pointer"] == "/ship_to/lon"


async def test_a_cart_gets_a_lot_that_has_too_little_life_left(cell):
    milk = {"sku": "E5", "tracking": "lot", "expires": True, "min_life_days": 30}
    assert (await cell.post("/v1/skus", {"skus": [milk]})).status_code == 200
    today = cell.clock.now // 86_400_000
    lots = [ReceiptLine("E5", 3, None, f"l-{days}", today + days) for days in (29, 30)]
    await cell.gateway.ask("location", SEATTLE, ReceiveStock(lots), command_id="goods", digest=1)
    told = (await cell.post("/v1/reservations", wanted(("E5", 5), ("A1", 1)))).json()
    assert [(line["sku"], line["held"]) for line in told["lines"]] == [("E5", 3), ("A1", 1)]
    claims = cell.gateway.entities["location", SEATTLE][0].claims[told["reservation_id"]]
    assert claims == {("E5", "l-30"): 3}


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"ttl_s": 9}, "body.invalid", "/ttl_s"),
        ({"ttl_s": 86_401}, "body.invalid", "/ttl_s"),
        ({"policy": "some"}, "body.invalid", "/policy"),
        ({"lines": []}, "body.invalid", "/lines"),
        ({"lines": [{"sku": "A1", "quantity": 0}]}, "body.invalid", "/lines/0/quantity"),
        ({"lines": [{"sku": "Z9", "quantity": 1}]}, "sku.unknown", "/lines/0/sku"),
        ({"channel": "pigeon"}, "body.invalid", "/channel"),
        ({"owner": "us-cust-x"}, "body.unknown_field", "/owner"),
        ({"ship_to": {"country": "US", "street": "1 Main"}}, "body.unknown_field", "/ship_to/street"),
    ],
)
async def test_a_bad_cart_is_taken_or_refused_without_its_place(cell, change, code, pointer):
    before = cell.state()
    answer = await cell.post("/v1/reservations", wanted() | change)
    assert (coded(answer), answer.json()["errors"][0]["pointer"]) == ((422, code), pointer)
    assert cell.state() == before


async def test_a_cart_is_not_kept_for_longer_or_not_given_back(cell):
    cart = await made(cell, ttl_s=60)
    assert (await extend(cell, cart, 600)).json()["expires_at"] == "2026-01-01T00:10:00Z"
    assert (await extend(cell, cart, 10)).json()["expires_at"] == "2026-01-01T00:10:00Z"
    first, again = [await give_back(cell, cart) for _ in range(2)]
    assert (first.status_code, first.json()["status"], again.content) == (200, "released", first.content)
    assert (await stock(cell))["reserved"] == 0
    assert coded(await extend(cell, cart)) == (409, "reservation.over")
    missing = await cell.http.delete(f"/v1/reservations/{cart}")
    assert coded(missing) == (400, "idempotency.key_missing")


async def test_a_cart_whose_time_is_over_is_kept(cell):
    cart = await made(cell)
    await over(cell, cart)
    assert (await read(cell, cart)).json()["status"] == "expired"
    assert (await stock(cell))["reserved"] == 0
    assert coded(await extend(cell, cart)) == (409, "reservation.expired")


async def test_a_cart_lasts_longer_than_two_days(cell):
    cart = await made(cell, ttl_s=86_400)
    for _ in range(2):
        assert (await extend(cell, cart, 86_400)).status_code == 200
        cell.clock.now += 80_000_000
    answer = await extend(cell, cart, 86_400)
    assert (coded(answer), answer.json()["left_s"]) == ((409, "reservation.too_long"), 172_800 - 160_000)


@pytest.mark.parametrize("cart", ["us-resv-x", "nonsense", f"{NOBODY}x", NOBODY, "us-01kah2v3nq7h3k2m9qk4t1x0ab"])
async def test_a_cart_that_there_is_not_is_found(cell, cart):
    placing = cell.post("/v1/orders", order() | {"reservation_id": cart})
    for answering in (read(cell, cart), extend(cell, cart), give_back(cell, cart), placing):
        assert coded(await answering) == (404, "reservation.unknown")
    assert (await stock(cell))["allocated"] == 0


async def test_a_cart_of_another_region_is_looked_for_here(cell):
    answer = await read(cell, NOBODY.replace("us-", "eu-"))
    assert (coded(answer), answer.json()["region"]) == ((421, "region.misdirected"), "eu")


# --- ordered
async def test_an_order_is_served_from_elsewhere_than_its_cart(cell):
    cart = await made(cell, ("A1", 100), ("C3", 2))
    # From where the order goes another place is nearer.
    newark = {"country": "US", "lat": 40.7, "lon": -74.2}
    answer = await cell.post("/v1/orders", order(("A1", 100), ("C3", 3), ship_to=newark) | {"reservation_id": cart})
    placed = answer.json()
    assert (answer.status_code, placed["status"]) == (201, "allocated")
    served = [(f["location_id"], u["sku"], u["quantity"]) for f in placed["fulfilments"] for u in f["lines"]]
    # What was kept, where it was kept; and what the cart did not have.
    assert served == [(SEATTLE, "A1", 100), (NEWARK, "C3", 2), (NEWARK, "C3", 1)]
    told = (await read(cell, cart)).json()
    assert (told["status"], told["order_id"]) == ("converted", placed["order_id"])
    line = await stock(cell)
    assert (line["reserved"], line["allocated"]) == (0, 100)
    assert coded(await give_back(cell, cart)) == (409, "reservation.converted")


async def test_an_order_that_is_repeated_is_refused_because_it_has_its_cart_already(cell):
    cart = await made(cell)
    body = order() | {"reservation_id": cart}
    first, again = [await cell.post("/v1/orders", body, "place-1") for _ in range(2)]
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert coded(await cell.post("/v1/orders", body, "place-2")) == (409, "reservation.converted")
    assert (await stock(cell))["allocated"] == 2


async def test_an_order_is_placed_though_its_cart_is_over(cell):
    gone, late = await made(cell), await made(cell)
    await give_back(cell, gone)
    await over(cell, late)
    for cart, code in ((gone, "reservation.over"), (late, "reservation.expired")):
        answer = await cell.post("/v1/orders", order() | {"reservation_id": cart}, f"place-{code}")
        assert (coded(answer), answer.json()["reservation_id"]) == ((409, code), cart)
    assert (await stock(cell))["allocated"] == 0
    # The same call without it goes through, and with its own key.
    assert (await cell.post("/v1/orders", order(), "place-3")).json()["status"] == "allocated"


# --- whose it is
@pytest.fixture
async def guarded(tmp_path, monkeypatch):
    without_waiting(monkeypatch)
    kept = GuardedCell(tmp_path)
    await furnish_with(kept, kept.bearer())
    yield kept
    await kept.http.aclose()


async def test_a_customer_reaches_anothers_cart_or_not_their_own(guarded):
    cell = guarded
    mia, tom = bearer(await joined(cell)), bearer(await joined(cell, "tom@example.org"))
    hers, shops = await made(cell, headers=mia), await made(cell, headers=cell.bearer())
    for cart in (hers, shops):
        order_it = cell.post("/v1/orders", PLAIN | {"reservation_id": cart}, **tom)
        for answering in (read(cell, cart, tom), extend(cell, cart, **tom), give_back(cell, cart, **tom), order_it):
            foreign = await answering
            nothing = await read(cell, NOBODY, tom)
            assert coded(foreign) == coded(nothing) == (404, "reservation.unknown")
            assert {**foreign.json(), "request_id": ""} == {**nothing.json(), "request_id": ""}
    assert (await read(cell, hers, mia)).json()["status"] == "held"
    assert (await extend(cell, hers, **mia)).status_code == 200
    placed = await cell.post("/v1/orders", PLAIN | {"reservation_id": hers}, **mia)
    assert placed.json()["status"] == "allocated"
    # Who may place orders for all may have the shop's.
    assert (await give_back(cell, shops, **cell.of_role("support"))).json()["status"] == "released"
    assert {line.act.action for line in cell.gateway.audited if line.act.action.startswith("reservation.")} == {
        "reservation.make", "reservation.extend", "reservation.release",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "pointer", "limit"),
    [
        ({"ttl_s": 1_801}, "/ttl_s", 1_800),
        ({"lines": [{"sku": "A1", "quantity": 21}]}, "/lines/0/quantity", 20),
        ({"lines": [{"sku": "A1", "quantity": 11}, {"sku": "B 2", "quantity": 1}, {"sku": "A1", "quantity": 10}]}, "/lines/2/quantity", 20),
        ({"lines": [{"sku": f"Z{number}", "quantity": 1} for number in range(51)]}, "/lines", 50),
    ],
)  # fmt: skip
async def test_a_customer_keeps_everything_from_others_by_one_cart(guarded, change, pointer, limit):
    mia = bearer(await joined(guarded))
    before = guarded.state()
    answer = await guarded.post("/v1/reservations", wanted() | change, **mia)
    told = answer.json()
    assert coded(answer) == (422, "reservation.too_much")
    assert (told["limit"], told["errors"][0]["pointer"]) == (limit, pointer)
    assert guarded.state() == before


async def test_a_customer_s_cart_has_what_it_may_or_another_has_no_more(guarded):
    mia = bearer(await joined(guarded))
    await made(guarded, ("A1", 20), headers=mia, ttl_s=1_800)
    await made(guarded, ("A1", 21), headers=guarded.of_role("support"), ttl_s=86_400)


async def test_a_customer_keeps_a_cart_by_extending_it_again_and_again(guarded):
    def mia():
        return guarded.of_role("customer", sub="us-cust-mia")

    cart = await made(guarded, headers=mia(), ttl_s=1_800)
    assert coded(await extend(guarded, cart, 1_801, **mia())) == (422, "reservation.too_much")
    for _ in range(4):
        guarded.clock.now += 1_350_000
        assert (await extend(guarded, cart, 1_800, **mia())).status_code == 200
    guarded.clock.now += 1_000
    answer = await extend(guarded, cart, 1_800, **mia())
    assert (coded(answer), answer.json()["left_s"]) == ((409, "reservation.too_long"), 1_799)
    assert (await extend(guarded, cart, 1_800, **guarded.bearer())).status_code == 200


async def test_a_cart_that_can_t_be_counted_is_told_of_as_a_sign_in(guarded, monkeypatch):
    async def broken(*_):
        raise JournalUnavailable("away")

    mia = bearer(await joined(guarded))
    monkeypatch.setattr(guarded.services.limits, "take", broken)
    answer = await guarded.post("/v1/reservations", wanted(), **mia)
    assert (coded(answer), answer.json()["title"]) == ((503, "auth.uncounted"), "Tries can't be counted at the moment")
    assert "igning in" not in answer.text
    assert guarded.gateway.entities["location", SEATTLE][0].stock["A1"].reserved == 0


async def test_a_customer_keeps_everything_from_others_by_many_carts(guarded):
    mia = bearer(await joined(guarded))
    for _ in range(RESERVATIONS_BY_CUSTOMER.burst):
        await made(guarded, ("A1", 1), headers=mia)
    assert coded(await guarded.post("/v1/reservations", wanted(), **mia)) == (429, "auth.too_often")
    await made(guarded, headers=guarded.bearer())


async def test_a_cart_sent_again_is_refused_as_one_too_many(guarded):
    mia = bearer(await joined(guarded))
    first = await guarded.post("/v1/reservations", wanted(), key="one", **mia)
    for _ in range(RESERVATIONS_BY_CUSTOMER.burst + 1):
        again = await guarded.post("/v1/reservations", wanted(), key="one", **mia)
        assert (again.status_code, again.json()["reservation_id"]) == (201, first.json()["reservation_id"])
    for _ in range(RESERVATIONS_BY_CUSTOMER.burst - 1):
        await made(guarded, ("A1", 1), headers=mia)
    assert coded(await guarded.post("/v1/reservations", wanted(), **mia)) == (429, "auth.too_often")
