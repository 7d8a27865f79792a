from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.domain.outlook import DemandRate
from actors.domain.sourcing import source
from actors.domain.sourcing_policy import Carrier, Costs, Limits, Policy, Zone
from actors.domain.what_if import Map, Play, demand_of
from actors.domain.what_if_figures import recorded
from actors.domain.what_if_report import WhatIf, in_play
from actors.domain.what_if_stock import StockThen
from actors.domain.what_if_terms import PastMove, PastStock
from tests.unit.domain.past_worlds import HOUR, PLACES, POLICIES, T0, PlainCell, order, past_of
from tests.unit.domain.past_worlds import moves as some_moves
from tests.unit.domain.past_worlds import orders as some_orders
from tests.unit.domain.past_worlds import stocks as some_stocks

HELD = {policy.version: policy for policy in POLICIES}


def held_by(one):
    return HELD[one.policy]


def in_order(orders):
    return sorted(orders, key=lambda one: (one.at_ms, one.order_id))


def played(past, policy_of=held_by):
    play = Play(past, Map(past), past.orders, policy_of)
    assert list(play.steps()) == list(range(1, len(past.orders) + 1))
    return play


def report_of(past):
    what_if = WhatIf(past)
    assert [*what_if.steps()][-1:] == ([what_if.total] if what_if.total else [])
    return what_if.report


def as_recorded(past, cell):
    """The past with what the plain cell did on its ledger."""
    moves = list(past.moves)
    for number, at_ms, plan, _ in cell.served:
        one = past.orders[number]
        moves += [PastMove(at_ms, place, sku, -n, "allocate", one.order_id) for place, got in plan for sku, n in got.items()]  # fmt: skip
        if one.cancelled_ms is not None:
            moves += [PastMove(one.cancelled_ms, place, sku, n, "release", one.order_id) for place, got in plan for sku, n in got.items()]  # fmt: skip
    return replace(past, moves=moves)


@given(some_stocks, some_moves, some_orders, st.sampled_from(POLICIES))
def test_the_player_decides_otherwise_than_a_cell_that_adds_up_all_that_happened(stocks, moves, orders, policy):
    past = past_of(stocks, sorted(moves, key=lambda move: move.at_ms), in_order(orders))
    cell = PlainCell(past, lambda one: policy).run()
    play = played(past, lambda one: policy)
    assert [(s.order, s.at_ms, s.shares, s.first) for s in play.outcome.served] == cell.served
    assert play.outcome.waiting == cell.waiting
    for place in PLACES:
        for sku in "ABC":
            assert play.stock.balance(place.location_id, sku) == cell.balance(place.location_id, sku)


@given(some_stocks, some_moves, some_orders)
def test_units_are_made_or_lost_by_a_play(stocks, moves, orders):
    past = past_of(stocks, moves, in_order(orders))
    play = played(past)
    for sku in "ABC":
        there = sum(play.stock.balance(place.location_id, sku) for place in PLACES)
        given_ = sum(n for s in play.outcome.served for _, got in s.shares for one, n in got.items() if one == sku)
        opening = sum(one.units for one in stocks if one.sku == sku)
        happened = sum(one.units for one in moves if one.sku == sku)
        back = opening + happened - given_ - there
        assert -play.outcome.given_back <= back <= 0
    assert sum(n for s in play.outcome.served for _, got in s.shares for n in got.values()) >= play.outcome.given_back


@given(some_stocks, some_moves, some_orders)
def test_the_replay_of_what_happened_one_after_the_other_is_not_what_happened(stocks, moves, orders):
    plain = past_of(stocks, sorted(moves, key=lambda move: move.at_ms), in_order(orders))
    past = as_recorded(plain, PlainCell(plain, held_by).run())
    report = report_of(past)
    assert report.agreement.same == report.agreement.orders == len(orders)
    assert report.agreement.units_same == report.agreement.units
    record, replay = report.record, report.replay
    assert (record.units_at_once, record.split, record.short_units, record.worst) == (
        replay.units_at_once, replay.split, replay.short_units, replay.worst
    )  # fmt: skip
    assert (record.whole, record.late, record.promised) == (replay.whole, replay.late, replay.promised)


def test_what_came_back_in_the_moment_of_a_placement_counts_otherwise_than_in_the_record():
    orders = [order(0, 1, ("A", 1), cancelled_ms=T0 + 5 * HOUR), order(1, 5, ("A", 1))]
    plain = past_of([PastStock("us-st-a", "A", 1)], [], orders)
    report = report_of(as_recorded(plain, PlainCell(plain, held_by).run()))
    assert (report.agreement.same, report.replay.units_at_once, report.record.units_at_once) == (2, 2, 2)


