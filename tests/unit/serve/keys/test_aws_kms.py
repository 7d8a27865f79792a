import json

import pytest

from serve.keys.port import KeyUnavailable, KeyUnusable
from serve.keys.remote_key import KeyRefused
from tests.unit.serve.keys.key_rigs import ACCESS_KEY, KmsRig

KEY, PLACE = bytes(range(32)), "data-key:us-dkey-1"


async def test_the_yearly_rotation_wraps_everything_anew_or_loses_it(kms):
    wrapped, wrapping = await kms.key.wrap(KEY, PLACE)
    kms.kms.rotate()
    again, same = await kms.key.wrap(KEY, PLACE)
    assert wrapping == same == f"aws-kms:{kms.first}"
    assert await kms.key.unwrap(wrapped, wrapping, PLACE) == KEY
    assert await kms.key.unwrap(again, wrapping, PLACE) == KEY


async def test_a_key_opens_what_another_key_of_the_account_wrapped(kms):
    wrapped, _ = await kms.key.wrap(KEY, PLACE)
    other = kms.kms.new_key()
    with pytest.raises(KeyUnusable, match="IncorrectKeyException"):
        await kms.key.unwrap(wrapped, f"aws-kms:{other}", PLACE)


async def test_a_key_reaches_kms_without_its_place(kms):
    wrapped, wrapping = await kms.key.wrap(KEY, PLACE)
    await kms.key.unwrap(wrapped, wrapping, PLACE)
    _, wrap, unwrap = (json.loads(asked.body) for asked in kms.kms.asked)
    assert wrap["EncryptionContext"] == unwrap["EncryptionContext"] == {"place": PLACE}
    assert wrap["KeyId"] == "alias/ocefs-us"
    assert unwrap["KeyId"] == kms.first


async def test_a_key_of_another_account_is_named_so_that_it_is_not_found_again(aws_credentials):
    rig = KmsRig()
    try:
        rig.key._key = rig.kms.arn(rig.first)
        await rig.start()
        wrapped, wrapping = await rig.key.wrap(KEY, PLACE)
        assert wrapping == f"aws-kms:{rig.kms.arn(rig.first)}"
        assert await rig.key.unwrap(wrapped, wrapping, PLACE) == KEY
    finally:
        await rig.close()


@pytest.mark.parametrize("code", ["AccessDeniedException", "ExpiredTokenException", "KMSInvalidStateException"])
async def test_a_right_that_is_missing_makes_what_is_sealed_look_lost(kms, code):
    wrapped, wrapping = await kms.key.wrap(KEY, PLACE)
    kms.kms.refusing = code
    for asked in (kms.key.wrap(KEY, PLACE), kms.key.unwrap(wrapped, wrapping, PLACE)):
        with pytest.raises(KeyRefused, match=code):
            await asked


async def test_a_disabled_key_makes_what_is_sealed_look_lost(kms):
    wrapped, wrapping = await kms.key.wrap(KEY, PLACE)
    kms.kms.keys[kms.first].state = "Disabled"
    for asked in (kms.key.wrap(KEY, PLACE), kms.key.unwrap(wrapped, wrapping, PLACE)):
        with pytest.raises(KeyRefused, match="DisabledException"):
            await asked
    with pytest.raises(KeyRefused, match="Disabled, not Enabled"):
        await kms.key.learn()


async def test_a_fault_inside_of_kms_is_taken_for_a_refusal(kms):
    kms.kms.refusing = "KMSInternalException"
    with pytest.raises(KeyUnavailable) as away:
        await kms.key.wrap(KEY, PLACE)
    assert not isinstance(away.value, KeyRefused)


async def test_a_key_that_can_not_heed_the_place_is_taken(kms):
    kms.kms.keys[kms.first].spec = "RSA_4096"
    with pytest.raises(KeyRefused, match="RSA_4096 for ENCRYPT_DECRYPT; it must be symmetric"):
        await kms.key.learn()


async def test_a_wrong_secret_key_is_tried_for_ever(kms):
    kms.kms._secret_key = "another"
    with pytest.raises(KeyRefused, match="InvalidSignatureException"):
        await kms.key.wrap(KEY, PLACE)


async def test_missing_credentials_are_not_named(aws_credentials, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    rig = KmsRig()
    try:
        with pytest.raises(KeyRefused, match="AWS KMS can't be asked: Unable to locate credentials"):
            await rig.start()
    finally:
        await rig.close()


def test_half_of_the_credentials_is_taken(aws_credentials, monkeypatch):
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(KeyRefused, match="missing: AWS_SECRET_ACCESS_KEY") as refused:
        KmsRig()
    assert ACCESS_KEY not in str(refused.value)


def test_a_profile_that_is_not_there_is_not_named(aws_credentials, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "nobodys")
    with pytest.raises(KeyRefused, match="nobodys"):
        KmsRig()
