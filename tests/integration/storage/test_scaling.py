"""To how many hosts a cell was scaled is kept for the run in which that was asked for, and for no other."""

from __future__ import annotations

import psycopg
import pytest

from actors.runtime.errors import StoreUnavailable
from actors.storage.grants import grant
from actors.storage.scaling import keep_scale, scaled_to

pytestmark = pytest.mark.real
ROLE = "cell_role_of_a_scaling_test"


async def test_a_cell_that_was_scaled_twice_goes_by_the_first_number(clean_url: str) -> None:
    assert await scaled_to(clean_url, "a-run") is None
    for hosts in (4, 1):
        await keep_scale(clean_url, "a-run", hosts)
    assert await scaled_to(clean_url, "a-run") == 1


async def test_a_later_start_does_not_go_by_its_file(clean_url: str) -> None:
    await keep_scale(clean_url, "a-run", 4)
    assert await scaled_to(clean_url, "the-next") is None
    await keep_scale(clean_url, "the-next", 3)
    assert await scaled_to(clean_url, "a-run") is None


async def test_the_role_that_the_cell_runs_as_may_not_keep_it(clean_url: str) -> None:
    grant(clean_url, ROLE, make=True)
    try:
        as_cell = clean_url.replace("://ocefs@", f"://{ROLE}@")
        await keep_scale(as_cell, "a-run", 3)
        assert await scaled_to(as_cell, "a-run") == 3
    finally:
        with psycopg.connect(clean_url) as connection:
            connection.execute(f"DROP OWNED BY {ROLE}")
            connection.execute(f"DROP ROLE {ROLE}")


async def test_a_store_that_is_away_is_taken_for_one_that_knows_of_nothing() -> None:
    with pytest.raises(StoreUnavailable):
        await scaled_to("postgresql://ocefs@127.0.0.1:1/x", "a-run")
