"""Where goods may be put, of a location with bins of all kinds: the same as if somebody looked at every bin,
however many there are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.domain import location_room
from actors.domain.kind import Context
from actors.domain.location import LOCATION
from actors.domain.location_events import Bin, BinsDefined, BinsRemoved, LocationOpened
from actors.domain.location_room import Inside, ViewRoom, rooms_of
from actors.domain.location_state import Location
from actors.domain.pick_layout import Layout, Point
from actors.domain.put_away import Arrival, BinRoom, place, rank, suggest

OPENED = LocationOpened("warehouse", "Seattle", "", "US", 47.6, -122.3, "UTC")


def bin_(bin_id, use="pick", temperature="ambient", hazard="", x=0, y=0, units_max=0, volume_max=0):
    return Bin(bin_id, "A", 1, 1, 0, x, y, use, units_max, volume_max, temperature, hazard)


def building(*bins, contents=None):
    location = Location(OPENED, {}, bins={one.bin_id: one for one in bins}, contents=contents or {})
    for inside in location.contents.values():
        for (bin_id, _), units in inside.items():
            location.fill[bin_id] = location.fill.get(bin_id, 0) + units
    return location


def rooms(location, sku="x", temperature="ambient", hazard="", **more):
    view = rooms_of(location, ViewRoom("us-a", sku, temperature, hazard, **more), 7)
    return [room.bin.bin_id for room in view.same], [room.bin.bin_id for room in view.empty], view.fitting


def test_goods_are_kept_in_shelves_and_not_at_the_dock_nor_where_parcels_wait():
    uses = ("pick", "reserve", "dock", "stage", "returns")
    location = building(*(bin_(use.upper(), use) for use in uses))
    assert rooms(location, units=99) == ([], ["PICK"], 2)
    location = building(*(bin_(use.upper(), use, units_max=1) for use in uses))
    assert rooms(location, units=99) == ([], ["PICK", "RESERVE"], 2)


def test_what_must_be_cold_or_is_dangerous_lies_only_where_it_may():
    location = building(bin_("A"), bin_("C", temperature="chilled"), bin_("H", hazard="3"), bin_("G", hazard="2.1"))
    assert rooms(location)[1:] == (["A"], 1)
    assert rooms(location, temperature="chilled")[1:] == (["C"], 1)
    assert rooms(location, hazard="2.1")[1:] == (["G"], 1)
    assert rooms(location, hazard="9") == ([], [], 0)


def test_of_another_lot_or_without_room_a_bin_is_no_place():
    contents = {"x": {("A", "l"): 3, ("B", "other"): 1, ("C", "l"): 5}}
    location = building(bin_("A"), bin_("B"), bin_("C", units_max=5), bin_("D"), contents=contents)
    assert rooms(location, lot="l") == (["A"], ["D"], 4)


def test_of_a_bin_whose_volume_has_an_end_all_is_told_that_lies_there():
    contents = {"x": {("A", ""): 3, ("B", ""): 1}, "y": {("A", ""): 4}}
    view = rooms_of(
        building(bin_("A", volume_max=9), bin_("B"), contents=contents), ViewRoom("us-a", "x", "ambient", ""), 7
    )
    assert [(room.units, room.inside) for room in view.same] == [(7, [Inside("x", "", 3), Inside("y", "", 4)]), (1, [])]


def test_bins_that_come_or_go_are_not_seen():
    location, context = building(bin_("A", x=5)), Context("us-a", "c", 0)
    assert rooms(location)[1] == ["A"]
    location = LOCATION.evolve(location, BinsDefined([bin_("B", x=1)]), context)
    assert rooms(location)[1] == ["B"]
    location = LOCATION.evolve(location, BinsDefined([bin_("B", x=9)]), context)
    assert rooms(location)[1] == ["A"]
    location = LOCATION.evolve(location, BinsRemoved(["A"]), context)
    assert rooms(location)[1] == ["B"]
    location = LOCATION.evolve(location, BinsDefined([bin_("D", "dock", x=9), bin_("C", x=1)]), context)
    assert rooms(location)[1] == ["B"]


def test_very_many_units_are_told_in_parts(monkeypatch):
    monkeypatch.setattr(location_room, "EMPTY_MAX", 2)
    location = building(*(bin_(name, units_max=1) for name in "ABCD"))
    view = rooms_of(location, ViewRoom("us-a", "x", "ambient", "", units=9), 7)
    assert ([room.bin.bin_id for room in view.empty], view.more) == (["A", "B"], True)
    told = place(
        Arrival("x", "", 9), [], [BinRoom.of(room.bin, room.units) for room in view.empty], fitting=4, more=True
    )
    assert [(one.bin_id, one.units, one.reason) for one in told] == [
        ("A", 1, "by_demand"), ("B", 1, "by_demand"), ("", 7, "ask_again"),
    ]  # fmt: skip
    view = rooms_of(location, ViewRoom("us-a", "x", "ambient", "", units=2), 7)
    assert (len(view.empty), view.more) == (2, False)


def test_of_very_many_bins_with_the_same_the_nearest_are_told(monkeypatch):
    monkeypatch.setattr(location_room, "SAME_MAX", 2)
    contents = {"x": {(name, ""): 1 for name in "ABCD"}}
    location = building(*(bin_(name, x=9 - at) for at, name in enumerate("ABCD")), contents=contents)
    assert rooms(location)[0] == ["D", "C"]


SKUS, LOTS = ("x", "y", "z"), ("", "l")
bins_drawn = st.lists(
    st.builds(
        bin_, st.integers(0, 30).map(lambda n: f"B{n:02}"), st.sampled_from(["pick", "reserve", "dock", "stage"]),
        st.sampled_from(["ambient", "ambient", "chilled"]), st.sampled_from(["", "", "3"]), st.integers(-5, 5), st.integers(-5, 5),
        st.sampled_from([0, 2, 5]), st.sampled_from([0, 0, 30]),
    ),
    max_size=25, unique_by=lambda one: one.bin_id,
)  # fmt: skip


@given(bins_drawn, st.data())
def test_looking_at_a_few_finds_another_place_than_looking_at_all(bins, data):
    contents = {}
    for one in bins:
        for _ in range(data.draw(st.sampled_from([0, 0, 0, 1, 2]))):
            sku, lot = data.draw(st.sampled_from(SKUS)), data.draw(st.sampled_from(LOTS))
            contents.setdefault(sku, {})[one.bin_id, lot] = data.draw(st.integers(1, 3))
    location = building(*bins, contents=contents)
    volumes = {"x": 10, "y": 7, "z": 0}
    arrival = Arrival(
        data.draw(st.sampled_from(SKUS)), data.draw(st.sampled_from(LOTS)), data.draw(st.integers(1, 30)), 0,
        data.draw(st.sampled_from(["ambient", "chilled"])), data.draw(st.sampled_from(["", "3"])),
    )  # fmt: skip
    arrival = Arrival(
        arrival.sku, arrival.lot, arrival.units, volumes[arrival.sku], arrival.temperature, arrival.hazard
    )
    picks = data.draw(st.dictionaries(st.sampled_from(SKUS), st.integers(0, 3)))

    inside = {one.bin_id: [] for one in bins}
    for sku, spots in contents.items():
        for (bin_id, lot), units in spots.items():
            inside[bin_id].append((sku, lot, units))

    def whole(one):
        volume = sum(units * volumes[sku] for sku, _, units in inside[one.bin_id])
        holds = tuple((sku, lot) for sku, lot, _ in inside[one.bin_id])
        return BinRoom.of(one, location.fill.get(one.bin_id, 0), volume, holds)

    docks = sorted((one for one in bins if one.use == "dock"), key=lambda one: one.bin_id)
    dock = Point(docks[0].x_dm, docks[0].y_dm) if docks else Point(0, 0)
    everything = [whole(one) for one in bins if one.use in ("pick", "reserve")]
    expected = suggest([arrival], everything, Layout({}, (), dock, dock), picks)

    at, of = rank(picks, arrival.sku)
    query = ViewRoom(
        "us-a",
        arrival.sku,
        arrival.temperature,
        arrival.hazard,
        arrival.lot,
        arrival.units,
        arrival.unit_volume_ml,
        at,
        of,
    )
    view = rooms_of(location, query, 1)

    def told(room):
        volume = sum(one.units * volumes[one.sku] for one in room.inside)
        return BinRoom.of(room.bin, room.units, volume, tuple((one.sku, one.lot) for one in room.inside))

    found = place(arrival, map(told, view.same), map(told, view.empty), fitting=view.fitting, more=view.more)
    assert found == expected


@pytest.mark.parametrize(("picks", "expected"), [({}, (0, 1)), ({"x": 3, "y": 5, "z": 3}, (1, 3)), ({"y": 5}, (1, 1))])
def test_a_sku_is_ranked_by_those_that_are_picked_more_often(picks, expected):
    assert rank(picks, "x") == expected
