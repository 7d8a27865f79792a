from __future__ import annotations

from datetime import UTC, datetime

from actors.storage.partitions import bounds_ms, following, month_of, partition_name


def test_the_last_millisecond_of_a_year_is_not_in_the_next_one():
    midnight = int(datetime(2027, 1, 1, tzinfo=UTC).timestamp()) * 1000
    assert month_of(midnight - 1) == (2026, 12)
    assert month_of(midnight) == (2027, 1) == following((2026, 12))
    assert bounds_ms((2026, 12))[1] == midnight == bounds_ms((2027, 1))[0]


def test_names_of_partitions_sort_by_time():
    assert partition_name("history", (2026, 9)) == "history_2026_09" < partition_name("history", (2026, 10))
