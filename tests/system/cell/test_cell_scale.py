"""Hosts and replicas come and go under load: no update fails, and none is lost."""

import time

import psutil
import pytest

from perf.chaos import door, faults
from tests.system.cell.test_cell_faults import load, until_more

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]

FINE = {"200", "201"}


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """On a machine that stands still for seconds an answer comes late, which is no failure."""
    monkeypatch.setattr(door, "ANSWER_S", 60.0)


def assert_none_failed(cell, before):
    failed = {status: count - before[status] for status, count in cell.notebook.answers.items() if status not in FINE}
    assert {status: count for status, count in failed.items() if count} == {}, cell.notebook.broken


def test_an_update_fails_while_shards_move_to_more_hosts_and_back(cell):
    before = cell.notebook.answers.copy()
    with load(cell, "scale"):
        until_more(cell, 100)
        cell.cell.command("scale", "us", "--hosts", "3")
        assert sorted(host["name"] for host in cell.cell.ready()["hosts"]) == ["us/host-0", "us/host-1", "us/host-2"]
        until_more(cell, 100)
        cell.cell.command("scale", "us", "--hosts", "2")
        until_more(cell, 100)
    assert_none_failed(cell, before)
    cell.wait_whole()
    cell.check_promises()


def host_names(cell):
    return sorted(host["name"] for host in cell.cell.ready()["hosts"])


def test_a_cell_that_was_scaled_goes_back_to_its_files_number_when_its_supervisor_dies(cell):
    try:
        cell.cell.command("scale", "us", "--hosts", "1")
        assert host_names(cell) == ["us/host-0"]
        (supervisor,) = faults.find(cell.cell, "supervisor")
        psutil.Process(supervisor.pid).kill()
        # Returns when the next one says that it has as many hosts as it wants.
        cell.cell.command("deploy", "us")
        assert host_names(cell) == ["us/host-0"]
    finally:
        cell.cell.command("scale", "us", "--hosts", "2")
    cell.wait_whole()
    cell.check_promises()


def listeners(cell):
    """Process ids of replicas that listen on the cell's own port."""
    port = cell.cell.config.api.port
    pids = []
    for mark in faults.find(cell.cell, "replica"):
        try:
            connections = psutil.Process(mark.pid).net_connections("tcp")
        except psutil.Error:
            continue
        if any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in connections):
            pids.append(mark.pid)
    return pids


def until_listening(cell, count, deadline_s=120.0):
    deadline = time.monotonic() + deadline_s
    while len(found := listeners(cell)) != count:
        assert time.monotonic() < deadline, f"{found} listen, not {count}"
        time.sleep(0.1)


def test_a_request_fails_while_a_replica_drains(cell):
    try:
        until_listening(cell, 2)
        before = cell.notebook.answers.copy()
        with load(cell, "drain"):
            until_more(cell, 100)
            cell.cell.change({"api": {"replicas": 1}})
            cell.cell.command("deploy", "us")
            until_listening(cell, 1)
            until_more(cell, 100)
        assert_none_failed(cell, before)
        cell.check_promises()
    finally:
        # As the other tests found the cell.
        cell.cell.change({"api": {"replicas": 2}})
        cell.cell.command("deploy", "us")
        until_listening(cell, 2)
