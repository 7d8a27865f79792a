"""What an order may be asked to do besides its life's steps: hold, release, prioritise, change. The rules are in
`order_holds.py`, `order_changes.py`."""

from __future__ import annotations

from typing import Annotated

import msgspec

from actors.domain.allocation import Place
from actors.domain.order_state import ShipTo
from actors.domain.order_terms_state import HoldKind, ServiceLevel
from actors.domain.personal_notes import (
    APPROVER,
    ASKER,
    NEARNESS,
    ORDER_DIGEST,
    ORDER_NOTE,
    ORDER_NOTE_DIGEST,
    ORDER_OWNER,
    SEALED_ORDER,
)


class HoldOrder(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """The order stands still for these reasons. `until_ms`: when it is told that nobody has released it (UTC ms), None
    for never. `note`: in a cell without keys; elsewhere `sealed_note`, with its keyed digest.
    `within`: see `UpdateOrder`."""

    kinds: list[HoldKind]
    by: Annotated[str, APPROVER] = ""
    note: Annotated[str, ORDER_NOTE] = ""
    until_ms: int | None = None
    within: list[str] = []
    sealed_note: Annotated[bytes, ORDER_NOTE] = b""
    note_digest: Annotated[str, ORDER_NOTE_DIGEST] = ""


class ReleaseOrder(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """These reasons are gone. `note`, `sealed_note`: as of a hold."""

    kinds: list[HoldKind]
    by: Annotated[str, APPROVER] = ""
    note: Annotated[str, ORDER_NOTE] = ""
    within: list[str] = []
    sealed_note: Annotated[bytes, ORDER_NOTE] = b""


class PrioritiseOrder(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """Floors pick it before or after others that are due at the same time; `priority`: None for
    that of its service level."""

    priority: int | None
    within: list[str] = []


class LineChange(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Line `line` (from 1) shall be of `quantity` units; 0 cancels it."""

    line: int
    quantity: int


class NewAddress(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Where it shall go: sealed, beside what was sealed (`was`) when somebody looked; or `ship_to` in a
    cell that seals nothing. `waiting`: see `RectifyOrder`, as far as they are known."""

    ship_to: ShipTo | None = None
    order_ref: Annotated[str, ORDER_DIGEST] = ""
    sealed: Annotated[bytes, SEALED_ORDER] = b""
    email_digest: Annotated[str, ORDER_OWNER] = ""
    was: Annotated[bytes, SEALED_ORDER] = b""
    waiting: list[str] = []


class ChangeOrder(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """Something shall be otherwise than ordered: of it is done what can be. `places`: where more may be had;
    `cut_offs`: of locations the last time (UTC ms) by which what was ordered before leaves with that day's carrier.
    `asker`, `within`: see `UpdateOrder`."""

    lines: list[LineChange] = []
    address: NewAddress | None = None
    service_level: ServiceLevel | None = None
    places: Annotated[list[Place], NEARNESS] = []
    cut_offs: dict[str, int] = {}
    asker: Annotated[str, ASKER] = ""
    within: list[str] = []


TermsCommand = HoldOrder | ReleaseOrder | PrioritiseOrder | ChangeOrder
