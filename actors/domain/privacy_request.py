"""A request of a person about their own data, from its receipt to its end, with proof of what was done and when.

    (unknown) ──ReceiveRequest──▶ received ──ConfirmIdentity──▶ confirmed ──BeginStep, NoteStep──▶ in_progress ──CompleteRequest──▶ completed
                                     └──────────────────────────┴───────── RefuseRequest ─────────┴──▶ refused
    open ─ NEAR_MS before the deadline: near ─ at the deadline: overdue        TimePassed, by the entity's timer
    open ──ExtendDeadline──▶ once, before the deadline, where the law knows it

Nothing that tells or changes personal data is begun before it is known of each name in it that the person asks
(`missing_proofs`), and nothing that the right does not bring (`STEPS`). A step is begun before it is done, so that one
which a crash cut short is seen, and done again to its end. What is noted of it need not be all: an erasure is noted
when it has erased what was found, and ends when it was looked once more what has come; no request is completed before
that. A restriction is lifted when the request is closed, too, however it ended (GDPR Art. 18(3)).

Whoever it is about stands here as keyed digests and ids only: they find the person's orders and keys, and tell nothing.
What was typed to find them is not kept. They stay when the person is erased, as proof that it was done (GDPR Art. 5(2),
11 CCR §7101: 24 months). Times are UTC milliseconds since 1970; the terms stand in
`privacy_terms.py`, with their sources.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from actors.domain.errors import Refused
from actors.domain.kind import Context, Decision, Kind, Row, StoredRows
from actors.domain.privacy_commands import (
    BeginStep,
    Command,
    CompleteRequest,
    ConfirmIdentity,
    EndStep,
    ExtendDeadline,
    NoteStep,
    ReceiveRequest,
    RefuseRequest,
    TimePassed,
)
from actors.domain.privacy_events import (
    DeadlineExtended,
    DeadlineNear,
    DeadlinePassed,
    Event,
    IdentityConfirmed,
    RequestCompleted,
    RequestReceived,
    RequestRefused,
    StepBegun,
    StepEnded,
    StepNoted,
)
from actors.domain.privacy_state import (
    OPEN,
    Done,
    PrivacyRequest,
    Proof,
    RequestView,
    ViewRequest,
    due_ms,
    missing_proofs,
    shown_by,
    view_of,
)
from actors.domain.privacy_terms import RIGHTS, STEPS, Step, deadline_of, term_of
from actors.domain.rows import PrivacyRequestRow
from actors.domain.times import DAY_MS

# More make no proof better; each is a line of the state.
STEPS_MAX = 200
PROOFS_MAX = 20


# --- decide ---------------------------------------------------------------------------------------------------------
def decide(state: PrivacyRequest | None, command: Command, context: Context) -> Decision:
    """See the module's docstring. Raises Refused `privacy.…`."""
    if type(command) is ReceiveRequest:
        return _receive(state, command, context)
    request = _known(state)
    if type(command) is TimePassed:
        return _told(context, *_passed(request, context.now_ms))
    if type(command) is BeginStep:
        _check_step(request, command.step, context)
        again = command.step in request.begun or _is_enough(request, command.step)
        return _told(context, *([] if again else [StepBegun(command.step, command.by)]))
    if type(command) is NoteStep:
        return _note(request, command, context)
    if type(command) is EndStep:
        return _told(context, *([StepEnded(command.step, command.by)] if command.step in request.begun else []))
    _check_open(request, context)
    if type(command) is ConfirmIdentity:
        return _confirm(request, command, context)
    if type(command) is ExtendDeadline:
        return _extend(request, command, context)
    if type(command) is RefuseRequest:
        return _told(context, RequestRefused(command.reason, command.by))
    assert type(command) is CompleteRequest
    _check_identity(request)
    if not STEPS[request.right][1] & {one.step for one in request.done}:
        detail = f"Nothing was done yet of what `{request.right}` takes."
        raise Refused("privacy.nothing_done", detail, needs=sorted(STEPS[request.right][1]))
    # Any other step that is refused or cut short leaves nothing half done, or is one of many.
    if "erase" in request.begun:
        raise Refused("privacy.step_not_ended", "`erase` has not come to its end: send it again.", step="erase")
    return _told(context, RequestCompleted(command.by))


