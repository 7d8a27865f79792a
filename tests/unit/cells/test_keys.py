"""The key file is made once; what it can't do any more is said, and never worked around with a new one."""

import shutil
import time

import pytest

from cells.errors import CellError
from cells.keys import local_token, make_keyring, rotate_keys
from cells.paths import CellPaths
from serve.identity.keyring import create, load
from serve.identity.tokens import TokenRefused, verify


@pytest.fixture
def paths(tmp_path):
    return CellPaths("us", tmp_path)


def test_a_second_start_makes_other_keys(paths):
    first = load(make_keyring(paths)).signing_kid
    assert load(make_keyring(paths)).signing_kid == first


def test_keys_that_are_gone_are_replaced_in_silence(paths):
    make_keyring(paths).unlink()
    with pytest.raises(CellError, match="is gone") as raised:
        make_keyring(paths)
    assert "backup" in raised.value.next_step
    assert not paths.keyring.exists()


def test_keys_that_are_gone_with_their_folder_are_replaced_in_silence(paths):
    shutil.rmtree(make_keyring(paths).parent)
    with pytest.raises(CellError, match="is gone"):
        make_keyring(paths)


def test_a_start_that_broke_off_after_making_keys_forgets_that_there_were_some(paths):
    create(paths.keyring, 1)
    make_keyring(paths).unlink()
    with pytest.raises(CellError, match="is gone"):
        make_keyring(paths)


def test_a_key_that_others_have_seen_is_still_believed_after_it_was_given_up(paths):
    make_keyring(paths)
    token = local_token(paths, "us")
    rotate_keys(paths, compromised=True)
    with pytest.raises(TokenRefused, match="key_unknown"):
        verify(load(paths.keyring), token, "us", int(time.time()))


def test_keys_that_others_may_read_are_used(paths):
    make_keyring(paths).chmod(0o644)
    with pytest.raises(CellError) as raised:
        make_keyring(paths)
    assert "chmod 600" in raised.value.next_step
    with pytest.raises(CellError):
        local_token(paths, "us")


def test_a_local_token_may_more_or_longer_than_asked_for(paths):
    make_keyring(paths)
    token = local_token(paths, "us", ["stock.read"], 60)
    now_s = int(time.time())
    claims = verify(load(paths.keyring), token, "us", now_s)
    assert (claims.scopes, claims.role, claims.exp - claims.iat) == (("stock.read",), "", 60)
    with pytest.raises(CellError, match="unknown scope"):
        local_token(paths, "us", ["everything"])
    with pytest.raises(CellError, match="is not given"):
        local_token(paths, "us", seconds=301)


def test_a_rotated_key_forgets_the_tokens_of_the_one_before(paths):
    make_keyring(paths)
    token = local_token(paths, "us")
    new = rotate_keys(paths)
    assert load(paths.keyring).signing_kid == new
    assert verify(load(paths.keyring), token, "us", int(time.time())).sub == "us-client-local"
