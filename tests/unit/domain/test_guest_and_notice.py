from __future__ import annotations

import copy

import msgspec
import pytest

from actors.domain import guest, notice
from actors.domain.errors import Refused
from actors.domain.guest import KeepCode, TryCode, ViewGuest
from actors.domain.kind import Context
from actors.domain.notice import MarkSent, ViewNotice, WriteNotice
from actors.domain.one_time_code import ASKS_MAX, CODE_MS, TRIES_MAX

NOW_MS = 1_767_225_600_000
ORDER = "us-01kah2v3nq7h3k2m9qk4t1x0ab"
NOTICE = "us-notice-01kah2v3nq7h3k2m9qk4t1x0ab"
RIGHT, WRONG = b"r" * 32, b"w" * 32
WRITE = WriteNotice("guest.code", ORDER, b"sealed address", b"sealed content", NOW_MS + CODE_MS)


class Entity:
    """One of either kind, its clock, and its row."""

    def __init__(self, module, entity_id) -> None:
        self.module, self.id = module, entity_id
        self.kind = module.GUEST if module is guest else module.NOTICE
        self.state, self.version, self.now_ms, self.row = None, 0, NOW_MS, None

    def do(self, command):
        # Through the wire, as in a cell.
        command = msgspec.msgpack.decode(msgspec.msgpack.encode(command), type=self.kind.commands)
        before, context = copy.deepcopy(self.state), Context(self.id, "c", self.now_ms)
        decision = self.module.decide(self.state, command, context)
        assert self.state == before
        for event in decision.events:
            stored = msgspec.json.decode(msgspec.json.encode(event), type=self.kind.events)
            self.state = self.module.evolve(self.state, stored, context)
        self.version += len(decision.events)
        if decision.events:
            (self.row,) = self.module.rows(self.state, self.version, decision.events, context)
        return decision.reply(self.state, self.version), len(decision.events)

    def restored(self):
        state, self.version = self.module.restore(self.id, {self.row.table: [self.row]})
        assert state == self.state
        self.state = state
        return self


@pytest.fixture
def waiting():
    entity = Entity(guest, ORDER)
    assert entity.do(KeepCode(RIGHT))[0].ok
    return entity.restored()


def test_a_guest_gets_in_by_the_code_twice_or_not_at_all(waiting):
    assert waiting.do(TryCode(RIGHT))[0].ok
    assert waiting.restored().do(TryCode(RIGHT)) == (guest.CodeOutcome(False), 0)


def test_wrong_codes_are_not_counted_or_counted_for_ever(waiting):
    for _ in range(TRIES_MAX):
        assert waiting.restored().do(TryCode(WRONG)) == (guest.CodeOutcome(False), 1)
    # Nothing waits any more: trying on costs no turn.
    assert waiting.do(TryCode(RIGHT)) == (guest.CodeOutcome(False), 0)
    assert waiting.do(KeepCode(RIGHT))[0].ok
    assert waiting.do(TryCode(RIGHT))[0].ok


def test_an_order_that_nobody_asked_a_code_for_is_opened_or_leaves_a_trace():
    nobody = Entity(guest, ORDER)
    for digest in (RIGHT, b""):
        assert nobody.do(TryCode(digest)) == (guest.CodeOutcome(False, known=False), 0)
    assert nobody.state is None


def test_a_code_works_when_it_is_late(waiting):
    waiting.now_ms += CODE_MS
    assert not waiting.do(TryCode(RIGHT))[0].ok


def test_codes_are_sent_without_end(waiting):
    outcomes = [waiting.do(KeepCode(RIGHT)) for _ in range(ASKS_MAX)]
    assert [outcome.ok for outcome, _ in outcomes] == [True] * (ASKS_MAX - 1) + [False]
    assert outcomes[-1][1] == 0


def test_somebody_reads_a_guest_or_a_notice():
    for module, query in ((guest, ViewGuest()), (notice, ViewNotice())):
        with pytest.raises(Refused) as refused:
            module.view(None, query, 0)
        assert refused.value.body.code.endswith(".unreadable")


def test_a_notice_is_lost_before_it_is_sent_or_kept_after():
    one = Entity(notice, NOTICE)
    assert one.do(WRITE)[0] == notice.NoticeView(NOTICE, "pending")
    assert (one.row.sealed_address, one.row.sealed_content) == (b"sealed address", b"sealed content")
    one.restored().now_ms += 5
    assert one.do(MarkSent())[0] == notice.NoticeView(NOTICE, "sent")
    assert (one.row.status, one.row.sealed_address, one.row.sealed_content) == ("sent", b"", b"")
    assert one.row.sent_at == one.row.created_at + 5
    assert one.restored().do(MarkSent()) == (notice.NoticeView(NOTICE, "sent"), 0)


def test_a_notice_is_written_over_or_sent_without_having_been_written():
    one = Entity(notice, NOTICE)
    with pytest.raises(Refused) as refused:
        one.do(MarkSent())
    assert refused.value.body.code == "notice.unknown"
    one.do(WRITE)
    with pytest.raises(Refused) as refused:
        one.do(WRITE)
    assert refused.value.body.code == "notice.exists"