def _receive(state: PrivacyRequest | None, command: ReceiveRequest, context: Context) -> Decision:
    if state is not None:
        raise Refused("privacy.exists", "There is such a request already.", request_id=context.entity_id)
    if command.right not in RIGHTS[command.law]:
        detail = f"`{command.right}` is no right by {command.law}."
        raise Refused("privacy.right_not_of_law", detail, rights=sorted(RIGHTS[command.law]))
    received_ms = min(command.received_ms, context.now_ms)
    deadline_ms = deadline_of(command.law, command.right, received_ms)
    events: list[Event] = [
        RequestReceived(
            command.law, command.right, command.about, received_ms, deadline_ms, command.by, command.agent
        )
    ]  # fmt: skip
    if command.session:
        events.append(IdentityConfirmed("account_session", command.session, command.by))
    return _told(context, *events)


def _known(state: PrivacyRequest | None) -> PrivacyRequest:
    if state is None:
        raise Refused("privacy.unknown", "There is no such request.")
    return state


def _check_open(request: PrivacyRequest, context: Context) -> None:
    if request.status not in OPEN:
        detail = f"The request is {request.status}."
        raise Refused("privacy.closed", detail, request_id=context.entity_id, status=request.status)


def _check_identity(request: PrivacyRequest) -> None:
    missing = missing_proofs(request)
    if missing:
        detail = (
            "It is not known yet of all that is named that the person asks: nothing is told or changed before that."
        )
        raise Refused("privacy.identity_unconfirmed", detail, missing=missing)


def _check_step(request: PrivacyRequest, step: Step, context: Context) -> None:
    if step != "lift_restriction":
        _check_open(request, context)
    # Whatever restricts something by this request may be lifted, by whatever proof it was restricted.
    if step != "lift_restriction" or not _has_restricted(request):
        _check_identity(request)
    allowed = STEPS[request.right][0]
    if step not in allowed:
        raise Refused(
            "privacy.step_not_of_right", f"`{step}` is not part of `{request.right}`.", allowed=sorted(allowed)
        )


def _has_restricted(request: PrivacyRequest) -> bool:
    return "restrict" in request.begun or any(one.step == "restrict" for one in request.done)


def _is_enough(request: PrivacyRequest, step: Step) -> bool:
    """Told once is told: who was shown it again, the audit says."""
    return step == "export" and any(one.step == step for one in request.done)


def _note(request: PrivacyRequest, command: NoteStep, context: Context) -> Decision:
    if _is_enough(request, command.step):
        return _told(context)
    # Of two calls at once each is noted: what is noted of the first ends what both have begun.
    if command.step not in request.begun and all(one.step != command.step for one in request.done):
        raise Refused("privacy.step_not_begun", f"`{command.step}` was not begun.")
    # An erasure takes several, and the request can't be completed before it has come to its end.
    most = 2 * STEPS_MAX if command.step == "erase" else STEPS_MAX
    if len(request.done) >= most:
        raise Refused("privacy.too_many_steps", f"A request has at most {most} steps.", limit=most)
    return _told(context, StepNoted(command.step, command.by, command.counts, command.ends))


def _confirm(request: PrivacyRequest, command: ConfirmIdentity, context: Context) -> Decision:
    if command.method == "agent_mandate" and not request.agent:
        raise Refused("privacy.no_agent", "No agent asks here.")
    order_ids = _orders_of(command, request, context)
    said = (command.method, command.evidence, command.covers, order_ids)
    if any((proof.method, proof.evidence, proof.covers, proof.order_ids) == said for proof in request.proofs):
        return _told(context)
    if len(request.proofs) >= PROOFS_MAX:
        raise Refused("privacy.too_many_steps", f"A request has at most {PROOFS_MAX} proofs.", limit=PROOFS_MAX)
    return _told(context, IdentityConfirmed(command.method, command.evidence, command.by, command.covers, order_ids))


def _orders_of(command: ConfirmIdentity, request: PrivacyRequest, context: Context) -> list[str]:
    """For which of the named orders it is a proof, each once; [] where it is none of orders."""
    proof = Proof(command.method, command.evidence, command.by, context.now_ms, command.covers)
    if not request.about.order_ids or "orders" not in shown_by(proof, request.about):
        return []
    named = list(dict.fromkeys(command.order_ids))
    if not named and len(request.about.order_ids) == 1:
        return request.about.order_ids
    if not named or not set(named) <= set(request.about.order_ids):
        detail = "Name by `order_ids` for which orders of the request this is the proof."
        raise Refused("privacy.orders_of_proof", detail, field="order_ids", order_ids=request.about.order_ids)
    return named


