"""Articles through the API: what is said of a SKU, and what is told of it."""

import urllib.parse

import pytest

from actors.domain.article import PARTS_MAX, SUBSTITUTES_MAX, UNITS_MAX
from actors.domain.ids import catalogue_id
from serve.catalogue.endpoints import _EXAMPLE
from tests.unit.serve.guarded_cell import furnished

NOTHING = {
    "units": {}, "weight_g": 0, "length_mm": 0, "width_mm": 0, "height_mm": 0, "tracking": "none", "expires": False, "min_life_days": 0,
    "hazard_class": "", "temperature": "ambient", "kit": [], "substitutes": [], "released_at": None, "origin_country": "", "hs_code": "",
    "unit_cost": None, "goods_classes": [],
}  # fmt: skip
LIGHT = {
    "units": {"case": 12, "pallet": 480}, "weight_g": 310, "length_mm": 120, "width_mm": 130, "height_mm": 180, "tracking": "lot",
    "expires": True, "min_life_days": 30, "hazard_class": "2.1", "temperature": "chilled", "substitutes": ["B 2", "C3"],
    "released_at": "2026-11-20T08:00:00Z", "origin_country": "PT", "hs_code": "940550", "unit_cost": {"amount": 0, "currency": "USD"},
    "goods_classes": ["alcohol", "gifts"],
}  # fmt: skip


@pytest.fixture
async def guarded(tmp_path):
    async with furnished(tmp_path) as made:
        yield made


async def define(cell, *skus, status=200):
    answer = await cell.post("/v1/skus", {"skus": list(skus)})
    assert answer.status_code == status, answer.text
    return answer.json()


async def tell(cell, sku):
    answer = await cell.http.get("/v1/skus/" + urllib.parse.quote(sku, safe=""))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_sku_of_which_nothing_is_said_is_told_with_something(cell):
    assert await tell(cell, "A1") == {"sku": "A1", "description": "", **NOTHING}


async def test_what_is_said_of_a_sku_is_not_told_at_once(cell):
    cell.gateway.feeding = False
    assert await define(cell, {"sku": "new", "description": "a lamp", **LIGHT}) == {"defined": 1}
    assert await tell(cell, "new") == {"sku": "new", "description": "a lamp", **NOTHING, **LIGHT}


async def test_what_is_left_out_is_forgotten(cell):
    await define(cell, {"sku": "A1", **LIGHT})
    await define(cell, {"sku": "A1", "weight_g": 5})
    await define(cell, {"sku": "A1", "description": "again"})
    assert await tell(cell, "A1") == {"sku": "A1", "description": "again", **NOTHING, **LIGHT, "weight_g": 5}


async def test_what_was_said_can_not_be_taken_back(cell):
    await define(cell, {"sku": "A1", **LIGHT})
    taken = {
        "released_at": None,
        "unit_cost": None,
        "units": {},
        "substitutes": [],
        "hs_code": "",
        "origin_country": "",
    }
    await define(cell, {"sku": "A1", **taken})
    assert await tell(cell, "A1") == {"sku": "A1", "description": "", **NOTHING, **LIGHT, **taken}


async def test_a_release_with_an_offset_is_told_as_it_was_written(cell):
    await define(cell, {"sku": "A1", "released_at": "2026-11-20T10:00:00.250+02:00"})
    assert (await tell(cell, "A1"))["released_at"] == "2026-11-20T08:00:00.250000Z"


