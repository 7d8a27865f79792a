from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.domain.errors import Refused
from actors.domain.pick_layout import Layout, Point, Stop
from actors.domain.pick_route import route
from actors.domain.wave import LINES_MAX, TRIP_LINES_MAX, WORKS_MAX, plan_wave
from actors.domain.wave_terms import LeftOut, Limits, Share, Split, Work, WorkLine

DOOR = Point(0, -10)
FLOOR = Layout({1: 0, 2: 40, 3: 80}, (0, 100), DOOR, DOOR)
METHODS = ("single", "batch", "cluster", "zone", "wave")
ROOMY = Limits(lines=40, units=200, weight_g=100_000, volume_ml=100_000, totes=12)
FOR_EVER_MS = 10


def stop(aisle, y, zone="A"):
    return Stop(f"{zone}-{aisle}-{y}", aisle, (aisle - 1) * 40, y)


def one(aisle, y=50, units=1, **facts):
    return WorkLine(f"sku-{aisle}-{y}", "", units, stop(aisle, y), **facts)


def work(name, *lines, due_ms=1, priority=0):
    return Work(name, lines, due_ms, priority)


def plan(works, method="batch", limits=ROOMY, layout=FLOOR, until_ms=None):
    return plan_wave(
        works, method, limits, layout, until_ms=FOR_EVER_MS if method == "wave" and until_ms is None else until_ms
    )


def carried(trip):
    """Fulfilments on the trip."""
    return {share.fulfilment_id for task in trip.tasks for share in task.shares}


lines = st.builds(
    lambda aisle, y, lot, units, cold, weight, volume: WorkLine(
        f"sku-{aisle}-{y}", lot, units, stop(aisle, y), "AB"[aisle % 2], cold, "", weight, volume
    ),
    st.integers(1, 4),  # the fourth is in no aisle of the floor
    st.sampled_from([0, 20, 60, 100]),
    st.sampled_from(["", "l"]),
    st.integers(1, 9),
    st.sampled_from(["ambient", "ambient", "ambient", "frozen"]),
    st.integers(0, 12),
    st.integers(0, 12),
)
queues = st.lists(
    st.tuples(st.lists(lines, min_size=1, max_size=5), st.integers(1, 3), st.integers(0, 1)), max_size=12
).map(lambda many: [Work(f"o{n}", tuple(made), due, priority) for n, (made, due, priority) in enumerate(many)])
limits = st.builds(
    Limits, st.integers(1, 6), st.integers(1, 12), st.integers(8, 60), st.integers(8, 60), st.integers(1, 4)
)
methods = st.sampled_from(METHODS)


class Facts:
    """What the lines say, by fulfilment, bin, SKU and lot."""

    def __init__(self, works):
        self.lines = {}
        for each in works:
            for line in each.lines:
                self.lines.setdefault((each.fulfilment_id, line.stop.bin_id, line.sku, line.lot), []).append(line)
        self.works = {each.fulfilment_id: each for each in works}

    def of(self, trip):
        for task in trip.tasks:
            for share in task.shares:
                yield self.lines[share.fulfilment_id, task.bin_id, task.sku, task.lot][0], share


def plain_queue(works):
    """The same orders, without lines of the same goods in one order."""
    kept = []
    for each in works:
        once = {(line.stop.bin_id, line.sku, line.lot): line for line in each.lines}
        kept.append(Work(each.fulfilment_id, tuple(once.values()), each.due_ms, each.priority))
    return kept


plain_queues = queues.map(plain_queue)
# Many that are equally urgent and differ in size only.
alike = st.lists(st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 2)), min_size=6, max_size=14).map(
    lambda many: [work(f"o{n:02}", one(aisle, units=units), due_ms=due) for n, (aisle, units, due) in enumerate(many)]
)


@given(queues, methods, limits)
def test_units_are_lost_or_picked_twice(works, method, most):
    found = plan(works, method, most)
    left_out = {left.fulfilment_id for left in found.left_out}
    wanted = Counter()
    for each in works:
        for line in each.lines:
            if each.fulfilment_id not in left_out:
                wanted[each.fulfilment_id, line.stop.bin_id, line.sku, line.lot] += line.units
    planned = Counter()
    for trip in found.trips:
        for task in trip.tasks:
            assert task.units == sum(share.units for share in task.shares)
            for share in task.shares:
                planned[share.fulfilment_id, task.bin_id, task.sku, task.lot] += share.units
    assert planned == wanted


