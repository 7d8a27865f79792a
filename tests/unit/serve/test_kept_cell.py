"""What one case did in a cell that is kept must not decide another's outcome."""

from pathlib import Path

import pytest

from serve.identity import limits
from serve.identity.limits import Limit, hold_to
from serve.problems import Problem
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.kept_cell import KeptCell
from tests.unit.serve.small_cell import order

LIMITS = {name: limit for name, limit in vars(limits).items() if isinstance(limit, Limit)}


@pytest.fixture
def kept(tmp_path: Path) -> KeptCell:
    return KeptCell(tmp_path)


async def test_an_order_stands_in_the_next_cases_cell(kept):
    first = await kept.untouched()
    as_furnished = first.state()
    assert (await first.post("/v1/orders", order(), **first.bearer())).status_code == 201
    second = await kept.untouched()
    assert second is not first
    assert second.state() == as_furnished


async def test_a_session_that_ended_has_ended_for_the_next_case_too(kept):
    first = await kept.untouched()
    somebody = await first.enrolled("mia")
    mia = {"Authorization": f"Bearer {(await somebody.tokens())['access_token']}"}
    assert (await first.http.delete("/v1/sessions/current", headers=mia)).status_code == 204
    assert await kept.untouched() is not first


async def test_a_cell_that_was_only_read_is_built_again(kept):
    first = await kept.untouched()
    assert (await first.http.get("/v1/skus", headers=first.bearer())).status_code == 200
    assert (await first.http.get("/v1/skus")).status_code == 401
    assert await kept.untouched() is first


async def test_the_tries_of_one_case_are_counted_in_the_next(kept):
    first = await kept.untouched()
    for name in LIMITS:
        await use_up(first, name)
        with pytest.raises(Problem, match="too often"):
            await use_up(first, name)
    second = await kept.untouched()
    assert second is first
    for name in LIMITS:
        await use_up(second, name)


async def use_up(cell: GuardedCell, name: str) -> None:
    for _ in range(LIMITS[name].burst):
        await hold_to(cell.services.limits, LIMITS[name], name, "192.0.2.1", cell.clock.now_ms())


async def test_the_same_token_is_signed_for_two_cases(kept):
    first = (await kept.untouched()).of_role("manager")
    assert (await kept.untouched()).of_role("manager") != first
