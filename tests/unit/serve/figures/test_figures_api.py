"""Figures through the API and on live streams: gaps, steps, limits, and who may see which."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import msgspec
import pytest

from actors.domain.times import DAY_MS, HOUR_MS, MINUTE_MS
from actors.figures.minute import Flow, Forecast, Level, Minute, Rates, idle
from actors.runtime.figures import MINUTES_KEPT_DAYS
from serve.figures.telling import FiguresTelling
from serve.live.hub import LiveHub
from tests.fakes.figures import MemoryFigures
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.small_cell import furnish_with

PLACE, OTHER = "us-wh-seattle", "us-wh-newark"
FIGURES = f"/v1/locations/{PLACE}/figures"


def busy(at: int, place: str = PLACE) -> Minute:
    flow = Flow(
        arrived=2,
        arrived_units=5,
        picked_units=10,
        picked_lines=4,
        picker_minutes=2,
        floor_units=10,
        packed=4,
        packed_in_time=3,
    )
    return Minute(
        place, at, [Level("waiting", 3, 8, 1, [2, 1, 0, 0])], flow, 3, 8, Rates(300.0, 600.0),
        Forecast("weekly", 600.0, 300.0, at + HOUR_MS, 1, [4, 0]),
    )  # fmt: skip


class Recorded:
    """A cell of which some minutes were seen: `fill` puts them there, counted back from now."""

    def __init__(self, cell) -> None:
        self.cell, self.store = cell, MemoryFigures()
        cell.services.figures = self.store
        self.now = cell.clock.now

    def seen(self, *back: int, place: str = PLACE) -> None:
        for one in back:
            at = self.now - one * MINUTE_MS
            self.store.rows["us", at] = msgspec.structs.replace(
                idle("us", at), orders=[Level("backordered", 1, 2, 0, [1, 0, 0, 0])]
            )
            if place:
                self.store.rows[place, at] = busy(at, place)


@pytest.fixture
def recorded(cell):
    return Recorded(cell)


@pytest.fixture
async def guarded(tmp_path):
    made = GuardedCell(tmp_path)
    await furnish_with(made, made.bearer())
    yield made
    await made.http.aclose()


def text(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat().replace("+00:00", "Z")


async def test_a_minute_that_nobody_saw_is_a_gap_and_not_a_quiet_one(recorded):
    recorded.seen(5, 4, 2)
    since = text(recorded.now - 5 * MINUTE_MS)
    told = (await recorded.cell.get(FIGURES, **{"from": since})).json()
    assert [point["at"] for point in told["points"]] == [text(recorded.now - n * MINUTE_MS) for n in (5, 4, 2)]
    # The last minute may still be on its way.
    assert told["gaps"] == [{"since": text(recorded.now - 3 * MINUTE_MS), "until": text(recorded.now - 2 * MINUTE_MS)}]


@pytest.mark.parametrize("within_ms", [0, 1, MINUTE_MS - 1])
@pytest.mark.parametrize("url", [FIGURES, "/v1/figures"])
async def test_eight_days_lose_their_last_minute_or_hold_up_the_replica(recorded, within_ms, url):
    days_ms = MINUTES_KEPT_DAYS * DAY_MS
    recorded.cell.clock.now = recorded.now = recorded.now // MINUTE_MS * MINUTE_MS
    recorded.seen(*range(1, days_ms // MINUTE_MS + 2))
    since = recorded.now - days_ms - within_ms
    query = {"from": text(since), "to": text(since + days_ms), "step": 86_400}
    told = (await recorded.cell.get(url, **query)).json()
    assert sum(point["minutes"] for point in told["points"]) == days_ms // MINUTE_MS + (within_ms > 0)
    assert told["gaps"] == []
    assert recorded.store.most_read == DAY_MS // MINUTE_MS


async def test_a_place_without_anything_to_tell_was_seen_all_the_same(recorded):
    recorded.seen(2, place="")
    recorded.seen(1)
    told = (await recorded.cell.get(FIGURES, **{"from": text(recorded.now - 2 * MINUTE_MS)})).json()
    assert [point["backlog"]["units"] for point in told["points"]] == [0, 8]
    assert told["gaps"] == []


async def test_steps_add_up_and_tell_rates_of_what_was_seen(recorded):
    recorded.now -= recorded.now % HOUR_MS
    recorded.seen(*range(1, 6))
    answer = await recorded.cell.get(
        FIGURES, **{"from": text(recorded.now - HOUR_MS), "to": text(recorded.now), "step": 3600}
    )
    (point,) = answer.json()["points"]
    assert point["minutes"] == 5
    assert point["picked"] == {
        "units": 50, "lines": 20, "units_per_hour": 600.0, "lines_per_hour": 240.0, "picker_minutes": 10, "units_per_picker_hour": 300.0,
    }  # fmt: skip
    assert (point["on_time"]["packed_share"], point["on_time"]["shipped_share"]) == (0.75, None)
    assert point["states"][0]["by_age"] == {"under_1h": 2, "1h_to_4h": 1, "4h_to_24h": 0, "over_24h": 0}
    assert point["forecast"]["late"] == 1


async def test_the_regions_figures_tell_orders_that_no_place_has(recorded):
    recorded.seen(1)
    told = (await recorded.cell.get("/v1/figures")).json()
    assert (told["location_id"], told["points"][0]["orders"][0]["state"]) == ("us", "backordered")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"step": 90}, "request.parameter_invalid"),
        ({"step": 59}, "request.parameter_invalid"),
        ({"from": "2026-03-01T12:00:00Z", "to": "2026-03-01T12:00:00Z"}, "request.parameter_invalid"),
        ({"from": "2026-03-01T13:00:00Z", "to": "2026-03-01T12:00:00Z"}, "request.parameter_invalid"),
        ({"from": "2026-03-01T12:00:00Z", "to": "2026-03-09T12:00:01Z", "step": 3600}, "request.parameter_invalid"),
        ({"from": "2026-03-01T12:00:00", "to": "2026-03-01T13:00:00Z"}, "request.parameter_invalid"),
        ({"from": "2026-03-01T12:00:00Z", "to": "2026-03-08T12:00:00Z"}, "figures.too_many_points"),
    ],
)
async def test_what_can_not_be_told_is_refused_by_name(recorded, query, code):
    answer = await recorded.cell.get(FIGURES, **query)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_an_unknown_place_has_no_figures(recorded):
    assert (await recorded.cell.get("/v1/locations/us-wh-nowhere/figures")).status_code == 404
    assert (await recorded.cell.get("/v1/locations/eu-wh-x/figures")).status_code == 421


async def test_without_the_store_there_are_no_figures_and_that_is_said(recorded):
    recorded.store.away = True
    assert (await recorded.cell.get(FIGURES)).json()["code"] == "cell.store_unavailable"


async def test_a_manager_sees_his_own_places_and_others_none(guarded):
    recorded = Recorded(guarded)
    recorded.seen(1)
    mine, other = guarded.of_role("manager", locs=(PLACE,)), guarded.of_role("manager", locs=(OTHER,))
    assert (await guarded.http.get(FIGURES, headers=mine)).status_code == 200
    assert (await guarded.http.get(FIGURES, headers=other)).json()["code"] == "auth.location_forbidden"
    assert (await guarded.http.get("/v1/figures", headers=mine)).json()["code"] == "auth.location_forbidden"
    assert (await guarded.http.get("/v1/figures", headers=guarded.of_role("manager"))).status_code == 200
    assert (await guarded.http.get(FIGURES, headers=guarded.of_role("associate"))).status_code == 403
    live = await guarded.http.get("/v1/live?kinds=figures", headers=guarded.of_role("associate"))
    assert live.json()["code"] == "auth.forbidden"


def hub() -> tuple[LiveHub, list[bool], list[bool]]:
    live, figures = [], []
    made = LiveHub(live.append, lambda: True, clients_max=9, queue_max=9, heartbeat_s=9.0, stream_max_s=9.0)
    made.want_figures = figures.append
    return made, live, figures


async def test_each_stream_is_told_of_its_places_and_the_region_to_whom_reaches_it(recorded):
    recorded.seen(1)
    recorded.store.rows[OTHER, recorded.now - MINUTE_MS] = busy(recorded.now - MINUTE_MS, OTHER)
    made, *_ = hub()
    wanted = frozenset({"figures"})
    all_of_it, mine, orders = (
        made.join(wanted),
        made.join(wanted, "s", frozenset({PLACE})),
        made.join(frozenset({"order"})),
    )
    telling = FiguresTelling("us", made, recorded.store, recorded.cell.clock)
    told = await telling.round(0)
    assert told == recorded.now - MINUTE_MS
    assert await telling.round(told) == told

    async def read(stream):
        """How it begins, and what waits for it, or else a heartbeat."""
        frames = stream.frames(0.0, 3_600.0)
        return b"".join([await anext(frames), await anext(frames)]).decode()

    everything, own, nothing = await asyncio.gather(read(all_of_it), read(mine), read(orders))
    names = [
        line.removeprefix("id: ").rpartition(".")[0] for line in everything.splitlines() if line.startswith("id: ")
    ]
    assert names == ["us", OTHER, PLACE]
    assert own.count("event: figures") == 1
    assert f"id: {PLACE}.{recorded.now - MINUTE_MS}" in own
    assert '"backlog":{"fulfilments":3,"units":8}' in own
    assert "figures" not in nothing


async def test_nobody_reads_figures_for_streams_that_do_not_want_them():
    made, live, figures = hub()
    first = made.join(frozenset({"figures"}))
    assert (live, figures) == ([], [True])
    second = made.join(frozenset({"order"}))
    made.leave(first)
    made.leave(second)
    assert (live, figures) == ([True, False], [True, False])


async def test_telling_begins_with_the_first_stream_and_ends_with_the_last(recorded):
    recorded.seen(1)
    made, *_ = hub()
    telling = FiguresTelling("us", made, recorded.store, recorded.cell.clock)
    made.want_figures = telling.want
    stream = made.join(frozenset({"figures"}))
    frames = stream.frames(60.0, 60.0)
    await anext(frames)
    assert b"event: figures" in await anext(frames)
    task = telling._task
    made.leave(stream)
    await asyncio.wait({task})
    assert task.cancelled()
    assert telling._task is None
