"""Requests of people about their own data, and what waits to be sent to them: the fake and PostgreSQL alike."""

from __future__ import annotations

from typing import Any

from actors.domain.consent import CONSENT
from actors.domain.privacy_request import PRIVACY_REQUEST
from actors.domain.rows import ConsentRow, NoticeRow, PrivacyRequestRow
from actors.runtime.ports import Store
from actors.runtime.read_model import PrivacyRequestSummary, ReadModel
from tests.integration.storage.samples import NOW_MS, batch, drained, due_of, order_row, turn

MIA, TOM = "a" * 32, "b" * 32
STATUSES = ("received", "confirmed", "in_progress", "completed", "refused")


def request_row(number: int, **changed: Any) -> PrivacyRequestRow:
    """A row of `privacy_requests`: higher numbers have nearer deadlines, pairs of them the same."""
    fields: dict[str, Any] = {
        "request_id": f"us-privacy-{number:03d}", "version": 1, "status": STATUSES[number % 5], "law": "gdpr",
        "asked_right": "access", "person": TOM if number % 3 else MIA, "received_at": NOW_MS,
        "deadline_at": NOW_MS + 1_000 - number // 2, "overdue": number % 2,
        "due_at": None if number % 2 else NOW_MS + number, "state": b"\x00\xff state",
    }  # fmt: skip
    return PrivacyRequestRow(**(fields | changed))


async def kept(store: Store, version: int, **rows: list[Any]) -> None:
    if version == 1:
        await store.lease("host-0", [1], 1)
    await store.drain(batch({1: (1, version)}, drained(1, version, turn(version)), rows))


async def test_requests_are_not_listed_by_deadline_or_of_somebody_else(store: Store, read_model: ReadModel):
    rows = [request_row(number) for number in range(20)]
    await kept(store, 1, privacy_requests=rows)
    nearest = sorted(rows, key=lambda row: (row.deadline_at, row.request_id))

    async def listed(**asked: Any) -> list[str]:
        asked = {"statuses": None, "person": None, "after": None, "limit": 1_000} | asked
        return [one.request_id for one in await read_model.privacy_requests(**asked)]

    def wanted(rows: list[PrivacyRequestRow]) -> list[str]:
        return [row.request_id for row in rows]

    assert await listed() == wanted(nearest)
    place = (nearest[4].deadline_at, nearest[4].request_id)
    assert await listed(after=place, limit=3) == wanted(nearest[5:8])
    assert await listed(person=MIA) == wanted([row for row in nearest if row.person == MIA])
    assert await listed(person="") == await listed(person="c\x00") == await listed(statuses=["non\x00sense"]) == []
    open_ones = [row for row in nearest if row.status in STATUSES[:3]]
    assert await listed(statuses=STATUSES[:3]) == wanted(open_ones)
    after = (open_ones[1].deadline_at, open_ones[1].request_id)
    assert await listed(statuses=STATUSES[:3], after=after, limit=4) == wanted(open_ones[2:6])
    [first] = await read_model.privacy_requests(statuses=None, person=None, after=None, limit=1)
    names = PrivacyRequestSummary.__struct_fields__
    assert first == PrivacyRequestSummary(*(getattr(nearest[0], name) for name in names))


async def test_a_request_or_consents_do_not_come_back_from_the_store_or_nobody_is_woken(store: Store):
    consents = ConsentRow("us-consent-1", 3, "marketing_email", "sale_or_sharing", NOW_MS, b"\x00 history")
    requests = [request_row(1), request_row(2)]
    await kept(store, 1, privacy_requests=requests, consents=[consents])
    assert (await store.load(CONSENT, ["us-consent-1"]))["us-consent-1"].rows == {"consents": [consents]}
    loaded = await store.load(PRIVACY_REQUEST, [row.request_id for row in requests])
    assert [loaded[row.request_id].rows for row in requests] == [{"privacy_requests": [row]} for row in requests]
    due = [one for one in await due_of(store, range(64)) if one[1] == "privacy_request"]
    assert due == [(NOW_MS + 2, "privacy_request", "us-privacy-002")]


async def test_a_notice_of_somebody_else_or_one_that_was_sent_is_withdrawn(store: Store, read_model: ReadModel):
    def notice(number: int, status: str, about: str) -> NoticeRow:
        return NoticeRow(f"us-notice-{number}", 1, status, "guest.code", about, b"a", b"c", NOW_MS, NOW_MS + 1, None)

    rows = [
        notice(1, "pending", "us-cust-mia"), notice(2, "sent", "us-cust-mia"), notice(3, "pending", "us-o-1"),
        notice(4, "pending", "us-cust-tom"), notice(5, "withdrawn", "us-o-1"),
    ]  # fmt: skip
    await kept(store, 1, notices=rows)
    about = ["us-cust-mia", "us-o-1", "us-\x00"]
    assert await read_model.pending_notices(about, 10) == ["us-notice-1", "us-notice-3"]
    assert await read_model.pending_notices(about, 1) == ["us-notice-1"]
    assert await read_model.pending_notices([], 10) == []


async def test_an_order_that_was_forgotten_is_still_found_by_its_person(store: Store, read_model: ReadModel):
    """Its row is written whole again, over one of which only changes were written since."""
    ordered = order_row("us-order-1", customer_ref="c" * 32, owner="us-cust-mia", email_digest="e" * 32, sealed=b"s")
    await kept(store, 1, orders=[ordered])
    found = await read_model.orders(customer_ref=None, status=None, before=None, limit=1, owner="us-cust-mia")
    assert [(one.order_id, one.owner) for one in found] == [("us-order-1", "us-cust-mia")]
    gone = order_row("us-order-1", version=2, order_ref="", customer_ref="", status="cancelled")
    await kept(store, 2, orders=[gone])
    for asked in ({"owner": "us-cust-mia"}, {"email_digest": "e" * 32}, {"customer_ref": "c" * 32}):
        query = {"customer_ref": None, "status": None, "before": None, "limit": 1} | asked
        assert await read_model.orders(**query) == []
    [listed] = await read_model.orders(customer_ref=None, status=None, before=None, limit=1)
    assert (listed.order_id, listed.sealed, listed.total_minor) == ("us-order-1", b"", 1_999)
