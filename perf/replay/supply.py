"""The stock that a trace needs and where it is received: pure.

So that stock suffices: every receiving warehouse gets the whole demand of every SKU. Then the nearest can always serve
an order whole, however the cell allocates; a demand that is only divided over six warehouses can strand the last
orders, since the cell splits an order over three places at most.
With `scarce`: that share of the demand (rounded down per SKU) is divided evenly over the warehouses, so orders are
split and backordered. Write-offs are booked at the first warehouse, which receives what they take on top.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, Final

from perf.replay.survey import SkuNeed
from perf.replay.trace import QUANTITY_MAX, holds_card_number
from perf.run_names import LETTERS

BODY_LINES_MAX: Final = 1_000  # the cell's limit for SKUs and receipts in one body
WAREHOUSES_MAX: Final = 6


def receipts(
    needs: Mapping[str, SkuNeed], warehouses: list[str], scarce: Fraction | None
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yields (location id, receipt lines): at most BODY_LINES_MAX lines each, each of at most QUANTITY_MAX units."""
    assert warehouses
    for index, location_id in enumerate(warehouses):
        lines: list[dict[str, Any]] = []
        for sku in sorted(needs):
            units = _units_at(needs[sku], index, len(warehouses), scarce)
            while units > 0:
                lines.append({"sku": sku, "quantity": min(units, QUANTITY_MAX)})
                units -= QUANTITY_MAX
                if len(lines) == BODY_LINES_MAX:
                    yield location_id, lines
                    lines = []
        if lines:
            yield location_id, lines


def receipts_reference(needs: Mapping[str, SkuNeed], warehouses: list[str], scarce: Fraction | None) -> str:
    """What these receipts are booked under, so that they are told from all others: the same for the same receipts.
    Letters only: digits can be taken for a payment card's number, and cells refuse such."""
    digest = hashlib.sha256()
    for body in receipts(needs, warehouses, scarce):
        digest.update(repr(body).encode())
    letters = "".join(LETTERS[byte % len(LETTERS)] for byte in digest.digest()[:16])
    return f"replay {letters}"


def received_units(
    needs: Mapping[str, SkuNeed], warehouses: list[str], scarce: Fraction | None
) -> dict[tuple[str, str], int]:
    """Units by (location id, SKU) that these receipts come to."""
    units: Counter[tuple[str, str]] = Counter()
    for location_id, lines in receipts(needs, warehouses, scarce):
        for line in lines:
            units[location_id, line["sku"]] += line["quantity"]
    return units


def _units_at(need: SkuNeed, index: int, places: int, scarce: Fraction | None) -> int:
    written_off = need.written_off if index == 0 else 0
    if scarce is None:
        return need.sold + written_off
    share, rest = divmod(int(need.sold * scarce), places)
    return share + (1 if index < rest else 0) + written_off


def sku_bodies(needs: Mapping[str, SkuNeed]) -> Iterator[list[dict[str, str]]]:
    """The SKUs to define, in bodies of at most BODY_LINES_MAX; one without a description is described by its own code,
    or by `-` where that looks like a card's number (some GTINs do)."""
    skus = sorted(needs)
    for start in range(0, len(skus), BODY_LINES_MAX):
        part = skus[start : start + BODY_LINES_MAX]
        yield [
            {"sku": sku, "description": needs[sku].description or ("-" if holds_card_number(sku) else sku)}
            for sku in part
        ]
