"""Bodies of `/v1/locations/{location_id}/floor`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from actors.domain.floor_service import PRIORITY_MAX, Mark
from actors.domain.floor_state import WorkStatus
from actors.domain.floor_views import TripStatus
from actors.domain.personal_notes import APPROVER
from actors.domain.pick_layout import AISLES_MAX, CROSS_AISLES_MAX, Coordinate
from actors.domain.wave import TRIP_LINES_MAX
from actors.domain.wave_terms import Method
from serve.limits import TEXT, UNITS_MAX, BinIdOrNone, Lot, Quantity, Sku
from serve.moments import Moment

FulfilmentId = Annotated[
    str, Meta(min_length=1, max_length=64, pattern=TEXT, examples=["us-01kah2v3nq7h3k2m9qk4t1x0ab.1"])
]
PickerName = Annotated[str, Meta(max_length=80, pattern=TEXT, description="id of who picks")]
Number = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Tote = Annotated[int, Meta(ge=0, le=TRIP_LINES_MAX, description="as the trip numbers them; 0 for none")]
Grams = Annotated[int, Meta(ge=1, le=10_000_000)]
Millilitres = Annotated[int, Meta(ge=1, le=10_000_000)]
OfLines = Annotated[int, Meta(ge=1, le=TRIP_LINES_MAX)]
OfUnits = Annotated[int, Meta(ge=1, le=UNITS_MAX)]


# --- the switch -------------------------------------------------------------------------------------------------------
class TripLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """What a picker can do on one trip. `totes`: orders at a time in a cluster."""

    lines: OfLines = 40
    units: OfUnits = 200
    weight_g: Grams = 150_000
    volume_ml: Millilitres = 400_000
    totes: OfLines = 12


class Spot(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A place on the floor plan, in decimetres."""

    x_dm: Coordinate = 0
    y_dm: Coordinate = 0


