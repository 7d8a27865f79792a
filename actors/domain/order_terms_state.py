"""What an order carries besides its goods: holds, the terms on which it was placed, and what floors were told of it.
The rules are in `order_holds.py`, `order_terms.py` and `order_changes.py`. A plain order has none of it (`Order.terms`
is None), and pays nothing for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

import msgspec

from actors.domain.location_events import Units
from actors.domain.personal_notes import APPROVER, ORDER_NOTE, ORDER_NOTE_DIGEST
from actors.domain.times import DAY_MS, HOUR_MS

HoldKind = Literal["address", "fraud", "payment", "customer"]
ServiceLevel = Literal["standard", "express", "same_day"]
Handling = Literal[
    "fragile", "this_side_up", "keep_dry", "heavy", "signature", "no_neighbour", "age_check", "identity_check",
]  # fmt: skip
NOTE_MAX = 200
# Letters of the words that go with a present.
GIFT_MAX = 500
SUBSTITUTES_MAX = 5
GROUP_MAX = 32
PRIORITY_MAX = 1_000
# level → (priority on floors, by when it is to be picked after the placement)
LEVELS: Mapping[ServiceLevel, tuple[int, int]] = {
    "standard": (0, DAY_MS),
    "express": (50, 8 * HOUR_MS),
    "same_day": (100, 2 * HOUR_MS),
}
# What the customer is promised by the level itself; a standard order is there when it is there.
PROMISED_WITHIN_MS: Mapping[ServiceLevel, int | None] = {
    "standard": None, "express": 2 * DAY_MS, "same_day": 16 * HOUR_MS,
}  # fmt: skip


class Hold(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Nothing of the order is picked, packed or shipped as long as this stands. `by`: who said so, "" for nobody known;
    `until_ms`: when somebody is to be told that it stands yet, None for never; `overdue`: that was told. `note`: in a
    cell without keys, and of holds from before notes were sealed; else `sealed_note`, under the key of whose the order
    is, and its keyed digest, by which the same words are known again. Times: UTC ms."""

    kind: HoldKind
    at_ms: int
    by: Annotated[str, APPROVER] = ""
    note: Annotated[str, ORDER_NOTE] = ""
    until_ms: int | None = None
    overdue: bool = False
    sealed_note: Annotated[bytes, ORDER_NOTE] = b""
    note_digest: Annotated[str, ORDER_NOTE_DIGEST] = ""


class StandIn(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """In fulfilment `number`, units of `substitute` stand in for `sku`."""

    number: int
    sku: str
    substitute: str
    units: int


class FloorWord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a floor was told last of fulfilment `number`. `turn`: how often it was told something new; `less`: units
    taken out since it was handed over."""

    number: int
    turn: int
    held: bool
    priority: int
    due_ms: int
    less: list[Units] = []


class Terms(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Of one order. `groups`, `substitutes`: by line, as they were ordered, or empty: lines of one group ("1", "2", …;
    in orders from before that the caller's word) come together from one place or not at all; what may stand in, best
    first. `ship_complete`: nothing of it leaves before all of it can. `gift`: it is a present (ask `is_gift`);
    `gift_wrap`, `handling`: for who packs; `message`: a gift's text is sealed with what tells who ordered. `priority`:
    on floors, None for that of the level. `withheld`: numbers of fulfilments that their floors get when nothing stands
    against it any more. `refund_minor`: what is due for changes so far: what they have taken off the total, without
    what refunds had given back of it."""

    holds: list[Hold] = []
    ship_complete: bool = False
    groups: list[str] = []
    substitutes: list[list[str]] = []
    service_level: ServiceLevel = "standard"
    handling: list[Handling] = []
    gift_wrap: bool = False
    message: bool = False
    priority: int | None = None
    stands: list[StandIn] = []
    withheld: list[int] = []
    words: list[FloorWord] = []
    refund_minor: int = 0
    gift: bool = False

    @property
    def is_gift(self) -> bool:
        """Is it a present? Of an order from before `gift` was kept, the wrapping and the words tell; a plain present of
        then is not known for one any more."""
        return self.gift or self.gift_wrap or self.message

    @property
    def asks_for_more(self) -> bool:
        """Does it restrict from where the goods come, or what they are?"""
        return self.ship_complete or any(self.groups) or any(self.substitutes)


NO_TERMS = Terms()


def as_ordered(terms: Terms, number: int, lines: Iterable[Units]) -> list[Units]:
    """The lines of a fulfilment, with what was ordered in place of what stands in."""
    out: list[Units] = []
    stands = [one for one in terms.stands if one.number == number]
    for sku, units in lines:
        own = units
        for one in stands:
            if one.substitute == sku:
                out.append((one.sku, one.units))
                own -= one.units
        if own:
            out.append((sku, own))
    return out


def without_notes(terms: Terms) -> Terms:
    """The same with no word of what somebody wrote about the person."""
    holds = [msgspec.structs.replace(hold, note="", sealed_note=b"", note_digest="") for hold in terms.holds]
    return msgspec.structs.replace(terms, holds=holds)


def next_overdue_ms(terms: Terms) -> int | None:
    """When the next hold has stood too long (UTC ms), None for never."""
    return min((hold.until_ms for hold in terms.holds if hold.until_ms is not None and not hold.overdue), default=None)
