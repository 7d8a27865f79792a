"""Who keeps a copy of the audit of a real cell has all of it, whatever fails between the two."""

import signal
import time

import psycopg

from cells.processes import is_alive, send
from perf.chaos import faults
from tests.system.guarded.guarded_cell import WHOLE_S, GuardedCell


def kept(guarded: GuardedCell) -> dict[tuple[int, int], str]:
    """(shard, number) → chain of each line that the cell has."""
    with psycopg.connect(guarded.cell.postgres_url) as owner:
        return {
            (shard, number): bytes(chain).hex()
            for shard, number, chain in owner.execute("SELECT shard, number, chain FROM audit")
        }


def define(guarded: GuardedCell, sku: str) -> None:
    answer = guarded.ask("POST", "/v1/skus", {"skus": [{"sku": sku}]}, guarded.local())
    assert answer.status_code == 200, answer.text


def wait_copied(guarded: GuardedCell, more_than: int) -> int:
    """How many lines there are, once the copy has just these."""
    deadline = time.monotonic() + WHOLE_S
    while len(lines := kept(guarded)) <= more_than or guarded.copy.taken != lines:
        assert time.monotonic() < deadline, (set(lines) ^ set(guarded.copy.taken), guarded.cell.logs())
        time.sleep(0.1)
    assert guarded.copy.faults == []
    return len(lines)


def test_a_line_is_not_copied_while_the_receiver_fails_or_the_forwarder_dies(guarded):
    define(guarded, "COPIED-1")
    before = wait_copied(guarded, 0)
    guarded.copy.failing += [503, 413, 302]
    define(guarded, "COPIED-2")
    before = wait_copied(guarded, before)
    assert guarded.copy.failing == []
    (forwarder,) = faults.find(guarded.cell, "forwarder")
    assert send(forwarder, signal.SIGKILL)
    define(guarded, "COPIED-3")
    wait_copied(guarded, before)
    assert not is_alive(forwarder)
    lines = sum(len(body.splitlines()) for body in guarded.copy.bodies)
    assert lines < 2 * len(guarded.copy.taken), "it began anew"
    assert "the audit of us is copied to 127.0.0.1: 0 lines behind, last taken 20" in guarded.cell.command(
        "status", "us"
    )
