"""The state of a privacy request, when it wants to be woken, and what is told of it. The rules are
in `privacy_request.py`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from actors.domain.personal_notes import HANDLER, REQUEST_AGENT, REQUEST_CONTACT, REQUEST_OF, REQUEST_REFERENCE
from actors.domain.privacy_terms import Law, Right, Step
from actors.domain.times import DAY_MS

NEAR_MS = 5 * DAY_MS
RequestStatus = Literal["received", "confirmed", "in_progress", "completed", "refused"]
# How it became known who asks. `account_session`: signed in by a code to the proved address; `code_by_email`: a code to
# the address that the orders have; `id_document`: looked at and not kept; `order_papers`: what came with an order, or
# the marketplace's confirmation of it, from somebody who knows to whom and where it went; `agent_mandate`: the signed
# permission of an authorized agent.
Method = Literal["account_session", "code_by_email", "id_document", "agent_mandate", "order_papers"]
# By what a person was named: `email` is the address and the account that it has, `customer_id` another account,
# `orders` such that name nobody.
Name = Literal["email", "customer_id", "customer_ref", "orders"]
Extension = Literal["complex", "many_requests"]
Refusal = Literal[
    "identity_not_proved", "agent_not_authorized", "no_data", "unfounded", "excessive", "legal_obligation", "legal_claims",
    "rights_of_others", "withdrawn",
]  # fmt: skip
OPEN: frozenset[RequestStatus] = frozenset({"received", "confirmed", "in_progress"})


class About(msgspec.Struct, frozen=True, gc=False):
    """Whom it is about, and no word of it in the clear. person: keyed digest of the first that the person was named by;
    subjects: digests of all identities that data keys are kept for; customer_ids: of accounts; email_digest,
    customer_ref: by which orders are found, "" for none; order_ids: of orders that are named themselves, each kept
    under a key of its own."""

    person: Annotated[str, REQUEST_OF]
    subjects: Annotated[list[str], REQUEST_OF]
    customer_ids: Annotated[list[str], REQUEST_OF]
    email_digest: Annotated[str, REQUEST_CONTACT]
    customer_ref: Annotated[str, REQUEST_REFERENCE]
    order_ids: list[str] = []


class Proof(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How it became known who asks. covers: of whom else than the method itself shows (`shown_by`), as the officer
    says; [] where that was not told yet. order_ids: of which of the named orders, where it is a proof of orders; []
    where that was not asked yet."""

    method: Method
    evidence: str
    by: Annotated[str, HANDLER]
    at_ms: int
    covers: list[Name] = []
    order_ids: list[str] = []


class Done(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A step that was done."""

    step: Step
    by: Annotated[str, HANDLER]
    at_ms: int
    counts: dict[str, int]


class PrivacyRequest(msgspec.Struct):
    """The state. begun: steps that are not known to be done; extended, refusal: reasons, "" for none; closed_ms: 0
    while it is open; near, overdue: was that told of the present deadline?"""

    law: Law
    right: Right
    about: About
    received_ms: int
    deadline_ms: int
    taken_by: Annotated[str, HANDLER]
    agent: Annotated[str, REQUEST_AGENT]
    status: RequestStatus = "received"
    proofs: list[Proof] = []
    begun: list[Step] = []
    done: list[Done] = []
    extended: str = ""
    refusal: str = ""
    closed_ms: int = 0
    near: bool = False
    overdue: bool = False


class ViewRequest(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The query for all of it. person: only if it is about them, "" for whoever may see all."""

    request_id: str
    person: Annotated[str, REQUEST_OF] = ""


class RequestView(msgspec.Struct, frozen=True, gc=False):
    """A request; also the answer to every command. Its `about` is for the cell itself. missing: see `missing_proofs`;
    missing_orders: the same of single orders."""

    request_id: str
    version: int
    law: Law
    right: Right
    about: About
    status: RequestStatus
    received_ms: int
    deadline_ms: int
    taken_by: Annotated[str, HANDLER]
    agent: Annotated[str, REQUEST_AGENT]
    missing: list[str]
    proofs: list[Proof]
    begun: list[Step]
    done: list[Done]
    extended: str
    refusal: str
    closed_ms: int
    near: bool
    overdue: bool
    missing_orders: list[str] = []


def names_of(about: About) -> list[Name]:
    """By what the person was named, each of which might be somebody else."""
    named: list[Name] = []
    if about.email_digest:
        named.append("email")
    # An address brings the account that it has, or would have.
    if len(about.customer_ids) > bool(about.email_digest):
        named.append("customer_id")
    if about.customer_ref:
        named.append("customer_ref")
    if about.order_ids:
        named.append("orders")
    return named


def shown_by(proof: Proof, about: About) -> set[Name]:
    """Of which names it is known by this proof that they are the person's who asks.

    A code shows who reads at the address, a session whose account it is, papers of orders who got them: nothing of
    another name that stands in the same letter. Of a document the officer says it (`covers`), who has looked whether
    the name belongs to whom it shows; one from before he was asked that counts for all, as it did when it was looked
    at. A mandate shows nothing of the person.
    """
    named = names_of(about)
    if proof.method == "code_by_email":
        return {"email"}
    if proof.method == "account_session":
        return {"customer_id" if "customer_id" in named else "email"}
    if proof.method == "order_papers":
        return {"orders"}
    if proof.method == "id_document":
        return set(proof.covers or named)
    return set()


def missing_orders(request: PrivacyRequest) -> list[str]:
    """Of which orders that are named it is not known yet that they are the person's who asks.

    Each of them might be another stranger's, so papers of one show nothing of the next. A proof from before it was
    asked for which orders it is counts for all, as it did then.
    """
    about = request.about
    shown: set[str] = set()
    for proof in request.proofs:
        if "orders" in shown_by(proof, about):
            shown.update(proof.order_ids or about.order_ids)
    return [order_id for order_id in about.order_ids if order_id not in shown]


def missing_proofs(request: PrivacyRequest) -> list[str]:
    """What is not known yet: of which names (`names_of`) that they are the person's who asks, or that
    the agent has a `mandate`.

    An opt-out takes no proof of the person (11 CCR §7026(d)), of an agent the signed permission (§7026(j)). All else
    takes the person's own proof of every name, of an agent both: §7063(a) allows that, and it is the only way to tell
    an agent from an impostor. Who could prove one name and gain all would name somebody else beside himself.
    """
    missing: list[str] = []
    if request.right != "opt_out":
        shown = {name for proof in request.proofs for name in shown_by(proof, request.about)}
        if missing_orders(request):
            shown.discard("orders")
        missing += [name for name in names_of(request.about) if name not in shown]
    if request.agent and all(proof.method != "agent_mandate" for proof in request.proofs):
        missing.append("mandate")
    return missing


def view_of(request_id: str, request: PrivacyRequest, version: int) -> RequestView:
    """All of it."""
    return RequestView(
        request_id, version, request.law, request.right, request.about, request.status, request.received_ms,
        request.deadline_ms, request.taken_by, request.agent, missing_proofs(request), request.proofs, request.begun,
        request.done, request.extended, request.refusal, request.closed_ms, request.near, request.overdue,
        [] if request.right == "opt_out" else missing_orders(request),
    )  # fmt: skip


def due_ms(request: PrivacyRequest) -> int | None:
    """When the timer is to go off; None for not any more."""
    if request.status not in OPEN or request.overdue:
        return None
    return request.deadline_ms if request.near else request.deadline_ms - NEAR_MS
