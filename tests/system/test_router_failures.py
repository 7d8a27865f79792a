"""What happens when cells, the control part or HAProxy die: the real router, three fake cells, real signals."""

import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from cells.errors import CellError, PortTaken
from cells.processes import ProcessMark, mark_of
from cells.processes import stop as stop_process
from router import process
from router.admin_socket import AdminError, AdminSocket
from router.state import RouterFolder, State
from tests.system.router_rig import SOON_S, Rig, running

ORDER = {name: f"/v1/orders/{name}-01jd" for name in ("us", "eu", "latam")}
# Promised are 3 s, which tests/unit/router/test_settings_are_checked.py adds up. On a machine that is busy with other
# tests it is told from not at all, which is after the 20 s that an answer is waited for.
FOUND_WITHIN_S = 12.0
# Who waits for a cell to take a connection waits for a second, four times.
NOT_HELD_UP_S = 3.5
UUID = "9b7a2c1e-3f40-4c0e-8a55-1f9d0c2ab7e4"


@pytest.fixture
def rig() -> Iterator[Rig]:
    with running() as rig:
        yield rig


class KeptConnection:
    """A caller that keeps its connection between requests and never opens another."""

    def __init__(self, rig: Rig) -> None:
        self._connection = socket.create_connection(("127.0.0.1", rig.config.port), timeout=SOON_S)

    def __enter__(self) -> "KeptConnection":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(self, path: str) -> bytes:
        """The answer as it came; empty when the connection was closed instead."""
        self._connection.sendall(f"GET {path} HTTP/1.1\r\nHost: router\r\n\r\n".encode())
        return self._connection.recv(65_536)


class Neighbour:
    """Asks the other cells all the time, and remembers what went wrong."""

    def __init__(self, rig: Rig, *cells: str) -> None:
        self._rig, self._cells = rig, cells
        self.asked, self.slowest_s = 0, 0.0
        self.wrong: list[str] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> "Neighbour":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _ask(self) -> None:
        with httpx.Client(base_url=self._rig.url, timeout=SOON_S) as client:
            while not self._end.wait(0.02):
                for cell in self._cells:
                    began = time.monotonic()
                    try:
                        answer = client.get(ORDER[cell])
                        if answer.headers.get("x-ocefs-cell") != cell:
                            self.wrong.append(answer.text)
                    except httpx.HTTPError as error:
                        self.wrong.append(repr(error))
                    self.asked += 1
                    self.slowest_s = max(self.slowest_s, time.monotonic() - began)


def assert_unavailable(answer: httpx.Response, region: str) -> None:
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) >= 1
    problem = answer.json()
    assert (problem["code"], problem["region"]) == ("router.cell_unavailable", region)
    assert problem["request_id"] == answer.headers["x-request-id"]


def test_a_killed_cell_takes_others_with_it_or_stays_lost(rig: Rig) -> None:
    rig.until(lambda: rig.state_of("eu") == "up")
    with Neighbour(rig, "us", "latam") as neighbour:
        rig.cells["eu"].stop()
        began = time.monotonic()
        assert_unavailable(rig.client.get(ORDER["eu"]), "eu")  # at once, even before it is known to be dead
        rig.until(lambda: rig.state_of("eu") == "down", FOUND_WITHIN_S - (time.monotonic() - began))
        tried = rig.tried("eu")
        assert_unavailable(rig.client.post(ORDER["eu"] + "/updates", json={}), "eu")
        assert rig.tried("eu") == tried  # who tries to connect waits for a second
        assert rig.client.get("/router/status").json() == {"cells_up": {"us": 1, "eu": 0, "latam": 1}}
        assert rig.client.get("/readyz").status_code == 200
        rig.cells["eu"].start()
        rig.until(lambda: rig.client.get(ORDER["eu"]).status_code == 200, FOUND_WITHIN_S)
    assert neighbour.wrong == []
    assert neighbour.asked > 20
    assert neighbour.slowest_s < NOT_HELD_UP_S
    # Also stderr, which has no times, is in the log.
    said = re.findall(r"(?m)^20\d\d-\d\d-\d\dT\S+ +Server cell_eu/cell is (DOWN|UP)", rig.log())
    assert said[-2:] == ["DOWN", "UP"]


