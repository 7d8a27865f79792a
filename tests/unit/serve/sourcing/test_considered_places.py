"""Which places are looked at where there are more than can be: never too many, and never without
the ones that it hangs on."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.domain import sourcing_size
from actors.domain.allocation import need_of
from actors.domain.article import Details
from actors.domain.article import encoded as details_row
from actors.domain.location_profile import Profile
from actors.domain.order_evolve import RETRY_PLACES_MAX
from actors.domain.order_state import Line
from actors.domain.outlook import Outlook
from actors.domain.outlook import encoded as outlook_row
from actors.domain.rows import LocationRow, SkuRow, StockRow
from actors.domain.rows_of_sourcing import profile_row
from actors.domain.sourcing_policy import Costs, Policy
from actors.domain.sourcing_size import CELLS_MAX, CONSIDERED_MAX, GREEDY_SKUS
from actors.domain.times import DAY_MS
from serve.availability.index import AvailabilityIndex
from serve.orders.sourcing import Sourcing

NOW_MS = 1_767_225_600_000


def index_of(*stocks: dict[str, int]) -> AvailabilityIndex:
    """Places p-000, p-001, … each farther from (0, 0) than the one before, with that stock."""
    index = AvailabilityIndex("us", 0.0, 0.0)
    rows = [SkuRow("c", sku, "", 1) for sku in sorted({sku for stock in stocks for sku in stock})]
    for number, stock in enumerate(stocks):
        name = f"us-p-{number:03}"
        rows.append(LocationRow(name, 1, "warehouse", name, "", "US", 0.0, number / 4, "UTC"))
        rows += [StockRow(name, sku, units, 0, 0) for sku, units in stock.items()]
    index.rows(rows)
    # What a parcel costs more from afar, and for each place more, is left out: as much as possible is to be served.
    index.steering.begin(Policy(costs=Costs(per_100_km_minor=0, split_minor=0, cut_minor=0)), "USD")
    return index


def proposed(index: AvailabilityIndex, **need: int):
    lines = [Line(sku, units, 0) for sku, units in need.items()]
    return Sourcing(index).proposal(lines, index.places.seen_from(0, 0), "US", "online", "USD", NOW_MS)


def test_what_only_a_far_place_has_is_backordered():
    index = index_of(*({"a": 1} for _ in range(150)), {"b": 9})
    proposal = proposed(index, a=1, b=2)
    assert ("us-p-150", {"b": 2}) in proposal.plan
    assert not proposal.decision.backordered()
    assert proposal.decision.considered == CONSIDERED_MAX


def test_an_order_waits_where_what_it_lacks_never_comes():
    index = index_of(*({"a": 1} for _ in range(150)), {"b": 0})
    proposal = proposed(index, a=1, b=2)
    assert proposal.decision.backordered() == {"b": 2}
    assert "us-p-150" in [place.location_id for place in proposal.known[:RETRY_PLACES_MAX]]
    assert proposal.plan == [("us-p-000", {"a": 1})]


def test_an_order_waits_where_what_it_lacks_may_never_be_served_from():
    index = index_of(*({"a": 1} for _ in range(150)), {"b": 0, "a": 0}, {"b": 0})
    index.rows([SkuRow("c", "a", "", 2, details=details_row(Details(hazard_class="3")))])
    for name, profile in (("us-p-150", Profile(hazard_classes=("8",))), ("us-p-151", Profile(ships=False))):
        index.rows([profile_row(name, 1, profile, None)])
    proposal = proposed(index, a=1, b=2)
    assert proposal.barred == {"us-p-150": ["a"]}
    places = [place.location_id for place in proposal.known]
    assert "us-p-150" in places[:RETRY_PLACES_MAX]
    assert "us-p-151" not in places


def test_the_one_place_with_everything_is_too_far_to_be_seen():
    index = index_of(*({"a": 5} for _ in range(100)), *({"b": 5} for _ in range(100)), {"a": 5, "b": 5})
    assert proposed(index, a=5, b=5).decision.whole == 1


def test_the_one_place_whose_lots_are_good_for_long_enough_is_too_far_to_be_seen():
    index = index_of(*({"m": 5} for _ in range(150)), {"m": 5})
    short, goods = Outlook(None, ((NOW_MS // DAY_MS + 3, 5),)), Details(tracking="lot", expires=True, min_life_days=9)
    index.rows([StockRow(f"us-p-{n:03}", "m", 5, 0, 0, outlook=outlook_row(short)) for n in range(150)])
    index.rows([SkuRow("c", "m", "", 2, details_row(goods))])
    proposal = proposed(index, m=4)
    assert proposal.plan == [("us-p-150", {"m": 4})]
    assert proposal.decision.considered == CONSIDERED_MAX
    assert {code for one in proposal.decision.seen for code in one.codes()} == {"shelf_life"}


def test_a_near_place_without_stock_is_not_told_of():
    proposal = proposed(index_of({}, {"a": 5}, {}), a=1)
    seen = {one.location_id: one.codes() for one in proposal.decision.seen}
    assert seen == {"us-p-000": ["no_stock"], "us-p-001": [], "us-p-002": ["no_stock"]}
    assert [place.location_id for place in proposal.places] == ["us-p-001"]


def test_a_backorder_has_nobody_to_ask_later():
    proposal = proposed(index_of({}, {"a": 1}, {}), a=3)
    assert [(place.location_id, place.available) for place in proposal.places] == [
        ("us-p-001", {"a": 1}), ("us-p-000", {}), ("us-p-002", {}),
    ]  # fmt: skip


def many(number: int) -> dict[str, int]:
    return {f"s{at:04}": 1 for at in range(number)}


def test_a_large_order_takes_ever_longer():
    skus = many(GREEDY_SKUS - 1)
    proposal = proposed(index_of(*([skus] * 60)), **skus)
    assert proposal.decision.considered == CELLS_MAX // len(skus)
    assert [place for place, _ in proposal.plan] == ["us-p-000"]


@pytest.mark.parametrize(("number", "places", "exact"), [(GREEDY_SKUS, 40, True), (400, 4, False), (1_500, 4, False)])
def test_an_order_of_hundreds_of_skus_holds_everybody_up_or_follows_no_policy(number, places, exact, monkeypatch):
    def never(*args):
        raise AssertionError("the best is searched for")

    monkeypatch.setattr(sourcing_size, "solve", never)
    skus = many(number)
    proposal = proposed(index_of(*([skus] * 60)), **skus)
    assert (proposal.decision.considered, proposal.decision.exact) == (places, exact)
    assert [place for place, _ in proposal.plan] == ["us-p-000"]


def test_a_sku_on_many_lines_counts_as_many():
    lines = [Line("a", 1, 0)] * GREEDY_SKUS
    index = index_of({"a": 100})
    proposal = Sourcing(index).proposal(lines, index.places.seen_from(0, 0), "US", "online", "USD", NOW_MS)
    assert proposal is not None
    assert proposal.plan == [("us-p-000", {"a": GREEDY_SKUS})]


STOCK = st.dictionaries(st.sampled_from("ab"), st.integers(1, 4))


@given(st.lists(STOCK, min_size=1, max_size=140), st.dictionaries(st.sampled_from("ab"), st.integers(1, 6), min_size=1))
@settings(max_examples=40, deadline=None)
def test_a_place_with_all_that_is_wanted_is_overlooked_or_more_is_asked_than_seen(stocks, need):
    """Against the plain rule: whoever has everything alone may serve it; a plan asks of nobody more than he has."""
    index = index_of(*stocks)
    lines = [Line(sku, units, 0) for sku, units in need.items()]
    wanted = need_of((line.sku, line.quantity) for line in lines)
    proposal = proposed(index, **need)
    assert proposal.decision.considered <= CONSIDERED_MAX
    alone = [stock for stock in stocks if all(stock.get(sku, 0) >= units for sku, units in wanted.items())]
    assert bool(proposal.decision.whole) == bool(alone)
    if alone:
        assert not proposal.decision.backordered()
    for place, part in proposal.plan:
        stock = stocks[int(place.removeprefix("us-p-"))]
        assert all(stock[sku] >= units for sku, units in part.items())
    served = need_of((sku, units) for _, part in proposal.plan for sku, units in part.items())
    assert {sku: units - served.get(sku, 0) for sku, units in wanted.items() if units > served.get(sku, 0)} == (
        proposal.decision.backordered()
    )
