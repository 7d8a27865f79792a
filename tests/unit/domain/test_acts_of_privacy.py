"""What the audit says of requests about people's own data, and of what follows for orders, accounts and consents."""

from __future__ import annotations

import pytest

from actors.domain.acts import audited_of
from actors.domain.audit import Act, Who
from actors.domain.consent import Choice, ConsentChanged, Consents, Entry, SetConsents, WithdrawConsents
from actors.domain.customer_commands import EraseCustomer
from actors.domain.data_key import DestroyKey
from actors.domain.kinds import KINDS
from actors.domain.notice import WithdrawNotice
from actors.domain.order_commands import ForgetPerson, RectifyOrder
from actors.domain.privacy_commands import (
    BeginStep,
    CompleteRequest,
    ConfirmIdentity,
    EndStep,
    ExtendDeadline,
    NoteStep,
    ReceiveRequest,
    RefuseRequest,
)
from actors.domain.privacy_state import About

ANN = Who("us-acct-ann", "privacy", "s-1", "a-1")
ABOUT = About("p" * 32, ["p" * 32], [], "e" * 32, "r" * 32)
HAPPENED = [object()]


def act_of(kind, command, events=(), state=None) -> Act:
    [line] = audited_of(KINDS[kind], ANN, state, command, list(events))
    return line.act


@pytest.mark.parametrize(
    ("command", "act"),
    [
        (ReceiveRequest("gdpr", "erasure", ABOUT, 1, "us-acct-ann"), Act("privacy_request.receive", "", "erasure", {"law": (None, "gdpr")})),
        (ConfirmIdentity("code_by_email", "case-1", "x"), Act("privacy_request.confirm_identity", "", "code_by_email")),
        (
            ConfirmIdentity("id_document", "case-1", "x", ["email", "customer_ref"]),
            Act("privacy_request.confirm_identity", "", "id_document", {"covers": (None, "email,customer_ref")}),
        ),
        (BeginStep("erase", "x"), Act("privacy_request.begin_erase")),
        (NoteStep("erase", "x", {"keys": 2}), Act("privacy_request.erase", "", "", {"keys": (None, 2)})),
        (EndStep("erase", "x"), Act("privacy_request.end_erase")),
        (ExtendDeadline("complex", "x"), Act("privacy_request.extend", "", "complex")),
        (RefuseRequest("unfounded", "x"), Act("privacy_request.refuse", "", "unfounded")),
        (CompleteRequest("x"), Act("privacy_request.complete")),
    ],
)  # fmt: skip
def test_a_step_of_a_request_is_called_otherwise(command, act):
    assert act_of("privacy_request", command, HAPPENED) == act


def test_a_refused_request_has_counts():
    assert act_of("privacy_request", NoteStep("erase", "x", {"keys": 2})).changes == {}
    assert act_of("privacy_request", ReceiveRequest("gdpr", "erasure", ABOUT, 1, "x")).changes == {}


@pytest.mark.parametrize(
    ("kind", "command", "name"),
    [
        ("data_key", DestroyKey(), "data_key.destroy_key"),
        ("order", ForgetPerson(), "order.forget_person"),
        ("order", RectifyOrder("r", b"s", "e"), "order.rectify"),
        ("customer", EraseCustomer(), "customer.erase"),
        ("notice", WithdrawNotice(), "notice.withdraw_notice"),
    ],
)
def test_what_follows_for_others_is_called_otherwise_or_tells_the_person(kind, command, name):
    assert act_of(kind, command) == Act(name)


def test_consent_is_told_without_what_it_was_before():
    state = Consents([Entry("marketing_email", True, "account", "v1", 1)])
    events = [
        ConsentChanged(Choice("marketing_email", False), "gpc"), ConsentChanged(Choice("sale_or_sharing", False), "gpc"),
    ]  # fmt: skip
    act = act_of("consent", SetConsents([event.choice for event in events], "gpc"), events, state)
    assert act == Act("consent.set", "", "gpc", {"marketing_email": (1, 0), "sale_or_sharing": (None, 0)})
    assert act_of("consent", WithdrawConsents("erasure")) == Act("consent.withdraw", "", "erasure")