def test_a_cell_that_hangs_holds_its_callers(rig: Rig) -> None:
    rig.until(lambda: rig.state_of("eu") == "up")
    with Neighbour(rig, "us", "latam") as neighbour:
        rig.cells["eu"].signal(signal.SIGSTOP)
        began = time.monotonic()
        answer = rig.client.get(ORDER["eu"])  # in flight while it is found
        assert time.monotonic() - began < FOUND_WITHIN_S
        assert_unavailable(answer, "eu")
        assert_unavailable(rig.client.get(ORDER["eu"]), "eu")
        rig.cells["eu"].signal(signal.SIGCONT)
        rig.until(lambda: rig.client.get(ORDER["eu"]).status_code == 200, FOUND_WITHIN_S)
    assert neighbour.wrong == []


def test_a_request_in_flight_to_a_hung_cell_ends_without_a_word(rig: Rig) -> None:
    region = {"X-OCEFS-Region": "eu"}
    assert (
        rig.client.get("/v1/skus", headers=region).status_code == 200
    )  # so that the next one's connection is a used one
    freeze = threading.Timer(0.3, rig.cells["eu"].signal, (signal.SIGSTOP,))
    freeze.start()
    began = time.monotonic()
    assert_unavailable(rig.client.get("/v1/slow", headers=region), "eu")
    assert time.monotonic() - began < FOUND_WITHIN_S


def test_data_of_a_strict_region_fails_over(rig: Rig) -> None:
    rig.cells["eu"].stop()
    for path in (ORDER["eu"], "/v1/availability?sku=A", "/v1/skus", "/v1/orders", "/v1/live"):
        for headers in ({"X-OCEFS-Region": "eu"}, {"X-OCEFS-Country": "DE"}):
            assert_unavailable(rig.client.get(path, headers=headers), "eu")


def test_only_shared_reads_of_an_open_region_fail_over(rig: Rig) -> None:
    rig.cells["us"].stop()
    rig.until(lambda: rig.state_of("us") == "down", FOUND_WITHIN_S)
    for path in ("/v1/availability?sku=A&sku=B", "/v1/skus?limit=5", "/v1/locations"):
        answer = rig.client.get(path)
        assert (answer.json()["cell"], answer.headers["x-ocefs-failover-from"]) == ("latam", "us")
    for path in (
        ORDER["us"], "/v1/orders?customer_ref=c", "/v1/live", "/v1/locations/us-wh-1/stock", "/v1/skus?cursor=abc",
    ):  # fmt: skip
        assert_unavailable(rig.client.get(path), "us")
    assert_unavailable(rig.client.get("/v1/availability", headers={"X-OCEFS-Region": "us"}), "us")
    # Another cell does not know who that is.
    assert_unavailable(rig.client.get("/v1/skus", headers={"Authorization": "Bearer of-us"}), "us")
    for path in ("/v1/orders", "/v1/skus", "/v1/order-updates"):
        assert_unavailable(rig.client.post(path, json={}, headers={"Idempotency-Key": "k"}), "us")
    rig.cells["latam"].stop()
    rig.until(lambda: rig.state_of("latam") == "down", FOUND_WITHIN_S)
    assert_unavailable(rig.client.get("/v1/skus"), "us")
    assert rig.client.get("/v1/skus", headers={"X-OCEFS-Country": "DE"}).json()["cell"] == "eu"


def test_a_broken_off_write_without_a_key_is_sent_twice(rig: Rig) -> None:
    lost = rig.client.post("/v1/break-once", json={})
    assert (lost.status_code, lost.json()["code"]) == (502, "router.cell_broke_off")
    assert lost.json()["region"] == "us"
    keyed = rig.client.post("/v1/break-once", json={}, headers={"Idempotency-Key": "k", "X-OCEFS-Region": "eu"})
    assert keyed.json()["cell"] == "eu"