@given(some_stocks, some_moves, some_orders)
def test_the_same_policy_again_comes_out_otherwise(stocks, moves, orders):
    same = [replace(one, policy=3) for one in in_order(orders)]
    report = report_of(past_of(stocks, moves, same, changed=POLICIES[0]))
    assert report.changed == report.replay
    assert report.changed_own_milli == sum(report.replay.costs_milli.values())


def test_a_play_knows_no_demand_or_puts_its_price_on_the_record():
    week, ten = DemandRate(1_000, 0, 1), DemandRate(100, 0, 1)
    stocks = [PastStock("us-st-a", "A", 7, rate=week), PastStock("us-st-b", "A", 7, rate=ten)]
    past = past_of(stocks, [], [order(0, 1, ("A", 1))], changed=Policy(version=9, costs=Costs(supply_minor=0)))
    # The one is nearer, the other has ten weeks of it.
    assert [one.shares for one in played(past).outcome.served] == [[("us-st-b", {"A": 1})]]
    assert [one.shares for one in played(past, lambda one: past.terms.changed).outcome.served] == [
        [("us-st-a", {"A": 1})]
    ]
    report = report_of(past)
    assert report.replay.costs_milli["supply"] == 0
    assert {"present_demand", "supply_not_priced"} <= set(report.assumptions)


def test_the_order_in_which_pieces_come_decides():
    stocks = [PastStock("us-st-a", "A", 3), PastStock("us-wh-c", "A", 9), PastStock("us-wh-c", "B", 1)]
    orders = [order(n, n, ("A", 2), ("B", 1)) for n in range(4)]
    moves = [PastMove(T0 + HOUR, "us-wh-c", "B", 2, "receipt"), PastMove(T0 + 2 * HOUR, "us-st-a", "A", -1, "loss")]
    one = report_of(past_of(stocks, moves, orders))
    assert one == report_of(past_of(stocks[::-1], moves[::-1], orders[::-1], places=PLACES[::-1]))


def test_the_stock_of_the_moment_is_not_what_orders_are_served_from():
    moves = [PastMove(T0 + 5 * HOUR, "us-st-a", "A", 5, "receipt")]
    play = played(past_of([PastStock("us-st-a", "A", 1)], moves, [order(0, 1, ("A", 2)), order(1, 6, ("A", 2))]))
    first, filled, second = play.outcome.served
    assert (first.shares, first.first) == ([("us-st-a", {"A": 1})], True)
    assert (filled.order, filled.at_ms, filled.first) == (0, T0 + 5 * HOUR, False)
    assert second.shares == [("us-st-a", {"A": 2})]
    assert not play.outcome.waiting


def test_what_waits_is_served_before_what_waited_longer():
    moves = [PastMove(T0 + 5 * HOUR, "us-st-a", "A", 1, "receipt")]
    play = played(past_of([], moves, [order(0, 1, ("A", 1)), order(1, 2, ("A", 1))]))
    assert [one.order for one in play.outcome.served] == [0]
    assert list(play.outcome.waiting) == [1]


def test_what_an_order_gave_back_in_the_record_does_not_come_back_to_where_the_play_had_it_from():
    one = order(0, 1, ("A", 2))
    back = PastMove(T0 + 3 * HOUR, "us-wh-c", "A", 2, "release", one.order_id)
    play = played(past_of([PastStock("us-st-a", "A", 5)], [back], [one]))
    assert play.outcome.served[0].shares == [("us-st-a", {"A": 2})]
    assert (play.stock.balance("us-st-a", "A"), play.stock.balance("us-wh-c", "A")) == (5, 0)


def test_an_order_that_was_cancelled_still_waits():
    one = order(0, 1, ("A", 2), cancelled_ms=T0 + 2 * HOUR)
    moves = [PastMove(T0 + 5 * HOUR, "us-st-a", "A", 9, "receipt")]
    play = played(past_of([PastStock("us-st-a", "A", 1)], moves, [one]))
    assert len(play.outcome.served) == 1
    assert (play.outcome.waiting, play.stock.balance("us-st-a", "A")) == ({}, 10)


def test_what_happened_takes_units_that_the_play_has_given_away():
    stock = StockThen([PastStock("p", "A", 3)])
    stock.given("p", "A", 2)
    stock.moved("p", "A", -3)
    assert (stock.balance("p", "A"), stock.available("A", ""), stock.short) == (-2, {}, 2)
    stock.moved("p", "A", 3)
    assert stock.available("A", "") == {"p": 1}, "what comes makes up first for what is missing"


