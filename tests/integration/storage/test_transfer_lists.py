"""What the read model tells of transfers, of the fake and of PostgreSQL: both must tell the same."""

from __future__ import annotations

from typing import Any

from actors.domain.rows_of_transfers import TransferRow
from actors.domain.transfer import TRANSFER
from actors.runtime.ports import Store
from actors.runtime.read_model import ReadModel
from tests.integration.storage.samples import NOW_MS, batch, drained, due_of, turn

STATUSES = ("requested", "allocated", "dispatched", "closed", "cancelled")


def transfer_row(number: int, **changed: Any) -> TransferRow:
    status = STATUSES[number % 5]
    over = status in ("closed", "cancelled")
    said: dict[str, Any] = {
        "transfer_id": f"us-transfer-{number:03d}", "version": 3, "status": status, "outcome": "complete" if status == "closed" else "",
        "source_id": f"us-wh-{number % 3}", "destination_id": f"us-st-{number % 4}", "reference": "refill", "line_count": 2,
        "wanted": 12, "dispatched": 9, "received": 7, "lost": 1, "late": number % 2 == 0, "requested_at": NOW_MS,
        "expected_at": NOW_MS + 9, "closed": over, "due_at": None if over else NOW_MS + 9, "state": b"\x00\xff state",
    }  # fmt: skip
    return TransferRow(**(said | changed))


async def test_transfers_are_listed_newest_first_by_status_and_either_end(store: Store, read_model: ReadModel):
    rows = [transfer_row(number) for number in range(40)]
    rows[0] = transfer_row(0, expected_at=None, due_at=None)
    await store.lease("host-0", [1], 1)
    await store.drain(batch({1: (1, 1)}, drained(1, 1, turn(1)), {"transfers": rows}))
    newest = rows[::-1]

    async def listed(**asked: Any) -> list[str]:
        asked = {"status": None, "locations": None, "before": None, "limit": 1_000} | asked
        return [summary.transfer_id for summary in await read_model.transfers(**asked)]

    ids = [row.transfer_id for row in newest]
    assert await listed() == ids
    assert await listed(limit=4, before=ids[3]) == ids[4:8]
    for status in (*STATUSES, "non\x00sense"):
        assert await listed(status=status) == [row.transfer_id for row in newest if row.status == status]
    ends = ("us-wh-0", "us-st-3")
    there = [row.transfer_id for row in newest if row.source_id in ends or row.destination_id in ends]
    assert await listed(locations=ends) == there
    assert await listed(locations=ends, before=there[1], limit=3) == there[2:5]
    assert await listed(locations=["us-\x00"]) == await listed(locations=[]) == []
    last = (await read_model.transfers(status=None, locations=None, before=ids[-2], limit=1))[0]
    assert (last.wanted, last.lost, last.late, last.expected_at, last.requested_at) == (12, 1, True, None, NOW_MS)
    waiting = await due_of(store, range(64))
    assert waiting == [(row.due_at, "transfer", row.transfer_id) for row in rows if row.due_at is not None]
    loaded = await store.load(TRANSFER, [rows[0].transfer_id])
    assert loaded[rows[0].transfer_id].rows == {"transfers": [rows[0]]}
