"""What the audit calls what is asked of what-ifs. See `acts.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from actors.domain.audit import Act
from actors.domain.simulations import BeginSimulation, CancelSimulation
from actors.domain.times import DAY_MS


def of_simulations(state: Any, command: Any, events: Sequence[Any]) -> Act:
    """`simulation.begin` with the period (days since 1970-01-01) and how many orders at most; `simulation.cancel`.
    Nobody asks for the others."""
    if type(command) is CancelSimulation:
        return Act("simulation.cancel")
    if type(command) is not BeginSimulation:
        return Act("simulation.report")
    asked = command.question
    if not events:
        return Act("simulation.begin")
    days = (asked.from_ms // DAY_MS, asked.until_ms // DAY_MS)
    return Act("simulation.begin", "", "", {"days": days, "orders_max": (None, asked.orders_max)})
