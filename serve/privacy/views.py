"""Privacy requests as callers see them."""

from __future__ import annotations

from actors.domain.privacy_state import RequestView
from actors.domain.privacy_terms import term_of
from actors.domain.times import moment
from actors.runtime.read_model import PrivacyRequestSummary
from serve.privacy.schemas import DoneDetail, ListedRequest, PersonRequestDetail, ProofDetail, RequestDetail


def detail(request: RequestView) -> RequestDetail:
    """For the privacy officer."""
    return RequestDetail(
        request.request_id, request.version, request.law, request.right, request.status, moment(request.received_ms),
        moment(request.deadline_ms), request.near, request.overdue, term_of(request.law, request.right).source,
        request.taken_by, request.agent, request.missing,
        [
            ProofDetail(proof.method, proof.evidence, proof.by, moment(proof.at_ms), proof.covers, proof.order_ids)
            for proof in request.proofs
        ],
        request.begun, [DoneDetail(one.step, one.by, moment(one.at_ms), one.counts) for one in request.done],
        request.extended, request.refusal, moment(request.closed_ms) if request.closed_ms else None,
        request.missing_orders,
    )  # fmt: skip


def person_detail(request: RequestView) -> PersonRequestDetail:
    """For the person: who of the staff did it is not told."""
    return PersonRequestDetail(
        request.request_id, request.law, request.right, request.status, moment(request.received_ms),
        moment(request.deadline_ms), term_of(request.law, request.right).source, [one.step for one in request.done],
        request.extended, request.refusal, moment(request.closed_ms) if request.closed_ms else None,
    )  # fmt: skip


def listed(request: PrivacyRequestSummary) -> ListedRequest:
    """In a list."""
    return ListedRequest(
        request.request_id, request.version, request.law, request.asked_right, request.status,  # type: ignore[arg-type]
        moment(request.received_at), moment(request.deadline_at), bool(request.overdue),
    )  # fmt: skip
