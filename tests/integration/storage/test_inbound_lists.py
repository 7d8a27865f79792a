"""What the store keeps of inbounds, and what the read model tells of them: of the fake and of PostgreSQL,
which must tell the same."""

from __future__ import annotations

from actors.domain.inbound import INBOUND
from actors.domain.rows_of_inbounds import InboundRow
from actors.runtime.ports import Store
from actors.runtime.read_model import InboundSummary, ReadModel
from tests.integration.storage.samples import NOW_MS, batch, drained, turn


def inbound_row(inbound_id: str, status: str = "announced", location_id: str = "us-wh") -> InboundRow:
    return InboundRow(
        inbound_id, 3, status, "complete" if status == "closed" else "", location_id, "sup-8", "po-1", "asn-9", 2, 1, 34, 10, 24, NOW_MS,
        NOW_MS + 9, status in ("closed", "cancelled"), b"\x00\xff state",
    )  # fmt: skip


async def keep(store: Store, *rows: InboundRow) -> None:
    await store.lease("host-0", [1], 1)
    await store.drain(batch({1: (1, 1)}, drained(1, 1, turn(1)), {"inbounds": [*rows]}))


async def test_inbounds_are_listed_newest_first_by_status_and_place(store: Store, read_model: ReadModel):
    await keep(
        store, inbound_row("us-inbound-1"), inbound_row("us-inbound-2", "closed"), inbound_row("us-inbound-3", "receiving", "us-st"),
        inbound_row("us-inbound-4", "cancelled", "us-st"),
    )  # fmt: skip

    async def found(**asked) -> list[str]:
        wanted = {"status": None, "locations": None, "before": None, "limit": 10} | asked
        return [one.inbound_id[-1] for one in await read_model.inbounds(**wanted)]

    assert await found() == ["4", "3", "2", "1"]
    assert await found(limit=1) == ["4"]
    assert await found(before="us-inbound-3") == ["2", "1"]
    assert await found(status="announced") == ["1"]
    assert await found(status="receiving") == ["3"]
    assert await found(status="closed") == ["2"]
    assert await found(status="late") == []
    assert await found(locations=["us-st"]) == ["4", "3"]
    assert await found(locations=["us-wh"], status="cancelled") == []
    assert await found(locations=[]) == []
    (first,) = await read_model.inbounds(status="receiving", locations=None, before=None, limit=10)
    assert first == InboundSummary(
        "us-inbound-3", 3, "receiving", "", "us-st", "sup-8", "po-1", "asn-9", 2, 1, 34, 10, 24, NOW_MS, NOW_MS + 9
    )


async def test_an_inbound_comes_back_as_it_was(store: Store):
    row = inbound_row("us-inbound-1")
    await keep(store, row)
    found = await store.load(INBOUND, ["us-inbound-1"])
    assert found["us-inbound-1"].rows["inbounds"] == [row]
