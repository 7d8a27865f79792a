"""Rows of collections. See `rows.py`."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from actors.domain.personal_notes import SHELF


class CollectionRow(msgspec.Struct, array_like=True, gc=False):
    """One collection with its whole state. `units`: over all lines; `closed`: it is over, whatever came of it. Times:
    UTC ms; `here_at`, `ready_at`, `collect_by`: None until then; `due_at`: when to look at it again; `late_at`: when
    the store was told that it is late."""

    table: ClassVar[str] = "collections"
    key: ClassVar[tuple[str, ...]] = ("collection_id",)
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    collection_id: str
    version: int
    status: str
    order_id: str
    location_id: str
    line_count: int
    units: int
    shelf: Annotated[str, SHELF]
    opened_at: int
    here_at: int | None
    ready_at: int | None
    collect_by: int | None
    closed: bool
    due_at: int | None
    state: bytes
    late_at: int | None = None