def _extend(request: PrivacyRequest, command: ExtendDeadline, context: Context) -> Decision:
    term = term_of(request.law, request.right)
    if not term.more_days:
        raise Refused("privacy.no_extension", f"There is no extension: {term.source}.")
    if request.extended:
        raise Refused("privacy.extended_already", "It is extended once and not again.")
    if context.now_ms > request.deadline_ms:
        raise Refused("privacy.extension_late", "The person has to be told of it before the deadline, which is over.")
    more = DeadlineExtended(command.reason, command.by, request.deadline_ms + term.more_days * DAY_MS)
    return _told(context, more)


def _passed(request: PrivacyRequest, now_ms: int) -> list[Event]:
    at_ms = due_ms(request)
    if at_ms is None or now_ms < at_ms:
        return []
    over = now_ms >= request.deadline_ms
    return [DeadlinePassed(request.deadline_ms) if over else DeadlineNear(request.deadline_ms)]


def _told(context: Context, *events: Event) -> Decision:
    return Decision(list(events), lambda state, version: view_of(context.entity_id, state, version))


# --- evolve ---------------------------------------------------------------------------------------------------------
def evolve(state: PrivacyRequest | None, event: Event, context: Context) -> PrivacyRequest:
    """The next state; takes over `state`."""
    if type(event) is RequestReceived:
        made = PrivacyRequest(
            event.law, event.right, event.about, event.received_ms, event.deadline_ms, event.by, event.agent
        )
        made.status = "received" if missing_proofs(made) else "confirmed"
        return made
    assert state is not None
    if type(event) is IdentityConfirmed:
        state.proofs = [
            *state.proofs,
            Proof(event.method, event.evidence, event.by, context.now_ms, event.covers, event.order_ids),
        ]
        if state.status == "received" and not missing_proofs(state):
            state.status = "confirmed"
    elif type(event) is StepBegun:
        state.begun = [*state.begun, event.step]
    elif type(event) is StepNoted:
        state.begun = _without(state.begun, event.step) if event.ends else state.begun
        state.done = [*state.done, Done(event.step, event.by, context.now_ms, event.counts)]
        if state.status == "confirmed":
            state.status = "in_progress"
    elif type(event) is StepEnded:
        state.begun = _without(state.begun, event.step)
    elif type(event) is DeadlineExtended:
        state.extended, state.deadline_ms, state.near = event.reason, event.deadline_ms, False
    elif type(event) is DeadlineNear:
        state.near = True
    elif type(event) is DeadlinePassed:
        state.near = state.overdue = True
    elif type(event) is RequestRefused:
        state.status, state.refusal, state.closed_ms = "refused", event.reason, context.now_ms
    else:
        state.status, state.closed_ms = "completed", context.now_ms
    return state


def _without(begun: list[Step], ended: Step) -> list[Step]:
    return [step for step in begun if step != ended]


# --- projections ----------------------------------------------------------------------------------------------------
def view(state: PrivacyRequest | None, query: ViewRequest, version: int) -> RequestView:
    """All of it. Raises Refused `privacy.unknown`, of another person's request as well."""
    request = _known(state)
    if query.person and query.person not in request.about.subjects:
        raise Refused("privacy.unknown", "There is no such request.")
    return view_of(query.request_id, request, version)


def warns(event: Event) -> str:
    """What operators are told by the log."""
    return {DeadlineNear: "privacy.request_near", DeadlinePassed: "privacy.request_overdue"}.get(type(event), "")


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(PrivacyRequest).decode


def rows(state: PrivacyRequest, version: int, events: Sequence[Event], context: Context) -> list[Row]:
    """The request's one row."""
    return [
        PrivacyRequestRow(
            context.entity_id, version, state.status, state.law, state.right, state.about.person, state.received_ms,
            state.deadline_ms, int(state.overdue), due_ms(state), _encode(state),
        )
    ]  # fmt: skip


def restore(entity_id: str, stored: StoredRows) -> tuple[PrivacyRequest, int] | None:
    """The state and version from the stored row."""
    found = stored.get("privacy_requests")
    return (_decode(found[0].state), found[0].version) if found else None


PRIVACY_REQUEST = Kind(
    name="privacy_request", commands=Command, events=Event, queries=ViewRequest, decide=decide, evolve=evolve, view=view,
    tables=(PrivacyRequestRow,), restore=restore, rows=rows, due=due_ms, wake=TimePassed, warns=warns, secret=True,
)  # fmt: skip
