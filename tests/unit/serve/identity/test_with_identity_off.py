"""With identity off everybody may do everything, but nobody is somebody else: what belongs to a person
asks who it is all the same, and for a proof where it takes one."""

from __future__ import annotations

import pytest

from tests.unit.serve.authenticator import Authenticator
from tests.unit.serve.guarded_cell import PASSWORD, furnished
from tests.unit.serve.post_office import coded

CURRENT = "/v1/sessions/current"
CHANGED = {"current_password": PASSWORD, "new_password": "seven blue kettles sing"}
# What it takes a fresh second factor for.
PROVED = [
    ("POST", f"{CURRENT}/password", CHANGED),
    ("POST", "/v1/passkey-options", {}),
    ("POST", "/v1/passkeys", {"name": "phone", "credential": Authenticator().make({"user": {"id": "eA"}, "rp": {"id": "x"}, "challenge": "eA"})}),
    ("DELETE", "/v1/passkeys/x", None),
]  # fmt: skip
OTHERS = [
    ("GET", CURRENT, None),
    ("DELETE", CURRENT, None),
    ("POST", f"{CURRENT}/proof", {"code": "000000"}),
    ("POST", f"{CURRENT}/passkey-options", {}),
    ("GET", "/v1/passkeys", None),
]


@pytest.fixture
async def cell(tmp_path):
    async with furnished(tmp_path) as made:
        made.services.guard.required = False
        yield made


async def asked(cell, method, path, body, headers):
    return await cell.http.request(method, path, json=body, headers={"Idempotency-Key": "k"} | headers)


@pytest.mark.parametrize(("method", "path", "body"), PROVED + OTHERS)
async def test_somebody_without_a_token_is_taken_for_a_person(cell, method, path, body):
    assert coded(await asked(cell, method, path, body, {})) == (401, "auth.token_missing")


@pytest.mark.parametrize(("method", "path", "body"), PROVED)
async def test_what_opens_an_account_takes_no_fresh_factor(cell, method, path, body):
    stale = cell.of_role("manager", auth_time=cell.clock.now // 1000 - 301)
    before = cell.state()
    assert coded(await asked(cell, method, path, body, stale)) == (401, "auth.step_up_required")
    assert cell.state() == before
