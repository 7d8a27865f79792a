"""Requests of people about their own data, by example."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.domain import privacy_request
from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.privacy_commands import (
    BeginStep,
    CompleteRequest,
    ConfirmIdentity,
    EndStep,
    ExtendDeadline,
    NoteStep,
    ReceiveRequest,
    RefuseRequest,
    TimePassed,
)
from actors.domain.privacy_events import IdentityConfirmed
from actors.domain.privacy_state import NEAR_MS, About, ViewRequest, missing_proofs
from actors.domain.privacy_terms import RIGHTS, STEPS, TERMS, deadline_of, term_of
from actors.domain.times import DAY_MS
from tests.unit.domain.privacy_case import ABOUT, ANN, BY_ADDRESS, ID, NOW_MS, Case

EACH_RIGHT = sorted((law, right) for law, rights in RIGHTS.items() for right in rights)


def test_something_is_told_or_changed_before_it_is_known_who_asks():
    for law, right in EACH_RIGHT:
        case = Case(law, right)
        for step in STEPS[right][0]:
            if right == "opt_out":
                continue
            assert case.refused(BeginStep(step, ANN)) == "privacy.identity_unconfirmed", (law, right)
            assert case.refused(NoteStep(step, ANN, {})) == "privacy.step_not_begun"
        if right != "opt_out":
            assert case.refused(CompleteRequest(ANN)) == "privacy.identity_unconfirmed"
            assert case.state.status == "received"


def test_a_request_is_received_again_and_stands_at_its_beginning():
    case = Case()
    assert case.refused(ReceiveRequest("gdpr", "access", BY_ADDRESS, NOW_MS, ANN)) == "privacy.exists"


def test_to_sign_in_does_not_prove_who_asks():
    case = Case(about=BY_ADDRESS, session="s-1")
    assert case.state.status == "confirmed"
    assert [(proof.method, proof.evidence) for proof in case.state.proofs] == [("account_session", "s-1")]


@pytest.mark.parametrize(("law", "right"), EACH_RIGHT)
def test_a_right_can_not_be_carried_to_its_end(law, right):
    case = Case(law, right).proved()
    assert case.refused(CompleteRequest(ANN)) == "privacy.nothing_done"
    for step in sorted(STEPS[right][1]):
        assert case.step(step).status == "in_progress"
    done = case.do(CompleteRequest(ANN))
    assert (done.status, done.closed_ms) == ("completed", NOW_MS)
    assert case.due() is None


def test_a_law_gives_a_right_that_it_does_not_have():
    with pytest.raises(Refused, match=r"privacy\.right_not_of_law"):
        Case("lgpd", "opt_out")


def test_a_step_is_taken_that_the_right_does_not_bring():
    case = Case(right="access").proved()
    assert case.refused(BeginStep("erase", ANN)) == "privacy.step_not_of_right"
    assert case.refused(NoteStep("export", ANN, {})) == "privacy.step_not_begun"
    assert case.state.done == []


def test_an_agent_passes_by_the_mandate_alone_or_by_the_persons_proof_alone():
    for first, second in (("agent_mandate", "code_by_email"), ("code_by_email", "agent_mandate")):
        case = Case("ccpa", "delete", BY_ADDRESS, agent="agent-7")
        assert case.do(ConfirmIdentity(first, "one", ANN)).status == "received"
        assert case.refused(BeginStep("erase", ANN)) == "privacy.identity_unconfirmed"
        confirmed = case.do(ConfirmIdentity(second, "two", ANN))
        assert (confirmed.status, confirmed.missing) == ("confirmed", [])
    assert Case().refused(ConfirmIdentity("agent_mandate", "one", ANN)) == "privacy.no_agent"


TWO_ACCOUNTS = msgspec.structs.replace(BY_ADDRESS, customer_ids=["us-cust-y", "us-cust-x"])


@pytest.mark.parametrize(
    ("about", "method", "covers", "missing"),
    [
        (ABOUT, "code_by_email", [], ["customer_ref"]),
        (ABOUT, "account_session", [], ["customer_ref"]),
        (ABOUT, "id_document", ["email"], ["customer_ref"]),
        (ABOUT, "id_document", ["customer_ref"], ["email"]),
        (ABOUT, "id_document", ["customer_ref", "email"], []),
        (TWO_ACCOUNTS, "code_by_email", [], ["customer_id"]),
        (TWO_ACCOUNTS, "account_session", [], ["email"]),
        (msgspec.structs.replace(ABOUT, email_digest="", customer_ids=[]), "code_by_email", [], ["customer_ref"]),
        (msgspec.structs.replace(BY_ADDRESS, email_digest=""), "account_session", [], []),
        (BY_ADDRESS, "code_by_email", [], []),
        (msgspec.structs.replace(BY_ADDRESS, order_ids=["us-1"]), "code_by_email", [], ["orders"]),
        (msgspec.structs.replace(BY_ADDRESS, order_ids=["us-1"]), "order_papers", [], ["email"]),
    ],
)
def test_who_proves_one_name_gets_at_somebody_else_whom_he_names_beside_it(about, method, covers, missing):
    for law, right in EACH_RIGHT:
        if right == "opt_out":
            continue
        case = Case(law, right, about)
        told = case.do(ConfirmIdentity(method, "case-1", ANN, covers))
        assert (told.missing, told.status) == (missing, "received" if missing else "confirmed")
        for step in STEPS[right][0]:
            if missing:
                assert case.refused(BeginStep(step, ANN)) == "privacy.identity_unconfirmed"
            else:
                case.step(step)


def test_two_proofs_do_not_add_up_or_one_document_counts_once_for_whatever_it_covers():
    case = Case()
    case.do(ConfirmIdentity("id_document", "case-1", ANN, ["customer_ref"]))
    assert case.do(ConfirmIdentity("code_by_email", "case-2", ANN)).status == "confirmed"
    case = Case()
    for name in ("customer_ref", "email", "email"):
        told = case.do(ConfirmIdentity("id_document", "case-1", ANN, [name]))
    assert (told.status, len(told.proofs)) == ("confirmed", 2)


def test_a_proof_from_before_it_was_said_what_it_covers_can_not_be_read_or_counts_for_more_than_it_shows():
    """A row and an event as they were stored then."""
    for method, missing in (("id_document", []), ("code_by_email", ["customer_ref"])):
        event = msgspec.json.encode({"type": "IdentityConfirmed", "method": method, "evidence": "case-1", "by": ANN})
        stored = msgspec.json.decode(event, type=IdentityConfirmed)
        case = Case()
        case.state = privacy_request.evolve(case.state, stored, Context(ID, "c", NOW_MS))
        builtin = msgspec.to_builtins(case.state)
        builtin["proofs"] = [proof[:4] for proof in builtin["proofs"]]
        # Nor could orders be named.
        del builtin["about"]["order_ids"]
        read = msgspec.msgpack.decode(msgspec.msgpack.encode(builtin), type=type(case.state))
        assert read == case.state
        assert missing_proofs(read) == missing


TWO_ORDERS = About("p" * 32, ["p" * 32, "q" * 32], [], "", "", ["us-1", "us-2"])


@pytest.mark.parametrize(("method", "covers"), [("order_papers", []), ("id_document", ["orders"])])
def test_papers_of_one_order_open_another_strangers(method, covers):
    case = Case(right="access", about=TWO_ORDERS)
    for order_ids in ([], ["us-3"], ["us-1", "us-3"]):
        assert case.refused(ConfirmIdentity(method, "slip-1", ANN, covers, order_ids)) == "privacy.orders_of_proof"
    told = case.do(ConfirmIdentity(method, "slip-1", ANN, covers, ["us-1"]))
    assert (told.missing, told.missing_orders, told.status) == (["orders"], ["us-2"], "received")
    assert case.refused(BeginStep("export", ANN)) == "privacy.identity_unconfirmed"
    # The same papers, for the other.
    told = case.do(ConfirmIdentity(method, "slip-1", ANN, covers, ["us-2", "us-2"]))
    assert (told.missing, told.missing_orders, told.status) == ([], [], "confirmed")
    assert [proof.order_ids for proof in told.proofs] == [["us-1"], ["us-2"]]


def test_the_one_order_that_is_named_has_to_be_named_again():
    case = Case(about=msgspec.structs.replace(TWO_ORDERS, order_ids=["us-1"]))
    assert case.do(ConfirmIdentity("order_papers", "slip-1", ANN)).proofs[0].order_ids == ["us-1"]
    assert case.state.status == "confirmed"


def test_papers_from_before_it_was_said_of_which_orders_count_for_none():
    event = {"type": "IdentityConfirmed", "method": "order_papers", "evidence": "case-1", "by": ANN, "covers": []}
    case = Case(about=TWO_ORDERS)
    stored = msgspec.convert(event, type=IdentityConfirmed)
    case.state = privacy_request.evolve(case.state, stored, Context(ID, "c", NOW_MS))
    builtin = msgspec.to_builtins(case.state)
    builtin["proofs"] = [proof[:5] for proof in builtin["proofs"]]
    read = msgspec.msgpack.decode(msgspec.msgpack.encode(builtin), type=type(case.state))
    assert (read, missing_proofs(read), read.status) == (case.state, [], "confirmed")


def test_what_was_restricted_by_half_a_proof_stays_restricted_for_good():
    case = Case(right="restriction").proved()
    case.step("restrict")
    case.do(CompleteRequest(ANN))
    case.state.proofs = [msgspec.structs.replace(case.state.proofs[0], method="code_by_email", covers=[])]
    assert case.step("lift_restriction").done[-1].step == "lift_restriction"


def test_an_opt_out_waits_for_a_proof_or_an_agents_goes_without_the_mandate():
    assert Case("ccpa", "opt_out").state.status == "confirmed"
    agents = Case("ccpa", "opt_out", agent="agent-7")
    assert agents.refused(BeginStep("opt_out", ANN)) == "privacy.identity_unconfirmed"
    assert agents.do(ConfirmIdentity("agent_mandate", "m-1", ANN)).status == "confirmed"


@pytest.mark.parametrize(
    ("law", "right", "days", "more"),
    [("gdpr", "erasure", 30, 60), ("ccpa", "know", 45, 45), ("lgpd", "access", 15, 0), ("ccpa", "opt_out", 15, 0)],
)
def test_the_deadline_is_another_than_the_laws(law, right, days, more):
    case = Case(law, right)
    assert case.state.deadline_ms == NOW_MS + days * DAY_MS
    extend = ExtendDeadline("complex", ANN)
    if not more:
        assert case.refused(extend) == "privacy.no_extension"
        return
    case.now_ms = case.state.deadline_ms + 1
    assert case.refused(extend) == "privacy.extension_late"
    case.now_ms = case.state.deadline_ms
    assert case.do(extend).deadline_ms == NOW_MS + (days + more) * DAY_MS
    assert case.refused(extend) == "privacy.extended_already"


@given(st.integers(0, 4_000), st.sampled_from(EACH_RIGHT))
def test_a_deadline_comes_after_a_calendar_month_or_after_the_days_of_the_law(days, law_and_right):
    law, right = law_and_right
    received = datetime(2024, 1, 1, 12, tzinfo=UTC) + timedelta(days=days)
    received_ms = int(received.timestamp()) * 1000
    deadline_ms = deadline_of(law, right, received_ms)
    most = received_ms + term_of(law, right).days * DAY_MS
    if law != "gdpr":
        assert deadline_ms == most
        return
    deadline = datetime.fromtimestamp(deadline_ms / 1000, UTC)
    months = (deadline.year - received.year) * 12 + deadline.month - received.month
    assert deadline_ms <= most
    assert months == 0 or (months == 1 and deadline.day <= received.day)
    assert deadline - received >= timedelta(days=28), "it is shorter than any month is"
    assert (deadline + timedelta(days=1)).day == 1 or deadline_ms == most or deadline.day == received.day


def test_nobody_is_reminded_or_somebody_twice():
    case = Case()
    deadline_ms = case.state.deadline_ms
    assert case.due() == deadline_ms - NEAR_MS
    case.now_ms = deadline_ms - NEAR_MS - 1
    case.do(TimePassed())
    assert not case.state.near
    for at_ms, warning in ((deadline_ms - NEAR_MS, "privacy.request_near"), (deadline_ms, "privacy.request_overdue")):
        case.now_ms, before = at_ms, len(case.events)
        assert case.due() == at_ms
        case.do(TimePassed())
        case.do(TimePassed())
        assert [privacy_request.warns(event) for event in case.events[before:]] == [warning]
    assert case.state.overdue
    assert case.due() is None
    # Overdue or not, it has to be answered.
    assert case.proved().step("erase").overdue


def test_a_request_that_is_extended_is_told_of_by_its_old_deadline():
    case = Case()
    case.now_ms = case.state.deadline_ms - NEAR_MS
    case.do(TimePassed())
    case.do(ExtendDeadline("many_requests", ANN))
    assert not case.state.near
    assert case.due() == case.state.deadline_ms - NEAR_MS


def test_a_step_that_was_cut_short_is_not_seen_or_is_begun_twice():
    case = Case().proved()
    case.do(BeginStep("erase", ANN))
    again = case.do(BeginStep("erase", ANN))
    assert (again.begun, again.status, case.version) == (["erase"], "confirmed", 3)
    done = case.do(NoteStep("erase", ANN, {"keys": 1}))
    assert (done.begun, [(one.step, one.counts) for one in done.done]) == ([], [("erase", {"keys": 1})])


def test_the_second_of_two_steps_at_once_is_done_and_stands_nowhere():
    case = Case(right="rectification").proved()
    for _ in range(2):
        case.do(BeginStep("rectify", ANN))
    for fields in (1, 2):
        noted = case.do(NoteStep("rectify", ANN, {"fields": fields}))
    assert (noted.begun, [one.counts["fields"] for one in noted.done]) == ([], [1, 2])


def test_a_request_is_completed_while_its_erasure_still_looks_for_what_came_meanwhile():
    case = Case().proved()
    case.do(BeginStep("erase", ANN))
    noted = case.do(NoteStep("erase", ANN, {"keys": 1}, ends=False))
    assert (noted.begun, noted.status) == (["erase"], "in_progress")
    assert case.refused(CompleteRequest(ANN)) == "privacy.step_not_ended"
    ended = case.do(EndStep("erase", ANN))
    assert (ended.begun, len(ended.done)) == ([], 1)
    version = case.version
    case.do(EndStep("erase", ANN))
    assert case.version == version
    assert case.do(CompleteRequest(ANN)).status == "completed"


def test_an_erasure_under_way_can_not_come_to_its_end_since_there_were_many_steps_before():
    case = Case().proved()
    for _ in range(privacy_request.STEPS_MAX - 1):
        case.step("restrict")
    case.do(BeginStep("erase", ANN))
    case.do(NoteStep("erase", ANN, {"keys": 1}, ends=False))
    case.do(BeginStep("restrict", ANN))
    assert case.refused(NoteStep("restrict", ANN, {"keys": 1})) == "privacy.too_many_steps"
    case.step("erase")
    case.do(EndStep("erase", ANN))
    assert "erase" not in case.state.begun


def test_a_request_that_was_noted_before_notes_said_whether_they_are_all_is_never_completed():
    case = Case().proved()
    case.do(BeginStep("erase", ANN))
    of_then = b'{"type": "StepNoted", "step": "erase", "by": "us-acct-ann", "counts": {"keys": 1}}'
    event = msgspec.json.decode(of_then, type=privacy_request.PRIVACY_REQUEST.events)
    case.state = privacy_request.evolve(case.state, event, Context(ID, "c", NOW_MS))
    assert case.do(CompleteRequest(ANN)).status == "completed"


def test_a_correction_that_was_refused_keeps_a_request_from_its_end():
    case = Case(right="rectification").proved()
    case.step("rectify")
    case.do(BeginStep("rectify", ANN))
    assert case.do(CompleteRequest(ANN)).status == "completed"


def test_each_look_at_the_data_makes_the_request_longer():
    case = Case(right="access").proved()
    for _ in range(3):
        case.step("export")
    assert len(case.state.done) == 1


def test_a_closed_request_goes_on_or_a_restriction_can_not_be_lifted_any_more():
    case = Case(right="restriction").proved()
    case.step("restrict")
    case.do(CompleteRequest(ANN))
    for command in (RefuseRequest("unfounded", ANN), BeginStep("restrict", ANN), ExtendDeadline("complex", ANN)):
        assert case.refused(command) == "privacy.closed"
    lifted = case.step("lift_restriction")
    assert (lifted.status, lifted.done[-1].step) == ("completed", "lift_restriction")
    weighed = Case(right="object").proved()
    weighed.step("restrict")
    weighed.do(RefuseRequest("legal_claims", ANN))
    assert weighed.step("lift_restriction").status == "refused"
    refused = Case()
    assert refused.do(RefuseRequest("identity_not_proved", ANN)).refusal == "identity_not_proved"
    assert refused.refused(BeginStep("lift_restriction", ANN)) == "privacy.identity_unconfirmed"
    assert refused.refused(ConfirmIdentity("id_document", "late", ANN)) == "privacy.closed"


def test_another_person_sees_the_request():
    case = Case()
    for person in ABOUT.subjects:
        assert privacy_request.view(case.state, ViewRequest(ID, person), case.version).request_id == ID
    for state, person in ((case.state, "z" * 32), (None, "")):
        with pytest.raises(Refused, match=r"privacy\.unknown"):
            privacy_request.view(state, ViewRequest(ID, person), 1)


def test_a_request_is_dated_into_the_future():
    case = Case()
    case.state = None
    got = case.do(ReceiveRequest("gdpr", "access", ABOUT, NOW_MS + DAY_MS, ANN))
    assert got.received_ms == NOW_MS


def test_every_law_has_a_term_and_every_right_a_way_to_its_end():
    assert set(TERMS) == set(RIGHTS)
    assert {right for _, right in EACH_RIGHT} == set(STEPS)
    for allowed, needed in STEPS.values():
        assert needed <= allowed
        assert needed
