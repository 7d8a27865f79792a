"""The cell without Ray that profilers look at: it comes up, serves, and ends when it is told to."""

import signal
import subprocess
import sys

import pytest

from cells.calls import call
from cells.processes import wait_until
from perf.ports import free_ports


@pytest.mark.timeout(300)  # more than all that is waited for here
def test_the_cell_for_profilers_does_not_come_up_lets_no_tool_in_or_does_not_end():
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "perf.one_process", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as running:
        try:
            ready = f"http://127.0.0.1:{port}/readyz"
            up = wait_until(lambda: running.poll() is not None or call("GET", ready, timeout_s=2).fine, 100, 0.1)
            assert up
            assert running.poll() is None, running.stderr and running.stderr.read()[-2000:]
            assert call("GET", f"http://127.0.0.1:{port}/v1/skus", timeout_s=30).status == 200
        finally:
            running.send_signal(signal.SIGTERM)  # whatever happened: killed, it would leave its stores behind
            ended = running.wait(60)
        assert ended == 0