class AisleAt(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """`x_dm`: the middle of the aisle with that number."""

    aisle: Annotated[int, Meta(ge=0, le=10_000)]
    x_dm: Coordinate


class FloorLayout(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Where one walks: parallel aisles, the cross aisles that join them (y, rising), where trips start and end. Without
    aisles ways are |dx| + |dy|."""

    aisles: Annotated[list[AisleAt], Meta(max_length=AISLES_MAX)] = []
    cross_aisles_y_dm: Annotated[list[Coordinate], Meta(max_length=CROSS_AISLES_MAX)] = []
    start: Spot = Spot()
    end: Spot = Spot()


class FloorSwitch(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The body of `PUT /v1/locations/{location_id}/floor`."""

    enabled: bool
    limits: TripLimits = TripLimits()
    layout: FloorLayout = FloorLayout()


class FloorSettings(msgspec.Struct, frozen=True):
    """Whether the floor runs picking here, and how; limits and layout are null when it does not."""

    location_id: str
    enabled: bool
    limits: TripLimits | None
    layout: FloorLayout | None


class FloorMarks(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The body of `PUT /v1/locations/{location_id}/floor/marks`: shares of the time from the order's placing to its due
    time, and what each mark adds to the priority."""

    warn_percent: Annotated[int, Meta(ge=1, le=99)] = 50
    urgent_percent: Annotated[int, Meta(ge=1, le=99)] = 80
    raise_by: Annotated[int, Meta(ge=0, le=PRIORITY_MAX)] = 100


class FloorMarksView(msgspec.Struct, frozen=True):
    """The marks, and how many fulfilments of which something is yet to be picked have come to each."""

    location_id: str
    version: int
    marks: FloorMarks
    at_risk: dict[str, int]


# --- the queue --------------------------------------------------------------------------------------------------------
class QueuedLine(msgspec.Struct, frozen=True):
    """wanted = waiting + planned + picked + short"""

    sku: str
    wanted: int
    waiting: int
    planned: int
    picked: int
    short: int


class HeldUnits(msgspec.Struct, frozen=True):
    """Units of a cancelled fulfilment that are to go back into bins."""

    sku: str
    lot: str
    units: int


class QueuedWork(msgspec.Struct, frozen=True):
    """A fulfilment in the queue. `mark`: how late it is, "" for not at all; `handling`: how the goods are to be
    treated; `problem`: code of why it is blocked, or of why it could not be put back, else ""."""

    fulfilment_id: str
    status: WorkStatus
    priority: int
    due_at: datetime
    placed_at: datetime
    problem: str
    lines: list[QueuedLine]
    put_back: list[HeldUnits]
    mark: Mark = ""
    handling: list[str] = []


class FloorQueue(msgspec.Struct, frozen=True):
    """Most urgent first, from the floor itself; `version`: the floor's; `next_cursor`: null at the end."""

    location_id: str
    version: int
    works: list[QueuedWork]
    next_cursor: str | None


class Urgency(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The body of `POST …/floor/priorities`."""

    fulfilment_id: FulfilmentId
    due_at: Moment
    priority: Annotated[int, Meta(ge=-PRIORITY_MAX, le=PRIORITY_MAX)] = 0


class Retry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The body of `POST …/floor/retries`."""

    fulfilment_id: FulfilmentId


# --- waves ------------------------------------------------------------------------------------------------------------
class NewWave(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The body of `POST …/floor/waves`. `due_by`: a wave is of all that is due by then; other methods may say it, too.
    `limits`: instead of the floor's own; `orders_max`: how many fulfilments at most."""

    method: Method = "batch"
    due_by: Moment | None = None
    limits: TripLimits | None = None
    orders_max: Annotated[int, Meta(ge=1, le=1_000)] = 500


class PlannedTrip(msgspec.Struct, frozen=True):
    """A trip that can be claimed. `orders`: fulfilments on it; `exact`: no shorter way is possible."""

    trip: int
    method: Method
    due_at: datetime
    tasks: int
    units: int
    orders: int
    walk_dm: int
    exact: bool


class SplitWork(msgspec.Struct, frozen=True):
    """A fulfilment that goes on several trips, and why."""

    fulfilment_id: str
    reasons: list[str]


class LeftOutWork(msgspec.Struct, frozen=True):
    """A fulfilment of which nothing is planned: one unit of the SKU is more than a trip may carry."""

    fulfilment_id: str
    sku: str
    limit: str


class Wave(msgspec.Struct, frozen=True):
    """What was planned. `waiting`: fulfilments that were not looked at: plan again."""

    location_id: str
    version: int
    trips: list[PlannedTrip]
    splits: list[SplitWork]
    left_out: list[LeftOutWork]
    waiting: int


# --- trips ------------------------------------------------------------------------------------------------------------
class Claim(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The body of `POST …/floor/claims`. `picker`: only where nobody signs in; else it is who asks."""

    picker: Annotated[PickerName, APPROVER] = ""


class ForWhom(msgspec.Struct, frozen=True):
    """Units of a task that are left for a fulfilment. `tote`: 0 when they are sorted afterwards."""

    fulfilment_id: str
    units: int
    tote: int


class TaskDetail(msgspec.Struct, frozen=True):
    """Units to be taken from a bin, "" where they lie in none. `left`: of `wanted`; `problem`: code of what books or
    floor say against it, else ""."""

    task: int
    bin_id: str
    sku: str
    lot: str
    expires_on: date | None
    wanted: int
    left: int
    shares: list[ForWhom]
    problem: str


class TripDetail(msgspec.Struct, frozen=True):
    """A trip with its tasks in walking order. `picker`: whose it is, "" while nobody has it."""

    location_id: str
    version: int
    trip: int
    status: TripStatus
    method: Method
    due_at: datetime
    walk_dm: int
    exact: bool
    picker: Annotated[str, APPROVER]
    claimed_at: datetime | None
    tasks: list[TaskDetail]


class ScannedPick(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The body of `POST …/floor/trips/{trip}/picks`, as it was scanned. `sku`: or its GTIN, where the SKU is one;
    `tote`: into which the units went."""

    task: Number
    bin_id: BinIdOrNone
    sku: Sku
    units: Quantity
    lot: Lot = ""
    tote: Tote = 0


class ShortPick(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The body of `POST …/floor/trips/{trip}/short-picks`: so many units are not there."""

    task: Number
    units: Quantity


class PickStep(msgspec.Struct, frozen=True):
    """`over`: nothing is left of the trip; `left`: units of the task; `next`: what to take next, null at the end."""

    location_id: str
    version: int
    trip: int
    over: bool
    left: int
    next: TaskDetail | None


class Pause(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The body of `POST …/floor/trips/{trip}/pauses`."""

    paused: bool


class NewPicker(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The body of `POST …/floor/trips/{trip}/hand-overs`."""

    to: Annotated[Annotated[str, Meta(min_length=1, max_length=80, pattern=TEXT)], APPROVER]


class Abandonment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """An empty object: there is nothing more to say."""


class ReturnedUnits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The body of `POST …/floor/put-backs`. `bin_id`: empty where the building has no bins."""

    fulfilment_id: FulfilmentId
    sku: Sku
    units: Quantity
    bin_id: BinIdOrNone = ""
    lot: Lot = ""


class LostUnits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The body of `POST …/floor/losses`: units that were picked for the fulfilment. `lot`: of which they are,
    where several were picked."""

    fulfilment_id: FulfilmentId
    sku: Sku
    units: Quantity
    lot: Lot = ""


class Checked(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The body of `POST …/floor/dispute-closures`: what the figures name as to be counted has been."""

    sku: Sku
    bin_id: BinIdOrNone = ""
    lot: Lot = ""


# --- figures ----------------------------------------------------------------------------------------------------------
class WorkFigures(msgspec.Struct, frozen=True):
    """Fulfilments of one status, their units, how many are overdue, and how many by how long ago they were placed."""

    status: WorkStatus
    orders: int
    units: int
    overdue: int
    by_age: dict[str, int]


class ToCount(msgspec.Struct, frozen=True):
    """Books and floor differ about these goods: somebody should count. `reason`: a code;
    `units`: about which they do."""

    bin_id: str
    sku: str
    lot: str
    units: int
    reason: str
    since: datetime


class FloorFigures(msgspec.Struct, frozen=True):
    """Open work by state and age, trips by state, and what to count."""

    location_id: str
    version: int
    works: list[WorkFigures]
    trips: dict[TripStatus, int]
    to_count: list[ToCount]
