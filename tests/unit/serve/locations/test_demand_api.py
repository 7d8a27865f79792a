"""How much of SKUs is wanted at a location, through the API: given, measured, told; and what is refused."""

from actors.domain.location_commands import Allocate, ReceiptLine, ReceiveStock, Ship

SEATTLE = "us-wh-seattle"
WH = f"/v1/locations/{SEATTLE}"
DAY = 86_400_000
PERIOD = {"from": "2026-01-01", "until": "2026-03-31"}


def rate(sku="A1", units=2.5, **period):
    return {"sku": sku, "units_per_day": units} | PERIOD | period


async def put(cell, *rates, **more):
    return await cell.write("PUT", f"{WH}/demand-rates", {"rates": list(rates)}, **more)


async def lasting(cell, sku="A1", place=SEATTLE):
    at = (await cell.get(f"/v1/locations/{place}/stock/{sku}")).json()["lasting"]
    for told in (await cell.get(f"/v1/inventory/{sku}")).json()["places"]:
        if told["location_id"] == place:
            assert told["lasting"] == at, "the read model tells otherwise than the place"
            return at
    raise AssertionError("the place is not told of")


UNKNOWN = {"demand": None, "weeks_of_supply": None, "markdown_risk": None}


async def test_demand_is_not_told_with_the_stock_or_can_not_be_taken_back(cell):
    assert await lasting(cell) == UNKNOWN
    assert (await put(cell, rate(), rate("B 2", 0.0001))).status_code == 200
    assert await lasting(cell) == {
        "demand": {"units_per_day": 2.5, **PERIOD, "source": "given"}, "weeks_of_supply": 5.7, "markdown_risk": 0.0,
    }  # fmt: skip
    # What is more than nothing is more than nothing.
    assert (await lasting(cell, "B%202"))["demand"]["units_per_day"] == 0.001
    assert (await put(cell, rate(units=0))).status_code == 200
    assert await lasting(cell) == UNKNOWN


async def test_demand_is_set_with_levels_and_they_without_it(cell):
    level = {"sku": "A1", "safety_stock": 30, "demand": {"units_per_day": 2} | PERIOD}
    assert (await cell.write("PUT", f"{WH}/levels", {"levels": [level]})).status_code == 200
    assert (await lasting(cell))["weeks_of_supply"] == 5.0
    assert (await cell.write("PUT", f"{WH}/levels", {"levels": [{"sku": "A1", "safety_stock": 16}]})).is_success
    assert (await lasting(cell))["weeks_of_supply"] == 6.0


async def test_the_same_call_twice_sets_it_twice_or_another_one_under_its_key(cell):
    first = await put(cell, rate(), key="once")
    assert (await put(cell, rate(), key="once")).json() == first.json()
    reused = await put(cell, rate(units=3), key="once")
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency.key_reused")
    assert (await lasting(cell))["demand"]["units_per_day"] == 2.5


async def test_a_measurement_is_not_what_the_ledger_says_of_these_days(cell):
    orders = 0

    async def tell(*commands):
        nonlocal orders
        for command in commands:
            orders += 1
            reply = await cell.gateway.ask("location", SEATTLE, command, command_id=f"d{orders}", digest=1)
            assert reply.status == 0, reply.body

    await tell(ReceiveStock([ReceiptLine("C3", 200), ReceiptLine("D4", 9)]))
    for units in (6, 4) * 10:
        await tell(Allocate(f"us-o{orders}", 1, [("C3", units)]), Ship(f"us-o{orders}", 1, [("C3", units)]))
        cell.clock.now += DAY
    (suggested,) = (await cell.get(f"{WH}/level-suggestions", sku="C3")).json()["suggestions"]
    answer = await cell.post(f"{WH}/demand-rates/measurements", {"skus": ["C3", "D4"]})
    assert answer.status_code == 200, answer.text
    known = (await lasting(cell, "C3"))["demand"]
    period = {"from": suggested["demand_from"], "until": suggested["demand_until"]}
    assert known == {"units_per_day": suggested["demand_per_day"], **period, "source": "measured"}
    assert (known["units_per_day"], known["until"]) == (5.0, "2026-01-20")
    # Nobody wanted one in twenty days: it is taken that somebody would have on one day more.
    assert (await lasting(cell, "D4"))["demand"]["units_per_day"] == 0.048


async def test_few_days_are_taken_for_a_measurement(cell):
    cell.clock.now += 13 * DAY
    before = cell.state()
    answer = await cell.post(f"{WH}/demand-rates/measurements", {"skus": ["A1"]})
    told = answer.json()
    assert (answer.status_code, told["code"], told["errors"][0]["pointer"]) == (
        422,
        "stock.demand_unmeasurable",
        "/skus/0",
    )
    assert cell.state()[:3] == before[:3]
    before = cell.state()
    cell.read_model.away = True
    assert (await cell.post(f"{WH}/demand-rates/measurements", {"skus": ["A1"]})).status_code == 503
    assert cell.state() == before


RATES = [
    ([], "body.invalid", "/rates"),
    ([rate()] * 1_001, "body.invalid", "/rates"),
    ([rate(), rate("B 2"), rate()], "stock.sku_repeated", "/rates/2/sku"),
    ([rate(), rate("zz")], "sku.unknown", "/rates/1/sku"),
    ([rate(units=-0.1)], "body.invalid", "/rates/0/units_per_day"),
    ([rate(units=1_000_001)], "body.invalid", "/rates/0/units_per_day"),
    ([rate(units="2")], "body.invalid", "/rates/0/units_per_day"),
    ([rate(until="2026-02-30")], "body.invalid", "/rates/0/until"),
    ([rate(until="2025-12-31")], "stock.demand_period_invalid", "/rates/0/until"),
    ([rate(until="2036-12-31")], "stock.demand_period_invalid", "/rates/0/until"),
    ([rate(per="week")], "body.unknown_field", "/rates/0/per"),
    ([{"sku": "A1", "units_per_day": 1, "until": "2026-03-31"}], "body.missing_field", "/rates/0/from"),
]


async def test_wrong_rates_are_taken_or_refused_without_saying_where(cell):
    before = cell.state()
    for rates, code, pointer in RATES:
        answer = await put(cell, *rates)
        told = answer.json()
        assert (answer.status_code, told["code"], told["errors"][0]["pointer"]) == (422, code, pointer), told
    level = {"sku": "A1", "demand": {"units_per_day": 1, "from": "2026-03-31", "until": "2026-03-30"}}
    told = (await cell.write("PUT", f"{WH}/levels", {"levels": [level]})).json()
    assert (told["code"], told["errors"][0]["pointer"]) == ("stock.demand_period_invalid", "/levels/0/demand/until")
    for skus, code in (([], "body.invalid"), (["A1"] * 2, "stock.sku_repeated"), (["zz"], "sku.unknown"), (["A1"] * 21, "body.invalid")):  # fmt: skip
        assert (await cell.post(f"{WH}/demand-rates/measurements", {"skus": skus})).json()["code"] == code
    never = await cell.post(f"{WH}/demand-rates/measurements", {"skus": ["C3"]})
    assert (never.status_code, never.json()["code"]) == (404, "stock.sku_not_here")
    nowhere = await cell.write("PUT", "/v1/locations/us-nowhere/demand-rates", {"rates": [rate()]})
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "location.unknown")
    elsewhere = await cell.write("PUT", "/v1/locations/eu-wh-berlin/demand-rates", {"rates": [rate()]})
    assert elsewhere.json()["code"] == "region.misdirected"
    # A refusal of the place's own is remembered, and that is all.
    assert cell.state()[:3] == before[:3]
