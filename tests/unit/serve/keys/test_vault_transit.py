import json
import ssl

import pytest

from serve.keys.port import KeyUnavailable, KeyUnusable
from serve.keys.remote_key import KeyRefused
from serve.keys.vault_token import VaultToken
from tests.fakes.loopback_server import Answer
from tests.fakes.vault import FakeVault, TransitKey
from tests.unit.serve.keys.key_rigs import TOKEN, VaultRig

KEY, PLACE = bytes(range(32)), "data-key:us-dkey-1"


async def test_a_token_that_was_renewed_is_not_taken(vault):
    vault.vault.token = "hvs.another-token"
    with pytest.raises(KeyRefused, match="has ended, or its policy") as refused:
        await vault.key.wrap(KEY, PLACE)
    assert TOKEN not in str(refused.value)
    vault.write_token("hvs.another-token")
    wrapped, wrapping = await vault.key.wrap(KEY, PLACE)
    assert await vault.key.unwrap(wrapped, wrapping, PLACE) == KEY


async def test_a_refused_token_makes_what_is_sealed_look_lost(vault):
    wrapped, wrapping = await vault.key.wrap(KEY, PLACE)
    vault.vault.token = "hvs.another-token"
    with pytest.raises(KeyUnavailable):
        await vault.key.unwrap(wrapped, wrapping, PLACE)


async def test_a_token_file_that_is_damaged_later_stops_a_cell_that_works(vault):
    for text, mode in (("", 0o600), ("two words", 0o600), (TOKEN, 0o644), ("x" * 9000, 0o600)):
        vault.write_token(text, mode)
        await vault.key.wrap(KEY, PLACE)
    vault.token_file.unlink()
    await vault.key.wrap(KEY, PLACE)


@pytest.mark.parametrize(
    ("text", "mode", "why"),
    [
        (TOKEN, 0o644, "chmod 600"),
        ("", 0o600, "holds no token"),
        ("hvs.a\nhvs.b", 0o600, "no token"),
        (b"\xff\xfe".decode("latin-1"), 0o600, "no token"),
        ("x" * 9000, 0o600, "more than a token"),
        (None, 0o600, "can't be read"),
    ],
)
def test_a_token_file_that_is_no_good_is_taken_or_not_explained(tmp_path, text, mode, why):
    path = tmp_path / "token"
    if text is not None:
        path.write_text(text)
        path.chmod(mode)
    token = VaultToken(str(path), "")
    with pytest.raises(KeyRefused, match=why) as refused:
        token.current()
    assert str(path) in str(refused.value)
    assert TOKEN not in str(refused.value) + repr(token)


def test_the_environments_token_is_not_found(monkeypatch):
    token = VaultToken("", "OCEFS_US_VAULT_TOKEN")
    with pytest.raises(KeyRefused, match="OCEFS_US_VAULT_TOKEN holds no token"):
        token.current()
    monkeypatch.setenv("OCEFS_US_VAULT_TOKEN", f"{TOKEN}\n")
    assert token.current() == TOKEN


async def test_a_key_that_does_not_heed_the_place_is_taken(vault):
    for wrong in (TransitKey(type="rsa-4096"), TransitKey(derived=True), TransitKey(type="aes128-gcm96")):
        vault.vault.keys["ocefs-us"] = wrong
        with pytest.raises(KeyRefused, match="must be aes256-gcm96, and not derived"):
            await vault.key.learn()


async def test_a_key_that_is_not_there_is_made_in_silence(vault):
    del vault.vault.keys["ocefs-us"]
    with pytest.raises(KeyRefused, match=r"nothing at /v1/transit/keys/ocefs-us: are keys\.mount and keys\.key right"):
        await vault.key.learn()
    assert vault.vault.keys == {}


