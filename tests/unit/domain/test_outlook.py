"""How long stock lasts: what is known of it is told on the safe side, and not at all where nothing is known."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.domain.outlook import (
    ENDS_MAX,
    FOR_EVER_DAYS,
    NOTHING,
    DemandRate,
    Outlook,
    decoded,
    encoded,
    ends_of,
    good_for,
    unsold_share,
    weeks_of_supply,
)

ONE_A_DAY = DemandRate(1_000, 0, 89)
TODAY = 20_000


def outlook(*ends, rate=ONE_A_DAY):
    return Outlook(rate, tuple((TODAY + days, units) for days, units in ends))


def test_weeks_are_days_or_thousandths():
    assert weeks_of_supply(21, ONE_A_DAY) == 3.0
    assert weeks_of_supply(1, DemandRate(1, 0, 0)) == pytest.approx(1_000 / 7)
    assert weeks_of_supply(0, ONE_A_DAY) == 0.0


@pytest.mark.parametrize(
    ("ends", "free", "share"),
    [
        ([], 10, 0.0),
        ([(10, 10)], 10, 0.0),
        ([(4, 10)], 10, 0.6),
        # What does not end is sold later: it takes nothing from those that do.
        ([(4, 10)], 60, 0.1),
        # 4 of the first are sold by day 4, 3 more of the second by day 7.
        ([(4, 10), (7, 10)], 20, 0.65),
        # The last day of the first is today: nothing of it is sold any more, and the second has its five days.
        ([(0, 3), (5, 5)], 8, 0.375),
        ([(-2, 3)], 3, 1.0),
        ([(4, 10)], 0, 0.0),
    ],
)
def test_what_is_sold_soonest_is_not_what_ends_soonest(ends, free, share):
    assert unsold_share(outlook(*ends), free, TODAY) == pytest.approx(share)


def test_a_risk_is_told_though_nobody_knows_demand():
    assert unsold_share(outlook((1, 10), rate=None), 10, TODAY) == 0.0


@pytest.mark.parametrize(
    ("ends", "free", "days", "told"),
    [
        ([], 4, 30, (4, FOR_EVER_DAYS)),
        ([(5, 3), (40, 4)], 9, 0, (9, 5)),
        ([(5, 3), (40, 4)], 9, 5, (9, 5)),
        ([(5, 3), (40, 4)], 9, 6, (6, 40)),
        ([(5, 3), (40, 4)], 9, 41, (2, FOR_EVER_DAYS)),
        ([(5, 3), (40, 4)], 7, 41, (0, 40)),
        ([(-3, 3)], 3, 0, (0, 0)),
    ],
)
def test_units_count_that_are_not_good_for_long_enough(ends, free, days, told):
    assert good_for(outlook(*ends), free, TODAY, days) == told


def test_rows_of_before_or_of_skus_of_which_nothing_is_known_say_something():
    assert decoded(b"") == NOTHING
    told = Outlook(DemandRate(1_500, 1, 2, "measured"), ((3, 4),))
    assert decoded(encoded(told)) == told


def test_units_of_neighbouring_days_are_told_to_end_on_the_later_one():
    told = ends_of({TODAY + day: 1 for day in (1, 2, 3, 10, 11, 30, 60, 90, 300)})
    # Some of the first three are good for longer, and nobody is told so.
    assert told == tuple((TODAY + day, n) for day, n in ((1, 2), (3, 1), (10, 2), (30, 1), (60, 1), (90, 1), (300, 1)))


ENDS = st.dictionaries(st.integers(-5, 900).map(lambda days: TODAY + days), st.integers(1, 50), min_size=7, max_size=40)


@given(ENDS, st.integers(0, 30), st.integers(1, 5_000), st.integers(0, 400))
@settings(max_examples=40)
def test_of_many_days_more_is_promised_or_less_is_at_risk_than_is(units, never, milli, days):
    exact, told = Outlook(DemandRate(milli, 0, 0), tuple(sorted(units.items()))), ends_of(units)
    free = never + sum(units.values())
    assert len(told) <= ENDS_MAX
    assert sum(n for _, n in told) == sum(units.values())
    merged = msgspec.structs.replace(exact, ends=told)
    assert good_for(merged, free, TODAY, days)[0] <= good_for(exact, free, TODAY, days)[0]
    assert unsold_share(merged, free, TODAY) >= unsold_share(exact, free, TODAY) - 1e-9
    if len(units) <= ENDS_MAX:
        assert merged == exact
