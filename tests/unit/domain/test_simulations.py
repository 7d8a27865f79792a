"""What-ifs of a cell: against a plain model by hypothesis, and by example."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from actors.domain import simulations
from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.simulations import (
    KEPT_MAX,
    LEASE_MS,
    LONGEST_MS,
    BeginSimulation,
    CancelSimulation,
    EndLease,
    FailSimulation,
    FinishSimulation,
    Question,
    ReportProgress,
    Scope,
    ViewSimulation,
    ViewSimulations,
)
from actors.domain.sourcing_policy import Policy
from tests.simulation.planners import empty_report

ID = "us-simulations"
QUESTION = Question(Policy(), "", 0, 1, 10)
REPORT = empty_report()


class Desk:
    """The entity, written down and back after every turn."""

    def __init__(self):
        self.state, self.version, self.now, self.rows = None, 0, 1_000_000, {}

    def do(self, command):
        context = Context(ID, "k", self.now)
        decision = simulations.decide(self.state, command, context)
        for event in decision.events:
            self.state = simulations.evolve(self.state, event, context)
            self.version += 1
        for row in simulations.rows(self.state, self.version, decision.events, context) if decision.events else ():
            if row.gone:
                self.rows.pop(row.simulation_id, None)
            else:
                self.rows[row.simulation_id] = row
        return decision.reply(self.state, self.version)

    def refused(self, command):
        with pytest.raises(Refused) as refused:
            self.do(command)
        return refused.value.body.code

    def begin(self, name="s1", runner="r1"):
        return self.do(BeginSimulation(name, QUESTION, runner, "us-acct-m"))

    def status(self, name="s1"):
        found = simulations.view(self.state, ViewSimulation(name), self.version)
        return found.status, found.code


class Cell(RuleBasedStateMachine):
    """Beside it: name → (runner, status, code, lease's end, began), in the order in which they began."""

    def __init__(self):
        super().__init__()
        self.desk, self.model, self.number = Desk(), {}, 0

    names = Bundle("names")

    def live(self, name):
        one = self.model.get(name)
        return one is not None and one[1] == "running" and self.desk.now < one[3]

    @rule(target=names)
    def begin(self):
        self.number += 1
        name = f"s{self.number}"
        command = BeginSimulation(name, QUESTION, f"r{self.number}", "")
        if any(map(self.live, self.model)):
            assert self.desk.refused(command) == "simulation.busy"
            return multiple()
        self.desk.do(command)
        self.model = {
            n: (r, "failed", "simulation.interrupted", u, b) if s == "running" else (r, s, c, u, b)
            for n, (r, s, c, u, b) in self.model.items()
        }
        if len(self.model) == KEPT_MAX:
            del self.model[next(iter(self.model))]
        now = self.desk.now
        self.model[name] = (f"r{self.number}", "running", "", now + LEASE_MS, now)
        return name

    @rule(name=names, mine=st.booleans(), what=st.sampled_from(["report", "finish", "fail", "cancel"]))
    def go_on(self, name, mine, what):
        one = self.model.get(name)
        runner = one[0] if mine and one else "x"
        command = {
            "report": ReportProgress(name, runner, 1, 2), "finish": FinishSimulation(name, runner, Scope(), REPORT),
            "fail": FailSimulation(name, runner, "simulation.fault"), "cancel": CancelSimulation(name),
        }[what]  # fmt: skip
        if one is None:
            assert self.desk.refused(command) == "simulation.unknown"
        elif what == "cancel" and one[1] == "cancelled":
            self.desk.do(command)
        elif what != "cancel" and runner != one[0]:
            assert self.desk.refused(command) == "simulation.not_yours"
        elif not self.live(name):
            assert self.desk.refused(command) == "simulation.over"
        else:
            self.desk.do(command)
            status, code, until = {
                "report": ("running", "", min(self.desk.now + LEASE_MS, one[4] + LONGEST_MS)), "finish": ("done", "", one[3]),
                "fail": ("failed", "simulation.fault", one[3]), "cancel": ("cancelled", "", one[3]),
            }[what]  # fmt: skip
            self.model[name] = (one[0], status, code, until, one[4])

    @rule(ms=st.sampled_from([1, LEASE_MS - 1, LEASE_MS, LONGEST_MS]))
    def wait(self, ms):
        self.desk.now += ms

    @rule()
    def wake(self):
        self.desk.do(EndLease())
        for name, (runner, status, _, until, began) in self.model.items():
            if status == "running" and self.desk.now >= until:
                self.model[name] = (runner, "failed", "simulation.interrupted", until, began)

    @invariant()
    def is_told_as_it_is_and_comes_back_the_same(self):
        told = simulations.view(self.desk.state, ViewSimulations(), self.desk.version).simulations
        assert [(one.simulation_id, one.status, one.code) for one in told] == [
            (name, one[1], one[2]) for name, one in reversed(self.model.items())
        ]
        if self.desk.rows:
            back = simulations.restore(ID, {"simulations": list(self.desk.rows.values())})
            assert back is not None
            assert (back[0].all == self.desk.state.all, back[1]) == (True, self.desk.version)
            running = [one[3] for one in self.model.values() if one[1] == "running"]
            assert simulations.SIMULATIONS.due(self.desk.state) == (running[0] if running else None)


TestCell = Cell.TestCase
TestCell.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


def test_a_report_is_lost_or_told_in_lists():
    desk = Desk()
    desk.begin()
    desk.do(FinishSimulation("s1", "r1", Scope(3, 2, {"erased": 1}), REPORT))
    one = simulations.view(desk.state, ViewSimulation("s1"), desk.version)
    assert (one.status, one.report, one.scope.left_out) == ("done", REPORT, {"erased": 1})
    assert [one.report for one in simulations.view(desk.state, ViewSimulations(), 1).simulations] == [None]


def test_one_is_played_for_longer_than_the_longest():
    desk = Desk()
    desk.begin()
    while desk.now < 1_000_000 + LONGEST_MS:
        desk.do(ReportProgress("s1", "r1", 1, 2))
        desk.now += LEASE_MS // 2
    assert desk.refused(ReportProgress("s1", "r1", 1, 2)) == "simulation.over"
    desk.do(EndLease())
    assert desk.status() == ("failed", "simulation.interrupted")


def test_more_are_kept_than_the_last_fifty_or_a_policy_that_can_t_be_begins():
    desk = Desk()
    for number in range(KEPT_MAX + 3):
        desk.begin(f"s{number}")
        desk.do(CancelSimulation(f"s{number}"))
        desk.now += 1
    assert (
        list(desk.state.all) == [f"s{n}" for n in range(3, KEPT_MAX + 3)] == sorted(desk.rows, key=lambda n: int(n[1:]))
    )
    bad = BeginSimulation("s99", Question(Policy(carriers=()), "", 0, 1, 1), "r", "")
    assert desk.refused(bad) == "sourcing.policy_excludes_all"
