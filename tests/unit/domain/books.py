"""A location with everything that it wrote, for tests of its rules."""

from __future__ import annotations

from typing import Any

import msgspec

from actors.domain import location
from actors.domain.kind import Context
from actors.domain.location_commands import OpenLocation, ReceiptLine, ReceiveStock
from actors.domain.location_state import Location, Stock
from actors.domain.rows import LedgerRow

DAY_MS = 86_400_000
AT = Context("us-wh-1", "command", 1_767_225_600_000)
TODAY = AT.now_ms // DAY_MS
OPENED = OpenLocation("warehouse", "Seattle", "Seattle", "US", 47.6, -122.3)


class Books:
    """`state`, `version`, all `events`, all `rows`, and `stored`: the tables as write-behind would leave them."""

    def __init__(self) -> None:
        self.state: Location | None = None
        self.version = 0
        self.events: list[Any] = []
        self.rows: list[Any] = []
        self.stored: dict[str, dict[tuple[Any, ...], Any]] = {}
        self.now_ms = AT.now_ms
        self.do(OPENED)

    def do(self, command: Any) -> Any:
        """Decides and evolves; gives the reply. Raises Refused."""
        context = Context("us-wh-1", "command", self.now_ms)
        decision = location.decide(self.state, command, context)
        for event in decision.events:
            self.state = location.evolve(self.state, event, context)
        self.version += len(decision.events)
        self.events += decision.events
        if decision.events:
            assert self.state is not None
            for row in location.rows(self.state, self.version, decision.events, context):
                self._store(row)
        return decision.reply(self.state, self.version)

    def _store(self, row: Any) -> None:
        self.rows.append(row)
        key = tuple(getattr(row, name) for name in row.key)
        table = self.stored.setdefault(row.table, {})
        if getattr(row, "gone", False):
            table.pop(key, None)
        else:
            # A copy: what is stored does not change with the state.
            table[key] = msgspec.structs.replace(row)

    def stock(self, sku: str) -> Stock:
        """The books of a SKU."""
        assert self.state is not None
        return self.state.stock[sku]

    def with_units(self, **lines: int) -> Books:
        """Receives units."""
        self.do(ReceiveStock([ReceiptLine(sku, n) for sku, n in lines.items()]))
        return self

    def ledger(self, sku: str) -> list[LedgerRow]:
        """The SKU's entries, oldest first."""
        return [row for row in self.rows if isinstance(row, LedgerRow) and row.sku == sku]

    def restored(self) -> tuple[Location, int] | None:
        """As it comes back from its rows."""
        return location.restore("us-wh-1", {table: list(rows.values()) for table, rows in self.stored.items()})
