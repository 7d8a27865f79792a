import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.identity.keyring import create, load, rotate_sealing
from serve.identity.sealing import Unsealable, login_digest, seal, unseal, unseal_newest

contexts = st.text(st.characters(codec="utf-8"), max_size=40)


@given(st.binary(max_size=200), contexts)
def test_what_was_sealed_opens_again(keyring, plain, context):
    assert unseal(keyring, seal(keyring, plain, context), context) == plain


@given(st.binary(max_size=64), st.integers(0), st.integers(1, 255))
def test_every_altered_byte_is_noticed(keyring, plain, at, change):
    sealed = bytearray(seal(keyring, plain, "totp:1"))
    sealed[at % len(sealed)] ^= change
    with pytest.raises(Unsealable):
        unseal(keyring, bytes(sealed), "totp:1")


def test_every_shortened_or_lengthened_value_is_noticed(keyring):
    sealed = seal(keyring, b"secret", "totp:1")
    for value in [*(sealed[:length] for length in range(len(sealed))), sealed + b"\0", b"\0" + sealed]:
        with pytest.raises(Unsealable):
            unseal(keyring, value, "totp:1")


@given(st.binary(max_size=100))
def test_any_bytes_are_refused_and_nothing_else_is_raised(keyring, value):
    with pytest.raises(Unsealable):
        unseal(keyring, value, "")


@given(contexts, contexts)
def test_a_value_that_was_moved_to_another_account_does_not_open(keyring, context, other):
    if context != other:
        with pytest.raises(Unsealable):
            unseal(keyring, seal(keyring, b"secret", context), other)


def test_another_cell_can_not_open_it(keyring, other_keyring):
    assert keyring.sealing_id == other_keyring.sealing_id
    with pytest.raises(Unsealable):
        unseal(other_keyring, seal(keyring, b"secret", "totp:1"), "totp:1")


def test_what_was_sealed_before_a_rotation_is_lost(tmp_path):
    path = tmp_path / "keys" / "keyring.json"
    create(path, 1)
    sealed = seal(load(path), b"secret", "totp:1")
    rotate_sealing(path)
    assert unseal(load(path), sealed, "totp:1") == b"secret"


def test_a_replaced_key_still_makes_tickets(tmp_path):
    path = tmp_path / "keys" / "keyring.json"
    create(path, 1)
    old = load(path)
    rotate_sealing(path)
    new = load(path)
    assert unseal_newest(new, seal(new, b"mia", "ticket:1"), "ticket:1") == b"mia"
    forged = seal(old, b"mia", "ticket:1")
    renamed = forged[:1] + new.sealing_id.to_bytes(2, "big") + forged[3:]
    for value in (forged, renamed, forged[:2], b""):
        with pytest.raises(Unsealable):
            unseal_newest(new, value, "ticket:1")


def test_the_same_text_is_never_sealed_alike(keyring):
    assert len({seal(keyring, b"secret", "totp:1") for _ in range(100)}) == 100


def test_an_error_does_not_show_the_value(keyring):
    with pytest.raises(Unsealable) as caught:
        unseal(keyring, seal(keyring, b"secret", "totp:1"), "totp:2")
    assert "totp" not in str(caught.value)
    assert "secret" not in repr(caught.value)


def test_a_login_that_is_spelled_otherwise_is_the_same_account(keyring):
    same = ["Mia.Müller", " mia.müller\t", "MIA.MÜLLER", "mia.mu\u0308ller", "ｍｉａ．ｍüller"]
    assert len({login_digest(keyring, login) for login in same}) == 1
    assert login_digest(keyring, "Straße") == login_digest(keyring, "STRASSE")


def test_other_logins_and_other_cells_have_other_digests(keyring, other_keyring):
    digests = [login_digest(keyring, login) for login in ("mia", "mia2", "", "\ud800")]
    assert len({*digests, login_digest(other_keyring, "mia")}) == 5
    assert {len(digest) for digest in digests} == {32}
