"""People sign in by a passkey on an enrolled device, whatever others send from the same building."""

from __future__ import annotations

import pytest

from serve.identity.limits import BY_ADDRESS
from tests.unit.serve.guarded_cell import furnished
from tests.unit.serve.identity_rig import refused_at_once
from tests.unit.serve.post_office import coded
from tests.unit.serve.scanner import in_use

OPTIONS = "/v1/sessions/passkey-options"


@pytest.fixture
async def cell(tmp_path, monkeypatch):
    refused_at_once(monkeypatch)
    async with furnished(tmp_path) as made:
        yield made


async def test_who_asks_for_options_beside_a_device_keeps_out_who_signs_in_on_it_or_it_asks_without_end(cell):
    scanner = await in_use(cell)
    on_it = {"Device-Authorization": (await scanner.bearer())["Authorization"]}
    for _ in range(BY_ADDRESS.burst):
        assert (await cell.plain(OPTIONS, {})).status_code == 200
    assert coded(await cell.plain(OPTIONS, {})) == (429, "auth.too_often")
    told = [(await cell.plain(OPTIONS, {}, **on_it)).status_code for _ in range(BY_ADDRESS.burst + 1)]
    assert told == [200] * BY_ADDRESS.burst + [429]


async def test_something_else_than_a_device_s_token_counts_as_a_device(cell):
    refused = await cell.plain(OPTIONS, {}, **{"Device-Authorization": cell.bearer()["Authorization"]})
    assert coded(refused) == (401, "auth.token_invalid")
