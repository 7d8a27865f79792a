"""A strict region's requests never go elsewhere: the real HAProxy, with the cell of `eu` dead, hanging or drained, and
others that would answer."""

import signal
from collections.abc import Iterator

import httpx
import pytest

from router.config import RouterConfig
from tests.system.router_rig import PROXY, SOON_S, Rig, coming_from, running
from tests.unit.router.mmdb_file import write_mmdb

IN_GERMANY = "127.0.2.9"
# What a caller might hope that a router or a cell heeds.
ELSEWHERE = {
    "X-OCEFS-Region": "us", "X-OCEFS-Country": "US", "X-OCEFS-Cell": "us", "X-OCEFS-Failover-From": "eu", "X-Original-URL": "/v1/orders/us-01jd",
    "X-Rewrite-URL": "/v1/orders/us-01jd", "X-Forwarded-For": "198.51.100.7", "X-Forwarded-Host": "us", "Forwarded": "for=198.51.100.7;host=us",
    "X-HTTP-Method-Override": "GET", "Host": "us",
}  # fmt: skip
PATHS = [
    *(f"/v1/{noun}/eu-01jd" for noun in RouterConfig().id_nouns),
    "/v1/orders/eu-01jd/events?lat=39.8&lon=-98.6",
    "/v1/locations/eu-wh-berlin/stock",
    "/v1/privacy-requests/eu-privacy-1/export",
    "/v1/orders/eu%2D01jd",
    "/v1/orders/eu-01jd?region=us",
]
BY_WHAT_IS_SAID: list[tuple[str, dict[str, str]]] = [
    ("/v1/orders", {"X-OCEFS-Region": "eu", "X-OCEFS-Country": "US"}),
    ("/v1/orders", {"X-OCEFS-Country": "DE"}),
    ("/v1/orders?lat=52.5&lon=13.4", {}),
    ("/v1/audit?format=csv", {"X-OCEFS-Region": "eu"}),
    ("/v1/availability?sku=A", {"X-OCEFS-Country": "DE"}),
    ("/v1/skus", {"X-OCEFS-Country": "FR"}),
    ("/v1/locations", {"X-OCEFS-Country": "GB"}),
]


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    database = tmp_path_factory.mktemp("geo") / "test.mmdb"
    write_mmdb(database, {"127.0.2.0/24": {"country": {"iso_code": "DE"}}})
    with running(mmdb=str(database)) as rig:
        rig.until(lambda: rig.state_of("eu") == "up")
        yield rig


@pytest.fixture(scope="module", params=["dead", "hanging", "drained"])
def away(rig: Rig, request: pytest.FixtureRequest) -> Iterator[Rig]:
    """The cell of eu does not answer."""
    cell = rig.cells["eu"]
    if request.param == "dead":
        cell.stop()
    elif request.param == "hanging":
        cell.signal(signal.SIGSTOP)
    else:
        rig.control.drain("eu")
    rig.until(lambda: rig.client.get("/v1/orders/eu-01jd").status_code == 503)
    yield rig
    if request.param == "dead":
        cell.start()
    elif request.param == "hanging":
        cell.signal(signal.SIGCONT)
    else:
        rig.control.resume("eu")
    rig.until(lambda: rig.client.get("/v1/orders/eu-01jd").status_code == 200)


def assert_nobody_answered(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["code"], answer.json()["region"]) == (
        503,
        "router.cell_unavailable",
        "eu",
    )
    assert "x-ocefs-cell" not in answer.headers
    assert "x-ocefs-failover-from" not in answer.headers


@pytest.mark.parametrize("path", PATHS)
def test_an_id_of_a_dead_strict_region_reaches_another_cell(away: Rig, path: str) -> None:
    for headers in ({}, ELSEWHERE, *({name: value} for name, value in ELSEWHERE.items())):
        assert_nobody_answered(away.client.get(path, headers=headers))
        body = {"ship_to": {"country": "DE", "recipient": "Anna Residenz"}}
        assert_nobody_answered(away.client.post(path, json=body, headers={**headers, "Idempotency-Key": "k"}))


@pytest.mark.parametrize(("path", "headers"), BY_WHAT_IS_SAID)
def test_what_was_meant_for_a_dead_strict_region_is_answered_by_another(
    away: Rig, path: str, headers: dict[str, str]
) -> None:
    for method in ("GET", "POST", "PUT", "DELETE", "HEAD"):
        answer = away.client.request(method, path, headers=headers)
        assert answer.status_code == 503
        assert "x-ocefs-cell" not in answer.headers
    assert_nobody_answered(away.client.get(path, headers=headers))


def test_an_address_of_a_dead_strict_region_is_answered_by_another(away: Rig) -> None:
    with httpx.Client(base_url=away.url, transport=coming_from(IN_GERMANY), timeout=SOON_S) as german:
        assert_nobody_answered(german.get("/v1/availability?sku=A"))
        assert_nobody_answered(german.post("/v1/orders", json={}))
    with httpx.Client(base_url=away.url, transport=coming_from(PROXY), timeout=SOON_S) as proxy:
        assert_nobody_answered(proxy.get("/v1/skus", headers={"X-Forwarded-For": IN_GERMANY}))


def test_the_others_are_away_as_well(away: Rig) -> None:
    """Without this the tests above could pass for a router that answers nobody."""
    for path, headers in (
        ("/v1/orders/us-01jd", {}),
        ("/v1/orders", {"X-OCEFS-Country": "US"}),
        ("/v1/skus", {"X-OCEFS-Region": "latam"}),
    ):
        assert away.client.get(path, headers=headers).headers["x-ocefs-cell"] in ("us", "latam")
