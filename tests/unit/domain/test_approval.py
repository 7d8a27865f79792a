"""Four eyes: by example, and by a machine that lets people, machines, the clock and lost messages do what
they like to one approval."""

from __future__ import annotations

import copy

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from actors.domain import approval, ids, location, location_events
from actors.domain.approval import (
    AskApproval,
    DecideApproval,
    Event,
    ExpireApproval,
    TargetAnswered,
    ViewApproval,
    WithdrawApproval,
)
from actors.domain.approval_wanted import reasons_of
from actors.domain.errors import RefusalBody, Refused
from actors.domain.kind import Context
from actors.domain.location_commands import AdjustmentLine, AdjustStock, OpenLocation, ReceiptLine, ReceiveStock
from actors.domain.order_refund_commands import GiveRefund

NOW_MS = 1_767_225_600_000
DAY_MS = 86_400_000
ID = ids.approval_id("us", NOW_MS, "key-1")
SEATTLE = "us-wh-seattle"
MIA = ids.account_id("us", b"m" * 16)
TOM = ids.account_id("us", b"t" * 16)
ANN = ids.account_id("us", b"a" * 16)
ERP = ids.client_id("us", "erp")
LOSS = AdjustStock([AdjustmentLine("A", -600, "loss", (450, "USD")), AdjustmentLine("B", 20, "found")], "count-12")
ASK = AskApproval(SEATTLE, SEATTLE, LOSS, MIA, DAY_MS)


class Life:
    """An approval, and the location that it is about, with 1,000 units of A. Each message is handed over as often as
    one likes; the location applies it once, as the runtime lets it."""

    def __init__(self, on_hand: int = 1000) -> None:
        self.now_ms = NOW_MS
        self.state, self.version, self.events, self.sent = None, 0, [], []
        self.place, self.answers = None, {}
        self._at_place(OpenLocation("warehouse", "Seattle", "", "US", 0.0, 0.0))
        self._at_place(ReceiveStock([ReceiptLine("A", on_hand)]))

    def _at_place(self, command) -> list[location_events.Event]:
        context = Context(SEATTLE, "c", self.now_ms)
        decision = location.decide(self.place, command, context)
        for event in decision.events:
            self.place = location.evolve(self.place, event, context)
        return decision.events

    def do(self, command) -> approval.ApprovalView:
        before, context = copy.deepcopy(self.state), Context(ID, "c", self.now_ms)
        command = msgspec.msgpack.decode(msgspec.msgpack.encode(command), type=approval.Command)
        decision = approval.decide(self.state, command, context)
        assert self.state == before
        for event in decision.events:
            self.state = approval.evolve(self.state, event, context)
            self.version += 1
            self.events.append((event, self.now_ms))
            self.sent += approval.messages(ID, event)
        return decision.reply(self.state, self.version)

    def refused(self, command) -> str:
        with pytest.raises(Refused) as refused:
            self.do(command)
        return refused.value.body.code

    def deliver(self, number: int = 0) -> None:
        """One message to the location, and its answer back."""
        message = self.sent[number]
        assert (message.kind, message.entity_id, message.on_reply) == ("location", SEATTLE, True)
        if number not in self.answers:
            try:
                self._at_place(message.command)
                self.answers[number] = (b"{}", False)
            except Refused as refused:
                self.answers[number] = (msgspec.json.encode(refused.body), True)
        self.do(approval.on_reply(message, *self.answers[number]))

    def units(self) -> int:
        return self.place.stock["A"].on_hand


def pending(**more) -> Life:
    life = Life(**more)
    life.do(ASK)
    return life


def test_what_is_asked_for_is_done_before_somebody_else_approves_it():
    life = pending()
    asked = approval.view(life.state, ViewApproval(ID), life.version)
    assert (asked.status, asked.size, asked.reasons, asked.asked_by) == ("pending", 620, ["loss", "found"], MIA)
    assert (life.sent, life.units()) == ([], 1000)
    given = life.do(DecideApproval("approve", TOM))
    assert (given.status, given.decided_by, given.decided_at_ms) == ("approved", TOM, NOW_MS)
    life.deliver()
    assert (life.state.status, life.units()) == ("done", 400)


def test_a_line_that_changes_no_count_gives_a_reason():
    lines = [AdjustmentLine("A", 0, "correction", safety_stock=5), AdjustmentLine("B", 20, "found")]
    assert reasons_of(AdjustStock(lines, "count-13")) == ["found"]


def test_who_decides_a_refund_is_not_told_why_it_is_given():
    assert reasons_of(GiveRefund(500, "USD", "damaged")) == ["damaged"]


