"""What happens in a location's line (`location_line.py`), and who waits in it."""

from __future__ import annotations

import msgspec

# Units of one SKU.
Units = tuple[str, int]
# (since, placed, order id), UTC ms: lower comes first.
Rank = tuple[int, int, str]
# (channel, days that a lot must have left, not before (UTC ms), the order itself if it wants all or nothing)
Class = tuple[str, int, int, str]


class Turn(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Of who takes all or nothing (`location_turns.py`). `until_ms`: units are set aside for it until then (UTC ms);
    None: it is passed for now. `sku`: for whose units it came to be its turn, "" when it never did. `mark`: so many had
    been given what it wants when it came, or its time was over (`WaitingLine.passed`). `there`: so many units of what
    it wants were there for it when its turn went on; 0: it has not yet."""

    sku: str
    until_ms: int | None
    mark: int = 0
    there: int = 0

    def lasts(self, now_ms: int) -> bool:
        """Are units set aside for it?"""
        return self.until_ms is not None and self.until_ms > now_ms


class Waiter(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Who waits, and for what. `number`: of its next part. `unseen`: (fulfilment, what it got) of which it has not said
    yet that it has heard. `turn`: None for all who take what there is. `expected_ms`: when it was told to have all of
    it (UTC ms), None when that was not known."""

    order_id: str
    placed_ms: int
    number: int
    lines: dict[str, int] = {}
    unseen: list[tuple[int, list[Units]]] = []
    channel: str = ""
    life_days: dict[str, int] = {}
    from_ms: dict[str, int] = {}
    whole: bool = False
    turn: Turn | None = None
    expected_ms: int | None = None

    def rank(self, sku: str) -> Rank:
        """Its place in the line for the SKU."""
        from_ms = max(self.from_ms.values(), default=0) if self.whole else self.from_ms.get(sku, 0)
        return (max(self.placed_ms, from_ms), self.placed_ms, self.order_id)

    def class_for(self, sku: str) -> Class:
        """Whom the same units are good for."""
        only = self.order_id if self.whole else ""
        return (self.channel, self.life_days.get(sku, 0), self.from_ms.get(sku, 0), only)

    @property
    def over(self) -> bool:
        """It wants nothing, and has heard of all that it got."""
        return not self.lines and not self.unseen


class LineChanged(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """An order waits for other units than before, or for none any more. `left`: SKUs that it wanted and wants no more,
    of which something was noted."""

    waiter: Waiter
    left: list[str] = []


class LineServed(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """Units were allocated to who was next in line: as fulfilment `number` of the order. `floor`: the
    location's floor picks them."""

    order_id: str
    number: int
    lines: list[Units]
    floor: bool = False


class LineTurn(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """Units are set aside for the order until then, since that came to be its turn for this SKU; None: its time is
    over. `lacked`: of these there was less than it wants, and none came for long. `rest_ms`: so long its other SKUs are
    set aside for nobody anew then, as they lay idle in vain (UTC ms). `there`: see `Turn`."""

    order_id: str
    sku: str
    until_ms: int | None
    lacked: list[str] = []
    rest_ms: int = 0
    there: int = 0


class GoodsCame(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """Some of these SKUs came, for which somebody waits who takes all or nothing. `at_ms`: when (UTC ms); `units`: how
    many of each, 0 where some are only kept back no more."""

    skus: list[str]
    at_ms: int
    # Of what was noted before units were, nobody knows how many.
    units: list[int] = []


class LinePassed(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """Somebody who is not in line got some of these; or that order, which is, and asked by itself."""

    skus: list[str]
    order_id: str = ""


class DatesDue(msgspec.Struct, frozen=True, tag=True, gc=False):
    """What is to come of these has changed: those who wait for them are looked at then (UTC ms)."""

    skus: list[str]
    due_ms: int


class LineDated(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The order may have all of it then, otherwise than it was told (UTC ms; None: nobody knows). `as_of_ms`:
    by what was known then."""

    order_id: str
    expected_ms: int | None
    as_of_ms: int


class DatesLooked(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Those who wait for the SKU were looked at, up to that rank; None: all of them."""

    sku: str
    after: Rank | None


class LineDue(msgspec.Struct, frozen=True, tag=True, gc=False):
    """When the line has to be looked at (UTC ms), though no stock changes; None for never."""

    due_ms: int | None


Changed = LineChanged | LineServed | LineTurn | GoodsCame | LinePassed | DatesDue | LineDated | DatesLooked | LineDue
CHANGED = (LineChanged, LineServed, LineTurn, GoodsCame, LinePassed, DatesDue, LineDated, DatesLooked, LineDue)
