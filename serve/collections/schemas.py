"""What callers send and get about collections. Decoded strictly."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from actors.domain.collection_state import CollectionStatus
from actors.domain.personal_notes import SHOWN_NOTE, SHOWN_PICKUP_SPOT
from serve.customers.codes import CodeText
from serve.limits import LINES_MAX, TEXT, Quantity, Sku

Spot = Annotated[str, Meta(max_length=40, pattern=TEXT, description="where the customer waits", examples=["bay 4"])]
Shelf = Annotated[
    str, Meta(max_length=32, pattern=TEXT, description="where it waits: a place, no name", examples=["shelf 12"])
]


class PickedUnits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units of a SKU."""

    sku: Sku
    quantity: Quantity


UnitList = Annotated[list[PickedUnits], Meta(max_length=LINES_MAX)]


class Located(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/collections/{collection_id}/located`: what was found, by scan, and what is not there."""

    found: UnitList = []
    missing: UnitList = []
    shelf: Annotated[Shelf, SHOWN_NOTE] = ""


class NewlyReady(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/collections/{collection_id}/ready`. An empty object."""


class CodeGiven(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/collections/{collection_id}/verification`: the code that the customer was told."""

    code: CodeText


class IdentityCheck(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/collections/{collection_id}/identity-check`. An empty object: what
    was looked at is not kept."""


class CodeRenewal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/collections/{collection_id}/code`. An empty object: the new code goes to the
    order's address, as it is now."""


class HandedOver(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/collections/{collection_id}/hand-over`. `left`: what the customer does not want."""

    left: UnitList = []


class Extension(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/collections/{collection_id}/extension`: it is kept for so many days from now."""

    days: Annotated[int, Meta(ge=1, le=60, examples=[3])]


class CollectionEnd(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/collections/{collection_id}/end`. `left_behind`: the customer does not want it; `expired`:
    it is not kept any longer, and the customer is told."""

    why: Literal["left_behind", "expired"]


class CustomerArrived(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/orders/{order_id}/here`."""

    spot: Annotated[Spot, SHOWN_PICKUP_SPOT] = ""


class CollectionAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer to every step. `asking`: the step that is not yet certain, ask again for it; `verified`: by what it
    was proved that the customer may have it. `code`: of one that was made ready, or whose code is another, only in a
    cell without identity, which can write to nobody."""

    collection_id: str
    version: int
    status: CollectionStatus
    tries_left: int
    allowed: list[str]
    asking: str = ""
    verified: str = ""
    code: str = ""


class LyingUnits(msgspec.Struct, frozen=True):
    """Units of a SKU in a bin."""

    bin_id: str
    units: int


class CollectionLine(msgspec.Struct, frozen=True):
    """One SKU: of `quantity` units people have yet to find `to_find`, in these `bins`, and the store's
    floor picks `by_floor`."""

    sku: str
    quantity: int
    to_find: int
    by_floor: int
    bins: list[LyingUnits]


class CollectionDetail(msgspec.Struct, frozen=True):
    """All of a collection. `here_at`: since when its customer is at the store, and where (`here_spot`, "" when it is
    erased or restricted too). `late_at`: when the store was told that it should be ready by now; `held`: the order is
    held, and no time runs out."""

    collection_id: str
    version: int
    status: CollectionStatus
    order_id: str
    location_id: str
    opened_at: datetime
    updated_at: datetime
    shelf: Annotated[str, SHOWN_NOTE]
    here_at: datetime | None
    here_spot: Annotated[str, SHOWN_PICKUP_SPOT]
    ready_at: datetime | None
    collect_by: datetime | None
    verified: str
    tries_left: int
    asking: str
    allowed: list[str]
    lines: list[CollectionLine]
    left: list[PickedUnits]
    late_at: datetime | None
    held: bool


class ListedCollection(msgspec.Struct, frozen=True):
    """One collection in a list. `late_at`: see `CollectionDetail`."""

    collection_id: str
    version: int
    status: CollectionStatus
    order_id: str
    location_id: str
    line_count: int
    units: int
    shelf: Annotated[str, SHOWN_NOTE]
    opened_at: datetime
    here_at: datetime | None
    ready_at: datetime | None
    collect_by: datetime | None
    late_at: datetime | None


class CollectionPage(msgspec.Struct, frozen=True):
    """Newest first. `as_of`: how fresh the list is, null while not every host has told;
    `next_cursor`: null at the end."""

    collections: list[ListedCollection]
    as_of: datetime | None
    next_cursor: str | None
