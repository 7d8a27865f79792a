"""A what-if from its pieces to its report: what is on record, the replay under the policies that held, and the play
under the changed one, side by side.

The replay is there so that like is compared with like: both plays leave out the same things. How far it agrees with the
record says what the comparison is worth.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from actors.domain.sourcing_policy import Policy
from actors.domain.sourcing_size import Solvers, solver_for
from actors.domain.what_if import Map, Play, Served
from actors.domain.what_if_figures import Figures, at_once, figures, recorded
from actors.domain.what_if_terms import Past, PastOrder

# What every play takes for granted; see docs/domain/sourcing.md.
ASSUMPTIONS = (
    "present_profiles", "present_levels", "present_catalogue", "picks_find_all", "no_shelf_life", "no_load", "nobody_meets",
    "present_demand", "supply_not_priced",
)  # fmt: skip


class Agreement(msgspec.Struct, frozen=True, gc=False):
    """Of the replay with the record, of placements. orders: so many were compared; same: those that got the same units
    from the same places. units: that the record has at placements; units_same: of these the replay took as many from
    the same places. units_missing: that what happened took and the replay did not have."""

    orders: int
    same: int
    units: int
    units_same: int
    units_missing: int


class Report(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """All priced by the rates of the policies that held, so that costs can be compared; changed_own_milli: what the
    changed policy itself makes of its costs. left_out: orders by why they were not played.
    units_missing: of the changed play, as in `Agreement`."""

    record: Figures
    replay: Figures
    changed: Figures
    changed_own_milli: int
    agreement: Agreement
    left_out: dict[str, int]
    units_missing: int
    assumptions: tuple[str, ...] = ASSUMPTIONS


def in_play(past: Past) -> tuple[list[PastOrder], dict[str, int]]:
    """The orders that can be played, oldest first, and why others can't: what was a cart lies where it lay; of a policy
    of which nobody knows any more nothing follows; what is in another currency can't be added up."""
    carts = {move.cause for move in past.moves if move.reason == "convert"}
    left: dict[str, int] = {}
    played = []
    for order in sorted(past.orders, key=lambda order: (order.at_ms, order.order_id)):
        held = past.terms.held.get(order.policy)
        why = ""
        if order.order_id in carts:
            why = "from_cart"
        elif held is None:
            why = "policy_unknown"
        elif held.currency != past.terms.changed.currency:
            why = "other_currency"
        if why:
            left[why] = left.get(why, 0) + 1
        else:
            played.append(order)
    return played, left


class WhatIf:
    """The whole of it, in steps. solver_of: what chooses the places for so many different SKUs."""

    def __init__(self, past: Past, solver_of: Solvers = solver_for) -> None:
        self._past, self._solver_of = past, solver_of
        self._atlas = Map(past)
        self._played, self._left = in_play(past)
        self.total = 2 * len(self._played)
        self.report: Report | None = None

    def steps(self) -> Iterator[int]:
        """Plays; gives how many orders of `total` were played. `report` is there when it ends."""
        past, atlas, played = self._past, self._atlas, self._played
        replay = Play(past, atlas, played, self._held, self._solver_of)
        yield from replay.steps()
        changed = Play(past, atlas, played, self._changed, self._solver_of)
        for done in changed.steps():
            yield len(played) + done
        on_record, waiting = recorded(played, past.moves)
        outcome = changed.outcome
        replayed, served = at_once(played, replay.outcome.served), at_once(played, outcome.served)
        self.report = Report(
            record=figures(atlas, played, on_record, waiting, self._held),
            replay=figures(atlas, played, replayed, replay.outcome.waiting, self._held),
            changed=figures(atlas, played, served, outcome.waiting, self._held),
            changed_own_milli=sum(figures(atlas, played, served, outcome.waiting, self._changed).costs_milli.values()),
            agreement=agreement(len(played), on_record, replayed, replay.outcome.short),
            left_out=self._left,
            units_missing=outcome.short,
        )

    def _held(self, order: PastOrder) -> Policy:
        return self._past.terms.held[order.policy]

    def _changed(self, order: PastOrder) -> Policy:
        return self._past.terms.changed


def agreement(orders: int, on_record: Sequence[Served], replayed: Sequence[Served], missing: int) -> Agreement:
    """See `Agreement`."""
    record, replay = _at_once(on_record), _at_once(replayed)
    same = sum(record.get(number, {}) == replay.get(number, {}) for number in range(orders))
    units_same = sum(
        min(units, replay.get(number, {}).get(share, 0))
        for number, had in record.items()
        for share, units in had.items()
    )
    return Agreement(orders, same, sum(sum(had.values()) for had in record.values()), units_same, missing)


def _at_once(served: Sequence[Served]) -> dict[int, dict[tuple[str, str], int]]:
    """By order: (location, SKU) → units."""
    found: dict[int, dict[tuple[str, str], int]] = {}
    for one in served:
        if one.first:
            had = found.setdefault(one.order, {})
            for name, got in one.shares:
                for sku, units in got.items():
                    had[name, sku] = had.get((name, sku), 0) + units
    return found
