"""Which cell gets a request: the real HAProxy, three fake cells, each rule and the order among them."""

import base64
import hashlib
import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from router import process
from router.state import RouterFolder
from tests.system.router_rig import PROXY, SOON_S, Rig, coming_from, running
from tests.unit.router.mmdb_file import write_mmdb

BERLIN = "lat=52.5&lon=13.4"
IN_BRAZIL = "127.0.1.9"  # loopback addresses that the test's database places in countries
IN_GERMANY = "127.0.2.9"
UUID = "9b7a2c1e-3f40-4c0e-8a55-1f9d0c2ab7e4"


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    database = tmp_path_factory.mktemp("geo") / "test.mmdb"
    write_mmdb(
        database,
        {
            "127.0.1.0/24": {"country": {"iso_code": "BR"}},
            "127.0.2.0/24": {"country": {"iso_code": "DE"}},
            "2001:db8:55::/48": {"country": {"iso_code": "BR"}},
            "2001:db8:49::/48": {"country": {"iso_code": "DE"}},
            "127.0.3.0/24": {"country": {"iso_code": "JP"}},
        },
    )
    with running(mmdb=str(database)) as rig:
        yield rig


@pytest.mark.parametrize(
    "path",
    [
        "/v1/orders/eu-01jd0000000000000000000000",
        "/v1/orders/eu-01jd0000000000000000000000/updates",
        "/v1/orders/eu-01jd/events?limit=5",
        "/v1/locations/eu-wh-berlin/stock",
        "/v1/sourcing/simulations/eu-whatif-01jd",
        "/v1/sourcing/simulations/eu-whatif-01jd/cancellation",
        "/v1/orders/eu%2D01jd",  # the cell decodes it to the same id
    ],
)
def test_an_id_in_the_path_leaves_its_region_whatever_else_is_said(rig: Rig, path: str) -> None:
    query = "&" if "?" in path else "?"
    headers = {"X-OCEFS-Region": "us", "X-OCEFS-Country": "BR"}
    assert rig.cell_of(f"{path}{query}lat=-8.8&lon=-55.5", headers, source=IN_BRAZIL) == "eu"


def test_the_region_header_is_overruled_by_a_country(rig: Rig) -> None:
    headers = {"X-OCEFS-Region": "latam", "X-OCEFS-Country": "DE"}
    assert rig.cell_of(f"/v1/orders?{BERLIN}", headers, source=IN_GERMANY) == "latam"
    assert rig.cell_of("/v1/skus", {"X-OCEFS-Region": "EU"}) == "eu"


def test_the_country_header_is_overruled_by_an_address(rig: Rig) -> None:
    assert rig.cell_of(f"/v1/skus?{BERLIN}", {"X-OCEFS-Country": "us"}, source=IN_BRAZIL) == "us"


def test_a_country_without_a_region_stops_the_search(rig: Rig) -> None:
    assert rig.cell_of("/v1/skus", {"X-OCEFS-Country": "JP"}, source=IN_BRAZIL) == "latam"
    assert rig.cell_of("/v1/skus", {"X-OCEFS-Country": "JP"}) == "us"
    assert rig.cell_of(f"/v1/skus?{BERLIN}", source="127.0.3.1") == "eu"


def test_the_address_is_overruled_by_a_place(rig: Rig) -> None:
    assert rig.cell_of(f"/v1/skus?{BERLIN}", source=IN_BRAZIL) == "latam"
    assert rig.cell_of("/v1/skus", source=IN_GERMANY) == "eu"


@pytest.mark.parametrize(
    ("query", "cell"),
    [
        (BERLIN, "eu"),
        ("lat=-23.5&lon=-46.6", "latam"),
        ("lat=47.6&lon=-122.3", "us"),
        ("lon=%2D46.6&sku=A&lat=%2D23.5", "latam"),
        ("lat=%2B52.5&lon=13", "eu"),
        ("lat=66&lon=-179.9", "us"),  # nearest across the pole and the date line, not on a flat map
        ("lat=66&lon=179.9", "us"),
    ],
)
def test_a_place_goes_to_a_region_that_is_not_the_nearest(rig: Rig, query: str, cell: str) -> None:
    assert rig.cell_of(f"/v1/availability?{query}") == cell


@pytest.mark.parametrize(
    "query",
    [
        "", "lat=&lon=", "lat=52.5", "lon=13.4", "lat=north&lon=east", "lat=nan&lon=inf", "lat=91&lon=13", "lat=52&lon=181",
        "lat=0x34&lon=0xd", "lat=1e1&lon=1", "lat=.&lon=.", "lat=-&lon=-", "lat=52,5&lon=13,4", "lat=%00&lon=%ff", "lat=" + "5" * 5000 + "&lon=1",
    ],
)  # fmt: skip
def test_a_place_that_is_none_breaks_the_request(rig: Rig, query: str) -> None:
    assert rig.cell_of(f"/v1/availability?{query}") == "us"


