"""Levels that demand suggests, through the API: what the ledger says becomes days of demand."""

import pytest

from actors.domain.location_commands import (
    AdjustmentLine,
    AdjustStock,
    Allocate,
    Expect,
    ReceiptLine,
    ReceiveStock,
    Ship,
)
from actors.runtime.read_model import DEMAND_ENTRIES_MAX, DemandDay

WH = "/v1/locations/us-wh-seattle"
DAY = 86_400_000


class Days:
    """Seattle, day by day."""

    def __init__(self, cell):
        self.cell, self.orders = cell, 0

    async def tell(self, command):
        self.orders += 1
        reply = await self.cell.gateway.ask(
            "location", "us-wh-seattle", command, command_id=f"d{self.orders}", digest=1
        )
        assert reply.status == 0, reply.body

    async def ships(self, sku, units):
        order = f"us-order-{self.orders}"
        await self.tell(Allocate(order, 1, [(sku, units)]))
        await self.tell(Ship(order, 1, [(sku, units)]))

    def passes(self, days=1):
        self.cell.clock.now += days * DAY


async def suggested(cell, *skus, **query):
    answer = await cell.get(f"{WH}/level-suggestions", sku=list(skus), **query)
    assert answer.status_code == 200, answer.text
    return answer.json()["suggestions"]


async def test_levels_follow_from_what_was_shipped_on_days_with_stock(cell):
    days = Days(cell)
    await days.tell(ReceiveStock([ReceiptLine("C3", 200)]))
    for units in (6, 4) * 10:
        await days.ships("C3", units)
        days.passes()
    (found,) = await suggested(cell, "C3", service_level=0.95, lead_time_days=9, lead_time_deviation_days=2)
    # d 5, deviation 1: 1.645 · √(9·1 + 25·4) = 17.2; 5 · 9 = 45.
    assert found == {
        "sku": "C3", "days": 20, "demand_per_day": 5.0, "demand_deviation": 1.0, "method": "normal", "safety_stock": 18,
        "reorder_point": 63, "safety_stock_now": 0, "reorder_point_now": 0, "available": 100, "days_of_supply": 20.0,
        "next_arrival_at": None, "stock_out_risk": 0.0, "demand_from": "2025-10-23", "demand_until": "2026-01-20",
    }  # fmt: skip


async def test_days_that_were_sold_out_are_left_out(cell):
    days = Days(cell)
    await days.tell(ReceiveStock([ReceiptLine("C3", 20)]))
    for _ in range(4):
        await days.ships("C3", 5)
        days.passes()
    days.passes(30)
    (found,) = await suggested(cell, "C3")
    assert (found["days"], found["demand_per_day"], found["stock_out_risk"]) == (4, 5.0, 1.0)


async def test_what_was_shipped_today_waits_until_the_day_is_over(cell):
    days = Days(cell)
    await days.ships("A1", 50)
    (found,) = await suggested(cell, "A1")
    assert (found["method"], found["safety_stock"], found["days_of_supply"]) == ("none", 0, None)
    days.passes()
    (found,) = await suggested(cell, "A1")
    assert found["demand_per_day"] == 50.0


async def test_the_risk_looks_as_far_as_the_next_arrival(cell):
    days = Days(cell)
    await days.tell(ReceiveStock([ReceiptLine("C3", 120)]))
    for units in (6, 4) * 10:
        await days.ships("C3", units)
        days.passes()
    soon, late = cell.clock.now + 2 * DAY, cell.clock.now + 5 * DAY
    (far,) = await suggested(cell, "C3", lead_time_days=30)
    assert (far["available"], far["stock_out_risk"]) == (20, 1.0)
    await days.tell(Expect("po-late", "purchase", 1, late, [("C3", 5)]))
    (near,) = await suggested(cell, "C3", lead_time_days=30)
    # Five days of 5 ± 1 against 20: z = -5 / √5.
    assert near["stock_out_risk"] == pytest.approx(0.9873, abs=0.0001)
    await days.tell(Expect("po-soon", "purchase", 1, soon, [("C3", 5)]))
    (nearer,) = await suggested(cell, "C3", lead_time_days=30)
    assert nearer["stock_out_risk"] == 0.0


async def test_corrections_are_no_demand(cell):
    days = Days(cell)
    await days.tell(AdjustStock([AdjustmentLine("A1", -50, "loss")]))
    days.passes(3)
    (found,) = await suggested(cell, "A1")
    assert (found["method"], found["days"]) == ("none", 3)


async def test_where_too_much_happened_the_oldest_day_is_left_out(cell, monkeypatch):
    asked = []

    async def demand(location_id, skus, since_ms):
        asked.append((location_id, list(skus), since_ms))
        today = cell.clock.now // DAY
        half = DEMAND_ENTRIES_MAX // 2
        return [DemandDay("A1", today - 3, half, 7, 9, 9, 9), DemandDay("A1", today - 2, half, 4, 9, 9, 9)]

    monkeypatch.setattr(cell.read_model, "demand", demand)
    (found,) = await suggested(cell, "A1", "A1")
    # Two days are left: the one that is here whole, and the one after it.
    assert (found["days"], found["demand_per_day"]) == (2, pytest.approx(0.95 * 4, abs=0.001))
    assert asked == [("us-wh-seattle", ["A1"], (cell.clock.now // DAY - 90) * DAY)]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({}, 422, "request.parameter_invalid"),
        ({"sku": ["A1"] * 21}, 422, "request.parameter_invalid"),
        ({"sku": "A" * 65}, 422, "request.parameter_invalid"),
        ({"sku": "A1", "service_level": 0.4}, 422, "request.parameter_invalid"),
        ({"sku": "A1", "service_level": 1}, 422, "request.parameter_invalid"),
        ({"sku": "A1", "service_level": "nan"}, 422, "request.parameter_invalid"),
        ({"sku": "A1", "lead_time_days": -1}, 422, "request.parameter_invalid"),
        ({"sku": "A1", "lead_time_days": 366}, 422, "request.parameter_invalid"),
        ({"sku": "C3"}, 404, "stock.sku_not_here"),
    ],
)
async def test_wrong_terms_are_refused(cell, query, status, code):
    answer = await cell.get(f"{WH}/level-suggestions", **query)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_while_the_ledger_is_away_that_is_said(cell):
    cell.read_model.away = True
    answer = await cell.get(f"{WH}/level-suggestions", sku="A1")
    assert (answer.status_code, answer.json()["code"]) == (503, "cell.store_unavailable")
