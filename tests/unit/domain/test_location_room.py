"""Where goods may be put, of a location with bins of all kinds."""

from actors.domain import location_room
from actors.domain.location_events import Bin, LocationOpened
from actors.domain.location_room import Inside, ViewRoom, rooms_of
from actors.domain.location_state import Location

OPENED = LocationOpened("warehouse", "Seattle", "", "US", 47.6, -122.3, "UTC")


def bin_(bin_id, use="pick", temperature="ambient", hazard=""):
    return Bin(bin_id, "A", 1, 1, 0, 0, 0, use, 0, 0, temperature, hazard)


def place(*bins, contents=None):
    location = Location(OPENED, {}, bins={one.bin_id: one for one in bins}, contents=contents or {})
    for inside in location.contents.values():
        for (bin_id, _), units in inside.items():
            location.fill[bin_id] = location.fill.get(bin_id, 0) + units
    return location


def rooms(location, sku="x", temperature="ambient", hazard=""):
    view = rooms_of(location, ViewRoom("us-a", sku, temperature, hazard), 7)
    return view.dock, [(room.bin.bin_id, room.units, room.inside) for room in view.rooms]


def test_goods_are_kept_in_shelves_and_not_at_the_dock_nor_where_parcels_wait():
    uses = ("pick", "reserve", "dock", "stage", "returns")
    location = place(*(bin_(use.upper(), use) for use in uses))
    dock, found = rooms(location)
    assert [name for name, _, _ in found] == ["PICK", "RESERVE"]
    assert dock is not None
    assert dock.bin_id == "DOCK"
    assert rooms(place(bin_("A")))[0] is None


def test_what_must_be_cold_or_is_dangerous_lies_only_where_it_may():
    location = place(bin_("A"), bin_("C", temperature="chilled"), bin_("H", hazard="3"), bin_("G", hazard="2.1"))
    assert [name for name, _, _ in rooms(location)[1]] == ["A"]
    assert [name for name, _, _ in rooms(location, temperature="chilled")[1]] == ["C"]
    assert [name for name, _, _ in rooms(location, hazard="2.1")[1]] == ["G"]


def test_of_the_bins_of_the_sku_all_is_told_that_lies_there_and_of_others_how_much():
    contents = {"x": {("A", "l"): 3}, "y": {("A", ""): 4, ("B", ""): 5}}
    _, found = rooms(place(bin_("B"), bin_("A"), bin_("C"), contents=contents))
    assert found == [("A", 7, [Inside("x", "l", 3), Inside("y", "", 4)]), ("B", 5, []), ("C", 0, [])]


def test_of_too_many_bins_those_with_the_sku_come_first_and_full_ones_not_at_all(monkeypatch):
    monkeypatch.setattr(location_room, "ROOMS_MAX", 3)
    contents = {"x": {("Z", ""): 1}, "y": {("A", ""): 4}}
    _, found = rooms(place(*map(bin_, "ABCDEZ"), contents=contents))
    assert [name for name, _, _ in found] == ["B", "C", "Z"]
