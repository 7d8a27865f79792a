"""Terms of placements through the API: what could be split, torn, put in its place or lost."""

import pytest

from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.small_cell import furnish_with, order

SEATTLE, PORTLAND, NEWARK = "us-wh-seattle", "us-st-portland", "us-wh-newark"


def served(placed):
    return {
        one["location_id"]: {line["sku"]: line["quantity"] for line in one["lines"]} for one in placed["fulfilments"]
    }


def ordered(*lines, terms=None, **more):
    """lines: (SKU, quantity, fields)."""
    sent = order(*((sku, n) for sku, n, _ in lines), **more)
    for line, (_, _, fields) in zip(sent["lines"], lines, strict=True):
        line.update(fields)
    return sent | ({} if terms is None else {"terms": terms})


async def placed(cell, *lines, **more):
    answer = await cell.post("/v1/orders", ordered(*lines, **more))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def policy(cell, **sent):
    answer = await cell.write("PUT", "/v1/sourcing/policies/all", {"reason": "test", "policy": sent})
    assert answer.status_code == 200, answer.text


@pytest.fixture(params=["plain", "policy"])
async def either(request, cell):
    """Where a policy is in use, and where none is."""
    if request.param == "policy":
        await policy(cell)
    return cell


async def test_a_part_of_an_order_that_goes_whole_is_allocated(either):
    made = await placed(either, ("A1", 2, {}), ("C3", 9, {}), terms={"ship_complete": True})
    assert (made["status"], made["fulfilments"]) == ("backordered", [])
    assert made["terms"]["ship_complete"]
    made = await placed(either, ("A1", 120, {}), ("C3", 5, {}), terms={"ship_complete": True})
    assert made["status"] == "allocated"


async def test_a_group_comes_from_two_places(either):
    made = await placed(either, ("A1", 2, {"group": "set"}), ("C3", 2, {"group": "set"}), ("B 2", 1, {}))
    assert served(made)[NEWARK].items() >= {"A1": 2, "C3": 2}.items()
    assert {one["line"]: one["group"] for one in made["terms"]["lines"]} == {1: "1", 2: "1"}
    torn = await placed(either, ("A1", 2, {"group": "set"}), ("C3", 9, {"group": "set"}), ("B 2", 1, {}))
    assert [dict.fromkeys(lines) for lines in served(torn).values()] == [{"B 2": None}]


async def test_a_group_that_names_somebody_is_kept_or_told(either):
    her, his = {"group": "Mia.Quillfeather:206-555-0188"}, {"group": "4111:1111:1111:1111"}
    made = await placed(either, ("A1", 1, his), ("C3", 1, her), ("B 2", 1, {}), ("A1", 2, his), ("D4", 1, her))
    assert {one["line"]: one["group"] for one in made["terms"]["lines"]} == {1: "1", 2: "2", 4: "1", 5: "2"}
    history, gateway = (await either.get(f"/v1/orders/{made['order_id']}/events")).text, either.gateway
    assert '"groups":["1","2","","1","2"]' in history
    kept = (gateway.entities, gateway.remembered, gateway.events, gateway.orders, gateway.calls, gateway.audited)
    assert not any(word in f"{made} {history} {kept}" for word in ("Quillfeather", "4111:1111"))
    # What was sent tells one call from another all the same.
    sent = ordered(("A1", 1, her), ("C3", 1, her))
    assert (await either.post("/v1/orders", sent, "once")).status_code == 201
    sent["lines"][0]["group"] = sent["lines"][1]["group"] = "set"
    assert (await either.post("/v1/orders", sent, "once")).json()["code"] == "idempotency.key_reused"


async def test_what_may_stand_in_is_not_asked_for_or_is_not_told(either):
    made = await placed(either, ("C3", 7, {"substitutes": ["D4", "B 2"]}))
    assert made["backordered"] == []
    (told,) = made["terms"]["substituted"]
    assert (told["sku"], told["substitute"], told["quantity"]) == ("C3", "B 2", 2)
    assert made["total"] == {"amount": 7 * 1299, "currency": "USD"}
    enough = await placed(either, ("A1", 2, {"substitutes": ["B 2"]}))
    assert served(enough) == {SEATTLE: {"A1": 2}}
    assert "substituted" not in enough["terms"]


