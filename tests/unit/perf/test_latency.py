import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.latency import percentile


@pytest.mark.parametrize(
    ("percent", "expected"), [(0, 1), (1, 1), (50, 50), (95, 95), (99, 99), (99.5, 100), (100, 100)]
)
def test_percentiles_of_a_hundred_values_are_the_nearest_rank(percent: float, expected: int) -> None:
    assert percentile(range(1, 101), percent) == expected


def test_one_slow_request_of_three_shows_in_the_tail_only() -> None:
    assert percentile([1.0, 2.0, 900.0], 50) == 2.0
    assert percentile([1.0, 2.0, 900.0], 95) == 900.0


def test_no_values_give_zero_and_not_a_crash() -> None:
    assert percentile([], 99) == 0.0


@pytest.mark.parametrize("percent", [-1, 100.1])
def test_a_percentile_outside_its_range_is_refused(percent: float) -> None:
    with pytest.raises(ValueError, match=r"0\.\.100"):
        percentile([1.0], percent)


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 100))
def test_at_least_that_share_of_values_lies_at_or_below(values: list[float], percent: float) -> None:
    found = percentile(sorted(values), percent)
    assert found in values
    below = sum(value <= found for value in values)
    assert below * 100 >= percent * len(values) * (1 - 1e-12)
