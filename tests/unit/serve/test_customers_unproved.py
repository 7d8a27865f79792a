"""Anybody may give an address that is not his: what nobody proves goes by itself."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actors.domain.customer_state import UNPROVED_MS
from actors.domain.one_time_code import CODE_MS
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.post_office import joined, letters, without_waiting


@pytest.fixture
async def cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[GuardedCell]:
    without_waiting(monkeypatch)
    made = GuardedCell(tmp_path)
    yield made
    await made.http.aclose()


async def strangers(cell: GuardedCell, count: int) -> None:
    for n in range(count):
        answer = await cell.plain(
            "/v1/customers", {"email": f"nobody{n}@example.com"}, **{"X-Forwarded-For": f"2001:db8:{n:x}::1"}
        )
        assert answer.status_code == 202


def keys(cell: GuardedCell) -> Counter[bool]:
    """How many data keys can still be used, and can't."""
    return Counter(bool(state.wrapped) for (kind, _), (state, _) in cell.gateway.entities.items() if kind == "data_key")


async def test_what_a_stranger_typed_is_kept_though_nobody_proved_it(cell):
    await strangers(cell, 3)
    assert (len(letters(cell)), keys(cell)) == (3, {True: 3})
    cell.clock.now += CODE_MS
    await cell.gateway.wake_due()
    notices = [state for (kind, _), (state, _) in cell.gateway.entities.items() if kind == "notice"]
    assert {(one.sealed_address, one.sealed_content) for one in notices} == {(b"", b"")}
    assert keys(cell) == {True: 3}
    cell.clock.now += UNPROVED_MS
    await cell.gateway.wake_due()
    assert keys(cell) == {False: 3}
    accounts = [state for (kind, _), (state, _) in cell.gateway.entities.items() if kind == "customer"]
    assert all(one.erased and not one.codes.digest for one in accounts)


async def test_who_proves_the_address_is_forgotten_with_those_who_did_not_or_can_not_come_back(cell):
    await strangers(cell, 1)
    mia = await joined(cell, "mia@example.com")
    cell.clock.now += CODE_MS + UNPROVED_MS
    await cell.gateway.wake_due()
    assert keys(cell) == {True: 1, False: 1}
    again = await joined(cell, "mia@example.com")
    assert again["customer_id"] == mia["customer_id"]
    assert await joined(cell, "nobody0@example.com"), "who was forgotten can begin anew"


async def test_asking_for_a_code_to_sign_in_makes_a_key_for_an_address_that_is_nobody_s(cell):
    answer = await cell.plain("/v1/customers/codes", {"email": "nobody@example.com"})
    assert answer.status_code == 202
    assert not keys(cell)
