"""A placement of which something can't be had now, or not from everywhere: what it brings for later. What that is made
of is in `waiting.py`."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from actors.domain.allocation import Need, Place, need_of
from actors.domain.order_commands import PlaceOrder
from actors.domain.order_state import wanted_of
from serve.availability.keepers import FIRST, among
from serve.orders.places import PlacesOfOrders
from serve.orders.schemas import Destination
from serve.orders.sourcing import Proposal
from serve.orders.waiting import backorder_terms

_Bars = Mapping[str, list[str]]


def with_backorder(
    placed: PlaceOrder, places: PlacesOfOrders, need: Need, release: Mapping[str, int], to: Destination,
    proposal: Proposal | None, *, goes_whole: bool,
) -> PlaceOrder:  # fmt: skip
    """The placement with what matters for what can't be had now; as it is when all can, from everywhere. need: what has
    to be seen of places. release: SKU → when it is out, of those that are not. goes_whole: the policy serves it as a
    whole or not at all, whoever has some of it, or nobody."""
    planned = need_of(line for _, part in proposal.plan for line in part.items()) if proposal is not None else {}
    # What stands in for something else is planned under its own name.
    wanted = wanted_of(placed.lines, placed.kits)
    lacks = bool(release) or sum(planned.values()) != sum(wanted.values())
    if not lacks and (proposal is None or not proposal.barred):
        return placed
    # What lacks nothing may be planned over several places. Whole means from one place: each of their answers would be
    # given back, as it is not all.
    refused = proposal is not None and not proposal.plan and proposal.decision.why == "not_whole"
    from_one_place = (goes_whole and lacks) or refused
    if release or from_one_place:
        # Sourcing looked only at what is out, or found that nobody should be asked now: these may have it later.
        known, barred = _who_may_later(placed, places, need, to, proposal)
    else:
        known, barred = placed.places, {} if proposal is None else proposal.barred
    # Of an order that lacks nothing only what a short pick has to keep to is of use.
    lead_ms = places.leads(wanted, known, to, placed.channel) if lacks else {}
    terms = backorder_terms(release, lead_ms, whole=from_one_place, barred=_of_each(known, barred))
    return msgspec.structs.replace(placed, places=known, backorder=terms)


def _who_may_later(
    placed: PlaceOrder, places: PlacesOfOrders, need: Need, to: Destination, proposal: Proposal | None
) -> tuple[list[Place], _Bars]:
    """(who may be asked, what each may never serve): first those whom sourcing has found, then the nearest."""
    found, bars = ([], {}) if proposal is None else (proposal.places, proposal.barred)
    first = {place.location_id for place in found[:FIRST]}
    near = [place for place in places.near(need, to, placed.channel) if place.location_id not in first]
    allowed, more_bars = places.allowed(need, among(found, near), to, placed.channel)
    return allowed, {**bars, **more_bars}


def _of_each(places: list[Place], barred: _Bars) -> dict[str, list[str]]:
    """Of a place that is not named it is not known what it may serve; none is where nothing is ruled out."""
    if not any(barred.values()):
        return {}
    return {place.location_id: barred.get(place.location_id, []) for place in places}
