"""Where an order waits for what is not there, in a region with many more places than it may wait at."""

from datetime import UTC, datetime, timedelta

import pytest

from actors.domain.location_commands import Expect
from actors.domain.order_evolve import RETRY_PLACES_MAX
from tests.unit.serve.sourcing.test_later_rounds import NEAR_PORTLAND, received, shown
from tests.unit.serve.sourcing.test_sourced_orders import NEWARK, policy, profile, served


@pytest.fixture(params=["nearest first", "by a policy"])
async def crowded(cell, request):
    """Stores around Portland, none of which keeps D4, and Newark, far away, which had one."""
    if request.param == "by a policy":
        await policy(cell)
    for number in range(RETRY_PLACES_MAX + 4):
        store = {
            "type": "store", "name": f"store {number}", "city": "", "country": "US",
            "lat": 45.5 + number / 100, "lon": -122.7, "timezone": "UTC",
        }  # fmt: skip
        answer = await cell.write("PUT", f"/v1/locations/us-st-near{number:02}", store)
        assert answer.is_success, answer.text
    await received(cell, NEWARK, ("D4", 1))
    assert served(await cell.placed(("D4", 1), ship_to=NEAR_PORTLAND)) == {NEWARK: {"D4": 1}}
    return cell


async def test_goods_come_back_to_the_one_place_that_keeps_them_and_the_order_waits_elsewhere(crowded):
    waiting = await crowded.placed(("D4", 2), ship_to=NEAR_PORTLAND)
    assert (waiting["status"], served(waiting)) == ("backordered", {})
    await received(crowded, NEWARK, ("D4", 2))
    told = await shown(crowded, waiting)
    assert (told["status"], served(told)) == ("allocated", {NEWARK: {"D4": 2}})


async def test_an_order_that_has_a_part_from_nearby_does_not_wait_where_the_rest_is_kept(crowded):
    for number in range(RETRY_PLACES_MAX + 4):
        await received(crowded, f"us-st-near{number:02}", ("A1", 5))
    waiting = await crowded.placed(("A1", 1), ("D4", 2), ship_to=NEAR_PORTLAND)
    assert waiting["status"] == "partly_allocated"
    await received(crowded, NEWARK, ("D4", 2))
    told = await shown(crowded, waiting)
    assert told["status"] == "allocated"
    assert served(told)[NEWARK] == {"D4": 2}


async def test_what_is_not_out_yet_takes_the_places_of_those_who_keep_what_is_sold_out(crowded):
    for number in range(RETRY_PLACES_MAX + 4):
        await received(crowded, f"us-st-near{number:02}", ("A1", 5), ("C3", 1))
        stored = {"lines": [{"sku": "C3", "quantity": -1, "reason": "damage"}]}
        assert (await crowded.post(f"/v1/locations/us-st-near{number:02}/adjustments", stored)).is_success
    soon = "2026-03-01T00:00:00Z"
    assert (await crowded.post("/v1/skus", {"skus": [{"sku": "C3", "released_at": soon}]})).is_success
    waiting = await crowded.placed(("A1", 1), ("D4", 2), ("C3", 1), ship_to=NEAR_PORTLAND)
    await received(crowded, NEWARK, ("D4", 2))
    assert served(await shown(crowded, waiting))[NEWARK]["D4"] == 2


async def test_a_place_that_a_policy_rules_out_today_serves_from_the_line(crowded):
    today = datetime.fromtimestamp(crowded.clock.now_ms() / 1000, UTC)
    holidays = [(today + timedelta(days=days)).date().isoformat() for days in (-1, 0, 1)]
    await profile(crowded, NEWARK, holidays=holidays, week=[{"cut_off": "16:00", "dispatch": "18:00"}] * 7)
    await policy(crowded, rules={"cut_off": "reject"})
    await received(crowded, NEWARK, ("D4", 5))
    waiting = await crowded.placed(("D4", 2), ship_to=NEAR_PORTLAND)
    assert waiting["status"] == "backordered"
    await received(crowded, NEWARK, ("D4", 1))
    assert served(await shown(crowded, waiting)) == {}


async def test_goods_that_are_announced_for_one_far_place_come_and_the_order_waits_elsewhere(crowded):
    assert (await crowded.post("/v1/skus", {"skus": [{"sku": "E5"}]})).is_success
    in_a_day = crowded.clock.now_ms() + 86_400_000
    expect = Expect("po-1", "purchase", 1, in_a_day, [("E5", 5)])
    await crowded.gateway.ask("location", NEWARK, expect, command_id="expect", digest=1)
    waiting = await crowded.placed(("E5", 2), ship_to=NEAR_PORTLAND)
    assert waiting["status"] == "backordered"
    await received(crowded, NEWARK, ("E5", 5))
    assert served(await shown(crowded, waiting)) == {NEWARK: {"E5": 2}}
