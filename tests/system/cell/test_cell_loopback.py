"""While identity is off, nothing of a cell may be reached from another machine."""

import psutil
import pytest

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]


def test_a_process_of_the_cell_listens_on_all_interfaces(cell):
    found = []
    for mark in cell.cell.marks():
        try:
            process = psutil.Process(mark.pid)
            connections, name = process.net_connections("tcp"), " ".join(process.cmdline())[:90]
        except psutil.Error:
            continue
        found += [
            f"{one.laddr.ip}:{one.laddr.port} {name}"
            for one in connections
            if one.status == psutil.CONN_LISTEN
            and not (one.laddr.ip.startswith("127.") or one.laddr.ip in {"::1", "::ffff:127.0.0.1"})
        ]
    assert found == []