def test_who_asks_approves_by_himself_or_refuses():
    life = pending()
    for verdict in ("approve", "refuse"):
        assert life.refused(DecideApproval(verdict, MIA)) == "approval.same_person"
    assert (life.state.status, life.sent) == ("pending", [])


def test_a_machine_is_taken_for_a_second_person():
    assert pending().refused(DecideApproval("approve", ERP)) == "approval.person_required"
    asked = Life()
    asked.do(msgspec.structs.replace(ASK, asked_by=ERP))
    assert asked.refused(DecideApproval("approve", ERP)) == "approval.person_required"
    assert asked.do(DecideApproval("approve", MIA)).status == "approved"


def test_a_manager_of_another_place_reads_or_decides():
    life = pending()
    elsewhere = ["us-st-portland"]
    assert life.refused(DecideApproval("approve", TOM, elsewhere)) == "approval.location_forbidden"
    with pytest.raises(Refused) as refused:
        approval.view(life.state, ViewApproval(ID, elsewhere), life.version)
    assert refused.value.body.code == "approval.location_forbidden"
    assert life.do(DecideApproval("approve", TOM, [*elsewhere, SEATTLE])).status == "approved"


def test_who_asked_does_not_see_it_or_who_may_see_nothing_of_others_does():
    life, elsewhere = pending(), ["us-st-portland"]
    for query in (ViewApproval(ID, elsewhere, MIA), ViewApproval(ID, [], MIA, others=False)):
        assert approval.view(life.state, query, life.version).asked_by == MIA
    stranger = ViewApproval(ID, [], TOM, others=False)
    for state in (life.state, None):
        with pytest.raises(Refused) as refused:
            approval.view(state, stranger, life.version)
        assert refused.value.body.code == "approval.location_forbidden"


def test_somebody_else_takes_back_what_was_asked_for():
    life = pending()
    assert life.refused(WithdrawApproval(TOM)) == "approval.not_yours"
    assert life.do(WithdrawApproval(MIA)).status == "withdrawn"
    assert life.refused(DecideApproval("approve", TOM)) == "approval.illegal_transition"
    assert life.sent == []


def test_what_was_refused_is_still_done():
    life = pending()
    told = life.do(DecideApproval("refuse", TOM, [], "count_again"))
    assert (told.status, told.note, told.decided_by) == ("refused", "count_again", TOM)
    for step in (DecideApproval("approve", ANN), DecideApproval("refuse", TOM), WithdrawApproval(MIA)):
        assert life.refused(step) == "approval.illegal_transition"
    assert life.sent == []


def test_it_is_approved_after_its_time_though_the_timer_is_late():
    life = pending()
    life.now_ms += DAY_MS - 1
    assert life.do(ExpireApproval()).status == "pending"
    life.now_ms += 1
    for step in (DecideApproval("approve", TOM), WithdrawApproval(MIA)):
        assert life.refused(step) == "approval.expired"
    assert life.do(ExpireApproval()).status == "expired"
    assert life.refused(DecideApproval("approve", TOM)) == "approval.expired"
    assert (life.sent, life.version) == ([], 2)


def test_the_timer_is_set_for_what_is_decided_or_not_set_for_what_is_not():
    life, due = pending(), approval.APPROVAL.due
    assert due(life.state) == NOW_MS + DAY_MS
    assert approval.APPROVAL.wake is ExpireApproval
    life.do(DecideApproval("approve", TOM))
    life.now_ms += 2 * DAY_MS
    assert (due(life.state), life.do(ExpireApproval()).status) == (None, "approved")


def test_the_target_refuses_and_nobody_hears_why():
    life = pending(on_hand=100)
    life.do(DecideApproval("approve", TOM))
    life.deliver()
    assert (life.state.status, life.state.code, life.units()) == ("failed", "stock.insufficient", 100)
    life.do(TargetAnswered(""))
    assert life.state.status == "failed"


def test_the_books_do_not_say_by_which_approval_stock_changed():
    life = pending()
    life.do(DecideApproval("approve", TOM))
    (message,) = life.sent
    (event,) = life._at_place(message.command)
    assert (event.cause, event.reference) == (ID, "count-12")


def test_an_approval_is_asked_for_twice_under_one_id_or_found_where_there_is_none():
    life = Life()
    for step in (DecideApproval("approve", TOM), WithdrawApproval(MIA), ExpireApproval(), TargetAnswered("")):
        assert life.refused(step) == "approval.unknown"
    life.do(ASK)
    assert life.refused(ASK) == "approval.exists"


