from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actors.domain.pick_layout import Layout, Point, Stop
from actors.domain.put_away import Arrival, BinRoom, Suggestion, suggest

DOCK = Point(0, 0)
ROW = Layout({1: 0}, (0, 100), DOCK, DOCK)


def room(number, **facts):
    """Bins in a row; the higher the number, the farther from the dock."""
    return BinRoom(Stop(f"b{number}", 1, 0, 10 * number), **facts)


def where(suggestions):
    return [(found.sku, found.bin_id, found.units, found.reason) for found in suggestions]


def test_goods_are_put_away_in_many_places_though_theirs_has_room():
    bins = [room(1), room(2, units_max=10, units=6, holds=(("a", "l"),)), room(3)]
    assert where(suggest([Arrival("a", "l", 5)], bins, ROW, {"a": 1})) == [
        ("a", "b2", 4, "same_lot"),
        ("a", "b1", 1, "by_demand"),
    ]
    assert where(suggest([Arrival("a", "other", 5)], bins, ROW, {"a": 1})) == [("a", "b1", 5, "by_demand")]


def test_what_is_picked_often_lies_far_off():
    bins = [room(number, units_max=10) for number in range(1, 7)]
    picks = {"fast": 90, "middle": 10, "slow": 1}
    arrivals = [Arrival("slow", "", 5), Arrival("middle", "", 5), Arrival("fast", "", 5)]
    assert where(suggest(arrivals, bins, ROW, picks)) == [
        ("fast", "b1", 5, "by_demand"),
        ("middle", "b3", 5, "by_demand"),
        ("slow", "b5", 5, "by_demand"),
    ]
    assert where(suggest([Arrival("slow", "", 5)], bins, ROW, picks)) == [("slow", "b5", 5, "by_demand")]
    assert where(suggest([Arrival("new", "", 5)], bins, ROW, picks)) == [("new", "b6", 5, "by_demand")]


def test_a_slow_one_finds_no_place_because_those_far_off_are_full():
    bins = [room(1), room(2), room(3, units=1, holds=(("x", ""),)), room(4, units=2, holds=(("x", ""),))]
    assert where(suggest([Arrival("slow", "", 5)], bins, ROW, {"fast": 9, "slow": 1})) == [
        ("slow", "b2", 5, "by_demand")
    ]


def test_two_arrivals_are_sent_to_the_same_empty_bin():
    found = suggest([Arrival("a", "", 3), Arrival("b", "", 3)], [room(1), room(2)], ROW, {"a": 2, "b": 1})
    assert [suggestion.bin_id for suggestion in found] == ["b1", "b2"]


def test_frozen_or_hazardous_goods_lie_among_others():
    bins = [room(1), room(2, temperature="frozen"), room(3, hazard="3")]
    assert where(suggest([Arrival("ice", "", 1, 0, "frozen")], bins, ROW, {})) == [("ice", "b2", 1, "by_demand")]
    assert where(suggest([Arrival("fuel", "", 1, 0, "ambient", "3")], bins, ROW, {})) == [
        ("fuel", "b3", 1, "by_demand")
    ]
    assert where(suggest([Arrival("acid", "", 1, 0, "ambient", "8")], bins, ROW, {})) == [("acid", "", 1, "no_zone")]
    assert where(suggest([Arrival("tea", "", 1)], bins[1:], ROW, {})) == [("tea", "", 1, "no_zone")]


def test_a_bin_takes_more_volume_than_it_has():
    bins = [room(1, volume_max_ml=1000), room(2, units_max=1)]
    found = suggest([Arrival("a", "", 5, unit_volume_ml=400)], bins, ROW, {"a": 1})
    assert where(found) == [("a", "b1", 2, "by_demand"), ("a", "b2", 1, "by_demand"), ("a", "", 2, "no_room")]


SKUS = st.sampled_from(["a", "b", "c"])
zones = st.sampled_from(["ambient", "frozen"])
arrivals = st.lists(
    st.builds(Arrival, SKUS, st.sampled_from(["l", "m"]), st.integers(1, 30), st.integers(0, 5), zones),
    max_size=5,
    unique_by=lambda arrival: (arrival.sku, arrival.lot),
)
limits = st.integers(0, 20)


@st.composite
def rooms(draw, number):
    units_max, volume_max_ml = draw(limits), draw(limits)
    units = draw(st.integers(0, units_max or 9)) if draw(st.booleans()) else 0
    volume_ml = draw(st.integers(0, volume_max_ml or 9)) if units else 0
    holds = ((draw(SKUS), draw(st.sampled_from(["l", "m"]))),) if units else ()
    facts = {
        "units_max": units_max,
        "volume_max_ml": volume_max_ml,
        "units": units,
        "volume_ml": volume_ml,
        "holds": holds,
    }
    return room(number, temperature=draw(zones), **facts)


bins_of_a_row = st.integers(0, 6).flatmap(lambda count: st.tuples(*(rooms(number) for number in range(count))))


@given(arrivals, bins_of_a_row, st.dictionaries(SKUS, st.integers(0, 9)))
def test_units_are_lost_or_a_bin_is_filled_beyond_its_room(come, bins, picks):
    found = suggest(come, bins, ROW, picks)
    assert all(suggestion.units > 0 for suggestion in found)
    by_goods = {(arrival.sku, arrival.lot): arrival for arrival in come}
    for goods, arrival in by_goods.items():
        assert arrival.units == sum(
            suggestion.units for suggestion in found if (suggestion.sku, suggestion.lot) == goods
        )
    for there in bins:
        put = [suggestion for suggestion in found if suggestion.bin_id == there.stop.bin_id]
        units = there.units + sum(suggestion.units for suggestion in put)
        assert not put or not there.units_max or units <= there.units_max
        volume_ml = there.volume_ml + sum(found.units * by_goods[found.sku, found.lot].unit_volume_ml for found in put)
        added_ml = volume_ml - there.volume_ml
        assert not added_ml or not there.volume_max_ml or volume_ml <= there.volume_max_ml
        goods = {(suggestion.sku, suggestion.lot) for suggestion in put} | set(there.holds)
        assert not put or len(goods) == 1


@given(arrivals, bins_of_a_row, st.dictionaries(SKUS, st.integers(0, 9)), st.randoms(use_true_random=False))
def test_suggestions_hang_on_the_order_of_the_bins(come, bins, picks, rng):
    shuffled = list(bins)
    rng.shuffle(shuffled)
    assert suggest(come, bins, ROW, picks) == suggest(come, shuffled, ROW, picks)


def test_nothing_that_came_is_a_suggestion():
    assert suggest([], [room(1)], ROW, {}) == []
    assert suggest([Arrival("a", "l", 2)], [], ROW, {}) == [Suggestion("a", "l", 2, "", "no_zone")]
