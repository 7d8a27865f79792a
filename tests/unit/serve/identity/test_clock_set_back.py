"""The clock was ahead and is set right: what was given meanwhile is good until then."""

import pytest

from serve.identity.guard import STEP_UP_S
from serve.identity.tokens import ACCESS_S, IAT_LEEWAY_S
from tests.unit.serve.guarded_cell import furnished

HOUR_MS = 3_600_000
LOSS = {"reference": "x", "lines": [{"sku": "A1", "quantity": -1, "reason": "loss"}]}


@pytest.fixture
async def cell(tmp_path):
    async with furnished(tmp_path) as made:
        yield made


async def corrected(cell, headers):
    answer = await cell.post("/v1/locations/us-st-portland/adjustments", LOSS, **headers)
    return answer.status_code, answer.json().get("reason")


async def test_a_token_that_a_replica_has_seen_is_good_for_an_hour_and_its_proof_too(cell):
    cell.clock.now += HOUR_MS
    headers = cell.of_role("manager")
    assert await corrected(cell, headers) == (200, None)
    cell.clock.now -= HOUR_MS
    for _ in range(2):
        assert await corrected(cell, headers) == (401, "not_yet")
        cell.clock.now += 2 * STEP_UP_S * 1000


async def test_a_replica_whose_clock_is_a_little_behind_refuses_what_it_has_seen(cell):
    headers = cell.of_role("manager")
    assert await corrected(cell, headers) == (200, None)
    cell.clock.now -= IAT_LEEWAY_S * 1000
    assert await corrected(cell, headers) == (200, None)
    cell.clock.now += (IAT_LEEWAY_S + ACCESS_S) * 1000
    assert await corrected(cell, headers) == (401, "expired")


async def test_a_proof_by_a_host_whose_clock_is_ahead_is_fresh_for_longer_once_it_was_seen(cell):
    ahead = cell.of_role("manager", auth_time=cell.clock.now // 1000 + IAT_LEEWAY_S)
    assert await corrected(cell, ahead) == (200, None)
    cell.clock.now -= 1000
    assert await corrected(cell, ahead) == (401, "not_yet")