@pytest.mark.parametrize("sku", ["A/1", "/", "//", "../x", "a b", "50%", "é", "x" * 64, "?a=1", "#", "%2F", "A1/", "+"])
async def test_a_sku_is_not_found_because_of_how_it_is_spelt(cell, sku):
    await define(cell, {"sku": sku, "description": "odd"})
    assert await tell(cell, sku) == {"sku": sku, "description": "odd", **NOTHING}


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("nope", 404, "catalogue.sku_unknown"),
        ("a1", 404, "catalogue.sku_unknown"),
        ("A1/", 404, "catalogue.sku_unknown"),
        ("", 404, "request.route_unknown"),
        ("?limit=1", 404, "request.route_unknown"),
        ("x" * 65, 422, "request.parameter_invalid"),
        ("A%001", 422, "request.parameter_invalid"),
        ("%09", 422, "request.parameter_invalid"),
    ],
)
async def test_a_sku_that_there_is_not_is_told(cell, path, status, code):
    answer = await cell.http.get(f"/v1/skus/{path}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_the_metrics_have_a_line_for_each_sku(cell):
    await tell(cell, "A1")
    text = (await cell.get("/metrics")).text
    assert 'route="/v1/skus/{sku}"' in text
    assert "A1" not in text


BAD = [
    ({"units": {"case": 1}}, 422, "body.invalid", "/skus/0/units"),
    ({"units": {"case": 1_000_001}}, 422, "body.invalid", "/skus/0/units"),
    ({"units": {"case": 2.5}}, 422, "body.invalid", "/skus/0/units"),
    ({"units": {f"u{n}": 2 for n in range(UNITS_MAX + 1)}}, 422, "body.invalid", "/skus/0/units"),
    ({"units": {"each": 12}}, 422, "catalogue.unit_invalid", None),
    ({"units": {"A case": 12}}, 422, "catalogue.unit_invalid", None),
    ({"weight_g": -1}, 422, "body.invalid", "/skus/0/weight_g"),
    ({"height_mm": 100_001}, 422, "body.invalid", "/skus/0/height_mm"),
    ({"tracking": "box"}, 422, "body.invalid", "/skus/0/tracking"),
    ({"tracking": None}, 422, "body.invalid", "/skus/0/tracking"),
    ({"expires": 1}, 422, "body.invalid", "/skus/0/expires"),
    ({"expires": True}, 422, "catalogue.expiry_needs_lots", None),
    ({"min_life_days": 3_651}, 422, "body.invalid", "/skus/0/min_life_days"),
    ({"min_life_days": 1}, 422, "catalogue.life_needs_expiry", None),
    ({"hazard_class": "10"}, 422, "body.invalid", "/skus/0/hazard_class"),
    ({"hazard_class": "2.4"}, 422, "body.invalid", "/skus/0/hazard_class"),
    ({"hazard_class": "3\n"}, 422, "body.invalid", "/skus/0/hazard_class"),
    ({"temperature": "hot"}, 422, "body.invalid", "/skus/0/temperature"),
    ({"kit": [{"sku": "nope", "quantity": 1}]}, 422, "catalogue.part_unknown", None),
    ({"kit": [{"sku": "E5", "quantity": 1}]}, 422, "catalogue.part_itself", None),
    ({"kit": [{"sku": "A1", "quantity": 1}] * 2}, 422, "catalogue.part_repeated", None),
    ({"kit": [{"sku": "A1", "quantity": 0}]}, 422, "body.invalid", "/skus/0/kit/0/quantity"),
    ({"kit": [{"sku": "A1"}]}, 422, "body.missing_field", "/skus/0/kit/0/quantity"),
    ({"kit": [{"sku": f"S{n}", "quantity": 1} for n in range(PARTS_MAX + 1)]}, 422, "body.invalid", "/skus/0/kit"),
    ({"kit": [{"sku": "A1", "quantity": 1}], "tracking": "serial"}, 422, "catalogue.kit_tracked", None),
    ({"kit": [{"sku": "KIT", "quantity": 1}]}, 409, "catalogue.part_is_kit", None),
    ({"substitutes": ["nope"]}, 422, "catalogue.part_unknown", None),
    ({"substitutes": [f"S{n}" for n in range(SUBSTITUTES_MAX + 1)]}, 422, "body.invalid", "/skus/0/substitutes"),
    ({"substitutes": [""]}, 422, "body.invalid", "/skus/0/substitutes/0"),
    ({"released_at": "2026-11-20"}, 422, "body.invalid", "/skus/0/released_at"),
    ({"released_at": "2026-11-20T08:00:00"}, 422, "body.invalid", "/skus/0/released_at"),
    ({"released_at": "1969-12-31T23:59:59Z"}, 422, "catalogue.release_out_of_range", "/skus/0/released_at"),
    ({"released_at": "9999-12-31T23:59:59-12:00"}, 422, "catalogue.release_out_of_range", "/skus/0/released_at"),
    ({"released_at": "0001-01-01T00:00:00+14:00"}, 422, "catalogue.release_out_of_range", "/skus/0/released_at"),
    ({"origin_country": "pt"}, 422, "body.invalid", "/skus/0/origin_country"),
    ({"hs_code": "12345"}, 422, "body.invalid", "/skus/0/hs_code"),
    ({"hs_code": "12345678901"}, 422, "body.invalid", "/skus/0/hs_code"),
    ({"unit_cost": {"amount": -1, "currency": "USD"}}, 422, "body.invalid", "/skus/0/unit_cost/amount"),
    ({"unit_cost": {"amount": 1, "currency": "EUR"}}, 422, "catalogue.currency_not_accepted", "/skus/0/unit_cost/currency"),
    ({"unit_cost": 5}, 422, "body.invalid", "/skus/0/unit_cost"),
    ({"colour": "red"}, 422, "body.unknown_field", "/skus/0/colour"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "status", "code", "pointer"), BAD)
async def test_what_can_not_be_is_taken(cell, said, status, code, pointer):
    await define(cell, {"sku": "KIT", "kit": [{"sku": "A1", "quantity": 1}]})
    before = cell.state()[:3]
    answer = await cell.post("/v1/skus", {"skus": [{"sku": "E5", **said}, {"sku": "F6"}]})
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code)
    assert (body.get("errors") or [{}])[0].get("pointer") == pointer
    assert cell.state()[:3] == before


