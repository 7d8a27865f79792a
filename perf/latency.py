"""Percentiles of measured times."""

from collections.abc import Sequence


def percentile(sorted_values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of the values don't exceed (nearest rank); 0.0 without any value.

    Raises ValueError when `percent` is outside 0..100.
    """
    if not 0 <= percent <= 100:
        raise ValueError(f"a percentile lies in 0..100, not {percent}")
    if not sorted_values:
        return 0.0
    rank = -(-len(sorted_values) * percent // 100)  # rounds up
    return sorted_values[max(int(rank), 1) - 1]
