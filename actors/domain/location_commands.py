"""What a location may be asked to do. The rules are in `location.py`.

These are sent as messages as well: a field that is added to one is unset where it says nothing, or what older programs
sent is not the same bytes any more, and is taken for another command under the same id.
"""

from __future__ import annotations

import msgspec

from actors.domain.floor_terms import FloorTerms
from actors.domain.location_events import Bin, Condition, IncomingSource, Levels, LocationType, Reason, Units
from actors.domain.location_profile import SetProfile


class OpenLocation(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Makes the location known, or changes its particulars. lat, lon: degrees."""

    location_type: LocationType
    name: str
    city: str
    country: str
    lat: float
    lon: float
    timezone: str = "UTC"


# --- goods come, are corrected, change their condition ---------------------------------------------------------------
class ReceiptLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`quantity` > 0 units arrived; `value`: (minor units of one unit, currency); `expires_on`: days since 1970-01-01,
    the lot's last good day; `bin`: where they were put, "" for nowhere yet; `serial`: the lot is the
    number of one single unit."""

    sku: str
    quantity: int
    value: tuple[int, str] | None = None
    lot: str = ""
    expires_on: int | None = None
    condition: Condition = "sellable"
    bin: str = ""
    serial: bool = False


class Allot(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Units of a receipt that are an order's from the start. `cause`: "<order id>.<fulfilment>"; lines: (SKU, lot,
    units), sellable ones of the receipt."""

    cause: str
    lines: list[tuple[str, str, int]]


class ReceiveStock(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Goods came in. `cause`: the id of what announced them, else of the request. `allot`: what of it is
    allocated in the same moment."""

    lines: list[ReceiptLine]
    reference: str = ""
    cause: str = ""
    allot: Allot | None = None


class AdjustmentLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A correction by `quantity` (signed; 0 when only the safety stock changes) of units in that condition."""

    sku: str
    quantity: int
    reason: Reason
    value: tuple[int, str] | None = None
    safety_stock: int | None = None
    lot: str = ""
    condition: Condition = "sellable"
    bin: str = ""


class AdjustStock(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Corrections, all or none. `cause`: the approval or count by which they come, else the id of the request.
    `as_far`: by a count, which saw what it saw: what is promised stays, as much of a loss as can be is
    taken, and the rest is told as a risk; a gain is taken though its bin is full or its lot has ended (then on quality
    hold). `as_left`: a loss is also no more than its bin still has by the books: of all that a second person approves
    at once, one line that was moved meanwhile does not refuse the others."""

    lines: list[AdjustmentLine]
    reference: str = ""
    cause: str = ""
    as_far: bool = False
    as_left: bool | msgspec.UnsetType = msgspec.UNSET


class ConditionLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`quantity` > 0 units that are `was` and now are `now`."""

    sku: str
    quantity: int
    was: Condition
    now: Condition
    lot: str = ""


class ChangeCondition(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Goods on hand are found damaged, are held until somebody has looked at them, or are good again: all lines or
    none. `cause`: the id of the request."""

    lines: list[ConditionLine]
    reference: str = ""
    cause: str = ""


class SetLevels(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Safety stock, reorder points and buffers of channels. `cause`: the id of the request."""

    levels: list[Levels]
    cause: str = ""


# --- promises --------------------------------------------------------------------------------------------------------
# Its tag is what it was called before carts: messages of then may still be under way.
class Allocate(msgspec.Struct, frozen=True, tag="Reserve", gc=False, omit_defaults=True):
    """An order's fulfilment, or a transfer (as `order_id`), asks for units. Answered with what could be allocated
    (`Taken`), which may be less or nothing. `channel`: whose buffer is kept back; `life_days`: per SKU, days that
    its lot must have left."""

    order_id: str
    fulfilment: int
    lines: list[Units]
    channel: str = ""
    life_days: dict[str, int] = {}


class Release(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Allocated units are given back."""

    order_id: str
    fulfilment: int
    lines: list[Units]


class Pick(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Allocated units were taken from the shelf."""

    order_id: str
    fulfilment: int
    lines: list[Units]


class ShortPick(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """Allocated units were not found: they leave the books. `lots`: (SKU, lot, units) of them of which it is known
    which; of the rest those that end soonest. `reference`: the approval by which they do, "" when none was needed."""

    order_id: str
    fulfilment: int
    lines: list[Units]
    lots: list[tuple[str, str, int]] = []
    reference: str = ""


class Ship(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """Allocated units left the building. Answered with the lots that they were of (`Shipped`). `package`: of a
    transfer, by which it knows the answer."""

    order_id: str
    fulfilment: int
    lines: list[Units]
    package: int = 0


class Reserve(msgspec.Struct, frozen=True, tag="ReserveForCart", gc=False, omit_defaults=True):
    """A cart asks for units. Answered with what could be reserved (`Taken`). `whole`: all of it or nothing."""

    reservation_id: str
    lines: list[Units]
    channel: str = ""
    whole: bool = False
    life_days: dict[str, int] = {}


class Unreserve(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A cart's units are given back."""

    reservation_id: str
    lines: list[Units]


class Convert(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A cart's units become an order's. Answered with what could be allocated (`Taken`): all of them but
    those whose lot has ended."""

    reservation_id: str
    order_id: str
    fulfilment: int
    lines: list[Units]


# --- orders wait in line (`location_waiting.py`) ----------------------------------------------------------------------
class WaitInLine(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """An order waits for these units, instead of those that it waited for before; none: it waits no
    more. Answered with `InLine`.

    `number`: which fulfilment the next part that it gets becomes, the ones after it count on. `seen`: fulfilments that
    it has heard of. `placed_ms`: when it was placed. `from_ms`: of SKUs that are not out yet, since when they may be
    had. `whole`: all of it at once, or nothing. Times: UTC ms."""

    order_id: str
    number: int
    placed_ms: int
    lines: list[Units] = []
    seen: list[int] = []
    channel: str = ""
    life_days: dict[str, int] = {}
    from_ms: dict[str, int] = {}
    whole: bool = False


class InLine(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The answer. `accepted`: it is in the line for what it wants, or has it already; false when the line is full.
    `expected_ms`: when all of it can be had by what is to come, and by who is in line before it; None when that is not
    known. `as_of_ms`: when it was so (UTC ms)."""

    accepted: bool
    expected_ms: int | None = None
    as_of_ms: int = 0


# --- what is to come, where things are, what goes off ---------------------------------------------------------------
class Expect(msgspec.Struct, frozen=True, tag=True, gc=False):
    """This is what is still to come from a source; no lines: nothing more. What is older than what was said already
    (`revision`) changes nothing."""

    source_id: str
    source: IncomingSource
    revision: int
    expected_at_ms: int
    lines: list[Units]


class DefineBins(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Makes bins known, or changes their particulars."""

    bins: list[Bin]


class RemoveBins(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Takes empty bins away: all or none."""

    bin_ids: list[str]


class MoveLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`quantity` > 0 units go from a bin to another; "" is no bin: just arrived, or in somebody's hands."""

    sku: str
    quantity: int
    from_bin: str
    to_bin: str
    lot: str = ""


class MoveUnits(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Goods are put away, moved or taken out: all lines or none. `cause`: the id of the request,
    or "" of a floor's own."""

    lines: list[MoveLine]
    reference: str = ""
    cause: str = ""


class BeginCounting(msgspec.Struct, frozen=True, tag=True, gc=False):
    """These spots are being counted from now on: (bin id, "") or ("", SKU). A spot that the same count has begun
    already begins anew. Answered with which could be begun, and when (`Begun`); `tell_book`: and
    with what should be there."""

    count_id: str
    spots: list[tuple[str, str]]
    tell_book: bool = False


class CountSpot(msgspec.Struct, frozen=True, tag=True, gc=False):
    """So many units of each (SKU, lot, units) lay in the spot at that moment (UTC ms). Changes nothing; answered with
    what the books said at that moment (`Compared`)."""

    count_id: str
    spot: tuple[str, str]
    counted: list[tuple[str, str, int]]
    counted_at_ms: int


class EndCounting(msgspec.Struct, frozen=True, tag=True, gc=False):
    """These spots are not being counted any more. `counted`, `taken`: see `CountingEnded`."""

    count_id: str
    spots: list[tuple[str, str]]
    counted: list[tuple[str, int]] = []
    taken: bool | msgspec.UnsetType = msgspec.UNSET


class RunFloor(msgspec.Struct, frozen=True, tag=True, gc=False):
    """From now on orders that are served here are picked by the location's floor (`floor.py`), on these terms; None:
    by hand, as without one."""

    terms: FloorTerms | None


class LookAtLocation(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The timer (`location_state.due_of`): a lot ends soon, or has; or in the line of waiting orders it is time for a
    release, for the end of a turn, for a new day, or to look at promised dates."""


Command = (
    OpenLocation | ReceiveStock | AdjustStock | ChangeCondition | SetLevels | Allocate | Release | Pick | ShortPick | Ship
    | Reserve | Unreserve | Convert | Expect | DefineBins | RemoveBins | MoveUnits | LookAtLocation
    | BeginCounting | CountSpot | EndCounting | RunFloor | SetProfile | WaitInLine
)  # fmt: skip
