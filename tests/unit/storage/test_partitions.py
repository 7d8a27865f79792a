from __future__ import annotations

from datetime import UTC, datetime

from actors.storage.partitions import following, month_of


def test_the_last_millisecond_of_a_year_is_not_in_the_next_one():
    midnight = int(datetime(2027, 1, 1, tzinfo=UTC).timestamp()) * 1000
    assert month_of(midnight - 1) == (2026, 12)
    assert month_of(midnight) == (2027, 1) == following((2026, 12))
