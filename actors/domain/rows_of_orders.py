"""Rows of orders besides their own: which are held. See `rows.py`."""

from __future__ import annotations

from typing import ClassVar

import msgspec


class HeldOrderRow(msgspec.Struct, array_like=True, gc=False):
    """An order that is held. `kinds`: `,address,fraud,`; `since`: of the oldest hold (UTC ms); `overdue`: one
    of them stands too long."""

    table: ClassVar[str] = "held_orders"
    key: ClassVar[tuple[str, ...]] = ("order_id",)
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    order_id: str
    kinds: str = ""
    since: int = 0
    overdue: bool = False
    gone: bool = False
