"""Profiles through the API; the rules are the location's (`tests/unit/domain/test_location_capacity.py`)."""

import pytest

from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.small_cell import furnish_with

PATH = "/v1/locations/us-wh-seattle/profile"
WORK = {"cut_off": "16:00", "dispatch": "18:30"}
WHOLE = {
    "ships": False, "serves": ["US", "CA"], "week": [WORK] * 5 + [None, {"cut_off": "00:00", "dispatch": "23:59"}],
    "holidays": ["2026-12-25"], "handling_min": 90, "orders_a_day": 400, "units_a_day": 9000, "hazard_classes": ["2.1", "9"],
    "temperatures": ["chilled", "ambient"], "labour_order_minor": 60, "labour_line_minor": 25, "carriers": ["ground"],
    "pickup_hold_days": 3,
}  # fmt: skip


async def test_a_profile_is_not_told_as_it_was_set(cell):
    assert (await cell.get(PATH)).json()["profile"] is None
    assert (await cell.write("PUT", PATH, WHOLE)).status_code == 200
    told = (await cell.get(PATH)).json()
    assert (told["profile"], told["counted"], told["timezone"]) == (WHOLE, None, "UTC")
    await cell.write("PUT", PATH, {"orders_a_day": 3})
    await cell.placed(("A1", 2))
    told = (await cell.get(PATH)).json()
    assert told["counted"] == {"day": "2026-01-01", "orders": 1, "units": 2}
    assert told["profile"]["serves"] == [], "what is left out stays as it was"


BAD = [
    ({"week": [WORK] * 6}, "sourcing.calendar_invalid", "/week"),
    ({"week": [{"cut_off": "24:00", "dispatch": "18:00"}] * 7}, "body.invalid", "/week/0/cut_off"),
    ({"week": [{"cut_off": "19:00", "dispatch": "18:00"}] * 7}, "sourcing.calendar_invalid", None),
    ({"week": [WORK] * 7, "holidays": ["2026-02-30"]}, "sourcing.calendar_invalid", None),
    ({"holidays": ["2026-12-25", "2026-13-99"]}, "sourcing.calendar_invalid", "/holidays/1"),
    ({"holidays": ["20261225"]}, "body.invalid", "/holidays/0"),
    ({"serves": ["usa"]}, "body.invalid", "/serves/0"),
    ({"orders_a_day": -1}, "body.invalid", "/orders_a_day"),
    ({"pickup_hold_days": 61}, "body.invalid", "/pickup_hold_days"),
    ({"hazard_classes": ["10"]}, "body.invalid", "/hazard_classes/0"),
    ({"hazard_classes": ["9", ""]}, "body.invalid", "/hazard_classes/1"),
    ({"temperatures": ["hot"]}, "body.invalid", "/temperatures/0"),
    ({"carriers": ["Ground Inc"]}, "body.invalid", "/carriers/0"),
    ({"carriers": ["ground\n"]}, "body.invalid", "/carriers/0"),
    ({"ship": True}, "body.unknown_field", "/ship"),
]


@pytest.mark.parametrize(("sent", "code", "pointer"), BAD)
async def test_a_profile_that_can_not_be_is_taken(cell, sent, code, pointer):
    before = cell.state()
    answer = await cell.write("PUT", PATH, sent)
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    if pointer is not None:
        assert answer.json()["errors"][0]["pointer"] == pointer
    assert cell.state()[:3] == before[:3]
    assert not cell.services.index.steering.in_use


async def test_a_place_that_there_is_not_gets_a_profile(cell):
    for place, status, code in (("us-nowhere", 404, "location.unknown"), ("eu-wh-x", 421, "region.misdirected")):
        for answer in (
            await cell.write("PUT", f"/v1/locations/{place}/profile", {}),
            await cell.get(f"/v1/locations/{place}/profile"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_rights_at_another_place_change_a_profile(tmp_path):
    cell = GuardedCell(tmp_path)
    await furnish_with(cell, cell.bearer())
    there, elsewhere = (cell.of_role("manager", locs=(place,)) for place in ("us-wh-seattle", "us-wh-newark"))
    assert (await cell.write("PUT", PATH, {}, **elsewhere)).json()["code"] == "auth.location_forbidden"
    assert (await cell.write("PUT", PATH, {}, **there)).status_code == 200
    await cell.http.aclose()
