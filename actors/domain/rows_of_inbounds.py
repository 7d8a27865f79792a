"""Rows of inbounds. See `rows.py`."""

from __future__ import annotations

from typing import ClassVar

import msgspec


class InboundRow(msgspec.Struct, array_like=True, gc=False):
    """One inbound with its whole state. Units over all lines; `received`: what was not announced counted too;
    `remaining`: still to come. `closed`: it is over, whatever came of it. Times: UTC ms."""

    table: ClassVar[str] = "inbounds"
    key: ClassVar[tuple[str, ...]] = ("inbound_id",)
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    inbound_id: str
    version: int
    status: str
    outcome: str
    location_id: str
    supplier_ref: str
    purchase_ref: str
    asn_ref: str
    line_count: int
    package_count: int
    announced: int
    received: int
    remaining: int
    announced_at: int
    expected_at: int
    closed: bool
    state: bytes
