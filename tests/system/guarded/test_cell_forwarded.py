"""Who keeps a copy of the audit of a real cell has all of it, whatever fails between the two."""

import json
import signal

import pytest

from cells.processes import is_alive, send
from perf.chaos import faults
from tests.system.guarded.guarded_cell import GuardedCell

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]


def define(guarded: GuardedCell, sku: str) -> None:
    answer = guarded.ask("POST", "/v1/skus", {"skus": [{"sku": sku}]}, guarded.local())
    assert answer.status_code == 200, answer.text


def test_a_line_is_not_copied_while_the_receiver_fails_or_the_forwarder_dies(guarded):
    define(guarded, "COPIED-1")
    before = guarded.wait_copied(0)
    guarded.copy.failing += [503, 413, 302]
    define(guarded, "COPIED-2")
    before = guarded.wait_copied(before)
    assert guarded.copy.failing == []
    taken, bodies = set(guarded.copy.taken), len(guarded.copy.bodies)
    (forwarder,) = faults.find(guarded.cell, "forwarder")
    assert send(forwarder, signal.SIGKILL)
    define(guarded, "COPIED-3")
    guarded.wait_copied(before)
    assert not is_alive(forwarder)
    again = [(line["shard"], line["number"]) for body in guarded.copy.bodies[bodies:] for line in map(json.loads, body.splitlines())]  # fmt: skip
    assert taken.isdisjoint(again), "it began anew"
    assert "the audit of us is copied to 127.0.0.1: 0 lines behind, last taken 20" in guarded.cell.command(
        "status", "us"
    )
