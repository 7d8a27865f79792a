"""What callers send and get about holds, terms and changes of orders."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from actors.domain.order_commands import Update
from actors.domain.order_holds import HOLD_HOURS_MAX
from actors.domain.order_terms_state import (
    GIFT_MAX,
    GROUP_MAX,
    NOTE_MAX,
    PRIORITY_MAX,
    SUBSTITUTES_MAX,
    Handling,
    HoldKind,
    ServiceLevel,
)
from actors.domain.personal_notes import PRIVATE_GIFT, SHOWN_NOTE
from serve.limits import END, TEXT, Sku

# All that may be asked of an order, one by one or many at once.
AnyUpdate = Literal[Update, "hold", "release", "prioritise"]
HANDLING_MAX = 8
_Note = Annotated[
    str,
    Meta(max_length=NOTE_MAX, pattern=TEXT, description="for colleagues; kept sealed, and erased with the person"),
    SHOWN_NOTE,
]
Group = Annotated[
    str,
    Meta(
        max_length=GROUP_MAX,
        pattern=r"^[A-Za-z0-9._:/-]*" + END,
        description="letters, digits and ._:/- only: lines of one group come from one place or not at all. It is not "
        "kept: answers number the groups, in the order in which they first come",
    ),
]
Substitutes = Annotated[list[Sku], Meta(max_length=SUBSTITUTES_MAX, description="what may stand in, best first")]
HandlingFlags = Annotated[list[Handling], Meta(max_length=HANDLING_MAX)]
Priority = Annotated[
    int, Meta(ge=-PRIORITY_MAX, le=PRIORITY_MAX, description="of two with the same due time the higher comes first")
]


class HoldDetails(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Why an order is held, or which reasons are gone. `release_within_hours`: for hold; when nobody has released
    it by then, that is told."""

    reasons: Annotated[list[HoldKind], Meta(min_length=1, max_length=4)]
    note: _Note = ""
    release_within_hours: Annotated[int, Meta(ge=1, le=HOLD_HOURS_MAX)] | None = None


class NewGift(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The order is a present, also with nothing in here: slips in its parcels show no prices. The words are kept
    sealed; a cell without keys takes none."""

    wrap: bool = False
    message: Annotated[str, Meta(max_length=GIFT_MAX, pattern=TEXT), PRIVATE_GIFT] = ""


class NewTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False, omit_defaults=True):
    """What is asked for besides the goods. `ship_complete`: nothing leaves before all of it can; `max_splits`: over how
    many places it may be split, within the policy's; `holds`: it begins held."""

    ship_complete: bool = False
    max_splits: Annotated[int, Meta(ge=1, le=5)] | None = None
    service_level: ServiceLevel = "standard"
    handling: HandlingFlags = []
    gift: NewGift | None = None
    holds: Annotated[list[HoldKind], Meta(max_length=4)] = []
