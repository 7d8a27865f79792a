"""What happens to an order because of holds, terms and changes. See `order_terms_state.py`."""

from __future__ import annotations

from typing import Annotated

import msgspec

from actors.domain.location_events import Units
from actors.domain.order_state import ShipTo
from actors.domain.order_terms_state import FloorWord, Hold, HoldKind, ServiceLevel, StandIn
from actors.domain.personal_notes import APPROVER, ORDER_NOTE


class HoldsPlaced(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The order stands still. A hold of a kind that was there already takes its place."""

    holds: list[Hold]


class HoldsReleased(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """These stand no more. `note`: in a cell without keys, and of events from before notes were
    sealed; else `sealed_note`."""

    kinds: list[HoldKind]
    by: Annotated[str, APPROVER] = ""
    note: Annotated[str, ORDER_NOTE] = ""
    sealed_note: Annotated[bytes, ORDER_NOTE] = b""


class HoldsOverdue(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Nobody released these in their time. They stand yet: somebody should look."""

    kinds: list[HoldKind]


class FloorWithheld(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The floor of the location gets fulfilment `number` when nothing stands against it."""

    number: int
    location_id: str


class FloorRevised(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The floor of the location is told how it stands with a fulfilment that it has."""

    location_id: str
    word: FloorWord


class UnitsGivenBack(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Fulfilments (number, location, lines) give these units back to their locations; one with none left is gone."""

    parts: list[tuple[int, str, list[Units]]]


class StoodIn(msgspec.Struct, frozen=True, tag=True, gc=False):
    """In fulfilment `number` these stand in for what was ordered, and no others."""

    number: int
    stands: list[StandIn]


class LinesChanged(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Lines (from 1) have other quantities; `refund_minor`: what is due for it: what the order costs less, as far as
    refunds did not give it back already; negative when it costs more. `retry_at_ms`: when it asks for
    what is missing now, None for never (UTC ms)."""

    lines: list[tuple[int, int]]
    refund_minor: int
    retry_at_ms: int | None = None


class Readdressed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It goes elsewhere, in a cell that seals nothing."""

    ship_to: ShipTo


class ServiceChanged(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """It is more urgent, or less."""

    service_level: ServiceLevel
    priority: int | None = None


TermsEvent = (
    HoldsPlaced | HoldsReleased | HoldsOverdue | FloorWithheld | FloorRevised | UnitsGivenBack | StoodIn | LinesChanged | Readdressed
    | ServiceChanged
)  # fmt: skip
