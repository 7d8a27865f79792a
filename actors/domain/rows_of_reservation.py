"""The row of a cart's reservation. See `rows.py`."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from actors.domain.personal_notes import ORDER_OWNER


class ReservationRow(msgspec.Struct, array_like=True, gc=False):
    """One reservation with its whole state. `owner`: the customer's id, "" when it was not made by one. Times: UTC ms;
    `due_at`: when it expires, None once it can't any more."""

    table: ClassVar[str] = "reservations"
    key: ClassVar[tuple[str, ...]] = ("reservation_id",)
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    reservation_id: str
    version: int
    status: str
    owner: Annotated[str, ORDER_OWNER]
    expires_at: int
    due_at: int | None
    state: bytes