def test_safety_stock_or_what_is_kept_back_from_the_channel_is_given():
    stock = StockThen([PastStock("p", "A", 5, 1, {"online": 3})])
    assert (stock.available("A", "online"), stock.available("A", "store")) == ({"p": 1}, {"p": 4})


def test_orders_of_which_nothing_follows_are_played():
    cart, other, unknown = order(0, 1, ("A", 1)), order(1, 1, ("A", 1), policy=9), order(2, 1, ("A", 1), policy=8)
    moves = [PastMove(T0 + HOUR, "us-st-a", "A", -1, "convert", cart.order_id)]
    past = past_of([], moves, [cart, other, unknown, order(3, 1, ("A", 1))])
    past.terms.held[9] = Policy(version=9, currency="CAD")
    found, left = in_play(past)
    assert [one.order_id[-1] for one in found] == ["3"]
    assert left == {"from_cart": 1, "other_currency": 1, "policy_unknown": 1}


def test_a_place_takes_more_orders_than_fit_into_its_day():
    stocks = [PastStock("us-st-b", "A", 50), PastStock("us-wh-c", "A", 50)]
    near_b = {"us-st-a": 900, "us-st-b": 10, "us-wh-c": 4_000, "us-wh-d": 2_000}
    orders = [order(n, 1 + n, ("A", 1), km=near_b) for n in range(3)] + [order(3, 30, ("A", 1), km=near_b)]
    play = played(past_of(stocks, [], orders))
    assert [one.shares[0][0] for one in play.outcome.served] == ["us-st-b", "us-st-b", "us-wh-c", "us-st-b"]


def test_the_cost_of_a_play_is_not_what_its_decisions_say():
    stocks = [PastStock("us-st-a", "A", 3), PastStock("us-wh-c", "A", 9), PastStock("us-wh-c", "B", 9)]
    one = order(0, 1, ("A", 2), ("B", 1))
    past = past_of(stocks, [], [one])
    play = Play(past, Map(past), past.orders, held_by)
    demand_candidates = play.candidates(one, demand_of(one, one.lines, one.at_ms))
    decision = source(POLICIES[0], demand_of(one, one.lines, one.at_ms), demand_candidates)
    report = report_of(past)
    assert {name: milli for name, milli in report.replay.costs_milli.items() if milli} == decision.costs()


def test_costs_of_two_policies_are_compared_by_two_measures():
    cheap = Policy(version=7, carriers=(Carrier("ground", (Zone(40_000, 1, 0, 9),)),))
    report = report_of(past_of([PastStock("us-st-a", "A", 3)], [], [order(0, 1, ("A", 1))], changed=cheap))
    assert report.changed.costs_milli == report.replay.costs_milli
    assert report.changed_own_milli < sum(report.replay.costs_milli.values())


def test_fewer_places_a_policy_are_not_seen_in_its_figures():
    stocks = [PastStock("us-st-a", "A", 9), PastStock("us-wh-c", "B", 9)]
    orders = [order(n, n, ("A", 1), ("B", 1), promised_ms=T0 + 1) for n in range(3)]
    report = report_of(past_of(stocks, [], orders, changed=Policy(version=7, limits=Limits(places=1))))
    assert (report.replay.split, report.replay.parts, report.replay.whole) == (3, 6, 3)
    assert (report.changed.split, report.changed.parts, report.changed.whole) == (0, 3, 0)
    assert (report.changed.short_units, report.changed.short_skus, report.changed.units_waiting) == (3, 2, 3)
    assert (report.replay.promised, report.replay.late, report.changed.promised) == (3, 3, 0)


def test_a_distance_that_was_not_told_is_farther_off_than_the_nearest_that_was():
    past = past_of([], [], [order(0, 1, ("A", 1), km={"us-st-a": 12, "us-wh-c": 3_900})])
    km = Map(past).distances(past.orders[0])
    assert (km["us-st-a"], km["us-wh-c"]) == (12, 3_900)
    assert abs(km["us-st-b"] - 233) < 5
    assert set(Map(past).distances(replace(past.orders[0], km={})).values()) == {None}


def test_what_a_place_gave_an_hour_later_counts_as_given_at_once():
    one = order(0, 1, ("A", 3))
    moves = [
        PastMove(one.at_ms + 500, "us-st-a", "A", -1, "allocate", one.order_id),
        PastMove(one.at_ms + HOUR, "us-wh-c", "A", -1, "allocate", one.order_id),
    ]
    served, waiting = recorded([one], moves)
    assert [(s.shares, s.first) for s in served] == [([("us-st-a", {"A": 1})], True), ([("us-wh-c", {"A": 1})], False)]
    assert waiting == {0: {"A": 1}}
