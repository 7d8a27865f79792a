"""From which bins and lots an order is picked: what expires first, then as few stops as possible.

FEFO (first expired, first out): of a SKU nothing is taken of a lot while one that expires earlier lies in a bin; what
does not expire comes last. Between bins whose lots expire on the same day, those are taken where the picker stops
anyway, then the ones with most units, and for the last units the bin that holds least of those that hold enough: so big
bins stay big, and small rests go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

import msgspec

# Later than any day: what does not expire.
_NEVER = 1 << 62


class BinContent(msgspec.Struct, frozen=True, gc=False):
    """Units of one SKU and lot in one bin that may be taken. expires_on: days since 1970-01-01, the lot's last good
    day; None when it does not expire."""

    bin_id: str
    sku: str
    lot: str
    units: int
    expires_on: int | None = None


class Pick(msgspec.Struct, frozen=True, gc=False):
    """Units to be taken from a bin."""

    bin_id: str
    sku: str
    lot: str
    units: int


class BinChoice(msgspec.Struct, frozen=True, gc=False):
    """picks: by bin, SKU and lot; missing: SKU → units that no bin has, or only of lots that expire too early."""

    picks: tuple[Pick, ...]
    missing: dict[str, int]

    @property
    def bins(self) -> set[str]:
        """Where the picker has to stop."""
        return {pick.bin_id for pick in self.picks}


def choose_bins(need: Mapping[str, int], contents: Iterable[BinContent], good_on: int | None = None) -> BinChoice:
    """Where to take units from.

    Args:
        need: SKU → units.
        contents: what lies in bins; other SKUs than those needed don't matter.
        good_on: days since 1970-01-01; lots that expire before that day are not taken, e.g. today, or today and the
            customer's remaining shelf life.
    """
    usable: dict[str, list[BinContent]] = {sku: [] for sku in need}
    for content in contents:
        kept = good_on is None or content.expires_on is None or content.expires_on >= good_on
        if content.units > 0 and content.sku in usable and kept:
            usable[content.sku].append(content)
    stops: set[str] = set()
    taken: list[tuple[BinContent, int]] = []
    missing: dict[str, int] = {}
    # Who has least choice chooses first, so that the others can come to the same bins.
    for sku in sorted(usable, key=lambda sku: (len(usable[sku]), sku)):
        rest = need[sku]
        for _, same_day in groupby(sorted(usable[sku], key=_expiry), key=_expiry):
            if rest > 0:
                chosen = _fewest_stops(list(same_day), rest, stops)
                stops |= {content.bin_id for content, _ in chosen}
                rest -= sum(units for _, units in chosen)
                taken += chosen
        if rest > 0:
            missing[sku] = rest
    picks = [Pick(content.bin_id, content.sku, content.lot, units) for content, units in taken]
    return BinChoice(tuple(sorted(picks, key=msgspec.structs.astuple)), missing)


def _expiry(content: BinContent) -> int:
    return _NEVER if content.expires_on is None else content.expires_on


def _fewest_stops(contents: Sequence[BinContent], need: int, stops: set[str]) -> list[tuple[BinContent, int]]:
    """Units from contents that expire on the same day: `need`, or all there are."""
    by_bin: dict[str, list[BinContent]] = {}
    for content in sorted(contents, key=msgspec.structs.astuple):
        by_bin.setdefault(content.bin_id, []).append(content)
    units_in = {bin_id: sum(content.units for content in there) for bin_id, there in by_bin.items()}
    chosen: list[tuple[BinContent, int]] = []
    while need > 0 and units_in:
        bin_id = _next_bin(units_in, need, stops)
        del units_in[bin_id]
        for content in by_bin[bin_id]:
            units = min(need, content.units)
            if units:
                chosen.append((content, units))
                need -= units
    return chosen


def _next_bin(units_in: Mapping[str, int], need: int, stops: set[str]) -> str:
    passed = [bin_id for bin_id in units_in if bin_id in stops]
    among = passed or list(units_in)
    enough = [bin_id for bin_id in among if units_in[bin_id] >= need]
    if enough:
        return min(enough, key=lambda bin_id: (units_in[bin_id], bin_id))
    return min(among, key=lambda bin_id: (-units_in[bin_id], bin_id))