@pytest.mark.parametrize(
    ("headers", "path", "status"),
    [
        ([("X-OCEFS-Region", "mars")], "/v1/orders", 400),
        ([("X-OCEFS-Region", "")], "/v1/orders", 400),
        ([("X-OCEFS-Region", "us, eu")], "/v1/orders", 400),
        ([("X-OCEFS-Region", "us"), ("X-OCEFS-Region", "eu")], "/v1/orders", 400),
        ([], "/v1/orders/mars-01jd", 404),
        ([], "/v1/orders/01jd", 404),
        ([("X-OCEFS-Region", "us")], "/v1/locations/EU-wh-1/stock", 404),
        ([], "/v1/orders/%22%0d%0aeu-1/updates", 404),
    ],
)
def test_an_unknown_region_is_guessed(rig: Rig, headers: list[tuple[str, str]], path: str, status: int) -> None:
    answer = rig.client.get(path, headers=[*headers, ("X-Request-Id", UUID)])
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == "router.region_unknown"
    assert problem["type"] == "urn:ocefs:problem:router.region_unknown"
    assert problem["status"] == status
    assert problem["regions"] == ["us", "eu", "latam"]
    assert problem["request_id"] == answer.headers["x-request-id"] == UUID


def test_a_stranger_chooses_its_address(rig: Rig) -> None:
    for forwarded in (IN_BRAZIL, f"{IN_BRAZIL}, {PROXY}", "2001:db8:55::1"):
        assert rig.cell_of("/v1/skus", {"X-Forwarded-For": forwarded}) == "us"
    # what a caller wrote itself stands left of what the trusted proxy saw
    assert rig.cell_of("/v1/skus", {"X-Forwarded-For": f"{IN_BRAZIL}, {IN_GERMANY}"}, source=PROXY) == "eu"
    assert rig.cell_of("/v1/skus", {"X-Forwarded-For": f"{IN_BRAZIL}, {IN_GERMANY}, {PROXY}"}, source=PROXY) == "eu"


@pytest.mark.parametrize("told", ["unknown", "_hidden", '"[::1', "999.1.1.1"])
def test_a_callers_own_word_counts_behind_a_proxy_that_says_no_address(rig: Rig, told: str) -> None:
    for forwarded in (f"{IN_BRAZIL}, {told}", f"{IN_GERMANY}, {IN_BRAZIL}, {told}", f"{IN_BRAZIL}, {told}, {PROXY}"):
        assert rig.cell_of("/v1/skus", {"X-Forwarded-For": forwarded}, source=PROXY) == "us"


def test_an_ipv6_client_is_not_found(rig: Rig) -> None:
    assert rig.cell_of("/v1/skus", {"X-Forwarded-For": "2001:db8:55:7::1"}, source=PROXY) == "latam"
    assert rig.cell_of("/v1/skus", {"X-Forwarded-For": "2001:db8:49::"}, source=PROXY) == "eu"
    assert rig.cell_of("/v1/skus", {"X-Forwarded-For": "2001:db8:50::"}, source=PROXY) == "us"
    assert rig.cell_of("/v1/skus", {"X-Forwarded-For": f"::ffff:{IN_BRAZIL}"}, source=PROXY) == "latam"


def test_the_address_of_one_request_sticks_to_the_next_on_its_connection(rig: Rig) -> None:
    with httpx.Client(transport=coming_from(PROXY), timeout=SOON_S) as proxy:
        seen = []
        for address in (IN_BRAZIL, IN_GERMANY, IN_BRAZIL):
            answer = proxy.get(f"{rig.url}/v1/skus", headers={"X-Forwarded-For": address}).json()
            seen.append((answer["cell"], answer["headers"]["x-forwarded-for"]))
        assert seen == [("latam", IN_BRAZIL), ("eu", IN_GERMANY), ("latam", IN_BRAZIL)]


def test_the_cell_hears_of_the_caller_what_the_caller_says(rig: Rig) -> None:
    lies = {"X-Forwarded-For": "8.8.8.8", "X-Forwarded-Proto": "https", "Forwarded": "for=8.8.8.8"}
    heard = rig.client.get("/v1/skus", headers=lies).json()["headers"]
    assert heard["x-forwarded-for"] == "127.0.0.1"
    assert heard["x-forwarded-proto"] == "http"
    assert "forwarded" not in heard
    with httpx.Client(transport=coming_from(PROXY), timeout=SOON_S) as proxy:
        heard = proxy.get(f"{rig.url}/v1/skus", headers=lies).json()["headers"]
    assert (heard["x-forwarded-for"], heard["x-forwarded-proto"]) == ("8.8.8.8", "https")