async def test_tracking_that_is_set_is_changed(cell):
    await define(cell, {"sku": "A1", "tracking": "serial"})
    body = await define(cell, {"sku": "A1", "tracking": "lot"}, status=409)
    assert (body["code"], body["sku"], body["tracking"]) == ("catalogue.tracking_fixed", "A1", "serial")


async def test_the_example_of_the_documentation_is_refused(cell):
    assert await define(cell, *_EXAMPLE["skus"]) == {"defined": 4}


async def test_one_store_s_manager_stops_the_sale_of_the_whole_region_or_makes_its_goods_worthless(guarded):
    said = {"skus": [{"sku": "A1", "released_at": "2030-01-01T00:00:00Z", "unit_cost": {"amount": 1, "currency": "USD"}}]}  # fmt: skip
    before = guarded.state()
    for headers, status, code in (
        (guarded.of_role("manager", locs=("us-st-portland",)), 403, "auth.location_forbidden"),
        (guarded.bearer(locs=("us-st-portland",)), 403, "auth.location_forbidden"),
        (guarded.of_role("manager", auth_time=guarded.clock.now // 1000 - 301), 401, "auth.step_up_required"),
    ):
        answer = await guarded.post("/v1/skus", said, **headers)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert guarded.state() == before
    # The region's own people may, and the machines that bring the catalogue.
    for headers in (guarded.of_role("manager"), guarded.bearer()):
        assert (await guarded.post("/v1/skus", said, **headers)).status_code == 200


async def available(cell, sku):
    answer = await cell.http.get(f"/v1/availability?sku={sku}&lat=45.5&lon=-122.7")
    [told] = answer.json()["skus"]
    return told["available"], {at["location_id"]: at["available"] for at in told["locations"]}


async def test_a_kit_is_offered_from_parts_of_two_places(cell):
    parts = [{"sku": "A1", "quantity": 3}, {"sku": "B 2", "quantity": 2}]
    assert await define(cell, {"sku": "KIT", "kit": parts}) == {"defined": 1}
    # A1: 100 and 50, B 2: 10 and 50; the store has no B 2.
    assert await available(cell, "KIT") == (21, {"us-wh-seattle": 5, "us-wh-newark": 16})
    receipt = {"lines": [{"sku": "B 2", "quantity": 1}, {"sku": "A1", "quantity": 1}]}
    assert (await cell.post("/v1/locations/us-wh-newark/receipts", receipt)).status_code == 200
    assert await available(cell, "KIT") == (22, {"us-wh-seattle": 5, "us-wh-newark": 17})
    assert (await cell.placed(("A1", 98)))["status"] == "allocated"
    assert await available(cell, "KIT") == (17, {"us-wh-newark": 17})
    await define(cell, {"sku": "KIT", "kit": []})
    assert await available(cell, "KIT") == (0, {})


async def test_replicas_do_not_learn_what_goods_are(cell):
    index = cell.services.index
    assert index.details("A1").weight_g == index.details("nope").weight_g == 0
    await define(cell, {"sku": "A1", "weight_g": 310})
    assert index.details("A1").weight_g == 310
    state, _ = cell.gateway.entities["catalogue", catalogue_id("us")]
    assert state.details["A1"] == index.details("A1")
