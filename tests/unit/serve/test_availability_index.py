import msgspec
import pytest

from actors.domain.allocation import plan
from actors.domain.geography import distance_km
from actors.domain.order_evolve import RETRY_PLACES_MAX
from actors.domain.rows import LocationRow, SkuRow, StockRow
from serve.availability.index import ANSWER_BYTES_MAX, ANSWERS_MAX, CANDIDATES_MAX, FRAGMENTS_MAX, AvailabilityIndex
from serve.availability.keepers import SCARCE_MAX
from serve.availability.places import ENTRIES_MAX, VIEWPOINTS_MAX
from serve.availability.stock import SkuStock


def place(name: str, lat: float, lon: float, country: str = "US", version: int = 1) -> LocationRow:
    return LocationRow(name, version, "warehouse", name, "", country, lat, lon, "UTC")


@pytest.fixture
def index() -> AvailabilityIndex:
    made = AvailabilityIndex("us", 40.0, -98.0)
    made.rows([place("us-a", 40.0, -98.0), place("us-b", 41.0, -98.0), place("us-c", 50.0, -98.0, "CA")])
    return made


def read(index: AvailabilityIndex, sku: str, lat: float, lon: float, limit: int = 10):
    return msgspec.json.decode(index.encoded(sku, index.places.seen_from(lat, lon), limit))


def test_safety_stock_and_reserved_units_are_not_offered(index):
    index.rows([StockRow("us-a", "x", 10, 3, 2), StockRow("us-b", "x", 5, 3, 4)])
    assert read(index, "x", 40, -98) == {
        "sku": "x", "available": 5, "locations": [{"location_id": "us-a", "available": 5, "distance_km": 0}],
    }  # fmt: skip


def test_a_changed_row_replaces_the_remembered_answer(index):
    index.rows([StockRow("us-a", "x", 10, 0, 0)])
    assert read(index, "x", 40, -98)["available"] == 10
    index.rows([StockRow("us-a", "x", 10, 4, 0)])
    assert read(index, "x", 40, -98)["available"] == 6
    index.rows([StockRow("us-a", "x", 10, 10, 0)])
    assert read(index, "x", 40, -98) == {"sku": "x", "available": 0, "locations": []}


def test_a_place_that_moves_is_ordered_anew(index):
    index.rows([StockRow("us-a", "x", 1, 0, 0), StockRow("us-c", "x", 1, 0, 0)])
    assert [at["location_id"] for at in read(index, "x", 40, -98)["locations"]] == ["us-a", "us-c"]
    index.rows([place("us-c", 40.0, -98.1, version=2), place("us-a", 60.0, -98.0, version=2)])
    assert [at["location_id"] for at in read(index, "x", 40, -98)["locations"]] == ["us-c", "us-a"]


def test_an_older_row_of_a_place_is_ignored(index):
    index.rows([place("us-a", 45.0, -98.0, version=5), place("us-a", 40.0, -98.0, version=4)])
    assert next(row.lat for row in index.places.all() if row.location_id == "us-a") == 45.0


def test_stock_of_a_place_that_is_not_known_yet_does_not_break_the_answer(index):
    index.rows([StockRow("us-z", "x", 7, 0, 0)])
    assert read(index, "x", 40, -98) == {"sku": "x", "available": 7, "locations": []}


def test_candidates_come_nearest_first_and_only_where_there_is_something(index):
    index.rows([StockRow("us-c", "x", 5, 0, 0), StockRow("us-b", "x", 5, 0, 0), StockRow("us-a", "y", 5, 0, 0)])
    found = index.candidates({"x": 5}, index.places.seen_from(40, -98))
    assert [(at.location_id, at.available) for at in found] == [("us-b", {"x": 5}), ("us-c", {"x": 5})]


def test_without_a_point_the_own_country_serves_first(index):
    index.rows([StockRow(name, "x", 5, 0, 0) for name in ("us-a", "us-b", "us-c")])
    found = index.candidates({"x": 1}, index.places.seen_from_country("CA"))
    assert [at.location_id for at in found] == ["us-c", "us-a", "us-b"]


def test_a_backorder_learns_of_places_to_ask_again(index):
    index.rows([StockRow("us-a", "x", 1, 0, 0)])
    found = index.candidates({"x": 5}, index.places.seen_from(40, -98))
    assert [(at.location_id, at.available) for at in found] == [("us-a", {"x": 1}), ("us-b", {}), ("us-c", {})]