@given(plain_queues, methods, limits)
def test_a_trip_carries_more_than_it_can(works, method, most):
    facts = Facts(works)
    for trip in plan(works, method, most).trips:
        picks = list(facts.of(trip))
        assert len(picks) <= most.lines
        assert sum(task.units for task in trip.tasks) <= most.units
        assert sum(line.unit_weight_g * share.units for line, share in picks) <= most.weight_g
        assert sum(line.unit_volume_ml * share.units for line, share in picks) <= most.volume_ml
        assert method != "cluster" or len(carried(trip)) <= most.totes
        assert method != "single" or len(carried(trip)) == 1


@given(plain_queues, methods, limits)
def test_frozen_goods_ride_with_others_or_a_picker_leaves_his_zone(works, method, most):
    facts = Facts(works)
    for trip in plan(works, method, most).trips:
        picks = [line for line, _ in facts.of(trip)]
        assert len({line.temperature for line in picks}) == 1
        assert method not in {"zone", "wave"} or len({line.zone for line in picks}) == 1


@given(plain_queues, methods, limits)
def test_a_line_is_torn_apart_though_a_trip_could_carry_it(works, method, most):
    found = plan(works, method, most)
    trips_of = Counter()
    for trip in found.trips:
        for task in trip.tasks:
            trips_of.update((share.fulfilment_id, task.bin_id, task.sku, task.lot) for share in task.shares)
    for key, count in trips_of.items():
        line = Facts(works).lines[key][0]
        whole = line.units <= most.units and line.units * line.unit_weight_g <= most.weight_g
        assert count == 1 or not (whole and line.units * line.unit_volume_ml <= most.volume_ml)


@given(plain_queues, methods, limits)
def test_an_order_goes_on_several_trips_without_a_reason(works, method, most):
    found = plan(works, method, most)
    trips_of = Counter(name for trip in found.trips for name in carried(trip))
    several = {name for name, count in trips_of.items() if count > 1}
    explained = {split.fulfilment_id for split in found.splits}
    assert several <= explained
    assert all(split.reasons for split in found.splits)
    assert explained <= set(trips_of)


def fits_instead(each, trip, facts, most, method):
    """Would the whole order have fitted on the trip beside what is as urgent as it or more?"""
    beside = [
        (line, share.units)
        for line, share in facts.of(trip)
        if facts.works[share.fulfilment_id].urgency <= each.urgency
    ]
    orders = {
        share.fulfilment_id for _, share in facts.of(trip) if facts.works[share.fulfilment_id].urgency <= each.urgency
    }
    together = beside + [(line, line.units) for line in each.lines]
    parts = {"single": 1, "cluster": most.totes}.get(method, most.lines)
    return (
        len(together) <= most.lines
        and sum(units for _, units in together) <= most.units
        and sum(units * line.unit_weight_g for line, units in together) <= most.weight_g
        and sum(units * line.unit_volume_ml for line, units in together) <= most.volume_ml
        and len(orders) < parts
    )


@settings(max_examples=300)
@given(st.one_of(plain_queues, alike), methods, limits)
def test_a_later_cut_off_goes_before_an_earlier_one_that_fits(works, method, most):
    """Of orders that may share a trip: same temperature and zone, and both of one line or both of more."""
    found = plan(works, method, most)
    facts = Facts(works)

    def kind(each):
        zones = {line.zone for line in each.lines} if method in {"zone", "wave"} else {""}
        return {line.temperature for line in each.lines}, zones, len(each.lines) == 1 or method == "cluster"

    split = {one_split.fulfilment_id for one_split in found.splits}
    for number, trip in enumerate(found.trips):
        aboard = [facts.works[name] for name in carried(trip)]
        later = {name for after in found.trips[number + 1 :] for name in carried(after)} - split
        for name in later:
            waits = facts.works[name]
            if any(
                other.urgency > waits.urgency and kind(other) == kind(waits)
                for other in aboard
                if other.fulfilment_id not in split
            ):
                assert not fits_instead(waits, trip, facts, most, method)


@given(queues, methods, limits)
def test_trips_are_not_in_the_order_of_their_urgency(works, method, most):
    found = plan(works, method, most)
    urgency = {each.fulfilment_id: each.urgency for each in works}
    first = [min(urgency[name] for name in carried(trip)) for trip in found.trips]
    assert first == sorted(first)
    assert [trip.due_ms for trip in found.trips] == [due_ms for due_ms, _ in first]


