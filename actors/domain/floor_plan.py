"""Which trips to propose to a floor: from what waits, where it lies, and what other trips will take
from there. See `floor.py`.

    what waits ──lots that are promised to it, bins that have them (bin_choice.py)──▶ lines with a place ──plan_wave (wave.py)──▶ trips

The most urgent chooses its bins first. Bins to pick from come before others; what lies in no bin, or in none as far as
the books know, is a task without a bin: somebody looks for it. Takes up to a second for a large
wave, so call it in a thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from actors.domain.bin_choice import BinContent, choose_bins
from actors.domain.floor_commands import NewTask, NewTrip, Share
from actors.domain.floor_state import Goods
from actors.domain.floor_terms import FloorTerms
from actors.domain.floor_views import Plannable, SpokenFor
from actors.domain.location_events import Bin
from actors.domain.location_floor import ClaimOf, ContentOf, ContentsView
from actors.domain.pick_layout import Layout, Stop
from actors.domain.times import DAY_MS
from actors.domain.wave import plan_wave
from actors.domain.wave_terms import LeftOut, Limits, Method, Split, Work, WorkLine

# Goods in bins of these uses can be taken. Returns have to be looked at first.
_USES: tuple[frozenset[str], ...] = (frozenset({"pick"}), frozenset({"reserve", "dock", "stage"}))
# What lies in no bin is in no aisle.
_NO_AISLE = -1


class Handling(NamedTuple):
    """What a unit of a SKU is to whoever carries it; 0 for unknown."""

    weight_g: int = 0
    volume_ml: int = 0
    temperature: str = "ambient"
    hazard: str = ""


class Proposal(msgspec.Struct, frozen=True, gc=False):
    """Trips, most urgent first; why fulfilments go on several, or on none."""

    trips: tuple[NewTrip, ...]
    splits: tuple[Split, ...]
    left_out: tuple[LeftOut, ...]


class _Pick(NamedTuple):
    bin_id: str
    sku: str
    lot: str
    units: int


def propose(
    works: Sequence[Plannable],
    spoken_for: Iterable[SpokenFor],
    lying: ContentsView,
    handling: Mapping[str, Handling],
    method: Method,
    *,
    limits: Limits | None = None,
    until_ms: int | None = None,
    now_ms: int = 0,
) -> Proposal:
    """Trips for what waits.

    Args:
        works: as the floor told them, most urgent first.
        method: see `wave_terms.py`.
        spoken_for: units that open trips will take.
        lying: where units of these works' SKUs are, and which lots are promised to them.
        handling: by SKU; one that is not named weighs nothing.
        limits: of a trip, instead of the floor's own.
        until_ms: with the method `wave`, and only then (UTC ms).
        now_ms: UTC ms; of no lot that has expired by then is anything taken.

    Raises Refused `wave.…`.
    """
    terms = lying.terms or FloorTerms()
    shelves = _Shelves(lying, spoken_for, now_ms // DAY_MS)
    claims: dict[str, list[ClaimOf]] = {}
    for claim in lying.claims:
        claims.setdefault(claim.cause, []).append(claim)
    planned = [
        _work(work, shelves.taken_by(_need(work, claims.get(work.fulfilment_id, ()))), shelves, handling, terms.layout)
        for work in works
    ]
    plan = plan_wave(planned, method, limits or terms.limits, terms.layout, until_ms=until_ms)
    trips = [
        NewTrip(trip.method, trip.due_ms, trip.walk_dm, trip.exact, tuple(
            NewTask(task.bin_id, task.sku, task.lot, shelves.ends.get((task.sku, task.lot)), tuple(
                Share(share.fulfilment_id, share.units, share.tote) for share in task.shares
            ))
            for task in trip.tasks
        ))
        for trip in plan.trips
    ]  # fmt: skip
    return Proposal(tuple(trips), plan.splits, plan.left_out)


def _need(work: Plannable, claims: Iterable[ClaimOf]) -> dict[Goods, int]:
    """Units by SKU and lot. Where lots are promised to it, these and no others; of what waits of a
    SKU, those that end first."""
    need: dict[Goods, int] = {}
    taken: dict[Goods, int] = {}
    for sku, lot, units in work.taken:
        taken[sku, lot] = taken.get((sku, lot), 0) + units
    promised: dict[str, list[ClaimOf]] = {}
    for claim in claims:
        promised.setdefault(claim.sku, []).append(claim)
    for sku, waiting in work.lines:
        rest = waiting
        for claim in sorted(promised.get(sku, ()), key=lambda one: (one.expires_on is None, one.expires_on, one.lot)):
            units = min(rest, claim.units - taken.get((sku, claim.lot), 0))
            if units > 0:
                need[sku, claim.lot] = units
                rest -= units
        if rest:
            need[sku, ""] = rest
    return need


class _Shelves:
    """What can still be taken where. `ends`: last good day by SKU and lot."""

    def __init__(self, lying: ContentsView, spoken_for: Iterable[SpokenFor], day: int) -> None:
        self.bins: dict[str, Bin] = {bin_.bin_id: bin_ for bin_ in lying.bins}
        self.ends: dict[Goods, int | None] = {(one.sku, one.lot): one.expires_on for one in lying.claims}
        self._day = day
        self._left: dict[Goods, dict[str, int]] = {}
        for content in lying.contents:
            self._put(content)
        for spoken in spoken_for:
            there = self._left.get((spoken.sku, spoken.lot), {})
            if spoken.bin_id in there:
                there[spoken.bin_id] -= spoken.units

    def _put(self, content: ContentOf) -> None:
        goods = (content.sku, content.lot)
        self.ends[goods] = content.expires_on
        self._left.setdefault(goods, {})[content.bin_id] = content.units

    def taken_by(self, need: Mapping[Goods, int]) -> list[_Pick]:
        """Where the units come from, which are gone from there then."""
        picks: list[_Pick] = []
        # As `choose_bins` sees it each lot is goods of its own: no other may be taken in its place.
        names = {f"{at}": goods for at, goods in enumerate(need)}
        missing = {name: need[goods] for name, goods in names.items()}
        for uses in _USES:
            choice = choose_bins(missing, self._contents(names, uses), self._day)
            for pick in choice.picks:
                sku, lot = names[pick.sku]
                self._left[sku, lot][pick.bin_id] -= pick.units
                picks.append(_Pick(pick.bin_id, sku, lot, pick.units))
            missing = choice.missing
        return picks + [_Pick("", *names[name], units) for name, units in missing.items()]

    def _contents(self, names: Mapping[str, Goods], uses: frozenset[str]) -> list[BinContent]:
        return [
            BinContent(bin_id, name, goods[1], units, self.ends.get(goods))
            for name, goods in names.items()
            for bin_id, units in self._left.get(goods, {}).items()
            if units > 0 and self.bins[bin_id].use in uses
        ]


def _work(
    work: Plannable, picks: Iterable[_Pick], shelves: _Shelves, handling: Mapping[str, Handling], layout: Layout
) -> Work:
    lines = []
    for pick in picks:
        bin_, of = shelves.bins.get(pick.bin_id), handling.get(pick.sku, Handling())
        if bin_ is None:
            stop = Stop("", _NO_AISLE, layout.start.x_dm, layout.start.y_dm)
        else:
            stop = Stop(bin_.bin_id, bin_.aisle, bin_.x_dm, bin_.y_dm)
        zone = bin_.zone if bin_ is not None else ""
        lines.append(
            WorkLine(pick.sku, pick.lot, pick.units, stop, zone, of.temperature, of.hazard, of.weight_g, of.volume_ml)
        )
    return Work(work.fulfilment_id, tuple(lines), work.due_ms, work.priority)


def elsewhere(lying: ContentsView, bin_id: str, sku: str, lot: str) -> list[tuple[str, int]]:
    """(bin, units) where the same can be had when it is not in `bin_id`: those to pick from
    first, then those with most."""
    uses = {bin_.bin_id: bin_.use for bin_ in lying.bins}
    found = [
        (uses[one.bin_id] not in _USES[0], -one.units, one.bin_id)
        for one in lying.contents
        if (one.sku, one.lot) == (sku, lot) and one.bin_id != bin_id and any(uses[one.bin_id] in use for use in _USES)
    ]
    return [(name, -units) for _, units, name in sorted(found)]
