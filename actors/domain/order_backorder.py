"""What an order knows of the lines in which it waits for units that nobody had. The rules are in `order_waiting.py`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from actors.domain.location_events import Units
from actors.domain.personal_notes import NEARNESS, SEALED_ADDRESS

# Why it asks nobody by itself any more, or not yet. `split_limit`: it waits only where it has something already, and
# asks others by its timer; `asking_again`: some line was full, and it asks there by its timer.
ParkedWhy = Literal["in_line", "not_released", "split_limit", "asking_again", "asked_enough", "nobody_to_ask"]


class BackorderTerms(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a placement brings for what can't be had now. `release`: SKU → when it is out (UTC ms), of those that are
    not: until then nobody is asked for it. `lead_ms`: location → from the moment at which it has allocated units until
    they are with the customer. `whole`: what is missing is taken at once from one place, or not at all. `barred`:
    location → what it may never serve of what was ordered or may stand in; when it names any, one that it does not name
    may serve nothing: nobody has looked."""

    release: dict[str, int] = {}
    lead_ms: Annotated[dict[str, int], NEARNESS] = {}
    whole: bool = False
    barred: dict[str, list[str]] = {}


class PlaceInLine(msgspec.Struct, array_like=True, gc=False):
    """A line in which the order is, or was. `last`: the highest number of a fulfilment that it got there, or the one
    before the first that it may get. `seen`: of which the location does not know yet that the order has heard;
    `telling`: of these, those that are in the message under way, None when none is. `lines`: what
    the location was told last.
    `full`: the line is. `expected_ms`: when all of it can be had there (UTC ms), None when that is not known. `whole`:
    it was told that the order takes all or nothing.
    `as_of_ms`: when what it said of that was so."""

    last: int
    lines: list[Units] = []
    seen: list[int] = []
    telling: list[int] | None = None
    full: bool = False
    expected_ms: int | None = None
    whole: bool = False
    as_of_ms: int = 0


class Dates(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the customer knows of when it may be there. `known_ms`: that, None when nobody knew. `tell_at_ms`: when he
    is told otherwise, if it is so yet; None: there is nothing to tell. `told`: how often he was. Times: UTC ms."""

    known_ms: int | None
    tell_at_ms: int | None = None
    told: int = 0


class Backorder(msgspec.Struct, array_like=True):
    """`places`: by location. `parked`: why no timer runs, "" while one does. `dates`: None as long as no line has
    told of any."""

    terms: BackorderTerms | None = None
    places: Annotated[dict[str, PlaceInLine], NEARNESS] = {}
    parked: ParkedWhy | Literal[""] = ""
    dates: Dates | None = None


# --- commands: what locations tell -----------------------------------------------------------------------------------
class UnitsOffered(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """A location has allocated units to the order, as its fulfilment `number`. `floor`: its floor picks them."""

    location_id: str
    number: int
    lines: list[Units]
    floor: bool = False


class LineAnswered(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """A location has taken note of what the order waits for, or has no room for that. `expected_ms`: see
    `location_commands.InLine`."""

    location_id: str
    accepted: bool
    expected_ms: int | None = None
    as_of_ms: int = 0


class DateMoved(msgspec.Struct, frozen=True, tag=True, gc=False):
    """By what is to come to the location now, all of it can be had then (UTC ms); None: nobody knows.
    `as_of_ms`: when it was so."""

    location_id: str
    expected_ms: int | None
    as_of_ms: int


# --- events ----------------------------------------------------------------------------------------------------------
class LineAsk(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one location is told: what the order waits for there, nothing when it leaves. `number`, `seen`: see
    `location_commands.WaitInLine`."""

    location_id: str
    number: int
    lines: list[Units]
    seen: list[int] = []


class WaitingAsked(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """Locations are told what the order waits for there. `release`, `whole`: see `BackorderTerms`;
    `life_days`: see `PlaceOrder`."""

    asks: Annotated[list[LineAsk], NEARNESS]
    placed_ms: int
    channel: str
    life_days: dict[str, int] = {}
    release: dict[str, int] = {}
    whole: bool = False


class WaitingSettled(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """The location has answered. `dates`: what the customer knows, and when he is told; None: as before."""

    location_id: str
    accepted: bool
    expected_ms: int | None = None
    as_of_ms: int = 0
    dates: Dates | None = None


class WaitingDated(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """The location has another date for it. `dates`: what the customer knows, and when he is told."""

    location_id: str
    expected_ms: int | None
    as_of_ms: int
    dates: Dates | None = None


class BackorderFilled(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """Units that the order waited for are its own now, as fulfilment `number`. `promised_by_ms`: when they will be with
    the customer, None when that is not known."""

    number: int
    location_id: str
    lines: list[Units]
    promised_by_ms: int | None = None


class OfferReturned(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Units that the order lacks no more are given back."""

    number: int
    location_id: str
    lines: list[Units]


class BackorderParked(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """The order asks no more by itself, and why. `retry_at_ms`: when it does after all; None: only those in whose
    lines it is let it hear."""

    why: ParkedWhy
    retry_at_ms: int | None = None


class CustomerTold(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The customer is told when fulfilment `number` will be there, by a notice to the address that is sealed here."""

    number: int
    promised_by_ms: int
    sealed: Annotated[bytes, SEALED_ADDRESS]


class DateTold(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The customer is told for the `number`th time that it may be there at another time than he knew (UTC ms; None:
    nobody knows), by a notice to the address that is sealed here.
    `until_ms`: from then on that is not worth sending."""

    number: int
    expected_by_ms: int | None
    known_ms: int | None
    until_ms: int
    sealed: Annotated[bytes, SEALED_ADDRESS]


class DateKept(msgspec.Struct, frozen=True, tag=True, gc=False):
    """What the customer knows of the date is right again, or there is nothing to be told any more."""


Event = (
    WaitingAsked | WaitingSettled | BackorderFilled | OfferReturned | BackorderParked | CustomerTold | WaitingDated
    | DateTold | DateKept
)  # fmt: skip


# --- what callers see ------------------------------------------------------------------------------------------------
class BackorderView(msgspec.Struct, frozen=True, gc=False):
    """Why something is still missing. `lines_in`: in how many locations' lines the order is. `expected_by`: when all of
    it may be with the customer, by what is to come and who is in line before; absent when that is not known.
    `released_at`: when the last of it is out, absent when all is."""

    reason: ParkedWhy
    lines_in: int
    expected_by: datetime | msgspec.UnsetType = msgspec.UNSET
    released_at: datetime | msgspec.UnsetType = msgspec.UNSET