@given(queues, methods, limits, st.randoms(use_true_random=False))
def test_the_plan_hangs_on_the_order_of_the_queue(works, method, most, rng):
    shuffled = list(works)
    rng.shuffle(shuffled)
    assert plan(works, method, most) == plan(shuffled, method, most)


@given(plain_queues, methods, limits)
def test_a_trip_is_walked_longer_than_its_bins_need(works, method, most):
    facts = Facts(works)
    for trip in plan(works, method, most).trips:
        stops = {line.stop for line, _ in facts.of(trip)}
        way = route(list(stops), FLOOR, 15_000)
        assert trip.walk_dm == way.walk_dm
        assert list(dict.fromkeys(task.bin_id for task in trip.tasks)) == [stop.bin_id for stop in way.stops]


# --- examples ---------------------------------------------------------------------------------------------------------
def test_orders_of_one_aisle_are_torn_apart():
    """Two pairs of aisles; who takes orders as they come walks every aisle twice."""
    works = [
        work("o1", one(1), one(2)),
        work("o2", one(3), one(3, 60)),
        work("o3", one(1, 60), one(2, 70)),
        work("o4", one(3, 10), one(3, 20)),
    ]
    found = plan(works, limits=Limits(lines=4))
    assert sorted(sorted(carried(trip)) for trip in found.trips) == [["o1", "o3"], ["o2", "o4"]]


def test_a_new_aisle_is_walked_though_another_order_needs_none():
    works = [work("a", one(1), one(2)), work("b", one(1, 60), one(3)), work("c", one(1, 60), one(1, 70))]
    assert sorted(carried(plan(works, limits=Limits(lines=4)).trips[0])) == ["a", "c"]


def test_the_far_aisle_is_walked_though_the_near_one_would_do():
    works = [work("a", one(1)), work("b", one(3)), work("c", one(2))]
    assert sorted(carried(plan(works, limits=Limits(lines=2)).trips[0])) == ["a", "c"]


def test_units_of_several_orders_are_taken_from_a_bin_one_by_one():
    found = plan([work("late", one(1, units=2), one(2), due_ms=2), work("soon", one(1, units=3), one(3))])
    [trip] = found.trips
    task = next(task for task in trip.tasks if task.bin_id == "A-1-50")
    assert task.units == 5
    assert task.shares == (Share("soon", 3, 0), Share("late", 2, 0))


def test_two_orders_of_a_cluster_share_a_tote():
    found = plan(
        [work("o1", one(1), one(2)), work("o2", one(1), one(3)), work("o3", one(2))], "cluster", Limits(totes=2)
    )
    for trip in found.trips:
        totes = {(share.tote, share.fulfilment_id) for task in trip.tasks for share in task.shares}
        assert len({tote for tote, _ in totes}) == len(carried(trip)) == len(totes)
        assert {tote for tote, _ in totes} == set(range(1, len(totes) + 1))
    assert len(found.trips) == 2


def test_orders_of_one_line_are_sorted_with_others():
    found = plan([work("a", one(1)), work("b", one(1), one(2)), work("c", one(2))])
    assert [sorted(carried(trip)) for trip in found.trips] == [["b"], ["a", "c"]]


def test_a_wave_takes_what_is_due_after_its_cut_off():
    works = [work("soon", one(1), due_ms=5), work("later", one(1), due_ms=6)]
    found = plan(works, "wave", until_ms=5)
    assert [carried(trip) for trip in found.trips] == [{"soon"}]
    assert found.later == ("later",)


def test_room_stays_empty_though_a_later_cut_off_would_fit():
    found = plan([work("soon", one(1), due_ms=1), work("later", one(1, 60), due_ms=2)])
    assert [carried(trip) for trip in found.trips] == [{"soon", "later"}]


def test_priority_counts_for_nothing_or_for_more_than_a_cut_off():
    works = [
        work("plain", one(1), due_ms=1),
        work("express", one(2), due_ms=1, priority=5),
        work("tomorrow", one(3), due_ms=2, priority=9),
    ]
    found = plan(works, limits=Limits(lines=1))
    assert [carried(trip) for trip in found.trips] == [{"express"}, {"plain"}, {"tomorrow"}]