def test_a_drain_cuts_requests_off_or_is_forgotten(rig: Rig) -> None:
    with httpx.stream("GET", f"{rig.url}/v1/live", timeout=SOON_S) as stream:
        lines = stream.iter_lines()
        assert next(lines) == "data: one"
        rig.control.drain("us")
        rig.until(lambda: rig.state_of("us") == "drained")
        assert_unavailable(rig.client.get(ORDER["us"]), "us")
        shared = rig.client.get("/v1/skus")
        assert (shared.json()["cell"], shared.headers["x-ocefs-failover-from"]) == ("latam", "us")
        assert "data: two" in list(lines)
    haproxy = process.status(rig.home).pid
    os.kill(haproxy, signal.SIGKILL)
    rig.until(lambda: process.status(rig.home).pid not in (0, haproxy))  # the control part starts it again
    rig.until(lambda: rig.state_of("us") == "drained")
    rig.control.resume("us")
    rig.until(lambda: rig.client.get(ORDER["us"]).status_code == 200)
    with pytest.raises(CellError, match="there is no region 'mars'"):
        rig.control.drain("mars")


def test_a_drained_cell_gets_requests_while_the_router_is_reloaded_or_started_again(rig: Rig) -> None:
    rig.control.drain("us")
    rig.until(lambda: rig.state_of("us") == "drained")
    with Neighbour(rig, "us") as neighbour:
        before = process.status(rig.home).pid
        process.start(rig.home, rig.config, rig.regions()[:2])
        assert process.status(rig.home).pid != before
        rig.until(lambda: neighbour.asked > 20)
    assert len(neighbour.wrong) == neighbour.asked
    rig.control.resume("us")
    rig.until(lambda: rig.client.get(ORDER["us"]).status_code == 200)
    rig.start()
    assert rig.cell_of(ORDER["us"]) == "us"