def test_a_far_place_that_has_all_is_not_crowded_out_by_near_ones_that_have_some():
    index = AvailabilityIndex("us", 0, 0)
    near = [f"us-n{number:02}" for number in range(20)]
    index.rows([place(name, number / 10, 0) for number, name in enumerate(near)] + [place("us-far", 60, 0)])
    index.rows([StockRow(name, "x", 1, 0, 0) for name in near])
    index.rows([StockRow("us-far", "x", 50, 0, 0), StockRow("us-far", "y", 50, 0, 0)])
    found = index.candidates({"x": 3, "y": 1}, index.places.seen_from(0, 0))
    assert len(found) == CANDIDATES_MAX
    assert found[0].location_id == "us-n00"
    assert found[-1].location_id == "us-far"


def region_of(places: int, *stock: tuple[str, str, int]) -> AvailabilityIndex:
    """us-p-00, us-p-01, … each farther from (0, 0) than the one before, with these units of these SKUs."""
    index = AvailabilityIndex("us", 0.0, 0.0)
    index.rows([place(f"us-p-{number:02}", number / 4, 0) for number in range(places)])
    index.rows([StockRow(name, sku, units, 0, 0) for name, sku, units in stock])
    return index


def waited_at(index: AvailabilityIndex, **need: int) -> list[str]:
    """The places at which an order waits for what it lacks: the first few of those that it was given."""
    return [at.location_id for at in index.candidates(need, index.places.seen_from(0, 0))][:RETRY_PLACES_MAX]


def test_an_order_waits_at_the_nearest_places_though_only_a_far_one_keeps_the_goods():
    index = region_of(40, ("us-p-39", "x", 1))
    assert waited_at(index, x=1)[0] == "us-p-39"
    index.rows([StockRow("us-p-39", "x", 1, 1, 0)])
    assert waited_at(index, x=1)[0] == "us-p-39"


def test_a_place_that_never_told_of_the_goods_is_not_waited_at_where_nobody_did():
    assert waited_at(region_of(40), x=1) == [f"us-p-{number:02}" for number in range(RETRY_PLACES_MAX)]


def test_new_goods_come_to_a_warehouse_and_the_order_waits_at_stores():
    index = region_of(40)
    stores = [
        msgspec.structs.replace(place(f"us-s-{number:02}", number / 100, 0), type="store") for number in range(12)
    ]
    index.rows(stores)
    assert waited_at(index, x=1) == [f"us-p-{number:02}" for number in range(RETRY_PLACES_MAX)]
    index.rows([StockRow("us-s-11", "x", 0, 0, 0)])
    assert waited_at(index, x=1)[0] == "us-s-11"


def test_those_who_have_another_sku_leave_no_room_for_who_keeps_what_is_missing():
    index = region_of(40, *((f"us-p-{number:02}", "x", 9) for number in range(20)), ("us-p-38", "y", 0))
    waited = waited_at(index, x=1, y=1)
    assert "us-p-38" in waited
    assert "us-p-00" in waited
    found = index.candidates({"x": 1, "y": 1}, index.places.seen_from(0, 0))
    assert sum("x" in at.available for at in found) == CANDIDATES_MAX


def test_the_keepers_of_one_sku_leave_no_room_for_those_of_another():
    keepers = [(f"us-p-{number:02}", "x", 0) for number in range(10, 30)]
    waited = waited_at(region_of(40, *keepers, ("us-p-38", "y", 0), ("us-p-39", "z", 0)), x=1, y=1, z=1)
    assert waited[:3] == ["us-p-10", "us-p-38", "us-p-39"]


def test_an_order_that_loses_the_last_unit_to_another_waits_at_that_place_alone():
    index = region_of(40, ("us-p-01", "x", 1), ("us-p-35", "x", 0))
    assert waited_at(index, x=1) == ["us-p-01", "us-p-35"]


def test_who_had_some_and_has_none_is_told_as_one_that_has():
    index = region_of(3, ("us-p-01", "x", 0), ("us-p-02", "x", 4))
    found = index.candidates({"x": 2}, index.places.seen_from(0, 0))
    assert [(at.location_id, at.available) for at in found] == [("us-p-02", {"x": 4}), ("us-p-01", {})]
    index.rows([StockRow("us-p-01", "x", 5, 0, 0)])
    found = index.candidates({"x": 2}, index.places.seen_from(0, 0))
    assert [(at.location_id, at.available) for at in found] == [("us-p-01", {"x": 5}), ("us-p-02", {"x": 4})]


