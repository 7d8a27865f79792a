"""Bodies of `/v1/alerts`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from actors.domain.alert import AlertAction, AlertStatus, Note, Verdict
from actors.domain.personal_notes import ALERT_ABOUT, ALERT_ASSIGNEE, ALERT_EVIDENCE, ALERT_SESSION
from serve.limits import EXACT_MAX, TEXT


class AlertUpdate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A step. `assign`: to `assignee`, an account; to oneself without one. `close` needs `verdict` and `note`, and
    `version`, that of the alert as it was read: it is refused when there is more to see by now. Without one the alert
    counts as read when it was assigned."""

    update: Literal["assign", "close"]
    assignee: Annotated[str, Meta(max_length=64, pattern=TEXT), ALERT_ASSIGNEE] = ""
    verdict: Verdict | None = None
    note: Note | None = None
    version: Annotated[int, Meta(ge=1, le=EXACT_MAX)] | None = None


class AuditReference(msgspec.Struct, frozen=True):
    """A line of the audit; see `GET /v1/audit`."""

    shard: int
    number: int


class ListedAlert(msgspec.Struct, frozen=True):
    """One alert in a list. `about`: an account, or an address's digest; `verdict`: "" until it is closed."""

    alert_id: str
    version: int
    status: AlertStatus
    about: Annotated[str, ALERT_ABOUT]
    role: str
    rules: list[str]
    score: float
    action: AlertAction
    assignee: Annotated[str, ALERT_ASSIGNEE]
    verdict: str
    began_at: datetime
    last_at: datetime


class AlertPage(msgspec.Struct, frozen=True):
    """Newest first. `as_of`: how fresh it is, null while not every host has told; `next_cursor`: null at the end."""

    alerts: list[ListedAlert]
    as_of: datetime | None
    next_cursor: str | None


class AlertDetail(msgspec.Struct, frozen=True):
    """All of an alert. `reasons`: one for each rule; `evidence`: lines of the audit; `requests`: ids of requests;
    `action`: what was done by itself; `told`: has the webhook taken it?"""

    alert_id: str
    version: int
    status: AlertStatus
    about: Annotated[str, ALERT_ABOUT]
    role: str
    session_id: Annotated[str, ALERT_SESSION]
    rules: list[str]
    score: float
    reasons: Annotated[list[str], ALERT_EVIDENCE]
    evidence: list[AuditReference]
    requests: list[str]
    action: AlertAction
    assignee: Annotated[str, ALERT_ASSIGNEE]
    verdict: str
    note: str
    told: bool
    began_at: datetime
    last_at: datetime
