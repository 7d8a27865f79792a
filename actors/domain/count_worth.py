"""What a variance is worth, and what follows from that. The rules of a count are in `count.py`.

    compared with the books ──some differ, and worth matters──▶ WorthAsked: the catalogue is asked what one of each costs ──CostsTold──▶ SpotCompared

What is known to cost something in the region's currency is held to the limits of worth as well as to those of units; of
what costs nobody knows what, only units count. The catalogue is asked by the count itself, when the books have said
what should be there: whoever counts does not name what he took.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from actors.domain.catalogue import Costs, TellCosts
from actors.domain.ids import catalogue_id, region_of
from actors.domain.kind import Message
from actors.domain.location_counting import ComparedLine
from actors.domain.location_state import CountedSpot


class Worth(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Limits in minor units of `currency`, 0 for none. tolerance_minor: what the variance of a line may be worth at
    most to be tolerated; approval_minor: more than that, over all that the count finds, waits for a second person."""

    currency: str
    tolerance_minor: int = 0
    approval_minor: int = 0


class WorthAsked(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The books have answered; what the difference is worth, the catalogue knows."""

    spot: CountedSpot
    lines: list[ComparedLine]
    counted_at_ms: int


class CostsTold(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The catalogue's answer for a spot as it was counted at that moment: SKU to what one costs (minor units,
    currency), of those of which it is known."""

    spot: CountedSpot
    counted_at_ms: int
    costs: dict[str, tuple[int, str]]


def matters(worth: Worth | None, lines: Iterable[ComparedLine]) -> bool:
    """Is there a difference, and are there limits of worth?"""
    return worth is not None and any(book != counted for _, _, book, counted in lines)


def message(count_id: str, event: WorthAsked) -> Message:
    """To the catalogue of the count's region."""
    skus = list(dict.fromkeys(sku for sku, _, book, counted in event.lines if book != counted))
    ask = TellCosts(skus, event.spot, event.counted_at_ms)
    return Message("catalogue", catalogue_id(region_of(count_id)), ask, on_reply=True)


_decode_costs = msgspec.json.Decoder(Costs).decode


def answer(sent: TellCosts, reply: bytes, *, refused: bool) -> CostsTold:
    """Of a catalogue that can't say, nothing is known."""
    return CostsTold(sent.spot, sent.moment_ms, {} if refused else _decode_costs(reply).costs)


def worth_of(
    worth: Worth | None, lines: Sequence[ComparedLine], costs: Mapping[str, tuple[int, str]]
) -> tuple[int, bool]:
    """(minor units of all variances, whichever way they go; is one of them more than may be tolerated)."""
    if worth is None:
        return 0, False
    total, most = 0, 0
    for sku, _, book, counted in lines:
        cost_minor, currency = costs.get(sku, (0, ""))
        if currency == worth.currency:
            value = abs(counted - book) * cost_minor
            total, most = total + value, max(most, value)
    return total, 0 < worth.tolerance_minor < most
