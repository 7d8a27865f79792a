"""Requests of people about their own data, by a machine that lets officers, agents and the clock do what they like to
one."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from actors.domain.errors import Refused
from actors.domain.privacy_commands import (
    BeginStep,
    CompleteRequest,
    ConfirmIdentity,
    EndStep,
    ExtendDeadline,
    NoteStep,
    RefuseRequest,
    TimePassed,
)
from actors.domain.privacy_events import IdentityConfirmed, StepBegun, StepNoted
from actors.domain.privacy_state import OPEN
from actors.domain.times import DAY_MS
from tests.unit.domain.privacy_case import ANN, BY_ADDRESS, Case


class AnyOrder(RuleBasedStateMachine):
    """Whatever is sent in whatever order."""

    def __init__(self) -> None:
        super().__init__()
        self.case = Case("ccpa", "delete", BY_ADDRESS, agent="agent-7")

    def send(self, command) -> None:
        try:
            self.case.do(command)
        except Refused:
            pass  # that it is, the examples say; here, that nothing comes of it

    @rule(
        method=st.sampled_from(["id_document", "code_by_email", "agent_mandate"]), evidence=st.sampled_from(["1", "2"])
    )
    def prove(self, method, evidence):
        self.send(ConfirmIdentity(method, evidence, ANN))

    @rule(
        step=st.sampled_from(["erase", "restrict", "lift_restriction", "export"]),
        part=st.sampled_from(["begin", "note", "some", "end"]),
    )
    def step(self, step, part):
        if part == "begin":
            self.send(BeginStep(step, ANN))
        elif part == "end":
            self.send(EndStep(step, ANN))
        else:
            self.send(NoteStep(step, ANN, {}, part == "note"))

    @rule(
        command=st.sampled_from([ExtendDeadline("complex", ANN), CompleteRequest(ANN), RefuseRequest("excessive", ANN)])
    )
    def end(self, command):
        self.send(command)

    @rule(days=st.integers(0, 60))
    def wait(self, days):
        self.case.now_ms += days * DAY_MS
        self.send(TimePassed())

    @invariant()
    def nothing_is_begun_before_both_have_proved_it_or_done_before_it_is_begun(self):
        methods, begun = set(), set()
        for event in self.case.events:
            if type(event) is IdentityConfirmed:
                methods.add(event.method)
            elif type(event) is StepBegun:
                assert "agent_mandate" in methods
                assert methods - {"agent_mandate"}
                begun.add(event.step)
            elif type(event) is StepNoted:
                assert event.step in begun

    @invariant()
    def it_is_completed_with_nothing_done_or_reminded_of_when_it_is_over(self):
        state = self.case.state
        if state.status == "completed":
            assert any(one.step == "erase" for one in state.done)
            assert "erase" not in state.begun
        if state.status not in OPEN:
            assert self.case.due() is None
            assert state.closed_ms


TestAnyOrder = AnyOrder.TestCase
