import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from serve.keys.envelope import key_of, seal, unseal
from serve.keys.port import KeyUnusable

KEY_ID = "us-key-0h3k2m9qk4t1x0ab0h3k2m9qk4"
CIPHER = AESGCM(bytes(range(32)))


@given(st.binary(max_size=2_000))
def test_what_was_sealed_does_not_come_back(plain):
    sealed = seal(CIPHER, KEY_ID, plain, "order:us-1:private")
    assert key_of(sealed) == KEY_ID
    assert unseal(CIPHER, sealed, "order:us-1:private") == plain
    assert seal(CIPHER, KEY_ID, plain, "order:us-1:private") != sealed, "equal values would be seen to be equal"


@pytest.mark.parametrize("place", ["order:us-2:private", "order:us-1:email", "", "order:us-1:private "])
def test_a_value_that_was_moved_to_another_entity_or_field_opens(place):
    sealed = seal(CIPHER, KEY_ID, b"Mia", "order:us-1:private")
    with pytest.raises(KeyUnusable):
        unseal(CIPHER, sealed, place)


def test_an_altered_value_opens():
    sealed = seal(CIPHER, KEY_ID, b"Mia", "p")
    for at in range(len(sealed)):
        altered = bytearray(sealed)
        altered[at] ^= 1
        with pytest.raises(KeyUnusable):
            _read(bytes(altered))


def _read(sealed):
    key_of(sealed)
    return unseal(CIPHER, sealed, "p")


@given(st.binary(max_size=80))
def test_bytes_of_anybody_crash_the_reader(junk):
    try:
        key_of(junk)
    except KeyUnusable:
        return
    with pytest.raises(KeyUnusable):
        unseal(CIPHER, junk, "p")
