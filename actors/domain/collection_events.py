"""What happens to a collection. The rules are in `collection.py`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from actors.domain.collection_commands import NewPart, Notices, Told
from actors.domain.location_events import Units
from actors.domain.order_pickup_commands import Clock, PartMove, PickupStep
from actors.domain.personal_notes import NOTICE_ABOUT, ONE_TIME_CODE, PICKUP_SPOT, SHELF

# By what it was proved that the customer may have it.
Proof = Literal["code", "identity"]
Ending = Literal["collected", "left_behind", "expired", "nothing_found", "cancelled", "given_up"]


class PickupOpened(msgspec.Struct, frozen=True, tag=True, gc=False):
    """These units are to be made ready."""

    order_id: str
    location_id: str
    parts: list[NewPart]
    clock: Clock | None = None


class PartTold(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The store's floor has picked a part, or misses units of it."""

    number: int
    picked: bool
    missing: list[Units]


class UnitsLocated(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Units were found."""

    found: list[Units]
    shelf: Annotated[str, SHELF]


class Terms(msgspec.Struct, frozen=True, gc=False):
    """On which it is ready: what its code is, until when it is kept, when its customer is reminded, what the customer
    is told, at the address after correction number `contact`. UTC ms."""

    digest: Annotated[bytes, ONE_TIME_CODE]
    ready_at_ms: int
    collect_by_ms: int
    remind_at_ms: int
    notices: Notices
    contact: int = 0


class OrderAsked(msgspec.Struct, frozen=True, tag=True, gc=False):
    """With this event the order is asked whether it goes along. `awaited`: the command that is
    answered then, "" for none."""

    order_id: str
    step: PickupStep
    parts: list[PartMove]
    awaited: str = ""
    terms: Terms | None = None


class StepTaken(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The order goes along."""

    step: PickupStep


class StepNotTaken(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The order does not, for this reason: all is as before."""

    step: PickupStep
    code: str


class CustomerHere(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The customer is at the store. See `SayHere`."""

    location_id: str
    spot: Annotated[str, PICKUP_SPOT] = ""
    sealed_spot: Annotated[bytes, PICKUP_SPOT] = b""
    spot_digest: Annotated[str, PICKUP_SPOT] = ""


class CodeRenewed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The code is another, and told by `notices` from now on."""

    digest: Annotated[bytes, ONE_TIME_CODE]
    notices: Notices


class CollectionRedirected(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The customer's address was corrected: see `RedirectCollection`. With this event the notices `withdrawn`, which
    went to the one before, are not to be sent any more."""

    turn: int
    digest: Annotated[bytes, ONE_TIME_CODE]
    notices: Notices
    withdrawn: list[str] = []


class StoreLate(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It should be ready by now."""

    location_id: str


class LeftToPeople(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The store has let the order down too often: nothing is sent there for it any more, unless people say so."""

    location_id: str


class ClockPaused(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The order is held: see `PauseCollection`."""

    turn: int


class ClockResumed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The order is not held any more: see `ResumeCollection`."""

    turn: int
    collect_by_ms: int | None
    reminder: Told | None


class CodeMissed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A wrong code was given."""


class CustomerVerified(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Whoever is there may have it."""

    by: Proof


class NoticeTold(msgspec.Struct, frozen=True, tag=True, gc=False):
    """With this event the customer is told. `about`: the order's id."""

    about: Annotated[str, NOTICE_ABOUT]
    notice: Told


class CustomerReminded(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Its time is nearly over."""


class CollectionEnded(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It is over."""

    how: Ending


class ShelfForgotten(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Where the goods lay is not kept any longer."""


Event = (
    PickupOpened | PartTold | UnitsLocated | OrderAsked | StepTaken | StepNotTaken | CustomerHere | CodeMissed | CustomerVerified
    | NoticeTold | CustomerReminded | CollectionEnded | CodeRenewed | StoreLate | ClockPaused | ClockResumed
    | CollectionRedirected | LeftToPeople | ShelfForgotten
)  # fmt: skip
