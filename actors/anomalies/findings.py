"""What a rule or the model finds."""

from __future__ import annotations

import msgspec

from actors.anomalies.own_deeds import Action
from actors.anomalies.record import Record, Reference
from actors.anomalies.windows import Window

# Of so many lines it names the latest.
EVIDENCE_MAX = 20


class Finding(msgspec.Struct, frozen=True):
    """What a rule or the model found. about: the account, or the address where there is none.
    strength: 1.0 at the threshold."""

    rule: str
    about: str
    at_ms: int
    strength: float
    reason: str
    action: Action
    session_id: str
    references: list[Reference]
    requests: list[str]


def found_by(
    rule: str, record: Record, window: Window, strength: float, action: Action, reason: str, about: str = ""
) -> Finding:
    """What the rule says of this record, by what is in the window. about: where it is not the record's subject."""
    # The latest; a line may have made several entries.
    last = list({entry.reference: entry for entry in reversed(window.entries)}.values())[EVIDENCE_MAX - 1 :: -1]
    requests = list(dict.fromkeys(entry.request_id for entry in last if entry.request_id))
    return Finding(
        rule, about or record.subject, record.at_ms, strength, reason, action, record.session_id,
        [entry.reference for entry in last], requests,
    )  # fmt: skip
