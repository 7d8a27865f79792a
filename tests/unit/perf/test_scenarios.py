"""The load test itself: its shape, its settings, and a short run against a small stand-in of the API."""

import itertools
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from perf.scenarios import shape

NEXT = {("allocated", "start_picking"): "picking", ("picking", "pack"): "packed", ("packed", "ship"): "shipped"}
NEXT |= {("shipped", "deliver"): "delivered", ("allocated", "cancel"): "cancelled"}


def test_the_peak_is_twice_the_end_of_the_ramp_and_the_tail_is_low() -> None:
    assert shape.users_at(0.4499, 100) == 50
    assert shape.users_at(0.5, 100) == shape.users_at(0.69, 100) == 100
    assert shape.users_at(0.999, 100) == 10


def test_the_ramp_never_goes_down_and_never_beyond_the_peak() -> None:
    users = [shape.users_at(n / 1000, 80) or 0 for n in range(1000)]
    assert users[:700] == sorted(users[:700])
    assert max(users) == 80
    assert min(users) >= 1


def test_it_ends() -> None:
    assert shape.users_at(1.0, 10) is None
    assert shape.users_at(7.0, 10) is None


@pytest.mark.parametrize("text", ["0", "-1", "many", "1e9"])
def test_a_wrong_setting_is_refused_with_an_example(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("USERS", text)
    with pytest.raises(SystemExit, match=r"USERS=.*for example USERS=60"):
        shape.positive("USERS", 60)


def test_an_empty_setting_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINUTES", "")
    assert shape.positive("MINUTES", 3) == 3


class StandIn(BaseHTTPRequestHandler):
    """The routes that the users call, strict about what the API is strict about: keys, and legal steps."""

    protocol_version = "HTTP/1.1"
    orders: ClassVar[dict[str, str]] = {}
    numbers: ClassVar[Iterator[int]] = itertools.count()  # two callers at once never get the same
    keys: ClassVar[set[str]] = set()
    countries: ClassVar[Counter[str]] = Counter()
    calls: ClassVar[Counter[str]] = Counter()

    def log_message(self, *_: object) -> None:
        pass

    def reply(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        name = re.sub(r"/(us|wh)-[^/]+", "/{id}", self.path.split("?")[0])
        self.calls[f"{self.command} {name} {status}"] += 1

    def do_GET(self) -> None:
        self.countries[self.headers.get("X-OCEFS-Country", "")] += 1
        path = self.path.split("?")[0]
        if path == "/v1/skus":
            self.reply(200, {"skus": [{"sku": f"S {n}"} for n in range(50)], "next_cursor": None})
        elif path == "/v1/locations":
            places = [
                {"location_id": f"wh-{kind}", "type": kind, "lat": 1.0, "lon": 2.0} for kind in ("warehouse", "store")
            ]
            self.reply(200, {"locations": places})
        else:
            self.reply(200, {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.headers.get("Idempotency-Key")
        if not key or key in self.keys:
            self.reply(400, {"code": "key"})
            return
        self.keys.add(key)
        if self.path == "/v1/orders":
            order_id = f"us-{next(self.numbers)}"
            self.orders[order_id] = "allocated"
            self.reply(201, {"order_id": order_id, "status": "allocated"})
        elif self.path == "/v1/order-updates":
            self.reply(200, {"results": [self.step(item["order_id"], item["update"]) for item in body["updates"]]})
        elif self.path.endswith("/updates"):
            result = self.step(self.path.split("/")[3], body["update"])
            self.reply(409 if "error" in result else 200, result)
        else:
            self.reply(200, {})

    def step(self, order_id: str, update: str) -> dict[str, object]:
        following = NEXT.get((self.orders[order_id], update))
        if following is None:
            return {"order_id": order_id, "error": {"code": "order.illegal_transition"}}
        self.orders[order_id] = following
        return {"order_id": order_id, "version": 1, "status": following}


@pytest.fixture
def stand_in() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.timeout(480)
def test_all_kinds_of_users_work_and_no_step_of_theirs_is_illegal(stand_in: str) -> None:
    environment = os.environ | {"HOST": stand_in, "USERS": "30", "MINUTES": "0.15", "WEB": "", "REGIONS": ""}
    routes = ("POST /v1/orders ", "POST /v1/order-updates", "POST /v1/orders/{id}/updates", "GET /v1/availability")
    missing = set(routes)
    # What nine seconds come to is the machine's to say.
    for _ in range(4):
        done = subprocess.run(
            [sys.executable, "-m", "perf.load"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        missing = {route for route in routes if not any(name.startswith(route) for name in StandIn.calls)}
        if not missing and "delivered" in StandIn.orders.values() and {"US", "DE", "BR"} <= set(StandIn.countries):
            break
    assert not missing, StandIn.calls
    assert {"US", "DE", "BR"} <= set(StandIn.countries)
    assert not [name for name in StandIn.calls if not name.endswith(("200", "201"))]
    assert "delivered" in StandIn.orders.values()


def test_without_a_router_the_next_step_is_named() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host = f"http://127.0.0.1:{probe.getsockname()[1]}"
        command = [sys.executable, "-m", "perf.load"]
        done = subprocess.run(
            command, env=os.environ | {"HOST": host}, capture_output=True, text=True, timeout=300, check=False
        )
    assert done.returncode == 1
    assert "make up" in done.stdout


def test_a_region_that_there_is_not_is_told_as_a_router_that_does_not_answer() -> None:
    environment = os.environ | {"HOST": "", "REGIONS": "us mars"}
    done = subprocess.run(
        [sys.executable, "-m", "perf.load"], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 1
    assert "there is no region 'mars'" in done.stdout
    assert "known regions: eu, latam, us" in done.stdout
    assert "answers at" not in done.stdout
