"""What callers send and get about what-ifs of sourcing policies."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from actors.domain.personal_notes import APPROVER
from actors.domain.simulations import SimulationView, Status
from actors.domain.sourcing_policy import Policy
from actors.domain.times import moment
from actors.domain.what_if_figures import Figures
from actors.domain.what_if_report import Report
from actors.domain.what_if_terms import ORDERS_DEFAULT, ORDERS_MAX
from serve.moments import Moment
from serve.sourcing.schemas import PolicyChannel

OrdersMax = Annotated[int, Meta(ge=1, le=ORDERS_MAX, description="so many are played at most; of more a sample")]


class NewSimulation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """The body of `POST /v1/sourcing/simulations`: the whole policy to try, as for
    `PUT /v1/sourcing/policies/{channel}`, and on which orders: of a channel (`all`: of every one) that were placed in
    this time, `to` not in it."""

    policy: Policy
    from_: Moment
    to: Moment
    channel: PolicyChannel = "all"
    orders_max: OrdersMax = ORDERS_DEFAULT


class SimulationCancellation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """An empty object: there is nothing more to say."""


class ServedByPlace(msgspec.Struct, frozen=True):
    """Parts of orders and units that a place served, and its share of all units."""

    location_id: str
    parts: int
    units: int
    share: float


class StockOut(msgspec.Struct, frozen=True):
    """A SKU of which orders did not get all at once."""

    sku: str
    orders: int
    units: int


class PlayFigures(msgspec.Struct, frozen=True):
    """What came of a play. Units: `units` were wanted; `units_at_once` had at the placement, `units_later` until the
    end, `units_waiting` were not. `whole`: orders that had all at once, `split`: from more places than one.
    `costs_milli`: thousandths of a minor unit, by component. Distances are of parts: `km_told` of them stand in a
    decision, `km_estimated` follow from those, `km_unknown` are neither.
    `stock_outs`: the ten SKUs of which most was lacking at placements. `late`: of `promised` orders, had whole at once,
    those that by calendar and carrier come after what was promised.
    `unpriced`: parts that no carrier of the rates would fetch."""

    orders: int
    units: int
    units_at_once: int
    units_later: int
    units_waiting: int
    whole: int
    split: int
    parts: int
    places_per_order: float | None
    cost_milli: int
    costs_milli: dict[str, int]
    unpriced: int
    km_mean: float | None
    km_p90: int | None
    km_told: int
    km_estimated: int
    km_unknown: int
    stock_out_skus: int
    stock_out_units: int
    stock_outs: list[StockOut]
    promised: int
    late: int
    places: list[ServedByPlace]


class ReplayAgreement(msgspec.Struct, frozen=True):
    """How far the replay of what happened agrees with the record, at placements: `same` of `orders` got the same from
    the same places, `units_same` of `units` came from the same place.
    `units_missing`: taken by what happened, and not there in the replay."""

    orders: int
    same: int
    same_percent: float | None
    units: int
    units_same: int
    units_missing: int


class SimulationResult(msgspec.Struct, frozen=True):
    """`record`: what happened, by the books. `replay`: the same orders played under the policies that held. `changed`:
    under the policy to try. All are priced by the policies that held, so that costs can be compared;
    `changed_own_cost_milli`: by the one to try. `differences`: `changed` less `replay`. `left_out`: orders that were
    not played, by why. `assumptions`: what both plays take for granted.
    `units_missing`: as in `agreement`, of the changed play."""

    in_period: int
    sampled: int
    left_out: dict[str, int]
    record: PlayFigures
    replay: PlayFigures
    changed: PlayFigures
    differences: dict[str, float]
    changed_own_cost_milli: int
    agreement: ReplayAgreement
    units_missing: int
    assumptions: list[str]


class SimulationDetail(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """One what-if. `code`: why it failed, empty otherwise. `played`: orders so far, of `to_play` in both plays
    together; 0 while the past is being read. `result`: null until it is done."""

    simulation_id: str
    status: Status
    code: str
    channel: PolicyChannel
    from_: datetime
    to: datetime
    orders_max: int
    asked_by: Annotated[str, APPROVER]
    began_at: datetime
    ended_at: datetime | None
    played: int
    to_play: int
    policy: Policy
    result: SimulationResult | None


class SimulationList(msgspec.Struct, frozen=True):
    """Newest first, without results: the last 50."""

    simulations: list[SimulationDetail]


_COMPARED: tuple[Literal["units_at_once", "units_later", "units_waiting", "whole", "split", "parts", "stock_out_units", "stock_out_skus", "late"], ...] = (
    "units_at_once", "units_later", "units_waiting", "whole", "split", "parts", "stock_out_units", "stock_out_skus", "late",
)  # fmt: skip


def detail(view: SimulationView) -> SimulationDetail:
    """As callers get it."""
    asked = view.question
    channel: PolicyChannel = asked.channel or "all"  # type: ignore[assignment]
    return SimulationDetail(
        view.simulation_id, view.status, view.code, channel, moment(asked.from_ms), moment(asked.until_ms), asked.orders_max,
        view.asked_by, moment(view.began_ms), None if view.ended_ms is None else moment(view.ended_ms), view.done, view.total,
        asked.policy, None if view.report is None else _result(view, view.report),
    )  # fmt: skip


def _result(view: SimulationView, report: Report) -> SimulationResult:
    scope, agreed = view.scope, report.agreement
    assert scope is not None
    replay, changed = _figures(report.replay), _figures(report.changed)
    percent = round(100 * agreed.same / agreed.orders, 1) if agreed.orders else None
    return SimulationResult(
        in_period=scope.in_period, sampled=scope.sampled, left_out={**scope.left_out, **report.left_out},
        record=_figures(report.record), replay=replay, changed=changed, differences=_differences(replay, changed),
        changed_own_cost_milli=report.changed_own_milli,
        agreement=ReplayAgreement(agreed.orders, agreed.same, percent, agreed.units, agreed.units_same, agreed.units_missing),
        units_missing=report.units_missing, assumptions=list(report.assumptions),
    )  # fmt: skip


def _figures(one: Figures) -> PlayFigures:
    known, units = one.km_told + one.km_estimated, max(1, one.units_at_once + one.units_later)
    return PlayFigures(
        orders=one.orders, units=one.units, units_at_once=one.units_at_once, units_later=one.units_later,
        units_waiting=one.units_waiting, whole=one.whole, split=one.split, parts=one.parts,
        places_per_order=round(one.parts / one.orders, 3) if one.orders else None, cost_milli=sum(one.costs_milli.values()),
        costs_milli={name: milli for name, milli in one.costs_milli.items() if milli}, unpriced=one.unpriced,
        km_mean=round(one.km_sum / known, 1) if known else None, km_p90=one.km_p90, km_told=one.km_told,
        km_estimated=one.km_estimated, km_unknown=one.km_unknown, stock_out_skus=one.short_skus,
        stock_out_units=one.short_units, stock_outs=[StockOut(sku.sku, sku.orders, sku.units) for sku in one.worst],
        promised=one.promised, late=one.late,
        places=[
            ServedByPlace(place.location_id, place.parts, place.units, round(place.units / units, 4)) for place in one.places
        ],
    )  # fmt: skip


def _differences(replay: PlayFigures, changed: PlayFigures) -> dict[str, float]:
    found: dict[str, float] = {name: getattr(changed, name) - getattr(replay, name) for name in _COMPARED}
    found["cost_milli"] = changed.cost_milli - replay.cost_milli
    for name in sorted(changed.costs_milli.keys() | replay.costs_milli.keys()):
        found[f"costs_milli.{name}"] = changed.costs_milli.get(name, 0) - replay.costs_milli.get(name, 0)
    if changed.km_mean is not None and replay.km_mean is not None:
        found["km_mean"] = round(changed.km_mean - replay.km_mean, 1)
    if changed.km_p90 is not None and replay.km_p90 is not None:
        found["km_p90"] = changed.km_p90 - replay.km_p90
    return found
