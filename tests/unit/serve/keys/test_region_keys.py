"""What every port to a region's key must do, whatever keeps the key."""

import asyncio
import logging
import secrets

import pytest

from serve.keys.port import KeyUnavailable, KeyUnusable

KEY = bytes(range(32))
PLACE = "data-key:us-dkey-1"
REMOTE = pytest.mark.parametrize("rig", ["vault", "kms"], indirect=True)


async def test_what_was_wrapped_does_not_open_again(rig):
    wrapped, wrapping = await rig.key.wrap(KEY, PLACE)
    assert await rig.key.unwrap(wrapped, wrapping, PLACE) == KEY
    assert wrapping == rig.key.wrapping()
    assert wrapped != (await rig.key.wrap(KEY, PLACE))[0]
    assert KEY not in wrapped


async def test_a_wrapped_key_that_was_moved_to_another_place_opens(rig):
    wrapped, wrapping = await rig.key.wrap(KEY, PLACE)
    for elsewhere in ("data-key:us-dkey-2", "", PLACE + " "):
        with pytest.raises(KeyUnusable):
            await rig.key.unwrap(wrapped, wrapping, elsewhere)


async def test_altered_bytes_open_or_are_taken_for_a_key_that_is_away(rig):
    wrapped, wrapping = await rig.key.wrap(KEY, PLACE)
    end = len(wrapped)
    for altered in (
        b"", wrapped[:-1], wrapped + b"A", wrapped * 200, secrets.token_bytes(end),
        *(wrapped[:at] + bytes((wrapped[at] ^ 1,)) + wrapped[at + 1 :] for at in (0, 1, end // 2, end - 5)),
    ):  # fmt: skip
        with pytest.raises(KeyUnusable):
            await rig.key.unwrap(altered, wrapping, PLACE)


async def test_what_another_key_wrapped_is_taken_for_ones_own(rig):
    wrapped, _ = await rig.key.wrap(KEY, PLACE)
    for wrapping in ("", "file:", "file:7", "vault:../sys:v1", "vault:none:v1", "aws-kms:", "aws-kms:none"):
        with pytest.raises(KeyUnusable):
            await rig.key.unwrap(wrapped, wrapping, PLACE)


async def test_after_a_rotation_the_old_key_goes_on_wrapping_or_what_it_wrapped_is_lost(rig):
    old, old_wrapping = await rig.key.wrap(KEY, PLACE)
    rig.rotate()
    new, new_wrapping = await rig.key.wrap(KEY, PLACE)
    assert new_wrapping != old_wrapping
    assert rig.key.wrapping() == new_wrapping
    assert await rig.key.unwrap(old, old_wrapping, PLACE) == KEY
    assert await rig.key.unwrap(new, new_wrapping, PLACE) == KEY


async def test_what_a_forgotten_key_wrapped_opens(rig):
    old, old_wrapping = await rig.key.wrap(KEY, PLACE)
    rig.rotate()
    rig.forget_old()
    with pytest.raises(KeyUnusable):
        await rig.key.unwrap(old, old_wrapping, PLACE)
    new, new_wrapping = await rig.key.wrap(KEY, PLACE)
    assert await rig.key.unwrap(new, new_wrapping, PLACE) == KEY


async def test_a_secret_stands_in_a_repr_an_error_or_the_log(rig, caplog):
    caplog.set_level(logging.DEBUG)
    # Read back later, at whatever level the cell logs: the key in all the ways in which libraries write bytes.
    told = [repr(rig.key), str(vars(rig.key))]
    wrapped, wrapping = await rig.key.wrap(KEY, PLACE)
    await rig.key.unwrap(wrapped, wrapping, PLACE)
    with pytest.raises(KeyUnusable) as fault:
        await rig.key.unwrap(wrapped[:-1] + (b"B" if wrapped.endswith(b"A") else b"A"), wrapping, PLACE)
    told += [repr(fault.value), *(str(vars(record)) for record in caplog.records)]
    assert rig.secrets
    for secret in (*rig.secrets, "AAECAwQFBgcICQoL", KEY.hex(), repr(KEY)[2:-1]):
        assert not [line for line in told if secret in line]


@REMOTE
async def test_a_key_that_is_away_is_taken_for_one_that_is_gone(rig):
    wrapped, wrapping = await rig.key.wrap(KEY, PLACE)
    rig.leave()
    with pytest.raises(KeyUnavailable):
        await rig.key.wrap(KEY, PLACE)
    with pytest.raises(KeyUnavailable):
        await rig.key.unwrap(wrapped, wrapping, PLACE)
    assert rig.key.wrapping() == wrapping


@REMOTE
async def test_one_fault_of_the_service_fails_the_call(rig):
    for status in (500, 503, 429):
        rig.server.failing = [status]
        wrapped, wrapping = await rig.key.wrap(KEY, PLACE)
        rig.server.failing = [status]
        assert await rig.key.unwrap(wrapped, wrapping, PLACE) == KEY


@REMOTE
async def test_a_service_that_fails_for_good_is_asked_for_ever(rig):
    before = len(rig.server.asked)
    rig.server.failing = [503] * 20
    with pytest.raises(KeyUnavailable):
        await rig.key.wrap(KEY, PLACE)
    assert len(rig.server.asked) - before == 3


@REMOTE
async def test_a_service_that_hangs_holds_the_caller_beyond_the_deadline(rig, monkeypatch):
    monkeypatch.setattr("serve.keys.remote_key.DEADLINE_S", 0.2)
    rig.server.hang()
    async with asyncio.timeout(30):
        with pytest.raises(KeyUnavailable, match="did not answer within"):
            await rig.key.wrap(KEY, PLACE)


@REMOTE
async def test_a_rotation_over_there_is_never_noticed_by_who_wraps_nothing(rig):
    before = rig.key.wrapping()
    rig.rotate()
    asked = len(rig.server.asked)
    rig.clock.now += 59_000
    assert rig.key.wrapping() == before
    assert len(rig.server.asked) == asked, "too soon"
    rig.clock.now += 2_000
    assert rig.key.wrapping() == before, "nobody waits for it"
    await rig.key._looking
    assert rig.key.wrapping() != before
    assert (await rig.key.wrap(KEY, PLACE))[1] == rig.key.wrapping()
