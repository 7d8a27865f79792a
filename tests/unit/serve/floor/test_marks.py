"""Marks of work that is late, through the API."""

from __future__ import annotations

import pytest

from actors.domain.floor_commands import QueueWork
from actors.domain.floor_service import LookAtWork

FLOOR = "/v1/locations/us-wh-seattle/floor"
FULFILMENT = "us-01kah2v3nq7h3k2m9qk4t1x0ab.1"


async def tell(cell, command):
    number = cell.gateway.turns
    reply = await cell.gateway.ask("floor", "us-wh-seattle", command, command_id=f"d-{number}", digest=number)
    assert reply.status == 0, reply.body


async def test_marks_are_set_shown_and_seen_in_the_queue(cell):
    told = (await cell.get(f"{FLOOR}/marks")).json()
    assert told["marks"] == {"warn_percent": 50, "urgent_percent": 80, "raise_by": 100}
    sent = {"warn_percent": 20, "urgent_percent": 30, "raise_by": 5}
    assert (await cell.write("PUT", f"{FLOOR}/marks", sent)).status_code == 200
    now = cell.clock.now
    await tell(cell, QueueWork(FULFILMENT, [("A1", 1)], 0, now + 100_000, now))
    cell.clock.now += 30_000
    await tell(cell, LookAtWork())
    told = (await cell.get(f"{FLOOR}/marks")).json()
    assert (told["marks"], told["at_risk"]) == (sent, {"warn": 0, "urgent": 1, "breach": 0})
    (work,) = (await cell.get(f"{FLOOR}/queue")).json()["works"]
    assert (work["mark"], work["priority"]) == ("urgent", 10)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"warn_percent": 80, "urgent_percent": 50}, "floor.marks_out_of_order"),
        ({"warn_percent": 80, "urgent_percent": 80}, "floor.marks_out_of_order"),
        ({"warn_percent": 0}, "body.invalid"),
        ({"urgent_percent": 100}, "body.invalid"),
        ({"raise_by": 1001}, "body.invalid"),
        ({"raise_to": 1}, "body.unknown_field"),
    ],
)
async def test_marks_that_make_no_sense_are_refused_and_change_nothing(cell, sent, code):
    before = cell.state()
    answer = await cell.write("PUT", f"{FLOOR}/marks", sent)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert cell.state()[:2] == before[:2]


async def test_an_unknown_place_has_no_marks(cell):
    assert (await cell.get("/v1/locations/us-wh-nowhere/floor/marks")).status_code == 404
