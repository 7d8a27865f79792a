"""Public keys that a device must not claim its place with: what is spelt wrong, and what is nobody's own."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tests.unit.serve.post_office import coded
from tests.unit.serve.scanner import Scanner, enrolled, jwk_of, packed

P = 2**255 - 19
# A point of order 8 in RFC 8032's bytes; its negative is the other one.
EIGHTH = int("05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826", 16)
# All spellings of the eight points by which nothing can be proved: with either sign, and those past P, too.
SMALL = [
    (y | sign << 255).to_bytes(32, "little") for y in (0, 1, P - 1, P, P + 1, EIGHTH, P - EIGHTH) for sign in (0, 1)
]


def anybody_signs_for(raw: bytes) -> bool:
    """Without any private key: S is 0, and one of the few points R fits for one text of eight at least."""
    key = Ed25519PublicKey.from_public_bytes(raw)
    for text in range(64):
        for point in SMALL:
            try:
                key.verify(point + bytes(32), b"%d" % text)
            except InvalidSignature:
                continue
            return True
    return False


async def claimed_with(scanner: Scanner, x: str):
    return await scanner.claim(public_key=jwk_of(scanner.key) | {"x": x})


async def test_a_line_feed_behind_a_key_is_a_fault_of_ours(cell):
    scanner = await enrolled(cell)
    right = jwk_of(scanner.key)["x"]
    for x in (f"{right[:42]}\n", f"{right}\n"):
        assert coded(await claimed_with(scanner, x)) == (422, "body.invalid")
    assert (await scanner.claim()).status_code == 200


async def test_a_device_signs_in_by_a_key_for_which_anybody_signs(cell):
    scanner = await enrolled(cell)
    for raw in SMALL:
        # An address has not so many tries.
        assert coded(await claimed_with(scanner, packed(raw))) == (422, "device.key_invalid"), raw.hex()
    # Which uses nothing up.
    assert (await scanner.claim()).status_code == 200


def test_a_key_of_somebody_is_taken_for_nobody_s_or_the_other_way_round():
    assert sum(map(anybody_signs_for, SMALL)) >= 8
    for seed in range(2):
        key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        assert not anybody_signs_for(key.public_key().public_bytes_raw())
