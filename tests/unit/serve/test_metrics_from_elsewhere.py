"""The figures of a cell whose door others reach are not everybody's."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.unit.serve.guarded_cell import GuardedCell


@pytest.fixture
async def cell(tmp_path: Path) -> AsyncIterator[GuardedCell]:
    made = GuardedCell(tmp_path)
    yield made
    await made.http.aclose()


async def asked(cell: GuardedCell, peer: str, headers: dict[str, str] | None = None) -> httpx.Response:
    door = httpx.ASGITransport(cell.app, client=(peer, 40_000))
    async with httpx.AsyncClient(transport=door, base_url="http://us.test") as http:
        return await http.get("/metrics", headers=headers)


async def test_another_machine_reads_the_figures_without_a_token(cell):
    for peer in ("10.0.0.9", "2001:db8::9"):
        answer = await asked(cell, peer)
        assert (answer.status_code, answer.json()["code"]) == (401, "auth.token_missing")
    named = await asked(cell, "10.0.0.9", {"X-Forwarded-For": "127.0.0.1"})
    assert named.status_code == 401, "that it is from here is only said"
    nameless = await asked(cell, "no address")
    assert nameless.status_code == 401, "nobody knows where it is from"
    other = await asked(cell, "10.0.0.9", cell.bearer(scopes=("orders.read",)))
    assert (other.status_code, other.json()["code"]) == (403, "auth.forbidden")


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
async def test_a_prometheus_beside_the_cell_needs_a_token(cell, peer):
    answer = await asked(cell, peer)
    assert answer.status_code == 200
    assert "ocefs_" in answer.text


async def test_a_prometheus_elsewhere_is_shut_out_with_its_token(cell):
    answer = await asked(cell, "10.0.0.9", cell.bearer(scopes=("figures.read",)))
    assert answer.status_code == 200
