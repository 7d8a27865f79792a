"""A run is passed only if it did what it was to do."""

import asyncio
import io

import pytest
from rich.console import Console

from perf.chaos import faults, takeover
from perf.chaos.faults import Fault, Havoc, Step
from perf.chaos.report import report
from perf.chaos.run import Outcome, Settings
from perf.chaos.told import Acknowledged, Notebook
from perf.chaos.verdict import Verdict


def outcome(short=5, settings=None, **changes):
    notebook = Notebook()
    notebook.short = short
    known = {"faults": [Fault("redis", "kill", 1, at=100.0)], "seconds": 120.0, "ended_at": 130.0}
    return Outcome(settings or Settings(), notebook, Verdict(), shard_of={}, **(known | changes))


def shown(of):
    console = Console(file=io.StringIO(), width=160)
    report(of, console)
    return console.file.getvalue()


def test_a_run_that_did_all_is_failed():
    assert outcome().good
    assert outcome(faults=[], settings=Settings(kill_all=True), killed_together=40).good


@pytest.mark.parametrize(
    ("of", "said"),
    [
        (outcome(faults=[]), "no fault was struck"),
        (outcome(skipped=["host", "host"]), "host could not be struck 2 times"),
        (outcome(short=0), "no order was short of anything"),
        (outcome(faults=[], settings=Settings(kill_all=True)), "no process was killed"),
    ],
)
def test_a_run_that_did_not_try_is_passed(of, said):
    assert not of.good
    assert f"not tried: {said}" in shown(of)


def test_the_last_fault_is_felt_as_less_than_nothing():
    of = outcome()
    of.notebook.acknowledged = [Acknowledged("order", "a", "k", 1, "picking", 99.0, 99.9, 1)]
    assert " 30.00 " in shown(of)
    # It waited beyond the end of the load.
    of.notebook.acknowledged = [Acknowledged("order", "a", "k", 1, "picking", 99.0, 150.0, 1)]
    assert " 51.00 " in shown(of)


def test_a_fault_that_could_not_be_struck_is_forgotten(monkeypatch):
    async def strike(*_):
        return None

    monkeypatch.setattr(faults, "strike", strike)
    monkeypatch.setattr(faults, "find", lambda *_: [])
    monkeypatch.setattr(faults, "FIRST_REST_S", 0.0)
    said = []
    havoc = Havoc(None, [Step(0.0, "host", "kill", 0.0), Step(0.0, "redis", "pause", 2.0)], 1, said.append)
    asyncio.run(havoc.run(float("inf")))
    assert havoc.skipped == ["host", "redis"]
    assert said == ["kill host: there is no such process", "pause redis: there is no such process"]


@pytest.mark.parametrize(("gaps", "code"), [([0.9, 1.2, 2.9], 0), ([0.9, 1.2, 9.8], 2)])
def test_takeovers_beyond_the_target_are_passed(monkeypatch, gaps, code):
    class Cell:
        base, started_s = "http://127.0.0.1:1", 1.0

        def __init__(self, *_, **__):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

    monkeypatch.setattr(takeover, "OwnCell", Cell)
    monkeypatch.setattr(takeover, "measure", lambda *_: gaps)
    assert takeover.main([]) == code
    assert takeover.main(["--target", "10"]) == 0
