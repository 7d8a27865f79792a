"""Bodies of `/v1/audit`."""

from __future__ import annotations

from datetime import datetime

import msgspec


class AuditLine(msgspec.Struct, frozen=True):
    """Who did what. `subject`: an id, "" for nobody known; `address` and `behalf`: keyed digests, `outcome`: "" when it was done, else the code
    of the refusal; `changes`: field → [before, after]; `chain`: hex, see `python -m cells audit verify`."""

    at: datetime
    subject: str
    role: str
    session_id: str
    address: str
    device: str
    behalf: str
    action: str
    outcome: str
    kind: str
    entity_id: str
    version: int
    location_id: str
    why: str
    changes: dict[str, list[str | int | None]]
    request_id: str
    shard: int
    number: int
    chain: str


class AuditPage(msgspec.Struct, frozen=True):
    """Newest first. `as_of`: how fresh it is, null while no host has told; `next_cursor`: null at the end."""

    lines: list[AuditLine]
    as_of: datetime | None
    next_cursor: str | None