async def test_a_wrapping_tells_another_version_than_the_one_that_wrapped(vault):
    assert vault.key.wrapping() == "vault:ocefs-us:v1"
    vault.rotate()
    wrapped, wrapping = await vault.key.wrap(KEY, PLACE)
    assert wrapped.startswith(b"vault:v2:")
    assert wrapping == vault.key.wrapping() == "vault:ocefs-us:v2"


async def test_a_region_that_took_a_key_of_another_name_loses_what_the_first_wrapped(vault, tmp_path):
    wrapped, wrapping = await vault.key.wrap(KEY, PLACE)
    vault.vault.keys["ocefs-us.2"] = TransitKey()
    vault.key._key = "ocefs-us.2"
    await vault.key.learn()
    assert vault.key.wrapping() == "vault:ocefs-us.2:v1"
    assert await vault.key.unwrap(wrapped, wrapping, PLACE) == KEY


async def test_a_key_reaches_vault_without_its_place_or_with_more_than_that(vault):
    wrapped, wrapping = await vault.key.wrap(KEY, PLACE)
    await vault.key.unwrap(wrapped, wrapping, PLACE)
    learned, wrap, unwrap = vault.vault.asked
    assert (learned.method, learned.path, learned.body) == ("GET", "/v1/transit/keys/ocefs-us", b"")
    assert wrap.path == "/v1/transit/encrypt/ocefs-us"
    assert json.loads(wrap.body)["associated_data"] == "ZGF0YS1rZXk6dXMtZGtleS0x"
    assert unwrap.path == "/v1/transit/decrypt/ocefs-us"
    assert all(asked.headers["x-vault-request"] == "true" for asked in vault.vault.asked)
    # An answer that was wrong for good is not asked for three times.
    with pytest.raises(KeyUnusable):
        await vault.key.unwrap(wrapped, wrapping, "elsewhere")
    assert len(vault.vault.asked) == 4


async def test_somebody_who_is_not_vault_is_believed(vault, monkeypatch):
    for body in (b"", b"[]", b'{"data": null}', b'{"data": {"ciphertext": "plain"}}', b'{"data": {"ciphertext": 1}}'):
        monkeypatch.setattr(vault.vault, "answer", lambda _, body=body: Answer(200, body))
        with pytest.raises(KeyRefused):
            await vault.key.wrap(KEY, PLACE)
    monkeypatch.setattr(vault.vault, "answer", lambda _: Answer(200, b'{"data": {"plaintext": "?"}}'))
    with pytest.raises(KeyRefused, match="not base64"):
        await vault.key.unwrap(b"vault:v1:AAAA", "vault:ocefs-us:v1", PLACE)


async def test_a_redirect_takes_the_token_elsewhere(vault, monkeypatch):
    other = FakeVault(TOKEN)
    moved = Answer(307, b"", location=f"{other.address}/v1/transit/encrypt/ocefs-us")
    monkeypatch.setattr(vault.vault, "answer", lambda _: moved)
    try:
        with pytest.raises(KeyRefused, match="answers 307"):
            await vault.key.wrap(KEY, PLACE)
        assert other.asked == []
    finally:
        other.stop()


async def test_a_ca_of_ones_own_is_believed_beside_all_others(tmp_path):
    authority = tmp_path / "ca.pem"
    authority.write_text("no certificate")
    with pytest.raises(KeyRefused, match=r"ca\.pem can't be used"):
        VaultRig(tmp_path, ca_file=str(authority))
    some = ssl.create_default_context().get_ca_certs(binary_form=True)
    if not some:
        pytest.skip("this machine has no certificate authorities")
    authority.write_text(ssl.DER_cert_to_PEM_cert(some[0]))
    rig = VaultRig(tmp_path, ca_file=str(authority))
    try:
        pool = rig.key._http._transport._pool
        assert pool._ssl_context.get_ca_certs(binary_form=True) == [some[0]]
        assert pool._ssl_context.verify_mode == ssl.CERT_REQUIRED
        assert pool._ssl_context.check_hostname
    finally:
        await rig.close()
