import pytest

from actors.runtime.read_model import PromiseFound
from serve.sourcing.promises import fate_of
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.small_cell import furnish_with, order

HOUR, DAY = 3_600_000, 86_400_000
NOW = 1_767_225_600_000
URL = "/v1/sourcing/promises"
WINDOW = {"from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"}


def found(promised, shipped=None, delivered=None, cancelled=None, transit=None):
    return PromiseFound("us-o", 1, "us-a", "online", promised, shipped, delivered, cancelled, transit)


@pytest.mark.parametrize(
    ("promise", "fate"),
    [
        (found(NOW, NOW - 9, NOW), ("kept", 0)),
        (found(NOW, NOW - 9, NOW + 1), ("late", 1)),
        (found(NOW, None, NOW - 1), ("kept", 0)),
        (found(NOW + 1), ("open", 0)),
        (found(NOW), ("open", 0)),
        (found(NOW - 1), ("late", 1)),
        (found(NOW - 5, NOW - 6), ("unknown", 0)),
        (found(NOW - 5, NOW - 4), ("late", 5)),
        (found(NOW + 5, NOW - 4), ("open", 0)),
        (found(NOW - 5, NOW - 9, None, None, 4), ("kept", 0)),
        (found(NOW - 5, NOW - 9, None, None, 6), ("late", 2)),
        (found(NOW - 5, None, None, NOW - 9), ("cancelled", 0)),
        (found(NOW - 5, NOW - 9, NOW - 4, NOW - 9), ("late", 1)),
    ],
)
def test_a_promise_counts_as_kept_that_was_not(promise, fate):
    assert fate_of(promise, NOW) == fate


async def promised(cell, *lines, headers=None):
    answer = await cell.post("/v1/orders", order(*lines), **(headers or {}))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def step(cell, placed, *updates):
    for update in updates:
        body = {"update": update}
        answer = await cell.post(f"/v1/orders/{placed['order_id']}/updates", body)
        assert answer.status_code == 200, answer.text


async def counts(cell, **query):
    answer = await cell.get(URL, **(WINDOW | query))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_promises_are_counted_otherwise_than_they_were_kept(cell):
    assert (await cell.write("PUT", "/v1/sourcing/policies/all", {"reason": "t", "policy": {}})).status_code == 200
    kept, late, silent, never, gone = [await promised(cell, ("A1", 1)) for _ in range(5)]
    assert (await counts(cell))["counts"] == {
        "kept": 0,
        "late": 0,
        "open": 5,
        "unknown": 0,
        "cancelled": 0,
        "estimated": 0,
        "kept_percent": None,
    }
    for one in (kept, late, silent):
        await step(cell, one, "start_picking", "pack", "ship")
    await step(cell, kept, "deliver")
    await step(cell, gone, "cancel")
    cell.clock.now += 4 * DAY
    await step(cell, late, "deliver")
    cell.clock.now += HOUR
    told = await counts(cell)
    # The carrier's day was over before the time was: it was there, though nobody has told so.
    assert told["counts"] == {
        "kept": 2, "late": 2, "open": 0, "unknown": 0, "cancelled": 1, "estimated": 1, "kept_percent": 50.0,
    }  # fmt: skip
    lateness = told["lateness"]
    assert (lateness["within_3_days"], lateness["within_7_days"], lateness["still_out"]) == (1, 1, 1)
    assert lateness["hours_p90"] == lateness["hours_p50"] + 1
    assert [one["location_id"] for one in told["locations"]] == ["us-wh-seattle"]
    assert (await counts(cell, channel="store"))["counts"]["kept"] == 0
    assert (await counts(cell, location_id="us-wh-newark"))["locations"] == []
    assert never["order_id"]


async def test_an_order_without_a_promise_writes_anything_more_down(cell):
    await step(cell, await cell.placed(("A1", 2)), "start_picking", "pack", "ship", "deliver")
    assert not [key for key in cell.gateway.stock_rows if key[0] == "promise_steps"]
    assert (await counts(cell))["counts"]["kept_percent"] is None


@pytest.mark.parametrize(
    "query",
    [
        {"to": WINDOW["from"]},
        {"to": "2026-09-01T00:00:00Z"},
        {"from": "yesterday"},
        {"from": "2026-01-01T00:00:00"},
        {"channel": "web"},
    ],
)
async def test_a_period_that_is_none_is_counted(cell, query):
    answer = await cell.get(URL, **(WINDOW | query))
    assert (answer.status_code, answer.json()["code"]) == (422, "request.parameter_invalid")


async def test_a_manager_of_one_place_is_told_of_another(tmp_path):
    cell = GuardedCell(tmp_path)
    await furnish_with(cell, cell.bearer(acr="2", auth_time=cell.clock.now // 1000))
    only = cell.of_role("manager", locs=("us-st-portland",))
    answer = await cell.http.get(URL, params=WINDOW | {"location_id": "us-wh-newark"}, headers=only)
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.location_forbidden")
    assert (await cell.http.get(URL, params=WINDOW, headers=only)).status_code == 200
    await cell.http.aclose()
