"""What a privacy request can be told. The rules are in `privacy_request.py`."""

from __future__ import annotations

from typing import Annotated

import msgspec

from actors.domain.personal_notes import HANDLER, REQUEST_AGENT
from actors.domain.privacy_state import About, Extension, Method, Name, Refusal
from actors.domain.privacy_terms import Law, Right, Step


class ReceiveRequest(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A person asks. received_ms: when it came in, which may be before it was written down. by: who writes it down:
    the customer, or an account.
    session: of the customer who asks signed in, "" when somebody else writes it down. agent: an authorized agent's
    reference, "" for none."""

    law: Law
    right: Right
    about: About
    received_ms: int
    by: Annotated[str, HANDLER]
    session: str = ""
    agent: Annotated[str, REQUEST_AGENT] = ""


class ConfirmIdentity(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It is known who asks. evidence: a reference of the officer's files, no word of the person; covers, order_ids: see
    `Proof`; of one named order its id may be left out."""

    method: Method
    evidence: str
    by: Annotated[str, HANDLER]
    covers: list[Name] = []
    order_ids: list[str] = []


class BeginStep(msgspec.Struct, frozen=True, tag=True, gc=False):
    """This is about to be done. To begin what is begun changes nothing."""

    step: Step
    by: Annotated[str, HANDLER]


class NoteStep(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It is done. counts: of what, e.g. {"orders": 3}. ends: False: more of it may come."""

    step: Step
    by: Annotated[str, HANDLER]
    counts: dict[str, int]
    ends: bool = True


class EndStep(msgspec.Struct, frozen=True, tag=True, gc=False):
    """No more of it comes. To end what has ended changes nothing."""

    step: Step
    by: Annotated[str, HANDLER]


class ExtendDeadline(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It takes longer; the person is told so, with the reason, before the deadline."""

    reason: Extension
    by: Annotated[str, HANDLER]


class CompleteRequest(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The person has the answer."""

    by: Annotated[str, HANDLER]


class RefuseRequest(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The person is told no, and why (GDPR Art. 12(4))."""

    reason: Refusal
    by: Annotated[str, HANDLER]


class TimePassed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The timer."""


Command = (
    ReceiveRequest | ConfirmIdentity | BeginStep | NoteStep | EndStep | ExtendDeadline | CompleteRequest | RefuseRequest
    | TimePassed
)  # fmt: skip
