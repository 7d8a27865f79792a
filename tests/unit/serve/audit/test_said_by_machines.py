"""What operators' and the keeper's programs say goes into the audit for good: nothing that breaks it, or no line."""

from __future__ import annotations

import pytest

from tests.unit.serve.guarded_cell import GuardedCell

KEEPER, OPERATORS = "/v1/audit/keeper-acts", "/v1/audit/operator-acts"
ACT = {"action": "audit.drop", "at_ms": 1_767_225_600_000, "what": "2022-12"}


@pytest.fixture
async def cell(tmp_path):
    made = GuardedCell(tmp_path)
    yield made
    await made.http.aclose()


def local(cell):
    return cell.bearer(sub="us-client-local", sid="local-1", scopes=("operators.note",))


@pytest.mark.parametrize("field", ["lines", "times"])
async def test_a_number_that_no_line_can_hold_is_a_fault_of_ours(cell, field):
    for number in (2**53, 2**64, 10**30):
        answer = await cell.post(KEEPER, ACT | {field: number}, **local(cell))
        assert (answer.status_code, answer.json()["code"]) == (422, "body.invalid"), number
    assert (await cell.post(KEEPER, ACT | {field: 2**53 - 1}, **local(cell))).status_code == 204


async def test_the_last_moment_that_a_line_can_say_is_refused_or_written_as_another(cell):
    assert (await cell.post(KEEPER, ACT | {"at_ms": 253_402_300_799_999}, **local(cell))).status_code == 204
    [line] = cell.gateway.audited
    assert line.act.changes["at"] == (None, "9999-12-31T23:59:59+00:00")


@pytest.mark.parametrize(
    "act",
    [
        ACT | {"what": "2022-12\n"},
        ACT | {"outcome": "keyring.missing\n"},
        ACT | {"times": 0},
        ACT | {"lines": -1},
        ACT | {"at_ms": -1},
        ACT | {"at_ms": 253_402_300_800_000},
    ],
)
async def test_the_keeper_says_what_is_no_word_or_no_number(cell, act):
    answer = await cell.post(KEEPER, act, **local(cell))
    assert (answer.status_code, answer.json()["code"]) == (422, "body.invalid")


async def test_an_operator_s_word_ends_in_a_line_feed(cell):
    answer = await cell.plain(OPERATORS, {"action": "keys.rotate", "what": "k-1\n"}, **local(cell))
    assert (answer.status_code, answer.json()["code"]) == (422, "body.invalid")


async def test_the_keeper_is_told_to_try_again_for_ever_with_a_key_that_was_used_for_something_else(cell):
    assert (await cell.post(KEEPER, ACT, "drop-1", **local(cell))).status_code == 204
    other = await cell.post(KEEPER, ACT | {"what": "2023-01"}, "drop-1", **local(cell))
    assert (other.status_code, other.json()["code"]) == (422, "idempotency.key_reused")


async def test_how_often_something_was_met_is_not_written_down(cell):
    assert (await cell.post(KEEPER, ACT | {"lines": 0, "times": 4}, **local(cell))).status_code == 204
    [line] = cell.gateway.audited
    assert (line.act.changes["lines"], line.act.changes["times"]) == ((None, 0), (None, 4))


async def test_what_the_keeper_says_again_to_another_replica_stands_there_twice(cell):
    """Each replica has a trail of its own choice; an act is said to whichever answers."""
    for number in range(3):
        cell.services.trail._id = f"us-trail-0{number + 1}"
        assert (await cell.post(KEEPER, ACT, "drop-1", **local(cell))).status_code == 204
    assert len(cell.gateway.audited) == 1
