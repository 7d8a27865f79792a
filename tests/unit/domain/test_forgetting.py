"""What orders, accounts and notices do when their person is corrected or erased."""

from __future__ import annotations

import copy

import msgspec
import pytest

from actors.domain import customer, ids, notice, order
from actors.domain.customer_commands import EraseCustomer, KeepCode, KeepEmail, RefreshSession, TryCode
from actors.domain.customer_state import REVOKED_MS, Customer
from actors.domain.customer_views import ViewCustomer
from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.kinds import KINDS
from actors.domain.notice import MarkSent, WithdrawNotice, WriteNotice
from actors.domain.order_commands import ForgetPerson, PlaceOrder, RectifyOrder, UpdateOrder
from actors.domain.order_state import (
    SHIPPED_OVER_MS,
    Line,
    ShipTo,
    is_under_way,
    restored,
)
from actors.domain.order_views import ViewOrder
from actors.domain.rows import OrderChange, OrderRow

NOW_MS = 1_767_225_600_000
SEALED, CORRECTED = b"sealed-part", b"corrected-part"
PLACE = PlaceOrder(
    "d" * 32, "online", "c" * 32, "US", ShipTo("US"), "USD", [Line("a", 2, 1299)], [], "us-cust-x", SEALED, "e" * 32
)  # fmt: skip
RECTIFY = RectifyOrder("f" * 32, CORRECTED, "9" * 32)


class Entity:
    """One of a kind, and its last row."""

    def __init__(self, kind: str, entity_id: str) -> None:
        self.kind, self.entity_id = KINDS[kind], entity_id
        self.state, self.version, self.rows, self.post, self.now_ms = None, 0, [], [], NOW_MS

    def do(self, command):
        before, context = copy.deepcopy(self.state), Context(self.entity_id, "c", self.now_ms)
        command = msgspec.msgpack.decode(msgspec.msgpack.encode(command), type=self.kind.commands)
        decision = self.kind.decide(self.state, command, context)
        assert self.state == before
        for event in decision.events:
            stored = msgspec.json.decode(msgspec.json.encode(event), type=self.kind.events)
            self.state = self.kind.evolve(self.state, stored, context)
            self.post.extend(self.kind.messages(self.entity_id, stored))
        self.version += len(decision.events)
        if decision.events:
            self.rows = self.kind.rows(self.state, self.version, decision.events, context)
        return decision

    def refused(self, command) -> str:
        with pytest.raises(Refused) as refused:
            self.do(command)
        return refused.value.body.code


def placed() -> Entity:
    entity = Entity("order", "us-o")
    entity.do(PLACE)
    return entity


def delivered() -> Entity:
    entity = placed()
    entity.do(UpdateOrder("cancel"))
    return entity


# --- orders
def test_an_order_that_is_over_still_tells_whose_it_was():
    entity = delivered()
    entity.do(ForgetPerson())
    (row,) = entity.rows
    assert type(row) is OrderRow, "its other columns would stay as they were"
    assert (row.order_ref, row.customer_ref, row.owner, row.email_digest, row.sealed) == ("", "", "", "", b"")
    kept = msgspec.msgpack.encode(restored(row.state))
    for gone in (PLACE.order_ref, PLACE.customer_ref, PLACE.owner, PLACE.email_digest):
        assert gone.encode() not in kept
    assert SEALED not in kept
    view = order.view(entity.state, ViewOrder("us-o"), entity.version)
    assert (view.withheld, view.sealed, view.ship_to) == ("erased", msgspec.UNSET, ShipTo("US"))
    assert (view.total.amount, view.lines[0].sku, view.customer.country) == (2598, "a", "US"), (
        "what the books need is gone"
    )
    version = entity.version
    entity.do(ForgetPerson())
    assert entity.version == version


def test_the_person_of_an_order_that_is_on_its_way_is_forgotten():
    entity = placed()
    assert entity.refused(ForgetPerson()) == "order.under_way"
    assert entity.state.sealed == SEALED
    for status in ("placed", "allocated", "partly_allocated", "backordered", "picking", "packed", "partly_shipped"):
        assert is_under_way(status, 0, NOW_MS), status
    for status in ("delivered", "cancelled"):
        assert not is_under_way(status, NOW_MS, NOW_MS), status
    # Of a parcel that nobody ever reported as delivered, the person could never be erased.
    assert is_under_way("shipped", NOW_MS - SHIPPED_OVER_MS + 1, NOW_MS)
    assert not is_under_way("shipped", NOW_MS - SHIPPED_OVER_MS, NOW_MS)