def test_a_drain_that_haproxy_did_not_take_comes_with_the_next_one(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(self: AdminSocket, backend: str, drained: bool) -> None:
        raise AdminError("away")

    with monkeypatch.context() as patch:
        patch.setattr(AdminSocket, "set_drained", away)
        with pytest.raises(AdminError):
            rig.control.drain("us")
    assert RouterFolder(rig.home).changes().drained == ()


def test_a_live_stream_waits_in_a_buffer_or_is_cut() -> None:
    # the silence of the fake cell is longer than both timeouts
    with running(client_timeout_ms=500, cell_timeout_ms=700) as rig:
        with httpx.stream("GET", f"{rig.url}/v1/live?held", timeout=SOON_S) as stream:
            lines = stream.iter_lines()
            assert next(lines) == "data: one"
            # There is no second event before this: who waits for it waits for ever.
            assert httpx.get(f"http://127.0.0.1:{rig.cells['us'].port}/v1/seen", timeout=SOON_S).is_success
            assert "data: two" in list(lines)
        slow = rig.client.get("/v1/slow")
        assert (slow.status_code, slow.json()["code"]) == (504, "router.cell_timeout")


def test_a_dead_control_part_stops_the_routes(rig: Rig) -> None:
    before = process.status(rig.home)
    assert before.control_pid
    os.kill(before.control_pid, signal.SIGKILL)
    rig.until(lambda: process.status(rig.home).control_pid == 0)
    for cell, path in ORDER.items():
        assert rig.cell_of(path) == cell
    rig.cells["eu"].stop()
    rig.until(lambda: rig.client.get(ORDER["eu"]).status_code == 503, FOUND_WITHIN_S)
    after = rig.start()
    assert after.pid == before.pid
    assert after.control_pid not in (0, before.control_pid)


def test_a_new_configuration_refuses_connections(rig: Rig) -> None:
    with Neighbour(rig, "us", "eu", "latam") as neighbour:
        pid = process.status(rig.home).pid
        changed = process.start(rig.home, rig.config, rig.regions()[:2])
        assert changed.pid != pid
        assert set(changed.cells) == {"us", "eu"}
        assert rig.client.get(ORDER["latam"]).status_code == 404
        rig.start()
        assert rig.cell_of(ORDER["latam"]) == "latam"
    assert [problem for problem in neighbour.wrong if "router.region_unknown" not in problem] == []


def test_a_new_configuration_hangs_up_on_a_caller_between_two_requests(rig: Rig) -> None:
    with KeptConnection(rig) as caller:
        assert b" 200 " in caller.ask(ORDER["us"])
        before = process.status(rig.home).pid
        process.start(rig.home, rig.config, rig.regions()[:2])
        answer = caller.ask(ORDER["us"]).lower()  # still by the one that goes, which says so
        assert answer.startswith(b"http/1.1 200 ")
        assert b"\r\nconnection: close\r\n" in answer
        assert b"x-ocefs-cell: us" in answer
        rig.until(lambda: mark_of(before) is None)


def test_stop_cuts_an_answer_off_or_waits_for_idle_callers(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_STOP_S", 2 * SOON_S)
    with KeptConnection(rig) as idle, httpx.stream("GET", f"{rig.url}/v1/live", timeout=SOON_S) as stream:
        idle.ask(ORDER["us"])
        lines = stream.iter_lines()
        assert next(lines) == "data: one"
        began = time.monotonic()
        process.stop(rig.home)
        took_s = time.monotonic() - began
        assert "data: two" in list(lines)
    assert took_s < SOON_S, "an idle caller was waited for"


def test_stop_that_is_broken_off_leaves_a_router_that_seems_to_run(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken_off(*args: object) -> bool:
        raise KeyboardInterrupt

    before = process.status(rig.home).pid
    with monkeypatch.context() as patched:
        patched.setattr(process, "wait_until", broken_off)
        with pytest.raises(KeyboardInterrupt):
            process.stop(rig.home)
    assert not process.status(rig.home).running
    after = rig.start()
    assert after.pid not in (0, before)
    assert rig.cell_of(ORDER["us"]) == "us"


def test_stop_waits_for_the_idle_callers_of_each_that_a_reload_retired(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited_s: list[float] = []

    def stop(mark: ProcessMark, *, ask: signal.Signals = signal.SIGTERM, grace_s: float) -> bool:
        if ask == signal.SIGUSR1:
            waited_s.append(grace_s)
        return stop_process(mark, ask=ask, grace_s=grace_s)

    with ExitStack() as idle:
        for regions in (2, 3, 2):
            idle.enter_context(KeptConnection(rig)).ask(ORDER["us"])
            process.start(rig.home, rig.config, rig.regions()[:regions])
        monkeypatch.setattr(process, "stop_process", stop)
        process.stop(rig.home)
    assert len(waited_s) == 3
    assert sum(waited_s) < 2 * process._STOP_S


def test_a_second_router_shares_the_port_in_silence(rig: Rig) -> None:
    with running() as other:
        process.stop(other.home)
        with pytest.raises(PortTaken, match=str(rig.config.port)):
            process.start(other.home, rig.config, other.regions())
        assert rig.cell_of(ORDER["us"]) == "us"


def test_stop_leaves_something_behind_or_ends_another_process(rig: Rig) -> None:
    status = process.status(rig.home)
    assert process.stop(rig.home) is True
    for pid in (status.pid, status.control_pid):
        assert mark_of(pid) is None
    assert not process.status(rig.home).running
    assert process.stop(rig.home) is False
    with subprocess.Popen(["sleep", "60"]) as bystander:
        # a recycled process id: the same number, another start time
        RouterFolder(rig.home).save(State(haproxy=ProcessMark(bystander.pid, "earlier")))
        assert process.stop(rig.home) is False
        assert bystander.poll() is None
        bystander.kill()


def test_the_log_names_customers() -> None:
    with running(request_log="all") as rig:
        rig.client.get("/v1/orders?customer_ref=ada-lovelace", headers={"X-Request-Id": UUID, "Cookie": "ada"})
        rig.until(lambda: f"request_id={UUID}" in rig.log())
        line = next(line for line in rig.log().splitlines() if UUID in line)
        assert "cell_us status=200" in line
        assert "ada" not in line
        assert "127.0.0.1" not in line