def test_a_number_that_could_be_a_card_s_gets_into_the_router_s_log(rig: Rig) -> None:
    for bad in ("4111111111111111", "pay-4111-1111-1111-1111", "378282246310005"):
        assert rig.client.get("/v1/skus", headers={"X-Request-Id": bad}).json()["headers"]["x-request-id"] != bad
    for good in (UUID, UUID.replace("-", "")):
        assert rig.client.get("/v1/skus", headers={"X-Request-Id": good}).json()["headers"]["x-request-id"] == good


def test_a_request_reaches_the_cell_without_an_id(rig: Rig) -> None:
    first, second = (rig.client.get("/v1/skus").json()["headers"]["x-request-id"] for _ in range(2))
    assert len(first) >= 32
    assert first != second
    assert rig.client.get("/v1/skus", headers={"X-Request-Id": UUID}).json()["headers"]["x-request-id"] == UUID
    for bad in ('a"b', "mia.quillfeather-12065550188", f"{UUID}0", "a b", ""):
        assert rig.client.get("/v1/skus", headers={"X-Request-Id": bad}).json()["headers"]["x-request-id"] != bad


def test_an_answer_of_the_cell_is_replaced(rig: Rig) -> None:
    for status in (421, 503):
        answer = rig.client.get(f"/v1/{status}")
        assert answer.status_code == status
        assert answer.json() == {"code": "cell.own", "region": "eu"}
        assert answer.headers["retry-after"] == "9"
        assert answer.headers["x-ocefs-cell"] == "us"


def test_large_input_passes(rig: Rig) -> None:
    assert rig.client.post("/v1/orders", content=b"x" * 1_048_576).json()["body_bytes"] == 1_048_576
    answer = rig.client.post("/v1/orders", content=b"x" * 1_048_577)
    assert (answer.status_code, answer.json()["code"]) == (413, "router.body_too_large")
    chunked = rig.client.post("/v1/orders", content=iter([b"x" * 10_000] * 3))  # its limit is the cell's to keep
    assert chunked.json()["body_bytes"] == 30_000
    assert rig.client.get("/v1/skus", headers={"Idempotency-Key": "k" * 12_000}).status_code == 200
    assert rig.cell_of("/v1/skus") == "us"


