"""When something would be there, at availability: by the minute, by the policy, and not at all where there is none."""

from tests.unit.serve.sourcing.test_sourced_orders import PORTLAND, SEATTLE, WORK, policy, profile

HERE = {"lat": 47.61, "lon": -122.33}


async def dates(cell, *skus, **query):
    answer = await cell.get("/v1/availability", sku=list(skus), **(query or HERE))
    assert answer.status_code == 200, answer.text
    return {one["sku"]: one.get("deliver_by") for one in answer.json()["skus"]}


async def test_a_date_is_told_without_a_policy_or_a_point(cell):
    assert await dates(cell, "A1") == {"A1": None}
    await policy(cell)
    assert await dates(cell, "A1", limit=5) == {"A1": None}
    assert await dates(cell, "A1", "D4") == {"A1": "2026-01-02T00:00:00Z", "D4": None}


async def test_a_date_stays_when_time_goes_on_or_the_policy_changes(cell):
    await policy(cell)
    assert await dates(cell, "A1") == {"A1": "2026-01-02T00:00:00Z"}
    assert await dates(cell, "A1") == {"A1": "2026-01-02T00:00:00Z"}
    cell.clock.now += 60_000
    assert await dates(cell, "A1") == {"A1": "2026-01-02T00:01:00Z"}
    slow = {"name": "slow", "zones": [{"to_km": 40_000, "parcel_minor": 1, "per_kg_minor": 1, "days": 9}]}
    await policy(cell, carriers=[slow])
    assert await dates(cell, "A1") == {"A1": "2026-01-10T00:01:00Z"}


async def test_the_date_is_not_that_of_the_earliest_place_that_may_serve(cell):
    await profile(cell, SEATTLE, week=[None, None, None, None, WORK, None, None])
    # Seattle works on Friday the 2nd, and is a day away; Portland's store sends at once, and takes two.
    assert await dates(cell, "A1") == {"A1": "2026-01-03T00:00:00Z"}
    await profile(cell, PORTLAND, ships=False)
    assert await dates(cell, "A1") == {"A1": "2026-01-03T18:00:00Z"}


async def test_what_was_told_is_not_what_is_promised_when_it_is_ordered(cell):
    await profile(cell, SEATTLE, week=[WORK] * 5 + [None, None], handling_min=90)
    told = await dates(cell, "A1")
    assert (await cell.placed(("A1", 1)))["promised_by"] == told["A1"]
