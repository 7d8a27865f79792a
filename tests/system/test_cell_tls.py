"""A cell and a router with TLS required: every TCP port on which any of their processes listens is asked in plain text,
and none tells anything."""

import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest

from cells.certs import Holder, ca_file, make, pair_of
from cells.ports import ray_ports
from cells.processes import wait_until
from cells.redis_binary import redis_binary
from cells.tls import inside_pair
from cells.trust import of_cell
from perf.chaos.own_cell import OwnCell
from perf.https import tls_of
from perf.ports import free_ports
from router import process
from router.config import RouterConfig
from router.regions import region_of
from router.state import RouterFolder
from tests.system.plain_text import Handshake, answered, asked

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600), pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1")]

# In the order that is placed: nobody may read them without TLS.
PLANTED = ("PLANTED-REF-7731", "planted-customer-7731", "Plaintextville")
BODY = {
    "order_ref": PLANTED[0],
    "channel": "online",
    "customer": {"customer_ref": PLANTED[1], "country": "US"},
    "ship_to": {"country": "US", "city": PLANTED[2], "lat": 32.78, "lon": -96.8},
    "lines": [{"sku": "TLS-1", "quantity": 1, "unit_price": {"amount": 1299, "currency": "USD"}}],
}
# With TLS's own word for it, or by hanging up.
REFUSED = {("", "TLSV1_ALERT_PROTOCOL_VERSION"), ("", "UNEXPECTED_EOF_WHILE_READING"), ("", "SSLZeroReturnError")}


class Encrypted:
    """The cell, the router in front of it, and an order placed through both."""

    def __init__(self, cell: OwnCell, config: RouterConfig) -> None:
        self.cell, self.config = cell, config
        self.ca = ca_file(cell.home)
        self.ports = ray_ports(cell.config)
        self.address = config.address
        with self.client(self.address) as client:
            assert wait_until(lambda: client.get("/readyz").is_success, 60, 0.1)
            headers = {"Idempotency-Key": "k-tls"}
            assert client.post("/v1/skus", json={"skus": [{"sku": "TLS-1"}]}, headers=headers).is_success
            self.placed = client.post("/v1/orders", json=BODY, headers=headers | {"Idempotency-Key": "k-order"})

    def client(self, base: str, ca: Path | None = None) -> httpx.Client:
        verify = ssl.create_default_context(cafile=str(ca)) if ca else tls_of(base) or True
        return httpx.Client(base_url=base, verify=verify, timeout=20, trust_env=False)

    def listening(self) -> dict[int, set[tuple[str, str]]]:
        """Port → (address, process) of everything that listens, of the cell's and the router's
        processes and their children."""
        state = RouterFolder(self.cell.home).state()
        keeper = self.cell.state().keeper
        marks = [*self.cell.marks(), *(mark for mark in (keeper, state.haproxy, state.control) if mark)]
        found: dict[int, set[tuple[str, str]]] = {}
        for mark in marks:
            try:
                for one in (own := psutil.Process(mark.pid)).net_connections("tcp"):
                    if one.status == psutil.CONN_LISTEN:
                        found.setdefault(one.laddr.port, set()).add((one.laddr.ip, own.name()))
            except psutil.NoSuchProcess:
                continue
        return found

    def figures(self) -> set[int]:
        """The ports that are known to be plain, see docs/security/tls.md: pages and figures, and what
        asks for the cell's token."""
        ours = self.ports
        metrics = {ours.metrics_export, ours.dashboard_metrics, ours.haproxy_metrics, ours.haproxy_stats}
        return metrics | self.tokened() | {self.config.stats_port}

    def tokened(self) -> set[int]:
        return {self.ports.dashboard, self.ports.dashboard_agent_http, self.ports.runtime_env_agent}


@pytest.fixture(scope="module")
def encrypted() -> Iterator[Encrypted]:
    with OwnCell({"tls": {"mode": "required"}}, name="ocefs-tls-") as cell:
        port, stats_port = free_ports(2)
        config = RouterConfig(port=port, stats_port=stats_port, tls="required")
        try:
            process.start(cell.home, config, [region_of(cell.config, cell.home)])
            yield Encrypted(cell, config)
        finally:
            process.stop(cell.home)


@pytest.fixture
def other_ca(tmp_path) -> Path:
    make(tmp_path, [Holder("nobody", ("localhost",))])
    return ca_file(tmp_path)


def test_an_order_can_not_be_placed_and_read_by_https_at_the_router_and_both_doors(encrypted):
    assert encrypted.placed.status_code == 201, encrypted.placed.text
    assert "max-age=" in encrypted.placed.headers["strict-transport-security"]
    order_id = encrypted.placed.json()["order_id"]
    for base in (encrypted.address, encrypted.cell.base, encrypted.cell.ingress):
        with encrypted.client(base) as client:
            assert PLANTED[2] in client.get(f"/v1/orders/{order_id}").text


