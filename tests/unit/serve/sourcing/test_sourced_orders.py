"""Placements by a policy and by what places can do, and the answer to why."""

import json

import pytest

from actors.domain.data_key import DestroyKey, Restrict
from actors.domain.sourcing_size import GREEDY_SKUS
from actors.enumeration.search import SIZE_MAX
from serve.keys.envelope import key_of
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.small_cell import furnish_with, order

SEATTLE, PORTLAND, NEWARK = "us-wh-seattle", "us-st-portland", "us-wh-newark"
WORK = {"cut_off": "16:00", "dispatch": "18:00"}


async def policy(cell, **sent):
    answer = await cell.write("PUT", "/v1/sourcing/policies/all", {"reason": "test", "policy": sent})
    assert answer.status_code == 200, answer.text


async def profile(cell, place, **sent):
    answer = await cell.write("PUT", f"/v1/locations/{place}/profile", sent)
    assert answer.status_code == 200, answer.text


async def why(cell, placed, **query):
    answer = await cell.get(f"/v1/orders/{placed['order_id']}/sourcing", **query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def served(placed):
    return {
        one["location_id"]: {line["sku"]: line["quantity"] for line in one["lines"]} for one in placed["fulfilments"]
    }


# --- without anything to source by ----------------------------------------------------------------------------------
async def test_an_order_is_placed_or_told_otherwise_where_nobody_set_anything(cell):
    placed = await cell.placed(("A1", 2))
    assert served(placed) == {SEATTLE: {"A1": 2}}
    assert "promised_by" not in placed
    assert "promised_by" not in placed["fulfilments"][0]
    event = cell.gateway.events["order", placed["order_id"]][0]
    assert not {"sourcing", "splits", "promised_by_ms"} & set(event)
    told = await why(cell, placed)
    assert (told["decision"], told["words"], told["withheld"], told["promised_by"]) == (None, [], None, None)
    assert [step["what"] for step in told["happened"]] == ["asked", "given"]


async def test_a_very_large_order_follows_no_policy_or_is_told_to_be_the_best(cell):
    skus = [f"S{number:02}" for number in range(GREEDY_SKUS)]
    await cell.post("/v1/skus", {"skus": [{"sku": sku, "description": sku} for sku in skus]})
    receipt = {"lines": [{"sku": sku, "quantity": 5} for sku in skus]}
    for place in (SEATTLE, PORTLAND):
        assert (await cell.post(f"/v1/locations/{place}/receipts", receipt)).status_code == 200
    # of so many places not all sets can be looked at
    await policy(cell, rules={"location_types": ["store"]}, limits={"places": SIZE_MAX + 1})
    for some in (skus[1:], skus):
        assert served(await cell.placed(*((sku, 1) for sku in some))) == {PORTLAND: dict.fromkeys(some, 1)}
    told = await why(cell, await cell.placed(*((sku, 1) for sku in skus)))
    assert (told["decision"]["exact"], told["decision"]["why"]) == (False, "only")
    seattle = [one for one in told["decision"]["places"] if one["location_id"] == SEATTLE]
    assert [one["units"] for one in seattle] == [0]


# --- constraints ----------------------------------------------------------------------------------------------------
async def test_a_store_ships_though_the_policy_says_no(cell):
    # Three A1 lie in Portland's store, which is nearest to there.
    near = {"country": "US", "lat": 45.5, "lon": -122.7}
    assert served(await cell.placed(("A1", 2), ship_to=near)) == {PORTLAND: {"A1": 2}}
    await policy(cell, rules={"ship_from_store": False})
    placed = await cell.placed(("A1", 2), ship_to=near)
    assert served(placed) == {SEATTLE: {"A1": 2}}
    told = await why(cell, placed)
    (store,) = [one for one in told["decision"]["places"] if one["location_id"] == PORTLAND]
    assert store["reasons"] == ["not_enabled"]
    assert f"{PORTLAND}: does not ship to customers." in told["words"]


async def test_a_place_that_is_full_is_asked_and_the_next_one_is_not(cell):
    await profile(cell, SEATTLE, orders_a_day=1)
    assert served(await cell.placed(("A1", 2))) == {SEATTLE: {"A1": 2}}
    placed = await cell.placed(("A1", 2))
    assert served(placed) == {PORTLAND: {"A1": 2}}
    (full,) = [one for one in (await why(cell, placed))["decision"]["places"] if one["location_id"] == SEATTLE]
    assert full["reasons"] == ["no_capacity"]
    cell.clock.now += 86_400_000
    assert served(await cell.placed(("A1", 2))) == {SEATTLE: {"A1": 2}}


async def test_a_replica_that_does_not_know_yet_that_a_place_is_full_loses_the_order(cell):
    await profile(cell, SEATTLE, orders_a_day=1)
    cell.gateway.feeding = False
    await cell.placed(("A1", 2))
    placed = await cell.placed(("A1", 2))
    assert (placed["status"], served(placed)) == ("allocated", {PORTLAND: {"A1": 2}})
    told = await why(cell, placed)
    assert [(step["what"], step["location_id"]) for step in told["happened"]] == [
        ("asked", SEATTLE), ("given_nothing", SEATTLE), ("asked_again", PORTLAND), ("given", PORTLAND),
    ]  # fmt: skip
    assert [step["words"] for step in told["happened"]] == [
        "us-wh-seattle was asked for 2 × A1.", "us-wh-seattle gave nothing.",
        "What was missing was asked of us-st-portland: 2 × A1.", "us-st-portland gave all: 2 × A1.",
    ]  # fmt: skip


async def test_dangerous_goods_come_from_where_they_may_not_lie(cell):
    await cell.post("/v1/skus", {"skus": [{"sku": "A1", "hazard_class": "2.1"}]})
    await profile(cell, SEATTLE, hazard_classes=["9"])
    assert served(await cell.placed(("A1", 10))) == {NEWARK: {"A1": 10}}
    await profile(cell, SEATTLE, hazard_classes=["2"])
    assert served(await cell.placed(("A1", 10))) == {SEATTLE: {"A1": 10}}


async def test_a_place_that_may_not_serve_one_of_the_goods_is_asked_for_it_next(cell):
    await cell.post("/v1/skus", {"skus": [{"sku": "A1", "hazard_class": "2.1"}]})
    await profile(cell, SEATTLE)
    placed = await cell.placed(("A1", 60), ("B 2", 2))
    # 50 and 3 are all that the others have.
    assert served(placed)[NEWARK]["A1"] == 50
    assert "A1" not in served(placed).get(SEATTLE, {})
    assert placed["backordered"] == [{"sku": "A1", "quantity": 7}]


async def test_a_policy_of_one_place_is_split(cell):
    await policy(cell, limits={"places": 1})
    placed = await cell.placed(("A1", 99), ("B 2", 12))
    assert len(placed["fulfilments"]) == 1
    assert (await why(cell, placed))["decision"]["why"] == "most"


async def test_all_or_nothing_is_served_in_part(cell):
    await policy(cell, limits={"ship_complete": True})
    placed = await cell.placed(("A1", 500))
    assert (placed["status"], placed["fulfilments"]) == ("backordered", [])
    assert (await why(cell, placed))["decision"]["why"] == "not_whole"
    path = f"/v1/orders/{placed['order_id']}"
    await cell.post(f"{path}/updates", {"update": "allocate"})
    assert (await cell.get(path)).json()["fulfilments"] == []
    await cell.post(f"/v1/locations/{NEWARK}/receipts", {"lines": [{"sku": "A1", "quantity": 500}]})
    await cell.post(f"{path}/updates", {"update": "allocate"})
    assert (await cell.get(path)).json()["status"] == "allocated"


async def test_a_backorder_is_asked_again_of_a_place_that_may_not(cell):
    await policy(cell, rules={"ship_from_store": False})
    placed = await cell.placed(("D4", 1))
    assert placed["status"] == "backordered"
    await cell.post(f"/v1/locations/{PORTLAND}/receipts", {"lines": [{"sku": "D4", "quantity": 5}]})
    await cell.post(f"/v1/locations/{NEWARK}/receipts", {"lines": [{"sku": "D4", "quantity": 5}]})
    await cell.post(f"/v1/orders/{placed['order_id']}/updates", {"update": "allocate"})
    assert served((await cell.get(f"/v1/orders/{placed['order_id']}")).json()) == {NEWARK: {"D4": 1}}
    state, _ = cell.gateway.entities["order", placed["order_id"]]
    assert PORTLAND not in state.retry_places


# --- costs and promises ---------------------------------------------------------------------------------------------
async def test_what_a_place_s_people_cost_changes_nothing(cell):
    await policy(cell)
    assert served(await cell.placed(("A1", 2))) == {SEATTLE: {"A1": 2}}
    await profile(cell, SEATTLE, labour_order_minor=100_000)
    assert served(await cell.placed(("A1", 2))) == {PORTLAND: {"A1": 2}}


async def test_another_currency_makes_an_order_a_small_one(cell):
    limits = {"places": 3, "by_value": [{"below_minor": 10_000_000, "places": 1}]}
    await policy(cell, limits=limits)
    assert len((await cell.placed(("A1", 99), ("B 2", 12)))["fulfilments"]) == 1
    lines = [
        {"sku": sku, "quantity": n, "unit_price": {"amount": 1, "currency": "CAD"}}
        for sku, n in (("A1", 99), ("B 2", 12))
    ]
    placed = await cell.post("/v1/orders", order() | {"lines": lines})
    assert len(placed.json()["fulfilments"]) > 1


async def test_a_promise_is_made_without_the_place_s_calendar(cell):
    # 2026-01-01T00:00Z is a Thursday; no work on that day, so it leaves on the 2nd at 18:00, handled or not.
    week = [WORK, WORK, WORK, None, WORK, None, None]
    await profile(cell, SEATTLE, week=week, handling_min=60)
    placed = await cell.placed(("A1", 2))
    # 25 km: ground takes a day.
    assert placed["promised_by"] == "2026-01-03T18:00:00Z"
    assert placed["fulfilments"][0]["promised_by"] == "2026-01-03T18:00:00Z"
    read = (await cell.get(f"/v1/orders/{placed['order_id']}")).json()
    assert read["promised_by"] == (await why(cell, placed))["promised_by"] == "2026-01-03T18:00:00Z"
    cell.clock.now += 40 * 3_600_000  # 2 January, 16:00: at the cut-off it is too late, and the weekend is free.
    assert (await cell.placed(("A1", 2)))["promised_by"] == "2026-01-06T18:00:00Z"


# --- words ----------------------------------------------------------------------------------------------------------
async def test_the_words_are_of_another_language_or_name(cell):
    await policy(cell)
    place = {"type": "warehouse", "name": "Kent Nord", "country": "US", "lat": 47.38, "lon": -122.23}
    await cell.write("PUT", f"/v1/locations/{SEATTLE}", place)
    placed = await cell.placed(("A1", 2))
    heads = {language: (await why(cell, placed, language=language))["words"][0] for language in ("en", "es", "pt")}
    assert heads["en"].startswith("Served from Kent Nord: nearest with everything")
    assert heads["es"].startswith("Se sirve desde Kent Nord: el más cercano que lo tiene todo")
    assert len(set(heads.values())) == 3
    told = await why(cell, placed, language="pt")
    assert told["happened"][1]["words"] == "Kent Nord deu tudo: 2 × A1."
    assert sum(told["decision"]["costs_milli"].values()) == told["decision"]["total_milli"] > 0


@pytest.mark.parametrize(
    ("order_id", "query", "status", "code"),
    [
        ("us-01kah2v3nq7h3k2m9qk4t1x0ab", {}, 404, "order.unknown"),
        ("eu-01kah2v3nq7h3k2m9qk4t1x0ab", {}, 421, "region.misdirected"),
        ("nonsense", {}, 404, "order.unknown"),
        ("us-01kah2v3nq7h3k2m9qk4t1x0ab", {"language": "fr"}, 422, "request.parameter_invalid"),
    ],
)
async def test_what_can_not_be_explained_is(cell, order_id, query, status, code):
    answer = await cell.get(f"/v1/orders/{order_id}/sourcing", **query)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


# --- who may know ---------------------------------------------------------------------------------------------------
@pytest.fixture
async def guarded(tmp_path):
    made = GuardedCell(tmp_path)
    await furnish_with(made, made.bearer())
    answer = await made.write(
        "PUT", "/v1/sourcing/policies/all", {"reason": "x", "policy": {}}, **made.of_role("manager")
    )
    assert answer.status_code == 200, answer.text
    yield made
    await made.http.aclose()


async def explained(cell, order_id, role="manager", *places):
    answer = await cell.http.get(f"/v1/orders/{order_id}/sourcing", headers=cell.of_role(role, locs=places))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_how_far_places_are_lies_somewhere_in_the_clear(guarded):
    placed = (await guarded.post("/v1/orders", order(("A1", 2)), **guarded.bearer())).json()
    told = await explained(guarded, placed["order_id"])
    assert told["decision"]["why"] == "nearest"
    event = guarded.gateway.events["order", placed["order_id"]][0]
    kept = repr((guarded.gateway.events, guarded.gateway.entities, guarded.gateway.orders, guarded.gateway.remembered))
    assert event["sourcing"]
    assert "nearest" not in kept
    history = await guarded.http.get(f"/v1/orders/{placed['order_id']}/events", headers=guarded.of_role("manager"))
    assert "sourcing" not in history.json()["events"][0]
    actions = [line.act.action for line in guarded.gateway.audited]
    assert "order.read_sourcing" in actions


async def test_what_was_erased_or_restricted_is_told(guarded):
    placed = (await guarded.post("/v1/orders", order(("A1", 2)), **guarded.bearer())).json()
    order_id = placed["order_id"]
    key_id = key_of(guarded.gateway.entities["order", order_id][0].sealed)
    for command, withheld in ((Restrict(True), "restricted"), (DestroyKey(), "erased")):
        await guarded.gateway.ask("data_key", key_id, command, command_id=withheld, digest=0)
        told = await explained(guarded, order_id)
        assert (told["withheld"], told["decision"], told["words"]) == (withheld, None, [])
        assert [step["what"] for step in told["happened"]] == ["asked", "given"]
        assert '"distance_km"' not in json.dumps(told)


async def test_how_far_places_are_tells_a_store_elsewhere_where_the_customer_lives(guarded):
    placed = (await guarded.post("/v1/orders", order(("A1", 2)), **guarded.bearer())).json()
    told = await explained(guarded, placed["order_id"], "associate", PORTLAND)
    assert (told["withheld"], told["decision"], told["words"]) == ("elsewhere", None, [])
    assert [step["what"] for step in told["happened"]] == ["asked", "given"]
    here = await explained(guarded, placed["order_id"], "associate", SEATTLE)
    assert (here["withheld"], here["decision"]["why"]) == (None, "nearest")


async def test_a_customer_is_told_why(guarded):
    placed = (await guarded.post("/v1/orders", order(("A1", 2)), **guarded.bearer())).json()
    headers = guarded.bearer(role="customer", scopes=(), sub="us-cust-x")
    answer = await guarded.http.get(f"/v1/orders/{placed['order_id']}/sourcing", headers=headers)
    assert answer.status_code == 403
