from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from actors.domain.bin_choice import BinContent, Pick, choose_bins

SKUS = ("a", "b", "c")
contents = st.lists(
    st.builds(
        BinContent,
        st.sampled_from([f"bin{n}" for n in range(5)]),
        st.sampled_from(SKUS),
        st.sampled_from(["l1", "l2", "l3"]),
        st.integers(-1, 8),
        st.one_of(st.none(), st.integers(10, 13)),
    ),
    max_size=14,
    unique_by=lambda content: (content.bin_id, content.sku, content.lot),
)
needs = st.dictionaries(st.sampled_from(SKUS), st.integers(1, 20), min_size=1)
days = st.one_of(st.none(), st.integers(9, 14))


def usable(content, day):
    return content.units > 0 and (day is None or content.expires_on is None or content.expires_on >= day)


def never_last(content):
    return 99 if content.expires_on is None else content.expires_on


@given(needs, contents, days)
def test_units_are_made_up_lost_or_taken_twice(need, there, day):
    choice = choose_bins(need, there, day)
    known = {(content.bin_id, content.sku, content.lot): content for content in there}
    assert len({(pick.bin_id, pick.sku, pick.lot) for pick in choice.picks}) == len(choice.picks)
    for pick in choice.picks:
        content = known[pick.bin_id, pick.sku, pick.lot]
        assert usable(content, day)
        assert 0 < pick.units <= content.units
    for sku, units in need.items():
        picked = sum(pick.units for pick in choice.picks if pick.sku == sku)
        assert picked == min(
            units, sum(content.units for content in there if content.sku == sku and usable(content, day))
        )
        assert picked + choice.missing.get(sku, 0) == units
    assert all(choice.missing.values())


@given(needs, contents, days)
def test_a_lot_is_taken_while_an_earlier_one_is_left(need, there, day):
    choice = choose_bins(need, there, day)
    taken = {(pick.bin_id, pick.sku, pick.lot): pick.units for pick in choice.picks}
    touched = [content for content in there if (content.bin_id, content.sku, content.lot) in taken]
    for earlier in there:
        left = earlier.units - taken.get((earlier.bin_id, earlier.sku, earlier.lot), 0)
        if usable(earlier, day) and left:
            assert all(never_last(content) <= never_last(earlier) for content in touched if content.sku == earlier.sku)


@given(st.integers(1, 30), contents)
def test_one_sku_is_picked_with_more_stops_than_needed(units, there):
    """Among lots of one day there is no smaller set of bins that holds enough."""
    one_day = [BinContent(c.bin_id, "a", c.lot, c.units, 12) for c in there if c.units > 0]
    merged = {(c.bin_id, c.lot): c for c in one_day}
    choice = choose_bins({"a": units}, merged.values())
    in_bin: dict[str, int] = {}
    for content in merged.values():
        in_bin[content.bin_id] = in_bin.get(content.bin_id, 0) + content.units
    wanted = min(units, sum(in_bin.values()))
    fewest = min(
        n for n in range(len(in_bin) + 1) if any(sum(map(in_bin.get, g)) >= wanted for g in combinations(in_bin, n))
    )
    assert len(choice.bins) == fewest


@given(needs, contents, days, st.randoms(use_true_random=False))
def test_the_choice_hangs_on_the_order_of_the_contents(need, there, day, rng):
    shuffled = list(there)
    rng.shuffle(shuffled)
    assert choose_bins(need, there, day) == choose_bins(dict(reversed(need.items())), shuffled, day)


def test_a_bin_where_the_picker_stops_anyway_is_passed_by():
    there = [BinContent("1", "a", "", 9), BinContent("2", "a", "", 5), BinContent("1", "b", "", 1)]
    assert choose_bins({"a": 3, "b": 1}, there).bins == {"1"}
    assert choose_bins({"a": 3}, there).bins == {"2"}  # the smaller of those that hold enough


def test_a_small_rest_stays_though_it_would_do():
    there = [BinContent("big", "a", "", 50), BinContent("small", "a", "", 4), BinContent("tiny", "a", "", 1)]
    assert choose_bins({"a": 4}, there).picks == (Pick("small", "a", "", 4),)
    assert choose_bins({"a": 53}, there).picks == (Pick("big", "a", "", 50), Pick("small", "a", "", 3))


def test_an_expired_lot_is_picked():
    there = [
        BinContent("1", "a", "old", 5, 19),
        BinContent("2", "a", "last", 1, 20),
        BinContent("3", "a", "ever", 1, None),
    ]
    choice = choose_bins({"a": 5}, there, good_on=20)
    assert choice.picks == (Pick("2", "a", "last", 1), Pick("3", "a", "ever", 1))
    assert choice.missing == {"a": 3}


def test_a_sku_that_nobody_needs_is_picked():
    assert choose_bins({"a": 1}, [BinContent("1", "b", "", 5)]) == choose_bins({"a": 1}, [])
    assert choose_bins({}, [BinContent("1", "b", "", 5)]).missing == {}
