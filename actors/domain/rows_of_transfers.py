"""Rows of transfers. See `rows.py`."""

from __future__ import annotations

from typing import ClassVar

import msgspec


class TransferRow(msgspec.Struct, array_like=True, gc=False):
    """One transfer with its whole state. Units over all lines. `closed`: it is over, whatever came of it. Times: UTC
    ms; `due_at`: when it is late, None once that was told or it is over."""

    table: ClassVar[str] = "transfers"
    key: ClassVar[tuple[str, ...]] = ("transfer_id",)
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    transfer_id: str
    version: int
    status: str
    outcome: str
    source_id: str
    destination_id: str
    reference: str
    line_count: int
    wanted: int
    dispatched: int
    received: int
    lost: int
    late: bool
    requested_at: int
    expected_at: int | None
    closed: bool
    due_at: int | None
    state: bytes