@pytest.mark.parametrize(
    ("most", "reason"),
    [
        (Limits(lines=1), "lines"),
        (Limits(units=5), "units"),
        (Limits(weight_g=500), "weight"),
        (Limits(volume_ml=500), "volume"),
    ],
)
def test_an_order_too_large_for_a_trip_does_not_say_what_was_too_much(most, reason):
    large = work(
        "large",
        one(1, units=4, unit_weight_g=100, unit_volume_ml=100),
        one(2, units=4, unit_weight_g=100, unit_volume_ml=100),
    )
    found = plan([large], limits=most)
    assert found.splits == (Split("large", (reason,)),)
    assert len(found.trips) == 2


def test_an_order_is_cut_smaller_than_needed():
    found = plan([work("large", *(one(1, 10 * n) for n in range(1, 6)))], "single", Limits(lines=2))
    assert sorted(len(trip.tasks) for trip in found.trips) == [1, 2, 2]


def test_a_line_too_large_for_a_trip_stays_behind():
    found = plan([work("large", one(1, units=11))], limits=Limits(units=4))
    assert [task.units for trip in found.trips for task in trip.tasks] == [4, 4, 3]


def test_half_an_order_is_picked_whose_other_half_nobody_can_carry():
    heavy = work("heavy", one(1), one(2, unit_weight_g=31_000))
    bulky = work("bulky", one(1, unit_volume_ml=90_001))
    found = plan([heavy, bulky, work("fine", one(3))], limits=Limits(weight_g=30_000, volume_ml=90_000))
    assert found.left_out == (LeftOut("bulky", "sku-1-50", "volume"), LeftOut("heavy", "sku-2-50", "weight"))
    assert [carried(trip) for trip in found.trips] == [{"fine"}]


def test_frozen_and_zoned_orders_are_split_without_saying_so():
    mixed = work("mixed", one(1, zone="A"), one(2, zone="B", temperature="frozen"))
    assert plan([mixed]).splits == (Split("mixed", ("handling",)),)
    assert plan([mixed], "zone").splits == (Split("mixed", ("handling", "zone")),)
    assert len(plan([mixed], "zone").trips) == 2


def test_a_queue_of_nothing_is_planned():
    assert all(plan([], method).trips == () for method in METHODS)


FINE = work("o", one(1))


@pytest.mark.parametrize(
    ("code", "ask"),
    [
        ("wave.work_twice", {"works": [FINE, FINE]}),
        ("wave.work_invalid", {"works": [work("o")]}),
        ("wave.work_invalid", {"works": [work("o", one(1, units=0))]}),
        ("wave.work_invalid", {"works": [work("o", one(1, unit_weight_g=-1))]}),
        ("wave.limits", {"works": [FINE], "limits": Limits(lines=0)}),
        ("wave.limits", {"works": [FINE], "limits": Limits(units=0)}),
        ("wave.limits", {"works": [FINE], "limits": Limits(weight_g=0)}),
        ("wave.limits", {"works": [FINE], "limits": Limits(volume_ml=0)}),
        ("wave.limits", {"works": [FINE], "limits": Limits(totes=0)}),
        ("wave.limits", {"works": [FINE], "limits": Limits(lines=TRIP_LINES_MAX + 1)}),
        ("wave.cut_off", {"works": [FINE], "method": "batch", "until_ms": 5}),
        ("wave.too_large", {"works": [work(f"o{n}", one(1)) for n in range(WORKS_MAX + 1)]}),
        ("wave.too_large", {"works": [work("o", *[one(1)] * (LINES_MAX + 1))]}),
        ("layout.cross_aisles", {"works": [FINE], "layout": Layout({1: 0}, (), DOOR, DOOR)}),
    ],
)
def test_what_can_not_be_planned_is_planned(code, ask):
    with pytest.raises(Refused) as refused:
        plan(**ask)
    assert refused.value.body.code == code


def test_a_wave_without_a_cut_off_is_planned():
    with pytest.raises(Refused, match=r"wave\.cut_off"):
        plan_wave([FINE], "wave", ROOMY, FLOOR)


def test_many_trips_take_more_than_their_share_of_the_work():
    far = Layout({n: 40 * n for n in range(9)}, (0, 100, 200), DOOR, DOOR)
    works = [work(f"o{n:03}", *(one(aisle, 10 + 17 * aisle) for aisle in range(9))) for n in range(500)]
    assert plan(works[:10], "single", layout=far).trips[0].exact
    assert not plan(works, "single", layout=far).trips[0].exact
