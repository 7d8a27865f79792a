"""Somebody has a copy of the key file, and the operator did what docs/security/keys.md says: nothing that the copy
makes is taken any more, and nothing that the cell keeps is lost by it."""

import asyncio
import base64
from pathlib import Path

import msgspec
import pytest

from actors.domain.ids import account_id
from actors.runtime.wire import LiveEvent
from serve.identity import sessions
from serve.identity.ceremonies import new_challenge
from serve.identity.factors import ENROLMENT, PENDING, Enrolment, PendingFactor
from serve.identity.keyring import Keyring, drop_wrapping, load, rotate, rotate_sealing, rotate_wrapping
from serve.identity.sealing import login_digest, seal
from serve.identity.sessions import SIGN_IN
from serve.identity.totp import new_secret
from tests.unit.runtime.rig import until
from tests.unit.serve.authenticator import Authenticator
from tests.unit.serve.guarded_cell import GuardedCell

GENERATIONS = range(4)


@pytest.fixture
async def cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("REFUSAL_S", "REFUSAL_AFTER_HASH_S"):
        monkeypatch.setattr(sessions, name, 0.0)
    made = GuardedCell(tmp_path)
    yield made
    await made.http.aclose()


def seen(cell: GuardedCell) -> None:
    """The cell has looked at the key file again."""
    cell.clock.now += 5_000
    cell.keys = load(cell.keyring_path)


def recovered(cell: GuardedCell) -> None:
    """`rotate-keys --compromised`, then `--wrapping`."""
    rotate(cell.keyring_path, cell.clock.now, keep_old=False)
    drop_wrapping(cell.keyring_path, rotate_wrapping(cell.keyring_path))
    seen(cell)


def ticket(keys: Keyring, purpose: str, content: msgspec.Struct) -> str:
    return base64.urlsafe_b64encode(seal(keys, msgspec.json.encode(content), f"ticket:{purpose}")).decode()


async def taken(cell: GuardedCell, keys: Keyring, who: str) -> list[int]:
    """The generations for which tickets of these keys for that account are taken."""
    until_ms, secret = cell.clock.now + 600_000, new_secret()
    found = []
    for generation in GENERATIONS:
        enrolment = ticket(keys, ENROLMENT, Enrolment(who, generation, until_ms))
        pending = ticket(keys, PENDING, PendingFactor(who, generation, until_ms, secret))
        answers = [
            await cell.plain("/v1/factors/passkey-options", {"enrolment": enrolment}),
            await cell.plain("/v1/factors", {"enrolment": enrolment}),
            await cell.plain("/v1/factors/confirmation", {"pending": pending, "code": "000000"}),
        ]
        if any(answer.json().get("code") != "factor.request_invalid" for answer in answers):
            found.append(generation)
    return found


async def test_who_has_an_old_key_file_enrols_his_own_passkey_for_an_account_without_a_factor(cell):
    stolen = load(cell.keyring_path)
    mia = await cell.enrolled("mia")
    who = account_id("us", login_digest(stolen, "mia"))
    assert await taken(cell, stolen, who) == [*GENERATIONS]
    recovered(cell)
    answer = await cell.post(f"/v1/accounts/{mia.account_id}/changes", {"change": "reset_factor"}, **cell.bearer())
    assert answer.status_code == 200, answer.text
    await cell.opened("new.one", "manager")
    for account in (who, account_id("us", login_digest(stolen, "new.one"))):
        assert await taken(cell, stolen, account) == []


async def test_an_account_can_not_be_enrolled_anew_after_the_keys_were_given_up(cell):
    await cell.enrolled("mia")
    recovered(cell)
    noa = await cell.enrolled("noa")
    assert (await noa.sign_in()).status_code == 200


async def test_who_has_an_old_key_file_makes_challenges_ahead_for_a_passkey_that_he_held_once(cell):
    stolen = load(cell.keyring_path)
    mia, key = await cell.enrolled("mia"), Authenticator()
    headers = {"Authorization": f"Bearer {(await mia.tokens())['access_token']}"}
    options = (await cell.plain("/v1/passkey-options", {}, **headers)).json()["options"]
    added = await cell.post("/v1/passkeys", {"name": "phone", "credential": key.make(options)}, **headers)
    assert added.status_code == 201, added.text

    async def signed_in(keys: Keyring) -> int:
        options = (await cell.plain("/v1/sessions/passkey-options", {})).json()["options"]
        challenge = base64.urlsafe_b64encode(new_challenge(keys, SIGN_IN, cell.clock.now)).decode().rstrip("=")
        return (
            await cell.plain("/v1/sessions", {"passkey": key.sign({**options, "challenge": challenge})})
        ).status_code

    assert await signed_in(stolen) == 200
    recovered(cell)
    assert await signed_in(stolen) == 401
    assert await signed_in(cell.keys) == 200


@pytest.mark.parametrize("rotated", [rotate_sealing, lambda path: rotate(path, 1, keep_old=False)])
async def test_a_rotation_takes_what_was_sealed_before_it(cell, rotated):
    mia = await cell.enrolled("mia")
    recorded = {
        "discovered_at": "2026-01-01T00:00:00Z", "summary": "A report with addresses went to another shop.",
        "extent": {"natures": ["disclosure"], "categories": ["name"], "groups": ["customers"], "persons": 31, "records": 90},
    }  # fmt: skip
    made = await cell.post("/v1/breaches", recorded, **cell.of_role("privacy"))
    assert made.status_code == 201, made.text
    rotated(cell.keyring_path)
    seen(cell)
    assert (await mia.sign_in()).status_code == 200
    read = await cell.http.get(f"/v1/breaches/{made.json()['breach_id']}", headers=cell.of_role("privacy"))
    assert read.json()["summary"] == recorded["summary"]


@pytest.mark.parametrize("told", [True, False])
async def test_a_stream_that_was_opened_by_a_token_of_the_leaked_key_goes_on_telling(cell, monkeypatch, told):
    live, seconds = cell.services.live, {"_heartbeat_s": 60.0 if told else 0.01, "_stream_max_s": 600.0}
    for name, value in seconds.items():
        monkeypatch.setattr(live, name, value)
    looking = asyncio.create_task(cell.http.get("/v1/live", headers=cell.of_role("manager")))
    async with asyncio.timeout(60):
        await cell.gateway.live_changed.wait()
        recovered(cell)
        if told:
            live.live(LiveEvent("order", "us-1", 1, 17, msgspec.json.encode([{"type": "OrderPlaced"}])))
        answer = (await looking).text
    assert answer.endswith("event: reconnect\ndata: {}\n\n")
    assert "OrderPlaced" not in answer
    assert live.clients == 0


async def test_a_stream_ends_because_keys_were_replaced_as_they_are_each_month(cell):
    live = cell.services.live
    looking = asyncio.create_task(cell.http.get("/v1/live", headers=cell.of_role("manager")))
    async with asyncio.timeout(60):
        await cell.gateway.live_changed.wait()
        [stream] = live._clients
        rotate(cell.keyring_path, cell.clock.now)
        seen(cell)
        live.live(LiveEvent("order", "us-1", 1, 17, msgspec.json.encode([{"type": "OrderPlaced"}])))
        await until(lambda: not stream._pending)
        live.close()
        assert "OrderPlaced" in (await looking).text
