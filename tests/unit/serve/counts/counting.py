"""A place with stock in bins, and the calls of a cycle count, for tests."""

from __future__ import annotations

from datetime import UTC, datetime

from actors.domain.ids import account_id
from actors.domain.location_commands import DefineBins, ReceiptLine, ReceiveStock
from actors.domain.location_events import Bin

SEATTLE, PORTLAND = "us-wh-seattle", "us-st-portland"
MIA, TOM, ANN = (account_id("us", name * 16) for name in (b"m", b"t", b"a"))
BIN, OTHER = {"bin_id": "A-01"}, {"bin_id": "A-02"}
NEW = {"location_id": SEATTLE, "spots": [BIN]}


async def put(cell, command):
    """A command straight to the location."""
    number = cell.gateway.turns
    reply = await cell.gateway.ask("location", SEATTLE, command, command_id=f"direct-{number}", digest=number)
    assert reply.status == 0, reply.body


async def fill(cell):
    await put(cell, DefineBins([Bin("A-01", "A", 1, 1, 0), Bin("A-02", "A", 1, 2, 0)]))
    await put(cell, ReceiveStock([ReceiptLine("A1", 10, bin="A-01")]))


def at(cell, ahead_ms: int = 0) -> str:
    moment = datetime.fromtimestamp((cell.clock.now + ahead_ms) / 1000, UTC)
    return moment.isoformat(timespec="milliseconds")


async def opened(cell, body=None, **headers):
    answer = await cell.post("/v1/counts", body or NEW, **headers)
    assert answer.status_code == 201, answer.text
    path = answer.headers["location"]
    assert path == f"/v1/counts/{answer.json()['count_id']}"
    return path


async def begun(cell, path, *spots, **headers):
    answer = await cell.post(f"{path}/begun", {"spots": list(spots or [BIN])}, **headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def submit(cell, path, lines, spot=BIN, when=None, **headers):
    sent = [{"sku": sku, "quantity": units} for sku, units in lines]
    body = {"spot": spot, "lines": sent, "counted_at": when or at(cell)}
    return await cell.post(f"{path}/counted", body, **headers)