async def test_an_order_is_split_over_more_places_than_it_allows(either):
    assert len((await placed(either, ("A1", 120, {}), terms={"max_splits": 2}))["fulfilments"]) == 2
    made = await placed(either, ("A1", 20, {}), ("C3", 2, {}), terms={"max_splits": 1})
    assert len(made["fulfilments"]) == 1


async def test_the_floor_does_not_know_how_to_treat_it(either):
    switched = await either.http.put(
        "/v1/locations/us-wh-seattle/floor", json={"enabled": True}, headers={"Idempotency-Key": "on"}
    )
    assert switched.status_code == 200, switched.text
    made = await placed(
        either,
        ("A1", 1, {}),
        terms={"handling": ["fragile", "signature"], "gift": {"wrap": True}, "service_level": "express"},
    )
    terms = made["terms"]
    assert (terms["handling"], terms["gift"], terms["service_level"]) == (
        ["fragile", "signature"],
        {"wrap": True},
        "express",
    )
    assert made["fulfilments"][0]["location_id"] == "us-wh-seattle"
    [work] = (await either.get("/v1/locations/us-wh-seattle/floor/queue")).json()["works"]
    assert work["handling"] == ["fragile", "signature", "gift_wrap"]


@pytest.mark.parametrize("gift", [{}, {"wrap": False}, {"message": ""}])
async def test_a_present_without_wrapping_and_words_is_none(either, gift):
    made = await placed(either, ("A1", 1, {}), terms={"gift": gift})
    assert made["terms"]["gift"] == {}
    assert "gift" not in (await placed(either, ("A1", 1, {}), terms={"handling": ["fragile"]}))["terms"]


@pytest.mark.parametrize(
    ("line", "terms", "code", "pointer"),
    [
        ({"substitutes": ["nowhere"]}, None, "sku.unknown", "/lines/0/substitutes/0"),
        ({"substitutes": ["A1"]}, None, "order.substitute_not_allowed", "/lines/0/substitutes"),
        ({"substitutes": ["B 2"] * 6}, None, "body.invalid", "/lines/0/substitutes"),
        ({"group": "x" * 33}, None, "body.invalid", "/lines/0/group"),
        ({"group": "for Mia"}, None, "body.invalid", "/lines/0/group"),
        ({}, {"handling": ["glass"]}, "body.invalid", "/terms/handling/0"),
        ({}, {"handling": ["fragile", "fragile"]}, "order.handling_twice", "/terms/handling"),
        ({}, {"max_splits": 0}, "body.invalid", "/terms/max_splits"),
        ({}, {"gift": {"message": "Happy birthday, Mia"}}, "person.not_kept", "/terms/gift/message"),
        ({}, {"service_level": "yesterday"}, "body.invalid", "/terms/service_level"),
    ],
)
async def test_nonsense_among_terms_is_taken(cell, line, terms, code, pointer):
    before = cell.state()
    answer = await cell.post("/v1/orders", ordered(("A1", 1, line), terms=terms))
    body = answer.json()
    assert (body["code"], body["errors"][0]["pointer"]) == (code, pointer)
    assert cell.state() == before


async def test_words_of_a_present_lie_in_the_clear_or_are_lost(tmp_path):
    cell = GuardedCell(tmp_path)
    await furnish_with(cell, cell.bearer())
    gift = {"wrap": True, "message": "Happy birthday, Mia Quillfeather"}
    answer = await cell.post("/v1/orders", ordered(("A1", 1, {}), terms={"gift": gift}), **cell.bearer())
    assert answer.json()["terms"]["gift"] == gift
    key = "order", answer.json()["order_id"]
    lying = repr((cell.gateway.events[key], cell.gateway.entities[key]))
    # In what is sealed three letters stand by chance, and not so many.
    assert not [word for word in ("Quillfeather", "birthday") if word in lying]
