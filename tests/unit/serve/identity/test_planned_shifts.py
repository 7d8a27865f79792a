"""A shift ends when it was meant to, and its tokens with it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.unit.serve.guarded_cell import furnished
from tests.unit.serve.identity_rig import refused_at_once
from tests.unit.serve.post_office import bearer, coded


@pytest.fixture
async def cell(tmp_path, monkeypatch):
    refused_at_once(monkeypatch)
    async with furnished(tmp_path) as made:
        yield made


async def refreshed(cell, tokens):
    return await cell.plain("/v1/sessions/refresh", {"refresh_token": tokens["refresh_token"]})


async def test_a_short_shift_lasts_as_long_as_any_or_its_last_token_longer_than_it(cell):
    mia = await cell.enrolled("mia", "associate")
    tokens = await mia.tokens(hours=0.5, device="till 4")
    shift = tokens["shift"]
    lasts = datetime.fromisoformat(shift["ends_at"]) - datetime.fromisoformat(shift["started_at"])
    assert lasts == timedelta(minutes=30)
    # For the person and the monitor alone: no answer tells it.
    assert cell.gateway.entities["account", mia.account_id][0].shift.device == "till 4"
    cell.clock.now += 29 * 60_000
    assert (await cell.http.get("/v1/skus", headers=bearer(tokens))).status_code == 401
    tokens = (await refreshed(cell, tokens)).json()
    assert tokens["expires_in"] == 60
    assert (await cell.http.get("/v1/skus", headers=bearer(tokens))).status_code == 200
    cell.clock.now += 60_000
    assert coded(await cell.http.get("/v1/skus", headers=bearer(tokens))) == (401, "auth.token_invalid")
    assert coded(await refreshed(cell, tokens)) == (401, "auth.token_invalid")
