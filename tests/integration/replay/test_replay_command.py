"""The command itself, as a process of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.replay.conftest import Bench

pytestmark = pytest.mark.real

ROW = "2020-01-01T10:00:00,shop,1,1,online,c1,US,A,Apple,2,100,USD,delivered,,,"


def start(here: Bench, trace: Path, *options: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "OCEFS_US_POSTGRES_URL": here.postgres_url}
    command = [sys.executable, "-m", "perf.replay", "--trace", str(trace), "--base", here.base, *options]
    # Tests that run in the background inherit an ignored SIGINT; the command shall get the ordinary one.
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 (no threads in the child)
    )  # fmt: skip


def test_the_command_tells_success_from_failure_by_words_only(
    bench: Callable[..., Bench], write_trace: Callable[..., Path]
) -> None:
    here = bench("us")
    process = start(here, write_trace(ROW))
    shown, _ = process.communicate(timeout=100)
    assert process.returncode == 0, shown
    assert "Postgres holds exactly this trace" in shown


def test_an_interrupt_ends_in_a_traceback_or_in_a_half_that_can_not_go_on(
    bench: Callable[..., Bench], write_trace: Callable[..., Path]
) -> None:
    here = bench("us")
    # An hour's pause between the two orders.
    trace = write_trace(ROW, ROW.replace("T10", "T11").replace("shop,1", "shop,2"))
    process = start(here, trace, "--speed", "1")
    deadline = time.monotonic() + 60
    while not any(order.status == "delivered" for order in list(here.cell.orders.values())):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    shown, _ = process.communicate(timeout=60)
    assert process.returncode == 130, shown
    assert "Traceback" not in shown
    code, shown = here.replay(trace)
    assert code == 0, shown
    assert len(here.cell.orders) == 2
