"""The goods and places of the benchmark: the same for every system."""

HOT_SKUS = [f"BENCH-HOT-{n:03d}" for n in range(1, 21)]
COLD_SKUS = [f"BENCH-COLD-{n:03d}" for n in range(1, 481)]
SCARCE_SKUS = [f"BENCH-SCARCE-{n:03d}" for n in range(1, 21)]
AMPLE_UNITS = 1_000_000
SCARCE_UNITS = 100
"""Units per scarce SKU and location: less than the check for double promises asks for."""

PLACES = (
    ("us-wh-bench-east", "New York", 40.7, -74.0, "America/New_York"),
    ("us-wh-bench-west", "Los Angeles", 34.0, -118.2, "America/Los_Angeles"),
)
"""Id, city, latitude and longitude in degrees, timezone."""


def bench_stock() -> dict[str, int]:
    """SKU → units at each of the two locations."""
    return dict.fromkeys(HOT_SKUS + COLD_SKUS, AMPLE_UNITS) | dict.fromkeys(SCARCE_SKUS, SCARCE_UNITS)
