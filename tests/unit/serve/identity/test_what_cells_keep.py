"""What cells have kept since they were made is found and opened by each release: nobody could make it anew, since the
lookup key is never replaced, and secrets of second factors lie nowhere else."""

import base64
import json
from pathlib import Path

import pytest

from serve.identity.keyring import Keyring, load
from serve.identity.sealing import code_digest, email_digest, login_digest, name_digest, unseal


def key(number: int) -> str:
    return base64.b64encode(bytes([number]) * 32).decode()


@pytest.fixture
def kept(tmp_path: Path) -> Keyring:
    """Of a file as it lies in a cell."""
    path = tmp_path / "keys" / "keyring.json"
    path.parent.mkdir(mode=0o700)
    signing = [{"kid": "k-1", "private": key(1), "made_at": 1, "retired_at": None}]
    sealing = [{"id": 2, "key": key(2)}, {"id": 1, "key": key(3)}]
    path.write_text(json.dumps({"version": 1, "signing": signing, "sealing": sealing, "lookup": key(4)}))
    path.chmod(0o600)
    return load(path)


def test_nobody_s_account_or_order_is_found_any_more(kept):
    assert login_digest(kept, "Mia.Müller").hex() == "ad22ea4aa42cd4f5209b423dca08c4819f5835e4509f43b319511a6b01bf8d32"
    assert (
        email_digest(kept, "mia@example.com").hex()
        == "4a4b2e87b5151f5d8b00c6741e3b7c206d1409c836352ed05c4fd3b2d474f607"
    )
    assert name_digest(kept, "order_ref", "4711") == "f940667869e6a68eedfe8fa2d04461a3"
    sent = code_digest(kept, "us-cust-mia", "12345678").hex()
    assert sent == "2f32fafa00b3d92478660e26b2344abf6a9eb5e7e2f8da918feec6f174cca156"


def test_a_second_factor_that_was_sealed_before_does_not_open(kept):
    sealed = "0100027977ec88ea50916e99a2dbc41ac5a48b363ae4f224e77e516d4dd59452ae87758744"
    assert unseal(kept, bytes.fromhex(sealed), "totp:us-acct-mia") == b"secret"


def test_a_member_of_staff_is_known_as_the_customer_with_the_same_address(kept):
    address = "mia@example.com"
    assert len({login_digest(kept, address), login_digest(kept, f"email\0{address}"), email_digest(kept, address)}) == 3
