"""What sourcing decided, and what it had before it: kept with the order, so that anybody can ask later why.

A decision is stored for every order, so it is small: SKUs stand there once and are named by position after that,
reasons by their position in `REASONS`, costs are integers, and of many places the `SEEN_MAX` that matter are told one
by one, the others counted. Words are made on reading (`sourcing_words.py`).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from actors.domain.allocation import Plan as AllocationPlan
from actors.domain.sourcing_constraints import REASONS, Reason
from actors.domain.sourcing_cost import COMPONENTS

SEEN_MAX = 12
# Of these so many at most that could serve, so that near places that could not are told too.
ABLE_MAX = 8
PROSPECTS_MAX = 24

Why = Literal[
    "only",             # the only place with everything
    "nearest",          # the nearest of those with everything, and none is cheaper
    "cheapest",         # the cheapest of those with everything
    "no_single",        # no single place has everything
    "together_cheaper", # one place has everything, but these are cheaper together
    "most",             # not everything can be had: these serve most
    "nobody",           # nobody can serve any of it
    "not_whole",        # not everything can be had, and it is all or nothing
]  # fmt: skip


class Part(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one place serves. lines: (position of the SKU, units). Times: UTC ms, as the
    policy's carrier zones have it."""

    location_id: str
    carrier: str
    ready_ms: int
    deliver_ms: int
    lines: list[tuple[int, int]]


class Seen(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A place that was considered. km: None when unknown. units, cost_milli: what it could serve alone, and for how
    much; 0 units when it is ruled out. reasons: positions in `REASONS`, the first being the one to tell; of a place
    that can serve something, what keeps it from the rest."""

    location_id: str
    km: int | None
    units: int
    cost_milli: int
    reasons: list[int]

    def codes(self) -> list[Reason]:
        """The reasons by their stable codes."""
        return [REASONS[at] for at in self.reasons]


class Other(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Another plan, not taken. more_milli: by how much it is dearer than the one taken, negative when it is
    cheaper but serves less."""

    places: list[str]
    units: int
    more_milli: int


class Substitution(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Units of a SKU for which another one stands in, as the customer allows."""

    sku: str
    substitute: str
    units: int


class Prospect(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How long a place's stock of a SKU would have lasted. place: position in `seen`; sku: position of the SKU;
    weeks_tenths: weeks of supply times ten; risk_percent: so much of it would not be sold before it ends."""

    place: int
    sku: int
    weeks_tenths: int
    risk_percent: int


class SourcingDecision(msgspec.Struct, frozen=True, array_like=True, gc=False, kw_only=True):
    """policy: its version. exact: no better plan exists. places_max: over how many places it might have been split.
    skus, wanted: units by SKU. parts: the plan, nearest first. costs_milli: in the order of `COMPONENTS`, thousandths
    of a minor unit of `currency`. whole: how many places could have served everything alone.
    considered: how many were looked at. able_more, ruled_out_more: places that `seen` leaves out: those that could
    serve, and (position of the first reason, count) of the others. prospects: the first PROSPECTS_MAX, where the
    policy puts a cost on them."""

    policy: int
    currency: str
    decided_ms: int
    why: Why
    exact: bool
    places_max: int
    skus: list[str]
    wanted: list[int]
    parts: list[Part]
    costs_milli: list[int]
    whole: int
    considered: int
    seen: list[Seen]
    able_more: int
    ruled_out_more: list[tuple[int, int]]
    others: list[Other]
    substitutions: list[Substitution] = []
    prospects: list[Prospect] = []

    @property
    def total_milli(self) -> int:
        """What the plan costs: the sum of its components."""
        return sum(self.costs_milli)

    @property
    def units(self) -> int:
        """Units that the plan serves."""
        return sum(units for part in self.parts for _, units in part.lines)

    @property
    def deliver_by_ms(self) -> int | None:
        """When the last part is there (UTC ms), None when nothing is served."""
        return max((part.deliver_ms for part in self.parts), default=None)

    def costs(self) -> dict[str, int]:
        """By component, those that are not 0."""
        return {name: milli for name, milli in zip(COMPONENTS, self.costs_milli, strict=True) if milli}

    def plan(self) -> AllocationPlan:
        """As an order asks its places: (location, units per SKU), nearest first."""
        return [(part.location_id, {self.skus[at]: units for at, units in part.lines}) for part in self.parts]

    def backordered(self) -> dict[str, int]:
        """Units per SKU that the plan does not serve."""
        left = dict(zip(self.skus, self.wanted, strict=True))
        for part in self.parts:
            for at, units in part.lines:
                left[self.skus[at]] -= units
        return {sku: units for sku, units in left.items() if units}


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(SourcingDecision).decode


def encoded(decision: SourcingDecision) -> bytes:
    """The decision as it is stored."""
    return _encode(decision)


def decoded(stored: bytes) -> SourcingDecision:
    """The decision from what is stored. Raises msgspec.DecodeError."""
    return _decode(stored)
