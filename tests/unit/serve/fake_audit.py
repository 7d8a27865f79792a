"""An audit with five lines."""

import msgspec

from actors.runtime.audit_lines import LINES_MAX, Filter, Found, Line, Place
from actors.runtime.errors import StoreUnavailable


def line(number: int, **more: str) -> Line:
    said = {"subject": "us-acct-mia", "action": "order.ship", "changes": '{"status":["picking","packed"]}'} | more
    return msgspec.convert(
        dict.fromkeys(Line.__struct_fields__, "")
        | {"shard": 3, "number": number, "at": 1_767_225_600_000 + number, "version": 1, "chain": b""} | said,
        Line,
    )  # fmt: skip


class FakeAudit:
    """Gives `found`; remembers what was asked."""

    def __init__(self) -> None:
        self.found = [line(number) for number in (5, 4, 3, 2, 1)]
        self.asked: list[tuple[Filter, Place | None, int]] = []
        self.away = False
        self.broken_off: Place | None = None

    async def search(self, wanted: Filter, before: Place | None, limit: int) -> Found:
        if self.away:
            raise StoreUnavailable
        self.asked.append((wanted, before, limit))
        older = [one for one in self.found if before is None or one.number < before.number]
        return Found(older[: min(limit, LINES_MAX + 1)], self.broken_off)

    async def close(self) -> None:
        pass
