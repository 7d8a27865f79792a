"""Bodies of `/v1/counts`, and of what is due to be counted."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from actors.domain.count import SPOTS_MAX
from actors.domain.count_commands import CountReason
from actors.domain.count_schedule import AbcClass
from actors.domain.count_state import CountStatus, SpotStatus
from actors.domain.location_counting import LINES_MAX
from actors.domain.money import Money
from actors.domain.personal_notes import APPROVER
from serve.limits import TEXT, UNITS_MAX, BinIdOrNone, Lot, Sku
from serve.moments import Moment

SkuOrNone = Annotated[str, Meta(max_length=64, pattern=TEXT, description="what of it lies in no bin; empty for a bin")]
LocationName = Annotated[str, Meta(min_length=1, max_length=80, pattern=TEXT, examples=["us-wh-seattle"])]
Found = Annotated[int, Meta(ge=0, le=UNITS_MAX, description="base units that are there", examples=[12])]


class Spot(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A bin with all that lies in it, or what of a SKU lies in no bin: one of the two is named."""

    bin_id: BinIdOrNone = ""
    sku: SkuOrNone = ""


class Tolerance(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A difference of a SKU (and lot) that is at most one of these is accepted without a recount. From some size on
    (`[counts]` of the region's config) it is for who may correct stock."""

    units: Annotated[int, Meta(ge=0, le=UNITS_MAX, description="base units")] = 0
    percent: Annotated[int, Meta(ge=0, le=100, description="of what the books say")] = 0


class NewCount(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The body of `POST /v1/counts`. `blind`: nobody is told what should be there before it is decided."""

    location_id: LocationName
    spots: Annotated[list[Spot], Meta(min_length=1, max_length=SPOTS_MAX)]
    reason: CountReason = "request"
    blind: bool = True
    tolerance: Tolerance = Tolerance()


class BegunSpots(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Somebody stands before these, and is about to count them."""

    spots: Annotated[list[Spot], Meta(min_length=1, max_length=SPOTS_MAX)]


class FoundLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """So many units are there, whatever their condition and whoever they are promised to."""

    sku: Sku
    quantity: Found
    lot: Lot = ""


class CountedSpot(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """All that is there; what is not named is not there. `counted_at`: when, after it was begun. However late this is
    sent, it is compared with the books of that moment."""

    spot: Spot
    lines: Annotated[list[FoundLine], Meta(max_length=LINES_MAX)]
    counted_at: Moment


class Closure(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """An empty object: there is nothing more to say."""


class BookLine(msgspec.Struct, frozen=True):
    """What should be there."""

    sku: str
    lot: str
    units: int


class ComparedUnits(msgspec.Struct, frozen=True):
    """`variance`: units more than the books had at the moment of counting."""

    sku: str
    lot: str
    book: int
    counted: int
    variance: int


class SpotDetail(msgspec.Struct, frozen=True):
    """A spot. `problem`: code of what went wrong last, else ""; `began_at`: since when its changes are kept, null for
    not at all; `times`: how often it was counted; `book`: of a count that is not blind, what should be there; `lines`:
    of the counting that decided, of a blind count when it is decided; `approval_id`: what a second person
    has to approve, else ""."""

    bin_id: str
    sku: str
    status: SpotStatus
    problem: str
    began_at: datetime | None
    times: int
    book: list[BookLine]
    lines: list[ComparedUnits]
    counted_by: Annotated[str, APPROVER]
    counted_at: datetime | None
    approval_id: str


class CountDetail(msgspec.Struct, frozen=True):
    """All of a count. `settled`: spots that are done with; `variance_units`: base units of all that was accepted,
    whichever way they go; `variance_value`: what they are worth by the catalogue's unit costs, as far as these are
    known, null where no limits of worth hold; `expires_at`: when it is closed at the latest; `closed_by`: "" while it
    is open, and when nobody had to."""

    count_id: str
    version: int
    status: CountStatus
    location_id: str
    reason: CountReason
    blind: bool
    tolerance: Tolerance
    opened_by: Annotated[str, APPROVER]
    opened_at: datetime
    expires_at: datetime
    closed_by: Annotated[str, APPROVER]
    settled: int
    variance_units: int
    spots: list[SpotDetail]
    variance_value: Money | None = None


class ListedCount(msgspec.Struct, frozen=True):
    """One count in a list. `spots`: how many, of which `settled` are done with."""

    count_id: str
    version: int
    status: CountStatus
    location_id: str
    reason: CountReason
    spots: int
    settled: int
    variance_units: int
    opened_by: Annotated[str, APPROVER]
    opened_at: datetime


class CountPage(msgspec.Struct, frozen=True):
    """Newest first. `as_of`: how fresh it is, null while not every host has told; `next_cursor`: null at the end."""

    counts: list[ListedCount]
    as_of: datetime | None
    next_cursor: str | None


class CountSuggestion(msgspec.Struct, frozen=True):
    """A SKU that is due. `abc`: its class by the value that left; `units`: that left in the period; `last_counted_at`,
    `due_since`: null when it was never counted."""

    sku: str
    abc: AbcClass
    units: int
    last_counted_at: datetime | None
    due_since: datetime | None


class CountSuggestions(msgspec.Struct, frozen=True):
    """The most urgent first. `due`: how many are due in all; `days`: of what left in so many."""

    location_id: str
    as_of: datetime | None
    days: int
    due: int
    suggestions: list[CountSuggestion]
