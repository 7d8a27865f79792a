"""An approval: what somebody wants done and may not do alone, from when he asks to what came of it (four eyes).

    (unknown) ──AskApproval──▶ pending ─┬─DecideApproval(approve)──▶ approved ──TargetAnswered──▶ done, or failed: the target's refusal
                                        ├─DecideApproval(refuse)───▶ refused
                                        ├─WithdrawApproval─────────▶ withdrawn      only by who asked
                                        └─ `expires_at_ms`─────────▶ expired        ExpireApproval, by the entity's timer

Who asks may not approve: that is judged by the person, not by the session, and by nobody but this file. Machines may
ask; only people decide, and only where their rights reach. What is approved goes to its target as a message, and so
takes effect once, whatever crashes; nothing goes before the approval is durable. What can be asked for is `Wanted`
(`approval_wanted.py`). A transfer that is large waits for its approval, so it is told when it won't come (what is
missing of one or lost makes it wait for nothing); a count keeps what it found from being counted again, so it is told
when it is over, whichever way. Times are UTC milliseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Literal

import msgspec

from actors.domain import ids
from actors.domain.approval_wanted import ApprovalAction, Wanted, action_of, reasons_of, size_of
from actors.domain.count_commands import ApprovalOver
from actors.domain.errors import Refused, decode_refusal
from actors.domain.kind import Context, Decision, Kind, Message, Row, StoredRows
from actors.domain.personal_notes import APPROVER
from actors.domain.rows import ApprovalRow
from actors.domain.transfer_commands import ApprovalNotGiven, ApproveTransfer, NotGiven

ApprovalStatus = Literal["pending", "approved", "done", "failed", "refused", "withdrawn", "expired"]
Verdict = Literal["approve", "refuse"]
# Why it was refused, for who asked: there is no free text of people.
RefusalNote = Literal["count_again", "not_explained", "wrong_place", "wrong_amount", "duplicate", "other"]


# --- commands -------------------------------------------------------------------------------------------------------
class AskApproval(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Somebody wants this done. location_id: where, by which it is judged who may decide; target_id: the entity that
    does it; asked_by: an account or a client; good_for_ms: for how long it may be decided; waiting: the count that is
    told when it is over, unset for none."""

    location_id: str
    target_id: str
    wanted: Wanted
    asked_by: Annotated[str, APPROVER]
    good_for_ms: int
    waiting: str | msgspec.UnsetType = msgspec.UNSET