def test_a_far_keeper_of_what_is_missing_serves_what_nearer_ones_have():
    having = [(f"us-p-{number:02}", "a", 1) for number in range(4, 20)]
    index = region_of(60, ("us-p-00", "x", 1), *having, ("us-p-59", "a", 9), ("us-p-59", "b", 0))
    need = {"x": 1, "a": 1, "b": 1}
    found = index.candidates(need, index.places.seen_from(0, 0))
    assert "us-p-59" in [at.location_id for at in found[:RETRY_PLACES_MAX]]
    assert plan(need, found) == [("us-p-00", {"x": 1}), ("us-p-04", {"a": 1})]


def test_all_places_are_looked_at_again_for_each_order_and_each_of_its_skus(monkeypatch):
    skus = [f"s{number}" for number in range(100)]
    index = region_of(40, *((f"us-p-{number:02}", sku, 0) for number in range(40) for sku in skus))
    walked, kept_at = [], SkuStock.kept_at
    monkeypatch.setattr(SkuStock, "kept_at", lambda stock: walked.append(stock) or kept_at(stock))
    for _ in range(3):
        assert len(index.candidates(dict.fromkeys(skus, 1), index.places.seen_from(0, 0))) == CANDIDATES_MAX
    assert len(walked) == SCARCE_MAX
    # Another place begins to keep one of them.
    index.rows([place("us-near", 0.01, 0), StockRow("us-near", "s0", 0, 0, 0)])
    assert "us-near" in waited_at(index, **dict.fromkeys(skus, 1))


def test_views_and_remembered_answers_are_bounded(index):
    index.rows([StockRow("us-a", "x", 1, 0, 0)])
    for step in range(VIEWPOINTS_MAX + 500):
        index.places.seen_from(-90 + step % 1800 / 10, step // 1800)
    assert len(index.places._viewpoints) == VIEWPOINTS_MAX


def test_the_views_of_many_places_take_ever_more_memory(index):
    index.rows([place(f"us-{number}", 40.0, -98.0) for number in range(997)])
    for step in range(ENTRIES_MAX // 1_000 + 100):
        index.places.seen_from(step / 10, 0.0)
    assert len(index.places._viewpoints) == ENTRIES_MAX // 1_000
    view = index.places.seen_from(0, 0)
    for limit in range(FRAGMENTS_MAX + 500):
        index.encoded("x", view, limit)
    assert len(index._fragments) == FRAGMENTS_MAX


def test_a_kept_answer_is_given_until_something_that_it_was_made_of_changes(index):
    index.rows([StockRow("us-a", "x", 1, 0, 0), StockRow("us-a", "y", 1, 0, 0), StockRow("us-a", "z", 1, 0, 0)])
    changes = [StockRow("us-a", "y", 1, 1, 0), StockRow("us-b", "x", 2, 0, 0), place("us-b", 45.0, -98.0, version=2)]
    for change in changes:
        index.keep(b"q", ["x", "y"], b"answer")
        assert index.kept(b"q") == b"answer"
        index.rows([StockRow("us-a", "z", 1, 1, 0)])
        assert index.kept(b"q") == b"answer"
        index.rows([change])
        assert index.kept(b"q") is None


def test_an_answer_about_a_sku_without_stock_is_not_kept_past_its_first_receipt(index):
    index.rows([SkuRow("us-catalogue", "new", "NEW", 1)])
    index.keep(b"q", ["new"], b"nothing there")
    index.rows([StockRow("us-a", "new", 5, 0, 0)])
    assert index.kept(b"q") is None


def test_kept_answers_are_bounded_in_number_and_size(index):
    index.rows([StockRow("us-a", "x", 1, 0, 0)])
    for number in range(ANSWERS_MAX + 10):
        index.keep(b"%d" % number, ["x"], b"")
    assert len(index._answers) == ANSWERS_MAX
    index.keep(b"large", ["x"], b"-" * ANSWER_BYTES_MAX)
    assert index.kept(b"large") is None


def test_catalogue_pages_meet_each_sku_once(index):
    skus = [f"s{number:03}" for number in range(25)]
    index.rows([SkuRow("us-catalogue", sku, sku.upper(), 1) for sku in reversed(skus)])
    index.rows([SkuRow("us-catalogue", "s003", "again", 2)])
    seen, after, more = [], "", True
    while more:
        page, more = index.page_of_skus(after, 10)
        seen += page
        after = page[-1][0]
    assert [sku for sku, _ in seen] == skus
    assert dict(seen)["s003"] == "again"


def test_distance_is_the_great_circle():
    # Seattle-Tacoma to Newark, 3,862 km by airport tables; the sphere is within half a per cent.
    assert distance_km(47.449, -122.309, 40.6925, -74.1687) == pytest.approx(3862, rel=0.005)
