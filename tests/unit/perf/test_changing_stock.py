"""What is measured while stock changes: it has to change, and the no-op beside it needs a name of its own."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from perf import rows
from perf.changing_stock import ChangingStock
from perf.goods import PLACES, bench_stock
from perf.measure import COMPARED_WORKS, SCRIPTS, _is_compared, _row_of


class Location(BaseHTTPRequestHandler):
    """Takes receipts, or refuses them."""

    protocol_version = "HTTP/1.1"
    status = 200

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.path, self.headers["Idempotency-Key"], json.loads(body)))
        self.send_response(self.status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


@pytest.mark.parametrize("status", [200, 409])
def test_stock_does_not_change_while_it_is_said_to(monkeypatch, status):
    monkeypatch.setattr(Location, "status", status)
    with ThreadingHTTPServer(("127.0.0.1", 0), Location) as server:
        server.taken = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        with ChangingStock(f"http://127.0.0.1:{server.server_port}", changes_per_s=500) as changing:
            deadline = time.monotonic() + 60
            while len(server.taken) < 20 and time.monotonic() < deadline:
                time.sleep(0.01)
        server.shutdown()
        thread.join()
    counts = (changing.done, changing.refused)
    assert counts == ((len(server.taken), 0) if status == 200 else (0, len(server.taken)))
    assert len(server.taken) >= 20
    assert len({key for _, key, _ in server.taken}) == len(server.taken)
    assert {path for path, *_ in server.taken} == {f"/v1/locations/{place}/receipts" for place, *_ in PLACES}
    assert all(body["lines"][0]["sku"] in bench_stock() for *_, body in server.taken)


def test_the_no_op_beside_one_work_is_shown_as_that_beside_another():
    assert [work for work in COMPARED_WORKS if _is_compared(work, "noop")] == ["availability", "anywhere"]
    assert _row_of("noop", "availability") == rows.NOOP
    assert _row_of("noop", "anywhere") == rows.NOOP_ANYWHERE
    assert _row_of("updates", "updates") == SCRIPTS["updates"][1]
    assert not _is_compared("anywhere", "batched")


def test_what_shoppers_anywhere_get_has_a_target_or_lends_its_figures_to_one():
    def row(work, system, rate):
        return rows.Row(work=work, system=system, rate_per_s=rate, p50_ms=1.0, p95_ms=2.0, p99_ms=3.0, errors=0)

    measured = [row(rows.ANYWHERE, rows.OURS, 10.0), row(rows.NOOP_ANYWHERE, "noop", 100.0)]
    assert not any(check.met is not None for check in rows.checks(measured, None, {}))
