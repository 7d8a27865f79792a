"""Rows of what was promised of fulfilments, and of what came of that. See `rows.py`."""

from __future__ import annotations

from typing import ClassVar

import msgspec


class PromiseRow(msgspec.Struct, array_like=True, gc=False):
    """A step of a fulfilment of which something was promised: `allocated`, `shipped`, `delivered` or `cancelled`, and
    when (UTC ms). Each is a row of its own, so none has to know of the others.
    promised_at: when it shall be there; transit_ms: how long its carrier takes by the policy."""

    table: ClassVar[str] = "promise_steps"
    key: ClassVar[tuple[str, ...]] = ("order_id", "number", "step")
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    order_id: str
    number: int
    step: str
    at: int
    promised_at: int
    channel: str
    location_id: str
    transit_ms: int | None = None