def test_a_port_tells_something_in_plain_text(encrypted):
    order_id = encrypted.placed.json()["order_id"]
    token = encrypted.cell.paths.ray_token.read_text().strip()
    paths = [
        "/", "/readyz", f"/v1/orders/{order_id}", "/v1/orders", f"/v1/orders/{order_id}/events", "/metrics", "/openapi.json",
        "/api/actors", "/api/jobs/", "/api/serve/applications/", "/nodes?view=summary", "/logs", "/-/routes", "/;csv",
    ]  # fmt: skip
    listening = encrypted.listening()
    with ThreadPoolExecutor(32) as pool:
        told = dict(zip(listening, pool.map(lambda port: asked(port, paths), listening), strict=True))
    assert {port for port, answers in told.items() if answers} <= encrypted.figures()
    figures = [answered(port, "/metrics") for port in sorted(encrypted.figures() & listening.keys())]
    said = b"".join([*figures, *(b"".join(answers) for answers in told.values())]).decode(errors="replace")
    assert len(said) > 1000  # the figures were there to be read
    assert [secret for secret in (*PLANTED, order_id, token) if secret in said] == []
    for port in encrypted.tokened():
        for path in ("/api/actors", "/api/jobs/", "/api/serve/applications/", "/nodes?view=summary"):
            answer = answered(port, path)
            assert answer.split(b" ", 2)[1] in (b"401", b"404"), (port, path, answer[:200])


def test_something_listens_where_other_machines_reach_it_or_a_store_by_tcp(encrypted):
    listening = encrypted.listening()
    elsewhere = {
        (port, address)
        for port, found in listening.items()
        for address, _ in found
        if address not in {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
    }
    assert elsewhere == set()
    names = {name for found in listening.values() for _, name in found}
    assert not {name for name in names if name.startswith(("postgres", "redis", "valkey"))}
    stores = {psutil.Process(mark.pid).name() for mark in encrypted.cell.marks()}
    assert {"postgres", redis_binary().name} <= stores  # they run, on their unix sockets
    assert encrypted.config.port in listening
    assert encrypted.cell.config.api.port in listening


def test_a_port_speaks_tls_1_1_or_shows_a_certificate_of_nobody(encrypted, other_ca):
    inside = inside_pair(encrypted.cell.config, encrypted.cell.home)
    own = (inside.certificate, inside.key)
    for port in sorted(set(encrypted.listening()) - encrypted.figures()):
        good = Handshake(port, encrypted.ca, own=own)
        assert (good.version, bool(good.said)) == ("TLSv1.3", True), (port, good.refusal)
        assert Handshake(port, encrypted.ca, own=own, newest=ssl.TLSVersion.TLSv1_2).version == "TLSv1.2"
        old = Handshake(port, encrypted.ca, own=own, newest=ssl.TLSVersion.TLSv1_1)
        assert (old.version, old.refusal) in REFUSED, port
        assert Handshake(port, other_ca).refusal == "CERTIFICATE_VERIFY_FAILED", port


def test_ray_talks_to_somebody_without_a_certificate_of_the_cell(encrypted):
    for port in (encrypted.ports.gcs, encrypted.ports.node_manager, encrypted.ports.object_manager):
        assert Handshake(port, encrypted.ca).said == b""


def test_a_client_of_another_ca_or_name_sends_its_order_all_the_same(encrypted, other_ca):
    with (
        encrypted.client(encrypted.address, other_ca) as client,
        pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY"),
    ):
        client.post("/v1/orders", json=BODY, headers={"Idempotency-Key": "k-other"})
    trust = of_cell(encrypted.cell.config, encrypted.cell.home)
    port = encrypted.cell.config.api.port
    assert Handshake(port, Path(trust.ca), name=trust.name).version == "TLSv1.3"
    assert Handshake(port, Path(trust.ca), name="eu.ocefs.internal").refusal == "CERTIFICATE_VERIFY_FAILED"


def test_a_door_or_the_router_goes_on_with_an_old_certificate_although_there_is_a_new_one(encrypted):
    home = encrypted.cell.home

    def serial(port: int) -> str:
        return ssl.get_server_certificate(("127.0.0.1", port))

    for stem, port in (("router", encrypted.config.port), ("us", encrypted.cell.config.api.port)):
        before = serial(port)
        names = ("localhost", "127.0.0.1", "us.ocefs.internal")
        make(home, [Holder(stem, (*names, "renewed.ocefs.internal"))])
        assert wait_until(lambda: serial(port) == pair_of(home, stem).certificate.read_text(), 60, 0.2), before  # noqa: B023
    with encrypted.client(encrypted.address) as client:
        assert client.get("/readyz").is_success
        assert client.get("/v1/skus").is_success  # so the router takes the cell's new one
