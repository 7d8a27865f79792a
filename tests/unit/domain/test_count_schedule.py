"""What is due to be counted: by example, and what must hold whatever moved."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actors.domain.count_schedule import A_SHARE, B_SHARE, INTERVAL_DAYS, Movement, classes_of, due, values_of
from actors.domain.times import DAY_MS

NOW_MS = 1_767_225_600_000


def ago(days: int) -> int:
    return NOW_MS - days * DAY_MS


def test_what_makes_up_most_of_the_value_is_of_a_lower_class():
    values = {"a": 79.0, "b": 2.0, "c": 13.0, "d": 3.0, "e": 3.0, "f": 0.0}
    # 79 are before the second, 92 before the third, 95 and 98 before the next.
    assert classes_of(values) == {"a": "A", "c": "A", "d": "B", "e": "C", "b": "C", "f": "C"}
    assert classes_of({"a": 0.0, "b": 0.0}) == {"a": "C", "b": "C"}
    assert classes_of({}) == {}


def test_units_of_unknown_cost_count_as_nothing_or_cents_as_much_as_dollars():
    movements = [Movement("a", 10, 500, None), Movement("b", 10, 100, None), Movement("c", 10, None, None)]
    assert values_of(movements) == {"a": 5000, "b": 1000, "c": 3000}
    assert values_of([Movement("a", 10, None, None), Movement("b", 4, None, None)]) == {"a": 10, "b": 4}


def test_what_was_counted_lately_is_due_or_what_is_late_waits_behind_it():
    movements = [
        Movement("hot", 1000, 10, ago(31)),
        Movement("hot-and-counted", 900, 10, ago(29)),
        Movement("slow", 1, 10, ago(366)),
        Movement("slow-and-counted", 1, 10, ago(364)),
        Movement("never", 0, 10, None),
        Movement("never-but-hot", 800, 10, None),
    ]
    found = due(movements, NOW_MS)
    assert [(one.sku, one.abc) for one in found] == [
        ("never-but-hot", "A"), ("never", "C"), ("hot", "A"), ("slow", "C"),
    ]  # fmt: skip
    assert [one.due_ms for one in found] == [None, None, ago(1), ago(1)]
    assert [one.sku for one in due(movements[:2], NOW_MS, {"A": 29, "B": 90, "C": 365})] == ["hot", "hot-and-counted"]


movements = st.lists(
    st.builds(
        Movement,
        st.text("abcdef", min_size=1, max_size=3), st.integers(0, 50), st.none() | st.integers(0, 900),
        st.none() | st.integers(0, 500).map(ago),
    ),
    max_size=30, unique_by=lambda one: one.sku,
)  # fmt: skip


@given(movements)
def test_a_sku_is_lost_or_a_better_one_is_of_a_worse_class(given_):
    values, found = values_of(given_), due(given_, NOW_MS)
    classes = classes_of(values)
    assert classes.keys() == {one.sku for one in given_}
    for one in given_:
        for other in given_:
            assert values[one.sku] <= values[other.sku] or classes[one.sku] <= classes[other.sku]
    late = {one.sku for one in found}
    for one in given_:
        last = one.last_counted_ms
        assert (one.sku in late) == (last is None or last + INTERVAL_DAYS[classes[one.sku]] * DAY_MS <= NOW_MS)
    total = sum(values.values())
    most = sorted((sku for sku in values if classes[sku] == "A"), key=values.__getitem__)
    if total:
        # Enough of them, and none too many.
        assert sum(values[sku] for sku in most) >= total * A_SHARE / 100 - 1e-6
        assert sum(values[sku] for sku in most[1:]) < total * A_SHARE / 100 + 1e-6
        assert sum(values[sku] for sku in values if classes[sku] != "C") >= total * B_SHARE / 100 - 1e-6
