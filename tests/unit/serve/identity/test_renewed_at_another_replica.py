"""Keys are replaced while everybody works, and each replica looks at the file by itself: what one of them has signed
with the new key, another has to take before its own next look."""

from __future__ import annotations

import pytest

from serve.identity.keyring import load, rotate
from serve.identity.tokens import issue, verify
from tests.unit.serve.guarded_cell import GuardedCell, furnished
from tests.unit.serve.identity_rig import refused_at_once
from tests.unit.serve.post_office import coded, joined, without_waiting


@pytest.fixture
async def cell(tmp_path, monkeypatch):
    refused_at_once(monkeypatch)
    without_waiting(monkeypatch)
    async with furnished(tmp_path) as made:
        yield made


def signed_elsewhere(cell: GuardedCell, token: str) -> str:
    """The same refresh token, as a replica gives it that has the file's newest key."""
    claims = verify(cell.keys, token, "us", cell.clock.now // 1000, use="refresh")
    return issue(load(cell.keyring_path), claims)


@pytest.mark.parametrize("whose", ["staff's", "customer's"])
async def test_somebody_is_signed_out_by_new_keys_when_another_replica_renews(cell, whose):
    if whose == "staff's":
        path, tokens = "/v1/sessions/refresh", await (await cell.enrolled("mia")).tokens()
    else:
        path, tokens = "/v1/customers/sessions/refresh", await joined(cell)
    # It has looked just now, and does so again in a second.
    cell.services.keys.current(cell.clock.monotonic())
    rotate(cell.keyring_path, cell.clock.now)
    sent = {"refresh_token": signed_elsewhere(cell, tokens["refresh_token"])}
    answer = await cell.plain(path, sent)
    assert answer.status_code == 200, answer.text


async def test_a_key_that_is_in_no_file_renews_something(cell, tmp_path):
    mia = await cell.enrolled("mia")
    refresh_token = (await mia.tokens())["refresh_token"]
    (tmp_path / "other").mkdir()
    other = GuardedCell(tmp_path / "other")
    claims = verify(cell.keys, refresh_token, "us", cell.clock.now // 1000, use="refresh")
    answer = await cell.plain("/v1/sessions/refresh", {"refresh_token": issue(other.keys, claims)})
    assert (*coded(answer), answer.json()["reason"]) == (401, "auth.token_invalid", "key_unknown")
    await other.http.aclose()
