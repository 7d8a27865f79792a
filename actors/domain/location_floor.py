"""Whether a location's picking is run by its floor, and what there is to plan trips from. The rules are in
`location.py`, those of the floor in `floor.py`."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from actors.domain.floor_terms import FloorTerms
from actors.domain.location_commands import RunFloor
from actors.domain.location_events import Bin, Event, FloorSet
from actors.domain.location_state import Location
from actors.domain.pick_layout import check_layout
from actors.domain.wave import check_limits


class ViewContents(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Where units of these SKUs lie, and which lots are promised to these causes ("<order id>.<fulfilment>")."""

    location_id: str
    skus: list[str]
    causes: list[str] = []


class ContentOf(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Units in a bin. `expires_on`: days since 1970-01-01, the lot's last good day."""

    sku: str
    bin_id: str
    lot: str
    units: int
    expires_on: int | None


class ClaimOf(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Units of a lot that are promised to a cause."""

    cause: str
    sku: str
    lot: str
    units: int
    expires_on: int | None


class ContentsView(msgspec.Struct, frozen=True, gc=False):
    """terms: None where no floor runs; bins: those in which something of the SKUs lies."""

    location_id: str
    version: int
    terms: FloorTerms | None
    bins: list[Bin]
    contents: list[ContentOf]
    claims: list[ClaimOf]


def run_floor(location: Location, command: RunFloor) -> list[Event]:
    """Raises Refused `layout.…`, `wave.limits`."""
    if command.terms is not None:
        check_layout(command.terms.layout)
        check_limits(command.terms.limits)
    return [FloorSet(command.terms)] if command.terms != location.floor else []


def contents_of(state: Location, query: ViewContents, version: int) -> ContentsView:
    """One look at each of the SKUs and causes."""
    contents = [
        ContentOf(sku, bin_id, lot, units, _end_of(state, sku, lot))
        for sku in dict.fromkeys(query.skus)
        for (bin_id, lot), units in sorted(state.contents.get(sku, {}).items())
    ]
    bins = [state.bins[bin_id] for bin_id in sorted({one.bin_id for one in contents})]
    claims = list(_claims(state, query.causes)) if state.claims else []
    return ContentsView(query.location_id, version, state.floor, bins, contents, claims)


def _claims(state: Location, causes: Iterable[str]) -> Iterable[ClaimOf]:
    for cause in dict.fromkeys(causes):
        for (sku, lot), units in sorted(state.claims.get(cause, {}).items()):
            yield ClaimOf(cause, sku, lot, units, _end_of(state, sku, lot))


def _end_of(state: Location, sku: str, lot: str) -> int | None:
    known = state.lots.get(sku, {}).get(lot) if lot else None
    return known.expires_on if known is not None else None
