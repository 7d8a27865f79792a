"""What callers get about how an order was sourced."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from actors.domain.order_views import UnitsView, Withheld
from actors.domain.personal_notes import SHOWN_POSITION
from actors.domain.sourcing_constraints import Reason
from actors.domain.sourcing_decision import Why
from actors.domain.sourcing_phrases import Language

Happening = Literal[
    "asked", "asked_again", "given", "given_partly", "given_nothing", "came_too_late", "short_picked", "cart_given", "cart_refused",
]  # fmt: skip


class SourcedPart(msgspec.Struct, frozen=True):
    """What one place was planned to serve: when it leaves and is there, by the policy's carrier zones."""

    location_id: str
    carrier: str
    ready_at: datetime
    deliver_by: datetime
    lines: list[UnitsView]


class ConsideredPlace(msgspec.Struct, frozen=True):
    """A place that was looked at. `distance_km`: to within 10 km, null unknown; `units`, `cost_milli`: what it could
    serve alone, and for how much in thousandths of a minor unit; `reasons`: why it serves nothing, or not the rest,
    the most important first."""

    location_id: str
    distance_km: Annotated[int | None, SHOWN_POSITION]
    units: int
    cost_milli: int
    reasons: list[Reason]


class OtherPlan(msgspec.Struct, frozen=True):
    """A plan that was not taken. `more_milli`: by how much it is dearer, negative when it is
    cheaper and serves less."""

    location_ids: list[str]
    units: int
    more_milli: int


class StockProspect(msgspec.Struct, frozen=True):
    """How long the stock of a SKU at a place would have lasted: weeks of supply by its demand there (999.9: longer),
    and the share of it that would not have been sold before it ends."""

    location_id: str
    sku: str
    weeks_of_supply: float
    markdown_risk: float


class SourcingNumbers(msgspec.Struct, frozen=True):
    """The decision in numbers. `policy_version`: by which it was made; `why`: as a code; `exact`: no better plan
    exists; `places_max`: over how many places it might be split; `costs_milli`: thousandths of a minor unit of
    `currency`, by component; `whole`: how many places could have served all alone; `considered`: how many were looked
    at, of which `places` has the twelve that matter; `able_more`, `ruled_out_more`: the others, these by their first
    reason; `prospects`: of SKUs whose demand there is known, where the policy puts a cost on that, at most 24."""

    policy_version: int
    currency: str
    decided_at: datetime
    why: Why
    exact: bool
    places_max: int
    total_milli: int
    costs_milli: dict[str, int]
    parts: list[SourcedPart]
    backordered: list[UnitsView]
    whole: int
    considered: int
    places: list[ConsideredPlace]
    able_more: int
    ruled_out_more: dict[str, int]
    others: list[OtherPlan]
    prospects: list[StockProspect]


class SourcingStep(msgspec.Struct, frozen=True):
    """What happened then: `words` tell it, `sequence` is that of the order's event."""

    sequence: int
    at: datetime
    what: Happening
    location_id: str
    fulfilment_id: str
    lines: list[UnitsView]
    words: str


# "rectified": what is sealed of the order, its address among it, was corrected since it was decided.
WithheldSourcing = Withheld | Literal["rectified"]


class OrderSourcing(msgspec.Struct, frozen=True):
    """Why an order is served from where it is: the decision at its placement in words and numbers, and what came of it.
    `decision` is null when there was nothing to decide by (the nearest place that has everything was
    asked), or it is `withheld`."""

    order_id: str
    language: Language
    words: list[str]
    decision: SourcingNumbers | None
    happened: list[SourcingStep]
    promised_by: datetime | None
    withheld: WithheldSourcing | None
