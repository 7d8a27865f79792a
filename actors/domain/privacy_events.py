"""What happens to a privacy request. The rules are in `privacy_request.py`."""

from __future__ import annotations

from typing import Annotated

import msgspec

from actors.domain.personal_notes import HANDLER, REQUEST_AGENT
from actors.domain.privacy_state import About, Extension, Method, Name, Refusal
from actors.domain.privacy_terms import Law, Right, Step


class RequestReceived(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It is written down."""

    law: Law
    right: Right
    about: About
    received_ms: int
    deadline_ms: int
    by: Annotated[str, HANDLER]
    agent: Annotated[str, REQUEST_AGENT]


class IdentityConfirmed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """One proof more of who asks. covers, order_ids: see `Proof`."""

    method: Method
    evidence: str
    by: Annotated[str, HANDLER]
    covers: list[Name] = []
    order_ids: list[str] = []


class StepBegun(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It is being done."""

    step: Step
    by: Annotated[str, HANDLER]


class StepNoted(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It is done. ends: see NoteStep; one from before that was kept has ended."""

    step: Step
    by: Annotated[str, HANDLER]
    counts: dict[str, int]
    ends: bool = True


class StepEnded(msgspec.Struct, frozen=True, tag=True, gc=False):
    """No more of it comes."""

    step: Step
    by: Annotated[str, HANDLER]


class DeadlineExtended(msgspec.Struct, frozen=True, tag=True, gc=False):
    """There is more time."""

    reason: Extension
    by: Annotated[str, HANDLER]
    deadline_ms: int


class RequestCompleted(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It is answered."""

    by: Annotated[str, HANDLER]


class RequestRefused(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It is refused."""

    reason: Refusal
    by: Annotated[str, HANDLER]


class DeadlineNear(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It is open, and the deadline is NEAR_MS away or less."""

    deadline_ms: int


class DeadlinePassed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It is open, and the deadline is over."""

    deadline_ms: int


Event = (
    RequestReceived | IdentityConfirmed | StepBegun | StepNoted | StepEnded | DeadlineExtended | RequestCompleted
    | RequestRefused | DeadlineNear | DeadlinePassed
)  # fmt: skip
