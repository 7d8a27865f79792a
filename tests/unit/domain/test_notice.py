from __future__ import annotations

import pytest

from actors.domain import notice
from actors.domain.kind import Context
from actors.domain.notice import ExpireNotice, MarkSent, Notice, WithdrawNotice, WriteNotice
from actors.domain.rows import NoticeRow

NOW_MS = 1_767_225_600_000
UNTIL_MS = NOW_MS + 600_000
WRITTEN = WriteNotice("customer.welcome", "us-cust-1", b"address", b"content", UNTIL_MS)


def done(state: Notice | None, command: notice.Command, now_ms: int) -> tuple[Notice, NoticeRow]:
    """The state after the command, and its row, from which it comes back."""
    context = Context("us-notice-1", "c", now_ms)
    for event in notice.decide(state, command, context).events:
        state = notice.evolve(state, event, context)
    assert state is not None
    (row,) = notice.rows(state, 1, [], context)
    assert isinstance(row, NoticeRow)
    assert notice.restore("us-notice-1", {"notices": [row]}) == (state, 1)
    return state, row


def test_an_address_lies_on_though_nothing_is_sent_there_any_more():
    state, row = done(None, WRITTEN, NOW_MS)
    assert row.due_at == notice.due(state) == UNTIL_MS
    state, row = done(state, ExpireNotice(), UNTIL_MS - 1)
    assert (row.status, row.sealed_address) == ("pending", b"address")
    state, row = done(state, ExpireNotice(), UNTIL_MS)
    assert (row.status, row.sealed_address, row.sealed_content, row.due_at) == ("withdrawn", b"", b"", None)
    state, row = done(state, MarkSent(), UNTIL_MS + 1)
    assert row.status == "withdrawn"


@pytest.mark.parametrize(("ended", "status"), [(MarkSent(), "sent"), (WithdrawNotice(), "withdrawn")])
def test_a_notice_that_is_over_is_woken_or_changed_by_its_timer(ended, status):
    state, row = done(done(None, WRITTEN, NOW_MS)[0], ended, NOW_MS + 1)
    assert row.due_at is None
    _, row = done(state, ExpireNotice(), UNTIL_MS)
    assert row.status == status


def test_a_notice_that_was_withdrawn_before_it_was_written_is_woken_for_ever():
    state, row = done(None, WithdrawNotice(ahead=True), NOW_MS)
    assert (row.due_at, notice.due(state)) == (None, None)
