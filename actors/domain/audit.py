"""Who did what: what is kept of every write, refusal, sign-in and read of personal data, beside what happened.

    guard ──▶ Who ──▶ Envelope ──▶ turn: Audited ──▶ journal ──▶ audit table (hash-chained by shard)
                                     ▲
    reads, refusals at the door ─────┘ as turns of a `trail` (trail.py)

An audited act travels in its turn: it is durable together with what it describes, or neither is. It holds no personal
data in the clear: people are their account ids, customers and addresses keyed digests. What each command is
called stands in `acts.py`.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from actors.domain.personal_notes import AUDITED, AUDITED_SESSION

# `Audited.outcome` of what was done; otherwise it is the code of the refusal.
DONE = ""


class Who(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Who asked.

    subject: an account, client, device or customer id; "" for nobody known. role: "" for machines.
    session_id: of the shift or token.
    address: keyed digests of where the request came from (`audit_address.py`). device: the enrolled device, or "".
    behalf: for whom it was done, when not for themselves: a customer's keyed digest, or an id.
    """

    subject: Annotated[str, AUDITED] = ""
    role: str = ""
    session_id: Annotated[str, AUDITED_SESSION] = ""
    address: Annotated[str, AUDITED] = ""
    device: Annotated[str, AUDITED_SESSION] = ""
    behalf: Annotated[str, AUDITED] = ""


# (before, after)
Changed = tuple[str | int | None, str | int | None]
# field → what it was and is
Changes = dict[str, Changed]


class Act(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What a command, read or refusal was about, as its noun names it.

    action: dotted, the noun first: `order.ship`, `location.adjust`, `session.open`, `order.read`. location_id: where,
    or "". why: a reason code of a list, never free text of people. changes: field → (before, after), of sensitive
    fields only. refused: a code, when the command was answered with a no that is no refusal of the
    domain (a wrong password).
    """

    action: str
    location_id: str = ""
    why: str = ""
    changes: Changes = {}
    refused: str = DONE


class Audited(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One line of the audit. kind, entity_id, version, at_ms and request_id are empty where the turn
    that carries it says them."""

    who: Who
    act: Act
    outcome: str = DONE
    kind: str = ""
    entity_id: str = ""
    version: int = 0
    at_ms: int = 0
    request_id: str = ""