def test_a_reply_that_refuses_is_taken_for_done():
    life = pending()
    life.do(DecideApproval("approve", TOM))
    refusal = msgspec.json.encode(RefusalBody("location.unknown", "There is none."))
    assert approval.on_reply(life.sent[0], refusal, True) == TargetAnswered("location.unknown")
    assert approval.on_reply(life.sent[0], b"{}", False) == TargetAnswered("")


def test_an_id_changes_its_shard_when_the_call_is_repeated_later():
    later = ids.approval_id("us", NOW_MS + DAY_MS, "key-1")
    assert ids.APPROVAL_PATTERN.match(ID)
    assert later > ID
    assert ids.routing_part("approval", later) == ids.routing_part("approval", ID)
    assert ids.routing_part("approval", ids.approval_id("us", NOW_MS, "key-2")) != ids.routing_part("approval", ID)


PEOPLE = st.sampled_from((MIA, TOM, ANN, ERP))
REACHES = st.sampled_from(([], [SEATTLE], ["us-st-portland"]))


class FourEyes(RuleBasedStateMachine):
    """A plain model beside it: who asked, who had the right to approve and did in time, and so
    whether 600 units are gone."""

    def __init__(self) -> None:
        super().__init__()
        self.life = Life()
        self.asker = ""
        self.until_ms = 0
        self.fate = ""  # of the approval once it is no more pending

    def attempt(self, command, allowed: bool) -> None:
        """It is done exactly when the model says that it may be."""
        version = self.life.version
        try:
            self.life.do(command)
        except Refused:
            assert not allowed
            assert self.life.version == version
        else:
            assert allowed

    @property
    def open(self) -> bool:
        return bool(self.asker) and not self.fate and self.life.now_ms < self.until_ms

    @precondition(lambda self: not self.asker)
    @rule(by=PEOPLE, hours=st.integers(1, 48))
    def ask(self, by, hours):
        self.attempt(AskApproval(SEATTLE, SEATTLE, LOSS, by, hours * 3_600_000), True)
        self.asker, self.until_ms = by, self.life.now_ms + hours * 3_600_000

    @rule(by=PEOPLE, within=REACHES, verdict=st.sampled_from(("approve", "refuse")))
    def decide(self, by, within, verdict):
        allowed = self.open and by not in (self.asker, ERP) and (not within or SEATTLE in within)
        self.attempt(DecideApproval(verdict, by, within, "" if verdict == "approve" else "other"), allowed)
        if allowed:
            self.fate = verdict

    @rule(by=PEOPLE)
    def withdraw(self, by):
        allowed = self.open and by == self.asker
        self.attempt(WithdrawApproval(by), allowed)
        if allowed:
            self.fate = "withdraw"

    @precondition(lambda self: self.asker)
    @rule()
    def timer(self):
        self.attempt(ExpireApproval(), True)
        if not self.fate and self.life.now_ms >= self.until_ms:
            self.fate = "expire"

    @rule(hours=st.integers(1, 30))
    def time_goes_on(self, hours):
        self.life.now_ms += hours * 3_600_000

    @precondition(lambda self: self.life.sent)
    @rule()
    def the_message_arrives_perhaps_again(self):
        self.life.deliver()

    @precondition(lambda self: self.life.state is not None)
    @rule()
    def it_is_dropped_from_memory_and_comes_back(self):
        """From its row, and from its events."""
        life, context = self.life, Context(ID, "c", self.life.now_ms)
        row = approval.rows(life.state, life.version, [], context)[0]
        assert approval.restore(ID, {"approvals": [row]}) == (life.state, life.version)
        again = None
        for event, at_ms in life.events:
            heard = msgspec.json.decode(msgspec.json.encode(event), type=Event)
            again = approval.evolve(again, heard, Context(ID, "c", at_ms))
        assert again == life.state
        life.state = again

    @invariant()
    def nothing_is_done_but_what_two_people_wanted_and_that_once(self):
        life = self.life
        assert len(life.sent) == (self.fate == "approve")
        assert life.units() == 1000 - 600 * len(life.answers)
        if life.state is None:
            return
        if life.state.status in ("approved", "done"):
            assert life.state.asked_by != life.state.decided_by
            assert life.state.decided_at_ms < life.state.expires_at_ms
        known = {"": "pending", "approve": "done" if life.answers else "approved", "refuse": "refused"}
        assert life.state.status == (known | {"withdraw": "withdrawn", "expire": "expired"})[self.fate]


TestFourEyes = FourEyes.TestCase


def test_an_approval_comes_back_that_there_never_was():
    assert approval.restore(ID, {}) is None