@pytest.mark.parametrize(
    "sent",
    [
        b"hello\r\n\r\n",
        b"GET /v1/skus HTTP/1.1\r\nHost: x\r\n\x00: y\r\n\r\n",
        b"GET /v1/skus HTTP/1.1\r\nHost: x\r\nIdempotency-Key: " + b"k" * 1_000_000 + b"\r\n\r\n",
        b"POST /v1/orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n",
        b"POST /v1/orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"CONNECT x HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_what_is_no_request_is_hung_up_on_without_a_word(rig: Rig, sent: bytes) -> None:
    assert _raw(rig.config.port, sent).startswith(b"HTTP/1.1 4") or _raw(rig.config.port, sent).startswith(
        b"HTTP/1.0 4"
    )
    assert rig.cell_of("/v1/skus") == "us"


def test_a_head_that_does_not_come_gets_haproxy_s_own_page() -> None:
    # Long enough that a request of one piece is sent whole, however little of the processor its sender gets.
    with running(request_timeout_ms=1_000) as rig:
        assert _raw(rig.config.port, b"GET /v1/skus HTTP/1.1\r\nHost: x\r\nX-Mo") == b""
        # Once there is a request, what went wrong with it is told.
        late = _raw(rig.config.port, b"POST /v1/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
        assert late.startswith(b"HTTP/1.1 408 ")
        assert b"router.request_timeout" in late


def test_the_statistics_may_be_framed_guessed_run_or_kept_or_have_no_colours(rig: Rig) -> None:
    for path in ("/", "/;csv", "/metrics"):
        answer = httpx.get(f"http://127.0.0.1:{rig.config.stats_port}{path}", timeout=SOON_S)
        assert answer.status_code == 200
        told = answer.headers
        assert (told["x-content-type-options"], told["cache-control"]) == ("nosniff", "no-store")
        policy = told["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        # Of the attributes these two, whatever stands in the names that the page shows.
        assert policy.replace("style-src-attr 'unsafe-hashes' 'sha256-", "").count("unsafe") == 0
    page = httpx.get(answer.url.join("/"), timeout=SOON_S).text
    [style] = re.findall("<style[^>]*>(.*?)</style>", page, re.DOTALL)
    # Each that is missing is told in the browser's console anew at every refresh.
    for allowed in (style, *re.findall('style="([^"]*)"', page)):
        assert base64.b64encode(hashlib.sha256(allowed.encode()).digest()).decode() in policy
    assert ('href="data:,"' in page) == ("img-src data:" in policy)


@pytest.mark.parametrize("size", [16_384, 25_000])
@pytest.mark.parametrize("path", ["/v1/orders", "/healthz", "/v1/orders/mars-1"])
def test_a_large_head_gets_a_bare_page_instead_of_a_problem(rig: Rig, path: str, size: int) -> None:
    cookies = {f"Cookie-{number}": "k" * (size // 10) for number in range(10)}
    answers = [
        rig.client.get(path, headers={"Idempotency-Key": "k" * size}),
        rig.client.post(path, headers=cookies, content=b"x" * 5_000),
        rig.client.get(f"{path}?sku={'k' * size}"),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (431, "router.headers_too_large")
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_a_body_counts_as_a_part_of_the_head(rig: Rig) -> None:
    answer = rig.client.post("/v1/orders", headers={"Idempotency-Key": "k" * 12_000}, content=b"x" * 16_000)
    assert (answer.status_code, answer.json()["body_bytes"]) == (200, 16_000)


def _raw(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=SOON_S) as connection:
        try:
            connection.sendall(request)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it need not read what it refuses
        answer = b""
        try:
            while part := connection.recv(65_536):
                answer += part
        except ConnectionResetError:
            pass
    return answer


def test_the_metrics_of_a_cell_are_public(rig: Rig) -> None:
    for path in ("/metrics", "/%6Detrics"):
        answer = rig.client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "router.not_public")
    statistics = httpx.get(f"http://127.0.0.1:{rig.config.stats_port}/metrics", timeout=SOON_S)
    assert 'haproxy_server_status{proxy="cell_us",server="cell",state="UP"} 1' in statistics.text


def test_the_router_says_that_it_is_well_through_a_cell(rig: Rig) -> None:
    assert rig.client.get("/healthz").json() == {"status": "ok"}
    assert rig.client.get("/readyz").json() == {"status": "ready"}
    assert rig.client.get("/router/status").json() == {"cells_up": {"us": 1, "eu": 1, "latam": 1}}
    for path in ("/%68ealthz", "/healthz?lat=52.5&lon=13.4"):
        assert rig.client.get(path, headers={"X-OCEFS-Region": "mars"}).json() == {"status": "ok"}


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/router/status"])
def test_the_router_takes_a_write_of_its_health_for_done(rig: Rig, path: str) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        refused = rig.client.request(method, path)
        assert (refused.status_code, refused.json()["code"]) == (405, "router.method_not_allowed"), method
        assert refused.headers["allow"] == "GET, HEAD"
    head = rig.client.head(path)
    assert (head.status_code, head.content) == (200, b"")


def test_a_country_can_be_moved_only_by_a_restart(rig: Rig) -> None:
    def cell() -> str:
        return rig.cell_of("/v1/skus", {"X-OCEFS-Country": "JP"})

    before = rig.start()  # the same configuration again changes nothing
    assert cell() == "us"
    rig.control.set_country("JP", "eu")
    assert cell() == "eu"
    assert rig.cell_of("/v1/skus", source="127.0.3.1") == "eu"  # by address, too
    rig.control.set_country("JP", "")
    assert cell() == "us"
    assert rig.start() == before


def test_a_new_address_database_needs_a_restart(rig: Rig) -> None:
    pid = rig.start().pid
    database = Path(rig.config.mmdb)
    kept = database.read_bytes()
    write_mmdb(database, {"127.0.9.0/24": {"country": {"iso_code": "DE"}}})
    try:
        rig.until(lambda: rig.cell_of("/v1/skus", source="127.0.9.1") == "eu")  # the control part notices
        assert rig.cell_of("/v1/skus", source=IN_BRAZIL) == "us"
    finally:
        database.write_bytes(kept)
    rig.until(lambda: rig.cell_of("/v1/skus", source=IN_BRAZIL) == "latam")
    assert rig.start().pid == pid


def test_haproxy_stays_away_because_the_address_database_does(rig: Rig) -> None:
    database = Path(rig.config.mmdb)
    kept = database.read_bytes()
    database.unlink()
    try:
        haproxy = process.status(rig.home).pid
        os.kill(haproxy, signal.SIGKILL)
        rig.until(lambda: process.status(rig.home).pid not in (0, haproxy))  # the control part starts it again
        rig.until(lambda: rig.client.get("/readyz").status_code == 200)
        assert rig.cell_of("/v1/skus", source=IN_BRAZIL) == "latam"
        log = RouterFolder(rig.home).control_log
        rig.until(lambda: str(database) in log.read_text())  # and says so
    finally:
        database.write_bytes(kept)