class DecideApproval(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Somebody else has looked at it. by: an account; within: the locations that the rights reach, empty for the whole
    region; note: "" unless it is refused."""

    verdict: Verdict
    by: Annotated[str, APPROVER]
    within: list[str] = []
    note: RefusalNote | Literal[""] = ""


class WithdrawApproval(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Who asked doesn't want it any more."""

    by: Annotated[str, APPROVER]


class ExpireApproval(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The timer: nobody decided in time."""


class TargetAnswered(msgspec.Struct, frozen=True, tag=True, gc=False):
    """What became of the command. `code`: of the target's refusal, "" when it is done."""

    code: str


Command = AskApproval | DecideApproval | WithdrawApproval | ExpireApproval | TargetAnswered


# --- events ---------------------------------------------------------------------------------------------------------
class ApprovalAsked(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It waits for somebody else."""

    location_id: str
    target_id: str
    wanted: Wanted
    asked_by: Annotated[str, APPROVER]
    expires_at_ms: int
    waiting: str = ""


class ApprovalGiven(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Two people want it: with this event it goes to its target."""

    by: Annotated[str, APPROVER]
    target_id: str
    wanted: Wanted


class ApprovalRefused(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Somebody else doesn't want it. `waiting`: the transfer or count that is told so with this event, ""
    for none; the same below."""

    by: Annotated[str, APPROVER]
    note: RefusalNote | Literal[""]
    waiting: str = ""


class ApprovalWithdrawn(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Who asked took it back."""

    waiting: str = ""


class ApprovalExpired(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It was not decided in time."""

    waiting: str = ""


class ApprovalSettled(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The target has done it, or refused it with this code."""

    code: str
    waiting: str = ""


Event = ApprovalAsked | ApprovalGiven | ApprovalRefused | ApprovalWithdrawn | ApprovalExpired | ApprovalSettled


# --- state, queries and answers -------------------------------------------------------------------------------------
class Approval(msgspec.Struct):
    """The state. decided_by, decided_at_ms: "" and 0 until somebody approves or refuses; note: of a refusal; code:
    of the target's refusal."""

    location_id: str
    target_id: str
    wanted: Wanted
    asked_by: Annotated[str, APPROVER]
    asked_at_ms: int
    expires_at_ms: int
    status: ApprovalStatus = "pending"
    decided_by: Annotated[str, APPROVER] = ""
    decided_at_ms: int = 0
    note: str = ""
    code: str = ""
    waiting: str = ""


class ViewApproval(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The query for all of it. `within`: as in DecideApproval; asker: who looks, and sees what he asked for himself
    wherever it is; others: may he see what others asked for?"""

    approval_id: str
    within: list[str] = []
    asker: Annotated[str, APPROVER] = ""
    others: bool = True


class ApprovalView(msgspec.Struct, frozen=True, gc=False):
    """An approval; also the answer to every command. See `Approval`; for size and reasons
    `size_of` and `reasons_of`."""

    approval_id: str
    version: int
    status: ApprovalStatus
    action: ApprovalAction
    location_id: str
    target_kind: str
    target_id: str
    size: int
    reasons: list[str]
    asked_by: Annotated[str, APPROVER]
    asked_at_ms: int
    expires_at_ms: int
    decided_by: Annotated[str, APPROVER]
    decided_at_ms: int
    note: str
    code: str
    wanted: Wanted


# --- decide ---------------------------------------------------------------------------------------------------------
def decide(state: Approval | None, command: Command, context: Context) -> Decision:
    """See the module's docstring. Raises Refused `approval.exists`, `approval.unknown`, `approval.location_forbidden`,
    `approval.person_required`, `approval.same_person`, `approval.not_yours`, `approval.expired`,
    `approval.illegal_transition`."""
    if type(command) is AskApproval:
        if state is not None:
            raise Refused("approval.exists", f"Approval {context.entity_id} exists already.")
        expires_at_ms = context.now_ms + command.good_for_ms
        waiting = "" if command.waiting is msgspec.UNSET else command.waiting
        asked = ApprovalAsked(
            command.location_id, command.target_id, command.wanted, command.asked_by, expires_at_ms, waiting
        )
        return _told(context, asked)
    approval = _known(state)
    if type(command) is DecideApproval:
        return _decide(approval, command, context)
    if type(command) is WithdrawApproval:
        if command.by != approval.asked_by:
            raise Refused("approval.not_yours", "Only who asked may withdraw it.")
        _check_open(approval, "withdraw", context)
        return _told(context, ApprovalWithdrawn(_waiting(approval)))
    if type(command) is ExpireApproval:
        late = approval.status == "pending" and context.now_ms >= approval.expires_at_ms
        return _told(context, *([ApprovalExpired(_waiting(approval))] if late else []))
    assert type(command) is TargetAnswered
    settled = [ApprovalSettled(command.code, approval.waiting)] if approval.status == "approved" else []
    return _told(context, *settled)


def _decide(approval: Approval, command: DecideApproval, context: Context) -> Decision:
    _check_reach(approval, command.within)
    if not ids.ACCOUNT_PATTERN.match(command.by):
        raise Refused("approval.person_required", "Only a person may decide it.")
    if command.by == approval.asked_by:
        raise Refused("approval.same_person", "Who asks may not decide it: somebody else has to, or withdraw it.")
    _check_open(approval, command.verdict, context)
    if command.verdict == "refuse":
        return _told(context, ApprovalRefused(command.by, command.note, _waiting(approval)))
    return _told(context, ApprovalGiven(command.by, approval.target_id, approval.wanted))


def _waiting(approval: Approval) -> str:
    return approval.target_id if type(approval.wanted) is ApproveTransfer else approval.waiting


def _known(state: Approval | None) -> Approval:
    if state is None:
        raise Refused("approval.unknown", "There is no such approval.")
    return state


def _check_reach(approval: Approval, within: Sequence[str]) -> None:
    if within and approval.location_id not in within:
        raise _out_of_reach()


def _out_of_reach() -> Refused:
    return Refused("approval.location_forbidden", "Your rights don't reach where it would be done.")


def _check_open(approval: Approval, step: str, context: Context) -> None:
    """The timer may be late: what counts is the time."""
    if approval.status == "expired" or (approval.status == "pending" and context.now_ms >= approval.expires_at_ms):
        raise Refused("approval.expired", "It was not decided in time: ask again.", approval_id=context.entity_id)
    if approval.status != "pending":
        detail = f"`{step}` is no step from {approval.status}."
        raise Refused(
            "approval.illegal_transition", detail, approval_id=context.entity_id, status=approval.status, update=step
        )


def _told(context: Context, *events: Event) -> Decision:
    return Decision(list(events), lambda state, version: _view(context.entity_id, state, version))


# --- evolve ---------------------------------------------------------------------------------------------------------
def evolve(state: Approval | None, event: Event, context: Context) -> Approval:
    """The next state; takes over `state`."""
    if type(event) is ApprovalAsked:
        return Approval(
            event.location_id, event.target_id, event.wanted, event.asked_by, context.now_ms, event.expires_at_ms,
            waiting=event.waiting,
        )  # fmt: skip
    assert state is not None
    if type(event) is ApprovalGiven:
        state.status, state.decided_by, state.decided_at_ms = "approved", event.by, context.now_ms
    elif type(event) is ApprovalRefused:
        state.status, state.decided_by, state.decided_at_ms = "refused", event.by, context.now_ms
        state.note = event.note
    elif type(event) is ApprovalSettled:
        state.status, state.code = "failed" if event.code else "done", event.code
    else:
        state.status = "withdrawn" if type(event) is ApprovalWithdrawn else "expired"
    return state


# --- messages and projections ---------------------------------------------------------------------------------------
_NOT_GIVEN: Mapping[type, NotGiven] = {
    ApprovalRefused: "refused", ApprovalWithdrawn: "withdrawn", ApprovalExpired: "expired",
}  # fmt: skip


def messages(approval_id: str, event: Event) -> Iterable[Message]:
    """What is approved goes to its target, and says by which approval it comes; what is not, to the transfer that waits
    for it; a count, that it is over."""
    if type(event) is ApprovalGiven:
        command = msgspec.structs.replace(event.wanted, cause=approval_id)
        yield Message(action_of(event.wanted).kind, event.target_id, command, on_reply=True)
    elif isinstance(event, ApprovalRefused | ApprovalWithdrawn | ApprovalExpired | ApprovalSettled) and event.waiting:
        if ids.COUNT_PATTERN.match(event.waiting):
            yield Message("count", event.waiting, ApprovalOver(approval_id))
            return
        assert not isinstance(event, ApprovalSettled)
        yield Message("transfer", event.waiting, ApprovalNotGiven(approval_id, _NOT_GIVEN[type(event)]))


def on_reply(message: Message, reply: bytes, refused: bool) -> TargetAnswered:
    """Done, or what the target says against it."""
    return TargetAnswered(decode_refusal(reply).code if refused else "")


def view(state: Approval | None, query: ViewApproval, version: int) -> msgspec.Struct:
    """All of it. Raises Refused `approval.unknown`, `approval.location_forbidden`: whoever sees nothing of others is
    told the same of what there is and what there is not."""
    if not query.others and (state is None or state.asked_by != query.asker):
        raise _out_of_reach()
    approval = _known(state)
    if approval.asked_by != query.asker:
        _check_reach(approval, query.within)
    return _view(query.approval_id, approval, version)


def _view(approval_id: str, approval: Approval, version: int) -> ApprovalView:
    action = action_of(approval.wanted)
    return ApprovalView(
        approval_id, version, approval.status, action.name, approval.location_id, action.kind, approval.target_id,
        size_of(approval.wanted), reasons_of(approval.wanted), approval.asked_by, approval.asked_at_ms,
        approval.expires_at_ms, approval.decided_by, approval.decided_at_ms, approval.note, approval.code, approval.wanted,
    )  # fmt: skip


def _due(approval: Approval) -> int | None:
    return approval.expires_at_ms if approval.status == "pending" else None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Approval).decode


def rows(state: Approval, version: int, events: Sequence[Event], context: Context) -> list[Row]:
    """The approval's one row."""
    action = action_of(state.wanted)
    return [
        ApprovalRow(
            context.entity_id, version, state.status, action.name, state.location_id, action.kind, state.target_id,
            size_of(state.wanted), ",".join(reasons_of(state.wanted)), state.asked_by, state.decided_by, state.asked_at_ms,
            state.expires_at_ms, _due(state), _encode(state),
        )
    ]  # fmt: skip


def restore(entity_id: str, stored: StoredRows) -> tuple[Approval, int] | None:
    """The state and version from the stored row."""
    found = stored.get("approvals")
    return (_decode(found[0].state), found[0].version) if found else None


APPROVAL = Kind(
    name="approval", commands=Command, events=Event, queries=ViewApproval, decide=decide, evolve=evolve, view=view,
    tables=(ApprovalRow,), restore=restore, rows=rows, messages=messages, on_reply=on_reply, due=_due,
    wake=ExpireApproval, secret=True,
)  # fmt: skip