def test_a_correction_puts_back_what_somebody_else_has_changed_meanwhile():
    entity = placed()
    first, second = (msgspec.structs.replace(RECTIFY, sealed=sealed, was=SEALED) for sealed in (b"one", b"two"))
    entity.do(first)
    version = entity.version
    assert entity.refused(second) == "order.changed_meanwhile"
    entity.do(first)
    assert (entity.state.sealed, entity.version) == (b"one", version)
    # One that was under way before corrections told what they had seen.
    entity.do(RECTIFY)
    assert entity.state.sealed == CORRECTED


def test_a_customer_or_guest_who_was_erased_reads_the_order():
    entity = delivered()
    entity.do(ForgetPerson())
    with pytest.raises(Refused, match=r"order\.unknown"):
        order.view(entity.state, ViewOrder("us-o", PLACE.owner), entity.version)


def test_a_correction_is_not_in_the_row_or_changes_who_it_is():
    entity = placed()
    entity.do(RECTIFY)
    (row,) = entity.rows
    assert type(row) is OrderRow
    assert (row.order_ref, row.sealed, row.email_digest) == ("f" * 32, CORRECTED, "9" * 32)
    assert (row.customer_ref, row.owner) == (PLACE.customer_ref, PLACE.owner)
    version = entity.version
    entity.do(RECTIFY)
    assert entity.version == version
    entity.do(UpdateOrder("cancel"))
    assert [type(row) for row in entity.rows] == [OrderChange]


def test_an_erased_person_is_written_into_an_order_again():
    entity = delivered()
    entity.do(ForgetPerson())
    assert entity.refused(RECTIFY) == "order.person_erased"


# --- accounts
def account() -> Entity:
    entity = Entity("customer", ids.customer_id("us", bytes(32)))
    for number in (1, 2):
        entity.do(KeepCode(b"d" * 32, opens=True))
        entity.do(TryCode(b"d" * 32, f"s-{number}"))
    entity.do(KeepEmail(SEALED))
    entity.post.clear()
    return entity


def test_an_erased_account_keeps_its_sessions_its_codes_or_its_address():
    entity = account()
    entity.do(KeepCode(b"n" * 32))
    entity.do(EraseCustomer())
    assert entity.state == Customer(erased=True)
    assert [(m.kind, m.command.session_id, m.command.until_ms) for m in entity.post] == [
        ("revocations", "s-1", NOW_MS + REVOKED_MS), ("revocations", "s-2", NOW_MS + REVOKED_MS),
    ]  # fmt: skip
    (row,) = entity.rows
    assert SEALED not in row.state
    assert row.proved == 0
    state, _ = customer.restore(entity.entity_id, {"customers": [row]})
    assert state == entity.state
    with pytest.raises(Refused, match=r"customer\.unknown"):
        customer.view(entity.state, ViewCustomer(), entity.version)


def test_an_erased_account_can_be_signed_in_to_or_never_be_opened_again():
    entity = account()
    entity.do(EraseCustomer())
    for command in (
        KeepCode(b"n" * 32),
        TryCode(b"d" * 32, "s-3"),
        RefreshSession("s-1", 1),
        EraseCustomer(),
    ):
        assert entity.refused(command) == "customer.unknown"
    entity.do(KeepCode(b"n" * 32, opens=True))
    assert not entity.state.erased
    opened = entity.do(TryCode(b"n" * 32, "s-4")).reply(entity.state, entity.version)
    assert (opened.session.session_id, opened.keeps_email) == ("s-4", False)
    assert [session.session_id for session in entity.state.sessions] == ["s-4"]


def test_an_account_that_was_never_there_is_erased():
    entity = Entity("customer", "us-cust-x")
    assert entity.refused(EraseCustomer()) == "customer.unknown"


# --- notices
def test_a_notice_of_an_erased_person_is_sent_or_kept():
    entity = Entity("notice", "us-notice-x")
    entity.do(WriteNotice("guest.code", "us-o", SEALED, SEALED, NOW_MS + 1))
    entity.do(WithdrawNotice())
    (row,) = entity.rows
    assert (row.status, row.sealed_address, row.sealed_content, row.sent_at) == ("withdrawn", b"", b"", None)
    assert notice.restore("us-notice-x", {"notices": [row]}) == (entity.state, entity.version)
    for command in (WithdrawNotice(), MarkSent()):
        told = entity.do(command)
        assert told.events == []
        assert told.reply(entity.state, entity.version).status == "withdrawn"


def test_a_notice_that_was_sent_is_withdrawn():
    entity = Entity("notice", "us-notice-x")
    entity.do(WriteNotice("guest.code", "us-o", SEALED, SEALED, NOW_MS + 1))
    entity.do(MarkSent())
    assert entity.do(WithdrawNotice()).reply(entity.state, entity.version).status == "sent"
    assert Entity("notice", "us-notice-y").refused(WithdrawNotice()) == "notice.unknown"
