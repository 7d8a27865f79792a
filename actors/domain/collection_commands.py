"""What may be asked of a collection. The rules are in `collection.py`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from actors.domain.location_events import Units
from actors.domain.order_pickup_commands import Clock, PickupStep
from actors.domain.personal_notes import ONE_TIME_CODE, PICKUP_SPOT, SEALED_ADDRESS, SEALED_CONTENT, SHELF

# Why staff ends one that waits for its customer: not wanted any more, or nobody comes for it.
EndedBy = Literal["left_behind", "expired"]


# --- what the order says --------------------------------------------------------------------------------------------
class NewPart(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Fulfilment `number` of the order. `floor`: the store's floor picks it; `picked`: it has."""

    number: int
    lines: list[Units]
    floor: bool = False
    picked: bool = False


class OpenCollection(msgspec.Struct, frozen=True, tag=True, gc=False):
    """These units, which are the order's and at the store, are to be made ready."""

    order_id: str
    location_id: str
    parts: list[NewPart]
    clock: Clock | None = None


class TellPart(msgspec.Struct, frozen=True, tag=True, gc=False):
    """What the store's floor has said of a part: that it is picked, or that units are missing."""

    number: int
    picked: bool = False
    missing: list[Units] = []


class StopCollection(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The order was cancelled."""


class ForgetShelf(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The order's person was erased."""


class PauseCollection(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The order is held. `turn` counts up with each word on that."""

    turn: int


class ResumeCollection(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It is not held any more: kept until then (UTC ms), None for one that is not ready. `reminder`: of the new date,
    None when it is about the same, to the address after correction number `contact`."""

    turn: int
    collect_by_ms: int | None = None
    reminder: Told | None = None
    contact: int = 0


class OrderAnswered(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The order goes along with the step, or is cancelled (`over`), or refuses it with `code`. `turn`: of its word on
    the hold because of which it refuses; `stopped`: see `PickupMoved`."""

    step: PickupStep
    over: bool = False
    code: str = ""
    turn: int | None = None
    stopped: bool = False


# --- what people do; `within`: the locations that their rights reach, empty for the whole region ----------------------
class LocateUnits(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Units were found, by scan, or are not where they should be. `shelf`: where all of it waits for its
    customer, "" for as before."""

    found: list[Units] = []
    missing: list[Units] = []
    shelf: Annotated[str, SHELF] = ""
    within: list[str] = []


class Told(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A notice that is ready to be sent (`notice.py`): sealed where keys are."""

    notice_id: str
    template: str
    sealed_address: Annotated[bytes, SEALED_ADDRESS]
    sealed_content: Annotated[bytes, SEALED_CONTENT]
    until_ms: int


class Notices(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the customer is told: that it is ready, soon over, over. None: not."""

    ready: Told | None = None
    reminder: Told | None = None
    expired: Told | None = None


class Retold(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the customer of a collection that is ready is told once the address is corrected:
    another code, of this digest."""

    collection_id: str
    digest: Annotated[bytes, ONE_TIME_CODE]
    notices: Notices


class RedirectCollection(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The customer's address was corrected, the `turn`-th time: what was told to the one before is worth nothing, and
    `notices` tell the new one the code of this digest, b"" for none."""

    turn: int
    digest: Annotated[bytes, ONE_TIME_CODE] = b""
    notices: Notices = Notices()


class MakeReady(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Everything is on the shelf. `digest`: keyed, of the code that the customer is told; `collect_by_ms`: until when
    it is kept; `contact`: the customer is told at the address after correction number so and so of the order,
    here and with the others."""

    digest: Annotated[bytes, ONE_TIME_CODE]
    collect_by_ms: int
    notices: Notices = Notices()
    within: list[str] = []
    contact: int = 0


class ExtendCollection(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It is kept for longer. `total_ms`: at most so long after it was ready."""

    collect_by_ms: int
    total_ms: int
    notices: Notices = Notices()
    within: list[str] = []
    contact: int = 0


class SayHere(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The customer is at the store. `sealed_spot`: where, as the customer says, under a data key
    (`serve/collections/spots.py`); `spot`: the same in a cell that has no keys; `spot_digest`:
    keyed, of what is sealed."""

    spot: Annotated[str, PICKUP_SPOT] = ""
    within: list[str] = []
    sealed_spot: Annotated[bytes, PICKUP_SPOT] = b""
    spot_digest: Annotated[str, PICKUP_SPOT] = ""


class RenewCode(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The customer has lost the code: from now on it is another (`digest`, b"" when there is nobody to tell it to).
    `notices`: as it is told, and those that tell it later, all for `collect_by_ms`."""

    digest: Annotated[bytes, ONE_TIME_CODE]
    collect_by_ms: int
    notices: Notices = Notices()
    within: list[str] = []
    contact: int = 0


class VerifyCode(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Somebody gave a code of this digest."""

    digest: Annotated[bytes, ONE_TIME_CODE]
    within: list[str] = []


class VerifyIdentity(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A manager has looked at who it is."""

    within: list[str] = []


class HandOver(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The customer takes it, all but what is `left`."""

    left: list[Units] = []
    within: list[str] = []


class EndCollection(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It is not kept any longer."""

    why: EndedBy
    within: list[str] = []


class LookAtCollection(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The timer: the store is late, the customer is to be reminded, its time is over, or
    nobody looks for the goods any more."""


Command = (
    OpenCollection | TellPart | StopCollection | PauseCollection | ResumeCollection | RedirectCollection | OrderAnswered | LocateUnits | MakeReady
    | ExtendCollection | SayHere | RenewCode | VerifyCode | VerifyIdentity | HandOver | EndCollection | LookAtCollection
    | ForgetShelf
)  # fmt: skip
