"""A warehouse on a host, with ten units of A: it is opened, receives more, and the feed tells of its stock."""

import msgspec

from actors.domain.location_commands import OpenLocation, ReceiptLine, ReceiveStock
from actors.domain.rows import StockRow
from actors.runtime import wire
from tests.unit.runtime.rig import ask, envelope, listen

SEATTLE = "us-wh-seattle"
OPEN = OpenLocation("warehouse", "Seattle", "Seattle", "US", 47.6, -122.3)


def receive(quantity: int, command_id: str, place: str = SEATTLE) -> wire.Envelope:
    lines = [ReceiptLine("A", quantity)]
    return envelope(place, ReceiveStock(lines), command_id, kind="location")


async def opened(host) -> None:
    await ask(host, envelope(SEATTLE, OPEN, "open", kind="location"), receive(10, "r0"))


async def stock_heard(host, cursor: int = -1, **options) -> list[int]:
    """What a gateway is told till there is no more: on a machine that stands still it is told in pieces."""
    heard: list[int] = []
    more = True
    while more:
        link = await listen(host, cursor, **options)
        cursor, more = link.cursor, link.more
        heard += stock_of(link)
    return heard


def stock_of(link) -> list[int]:
    return [msgspec.msgpack.decode(fed.row, type=StockRow).on_hand for fed in link.rows if fed.table == "stock"]
