"""Bodies of `/v1/audit`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from actors.domain.personal_notes import AUDITED, AUDITED_SESSION


class AuditLine(msgspec.Struct, frozen=True):
    """Who did what. `subject`: an id, "" for nobody known; `address` and `behalf`: keyed digests, `outcome`: "" when it
    was done, else the code of the refusal; `changes`: field → [before, after]; `chain`: hex, see
    `python -m cells audit verify`."""

    at: datetime
    subject: Annotated[str, AUDITED]
    role: str
    session_id: Annotated[str, AUDITED_SESSION]
    address: Annotated[str, AUDITED]
    device: Annotated[str, AUDITED_SESSION]
    behalf: Annotated[str, AUDITED]
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
    """Newest first. `as_of`: how fresh it is, null while not every host has told; `next_cursor`: null at the end."""

    lines: list[AuditLine]
    as_of: datetime | None
    next_cursor: str | None
