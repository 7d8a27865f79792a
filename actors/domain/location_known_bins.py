"""Which of some bins a location does not have: asked before other entities are given work with them, which would
find out only later and then have nobody to tell."""

from __future__ import annotations

import msgspec

from actors.domain.location_state import Location


class ViewUnknownBins(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The query: those of `bins` that there are not."""

    location_id: str
    bins: list[str]


class UnknownBins(msgspec.Struct, frozen=True, gc=False):
    """The answer, in the order asked for."""

    location_id: str
    version: int
    bins: list[str]


def unknown_bins(state: Location, query: ViewUnknownBins, version: int) -> UnknownBins:
    """One look at each."""
    return UnknownBins(query.location_id, version, [bin_id for bin_id in query.bins if bin_id not in state.bins])
