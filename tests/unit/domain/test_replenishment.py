import math
import random
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.domain.replenishment import (
    DAYS_ENOUGH,
    DayMoves,
    Demand,
    LeadTime,
    StockLevels,
    days_of_supply,
    demand_by_day,
    demand_of,
    levels_for,
    stock_out_risk,
)

demands = st.builds(Demand, st.integers(14, 90), st.floats(0, 500), st.floats(0, 10_000), st.just("normal"))
leads = st.builds(LeadTime, st.floats(0, 60), st.floats(0, 100))
services = st.floats(0.5, 0.999)


def test_the_textbook_s_example_comes_out():
    # d 100 a day with deviation 20, lead time 9 days with deviation 2, 95 %: 1.645 · √(9·400 + 10,000·4) = 343.4 → 344.
    levels = levels_for(Demand(90, 100.0, 400.0, "normal"), LeadTime(9.0, 4.0), 0.95)
    assert levels == StockLevels(344, 1244)


def test_steady_demand_and_a_sure_lead_time_need_no_safety_stock():
    assert levels_for(demand_of([4] * 30), LeadTime(7.0), 0.99) == StockLevels(0, 28)


def test_a_coin_s_toss_of_a_service_level_needs_no_safety_stock():
    assert levels_for(Demand(90, 100.0, 400.0, "normal"), LeadTime(9.0, 4.0), 0.5).safety_stock == 0


def test_what_nobody_buys_needs_no_stock():
    demand = demand_of([0] * 60)
    assert demand == Demand(60, 0.0, 0.0, "none")
    assert demand_of([]).method == "none"
    assert levels_for(demand, LeadTime(30.0, 9.0), 0.999) == StockLevels(0, 0)
    assert days_of_supply(demand, 5) is None
    assert stock_out_risk(demand, 0, LeadTime(3.0)) == 0.0


def test_days_without_anything_to_sell_don_t_count_as_days_without_demand():
    # Sold out on day 11, received on day 13: day 12 says nothing.
    moves = {
        10: DayMoves(shipped=4, free_before=10, free_most=10, free_after=6),
        11: DayMoves(shipped=6, free_before=6, free_most=6, free_after=0),
        13: DayMoves(shipped=2, free_before=0, free_most=20, free_after=18),
    }
    assert demand_by_day(moves, 8, 16, 18) == [0, 0, 4, 6, 2, 0, 0]


def test_days_before_the_first_receipt_say_nothing():
    moves = {13: DayMoves(shipped=0, free_before=0, free_most=20, free_after=20)}
    assert demand_by_day(moves, 8, 16, 20) == [0, 0, 0]


def test_a_day_that_began_with_stock_counts_though_it_ended_without():
    moves = {9: DayMoves(shipped=0, free_before=3, free_most=0, free_after=0)}
    assert demand_by_day(moves, 8, 11, 0) == [0, 0]


def test_what_was_promised_yesterday_and_left_today_is_today_s():
    moves = {9: DayMoves(shipped=5, free_before=0, free_most=0, free_after=0)}
    assert demand_by_day(moves, 9, 11, 0) == [5]


def test_without_entries_the_stock_of_now_was_there_all_the_time():
    assert demand_by_day({}, 0, 3, 7) == [0, 0, 0]
    assert demand_by_day({}, 0, 3, 0) == []


def test_seldom_demand_is_estimated_by_croston_with_its_correction():
    # Sizes 5, 5, 5 every fourth day: 0.95 · 5 / 4.
    by_day = [0, 0, 0, 5] * 6
    demand = demand_of(by_day)
    assert demand.method == "intermittent"
    assert demand.mean == pytest.approx(0.95 * 5 / 4)
    assert demand.variance == pytest.approx(sum((units - demand.mean) ** 2 for units in by_day) / len(by_day))


def test_demand_on_most_days_is_no_seldom_demand():
    assert demand_of([3, 0, 3, 3] * 8).method == "intermittent"
    assert demand_of([3, 0, 3, 3, 3, 3] * 8).method == "normal"


def test_a_few_steady_days_are_no_proof_of_steadiness():
    assert demand_of([4] * (DAYS_ENOUGH - 1)).variance == 4.0
    assert demand_of([4] * DAYS_ENOUGH).variance == 0.0


def test_the_risk_is_the_share_of_futures_in_which_it_runs_out():
    demand, until = Demand(90, 20.0, 25.0, "normal"), LeadTime(4.0)
    rng = random.Random(7)
    futures = [sum(rng.gauss(20, 5) for _ in range(4)) for _ in range(20_000)]
    for available in (70, 80, 95):
        share = sum(1 for wanted in futures if wanted > available) / len(futures)
        assert stock_out_risk(demand, available, until) == pytest.approx(share, abs=0.02)
    assert stock_out_risk(demand, 0, until) == 1.0
    assert stock_out_risk(Demand(90, 20.0, 0.0, "normal"), 80, until) == 0.0
    assert stock_out_risk(Demand(90, 20.0, 0.0, "normal"), 79, until) == 1.0


@given(demands, leads, services, services)
def test_more_service_never_needs_less_stock(demand, lead, one, other):
    low, high = sorted((one, other))
    lower, higher = levels_for(demand, lead, low), levels_for(demand, lead, high)
    assert 0 <= lower.safety_stock <= higher.safety_stock
    assert lower.safety_stock <= lower.reorder_point <= higher.reorder_point


@given(demands, leads, services)
def test_levels_are_the_least_whole_units_that_keep_the_service(demand, lead, service):
    levels = levels_for(demand, lead, service)
    variance = lead.mean_days * demand.variance + demand.mean**2 * lead.variance
    exact = NormalDist().inv_cdf(service) * math.sqrt(variance)
    assert exact - 1e-6 <= levels.safety_stock < exact + 1
    expected = demand.mean * lead.mean_days
    assert expected - 1e-6 <= levels.reorder_point - levels.safety_stock < expected + 1


@given(demands, leads, services, st.floats(0, 30))
def test_a_longer_or_less_sure_lead_time_never_needs_less(demand, lead, service, more):
    levels = levels_for(demand, lead, service)
    longer = levels_for(demand, LeadTime(lead.mean_days + more, lead.variance), service)
    less_sure = levels_for(demand, LeadTime(lead.mean_days, lead.variance + more), service)
    assert longer.reorder_point >= levels.reorder_point
    assert less_sure.safety_stock >= levels.safety_stock


@given(st.lists(st.integers(0, 40), max_size=90))
def test_demand_is_never_negative_and_never_more_than_the_largest_day(by_day):
    demand = demand_of(by_day)
    assert 0 <= demand.mean <= max(by_day, default=0)
    assert demand.variance >= 0
    assert (demand.method == "none") == (sum(by_day) == 0)


@given(demands, st.integers(0, 1_000), st.integers(0, 1_000), leads)
def test_more_stock_never_means_more_risk(demand, one, other, until):
    low, high = sorted((one, other))
    assert 0 <= stock_out_risk(demand, high, until) <= stock_out_risk(demand, low, until) <= 1
