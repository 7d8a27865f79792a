"""The key of the anchors is made once, is nobody else's, and is never quietly replaced."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cells.audit_key import load_audit_key, make_audit_key
from cells.errors import CellError
from cells.paths import CellPaths


@pytest.fixture
def paths(tmp_path: Path) -> CellPaths:
    return CellPaths("us", tmp_path)


def test_a_signature_is_good_for_its_own_message_and_key_only(paths, tmp_path):
    key = make_audit_key(paths)
    signature = key.sign(b"line 7")
    assert load_audit_key(paths).is_signed(b"line 7", signature)
    assert not key.is_signed(b"line 8", signature)
    assert not make_audit_key(CellPaths("us", tmp_path / "other")).is_signed(b"line 7", signature)


@pytest.mark.parametrize("signature", ["", "x", "AAAA", "é", "A" * 88])
def test_what_is_no_signature_is_none_and_no_fault(paths, signature):
    assert not make_audit_key(paths).is_signed(b"line 7", signature)


def test_the_next_start_has_the_same_key(paths):
    signature = make_audit_key(paths).sign(b"x")
    assert make_audit_key(paths).is_signed(b"x", signature)
    assert (paths.secrets / "audit.key").stat().st_mode & 0o777 == 0o600


def test_a_key_that_is_gone_is_not_replaced(paths):
    make_audit_key(paths)
    (paths.secrets / "audit.key").unlink()
    with pytest.raises(CellError, match="is gone"):
        make_audit_key(paths)
    assert not (paths.secrets / "audit.key").exists()


def test_a_key_that_others_may_read_is_refused(paths):
    make_audit_key(paths)
    (paths.secrets / "audit.key").chmod(0o640)
    with pytest.raises(CellError, match="others may read"):
        load_audit_key(paths)


def test_a_key_that_is_none_or_of_another_kind_is_refused(paths):
    make_audit_key(paths)
    file = paths.secrets / "audit.key"
    file.write_text("nonsense")
    with pytest.raises(CellError, match="holds no key"):
        load_audit_key(paths)
    other = generate_private_key(SECP256R1())
    file.write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(CellError, match="another kind"):
        load_audit_key(paths)


def test_the_key_shows_nothing_of_itself(paths):
    assert repr(make_audit_key(paths)) == "<AuditKey>"


def test_a_key_that_is_gone_is_said_to_be_made_at_the_next_start(paths):
    with pytest.raises(CellError) as raised:
        load_audit_key(paths)
    assert "made when a cell with identity starts" in raised.value.next_step
    make_audit_key(paths)
    (paths.secrets / "audit.key").unlink()
    with pytest.raises(CellError) as raised:
        load_audit_key(paths)
    assert raised.value.next_step == "bring it back from your backup"
