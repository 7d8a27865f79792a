"""What a finding asks of the session in which it was made: by what that session did itself, from its sign-in on.

    window of an account: s1 s1 s1 … s1 │ s2        100 looks: the alert goes on, whoever made them
                          └─ 99, ended ─┘ └ 1, nothing is asked of it

An alert counts what an account did, in however many sessions, so that whoever signs in anew is told of all the same.
But who was thrown out, and has proved anew who he is, must not be thrown out for what he was thrown out for.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from actors.anomalies.record import Record
from actors.anomalies.windows import Window

Action = Literal["none", "step_up", "end_session"]


def own(window: Window, record: Record) -> Window:
    """What of it was done in the record's session."""
    return type(window)(entry for entry in window.kept if entry.session_id == record.session_id)


def asked(action: Action, enough: bool) -> Action:
    """`enough`: would the rule have found something in what this session did alone?"""
    return action if enough else "none"


def turns_since(window: Window, record: Record) -> int:
    """How often the member changed since the record's session came in, by which it may have changed itself."""
    entries = window.entries
    first = next((at for at, entry in enumerate(entries) if entry.session_id == record.session_id), len(entries))
    return sum(one.member != other.member for one, other in pairwise(entries[max(first - 1, 0) :]))
