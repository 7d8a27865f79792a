import base64
import io
import json
import logging
import os
import stat
import traceback
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
from rich.console import Console
from rich.pretty import Pretty

from serve.identity import key_file
from serve.identity import keyring as module
from serve.identity.key_file import SEALING_KEYS_MAX, SIGNING_KEYS_MAX, KeyringError
from serve.identity.keyring import (
    KEEP_MS,
    LOOK_EVERY_S,
    Keyring,
    KeyringWatch,
    create,
    drop_wrapping,
    load,
    rotate,
    rotate_sealing,
    rotate_wrapping,
)

NOW_MS = 1_790_000_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "identity" / "keys.json"
    assert create(file, NOW_MS)
    return file


def secrets_of(path: Path) -> list[str]:
    """Every spelling of every key of a file that a log might show."""
    told = json.loads(path.read_bytes())
    keys = [key["private"] for key in told["signing"]] + [key["key"] for key in told["sealing"]] + [told["lookup"]]
    raw = [base64.b64decode(key) for key in keys]
    return [*keys, *(key.hex() for key in raw), *(repr(key) for key in raw)]


def refusal(path: Path) -> KeyringError:
    with pytest.raises(KeyringError) as caught:
        load(path)
    return caught.value


def damage(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **changes}))


def test_a_fresh_key_file_is_readable_by_its_owner_alone(path):
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert os.listdir(path.parent) == ["keys.json"]


def test_creating_again_does_not_replace_the_cells_keys(path):
    before = path.read_bytes()
    assert not create(path, NOW_MS + 1)
    assert path.read_bytes() == before


def test_creating_at_the_same_time_makes_one_set_of_keys(tmp_path, monkeypatch):
    path = tmp_path / "identity" / "keys.json"
    monkeypatch.setattr(Path, "exists", lambda self: False)  # all of them see no file at first
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: create(path, NOW_MS), range(32)))
    assert made.count(True) == 1
    assert os.listdir(path.parent) == ["keys.json"]
    assert load(path).signing_kid


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o604, 0o610, 0o601])
def test_a_key_file_that_others_may_use_is_refused_with_the_next_step(path, mode):
    path.chmod(mode)
    error = refusal(path)
    assert "open permissions" in error.problem
    assert f"chmod 600 {path}" in error.next_step
    assert error.next_step in str(error)


@pytest.mark.parametrize("mode", [0o770, 0o720, 0o702])
def test_a_folder_in_which_others_may_replace_the_keys_is_refused(path, mode):
    path.parent.chmod(mode)
    assert f"chmod 700 {path.parent}" in refusal(path).next_step


def test_a_missing_key_file_says_what_to_do(tmp_path):
    error = refusal(tmp_path / "keys.json")
    assert "missing" in error.problem
    assert error.next_step


def test_a_folder_in_place_of_the_key_file_is_refused(tmp_path):
    folder = tmp_path / "keys.json"
    folder.mkdir(mode=0o700)
    assert refusal(folder).next_step


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"version":1}', b"x" * 70_000, b'{"a":' * 5_000]
)
def test_a_damaged_key_file_is_refused_with_the_next_step(path, content):
    path.write_bytes(content)
    error = refusal(path)
    assert "damaged" in error.problem
    assert "restore" in error.next_step


SHORT = base64.b64encode(bytes(31)).decode()
GOOD = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2},
        {"signing": []},
        {"sealing": []},
        {"lookup": SHORT},
        {"lookup": "?"},
        {"lookup": ""},
        {"sealing": [{"id": 1, "key": SHORT}]},
        {"sealing": [{"id": 0, "key": GOOD}]},
        {"sealing": [{"id": 65_536, "key": GOOD}]},
        {"sealing": [{"id": 1, "key": GOOD}, {"id": 1, "key": GOOD}]},
        {"signing": [{"kid": "a", "private": SHORT, "made_at": 1, "retired_at": None}]},
        {"signing": [{"kid": "", "private": GOOD, "made_at": 1, "retired_at": None}]},
        {"signing": [{"kid": "a", "private": GOOD, "made_at": 1, "retired_at": 2}]},
        {"signing": [{"kid": "a", "private": GOOD, "made_at": 1, "retired_at": None}] * 2},
        {"signing": [{"kid": str(n), "private": GOOD, "made_at": 1, "retired_at": n or None} for n in range(65)]},
        {"signing": [{"kid": "a", "private": GOOD, "made_at": 1, "retired_at": retired} for retired in (None, 2)]},
        {"wrapping": [{"id": 1, "key": SHORT}]},
        {"wrapping": [{"id": 0, "key": GOOD}]},
        {"wrapping": [{"id": 1, "key": GOOD}, {"id": 1, "key": GOOD}]},
        {"unknown": 1},
    ],
)
def test_a_key_file_with_a_wrong_part_is_refused(path, changes):
    damage(path, **changes)
    assert "damaged" in refusal(path).problem


def test_an_error_about_a_damaged_file_shows_no_key(path):
    secrets = secrets_of(path)
    path.write_bytes(path.read_bytes().replace(b'"lookup"', b'"lookup":1,"look"'))
    error = refusal(path)
    text = "".join(traceback.format_exception(error)) + repr(error)
    assert not [secret for secret in secrets if secret in text]


def test_no_repr_shows_a_key(path):
    secrets = secrets_of(path)
    keys = load(path)
    file = key_file.read(path)
    out = io.StringIO()
    Console(file=out, width=1000).print(keys, Pretty(file), Pretty(file.signing), keys.signing_key())
    shown = [
        repr(keys),
        str(keys),
        f"{keys!r:>9}",
        repr(file),
        repr(file.signing),
        str(file.sealing),
        repr(keys.signing_key()),
    ]
    text = "\n".join([*shown, repr(keys.verifying_key(keys.signing_kid, NOW_MS)), repr(keys.cipher(1)), out.getvalue()])
    assert keys.signing_kid in text
    assert not [secret for secret in secrets if secret in text]


def test_a_rotation_signs_by_the_new_key_and_the_old_one_still_verifies(path):
    old = load(path)
    kid = rotate(path, NOW_MS + 1000)
    new = load(path)
    assert new.signing_kid == kid != old.signing_kid
    found = new.verifying_key(old.signing_kid, NOW_MS + 1000)
    assert found is not None
    assert found.thumbprint() == old.signing_key().thumbprint()
    assert new.lookup_key == old.lookup_key
    assert new.sealing_id == old.sealing_id
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == ["keys.json"]


def test_a_retired_key_verifies_no_longer_than_it_is_kept(path):
    old = load(path).signing_kid
    rotate(path, NOW_MS)
    keys = load(path)
    assert keys.verifying_key(old, NOW_MS + KEEP_MS - 1) is not None
    assert keys.verifying_key(old, NOW_MS + KEEP_MS) is None  # although the file still has it
    assert keys.verifying_key(keys.signing_kid, NOW_MS + 10 * KEEP_MS) is not None


def test_each_rotation_keeps_a_retired_key_for_longer(path):
    old = load(path).signing_kid
    rotate(path, NOW_MS)
    rotate(path, NOW_MS + KEEP_MS - 1)
    assert load(path).verifying_key(old, NOW_MS + KEEP_MS) is None


def test_a_wrapping_key_has_the_number_of_one_that_is_there_or_there_are_endlessly_many(path):
    newest = rotate_wrapping(path)
    drop_wrapping(path, newest)
    while len(load(path).wrapping_ids) < module.WRAPPING_KEYS_MAX:
        rotate_wrapping(path)
    assert min(load(path).wrapping_ids) == newest
    with pytest.raises(KeyringError, match="wrapping keys"):
        rotate_wrapping(path)


def test_a_rotation_drops_keys_that_were_kept_long_enough(path):
    first = load(path).signing_kid
    second = rotate(path, NOW_MS)
    third = rotate(path, NOW_MS + KEEP_MS)
    assert [key.kid for key in key_file.read(path).signing] == [third, second]
    assert first.encode() not in path.read_bytes()


def test_rotations_at_the_same_time_lose_no_key(path):
    with ThreadPoolExecutor(8) as pool:
        kids = list(pool.map(lambda _: rotate(path, NOW_MS), range(20)))
    assert set(kids) < {key.kid for key in key_file.read(path).signing}


def test_rotating_without_end_is_refused_before_the_file_is_too_large_to_read(path):
    for _ in range(SIGNING_KEYS_MAX - 1):
        rotate(path, NOW_MS)
    with pytest.raises(KeyringError):
        rotate(path, NOW_MS)
    assert load(path).signing_kid


@pytest.mark.parametrize("how", ["damaged", "open", "missing"])
def test_a_rotation_does_not_write_over_a_file_that_it_can_not_use(path, how):
    if how == "damaged":
        path.write_bytes(b"{")
    elif how == "open":
        path.chmod(0o644)
    else:
        path.unlink()
    before = path.read_bytes() if how != "missing" else None
    with pytest.raises(KeyringError):
        rotate(path, NOW_MS)
    assert (path.read_bytes() if path.exists() else None) == before


def test_a_rotation_that_fails_while_writing_leaves_the_old_keys(path, monkeypatch):
    before = path.read_bytes()

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError):
        rotate(path, NOW_MS)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == ["keys.json"]


def test_who_has_a_leaked_file_goes_on_sealing_for_the_cell(path):
    """The one that was there stays, for what it sealed, but no longer as the one that seals."""
    stolen = load(path)
    rotate(path, NOW_MS, keep_old=False)
    now = load(path)
    assert (stolen.sealing_id, now.sealing_id) == (1, 2)
    assert stolen.cipher(2) is None
    assert now.cipher(1) is not None


def test_sealing_keys_are_lost_when_they_are_rotated(path):
    assert [rotate_sealing(path) for _ in range(3)] == [2, 3, 4]
    keys = load(path)
    assert keys.sealing_id == 4
    assert all(keys.cipher(number) is not None for number in range(1, 5))
    assert keys.wrapping_ids == [1]


def test_a_wrapping_key_is_dropped_that_became_an_older_one_meanwhile(path):
    ours = rotate_wrapping(path)
    following = rotate_wrapping(path)
    before = path.read_bytes()
    with pytest.raises(KeyringError, match=f"wrapping key {following} wraps by now, and not {ours}"):
        drop_wrapping(path, ours)
    assert path.read_bytes() == before
    assert drop_wrapping(path, following) == [ours, 1]


def test_a_file_grows_until_it_can_not_be_read(path):
    first = json.loads(path.read_bytes())["sealing"][0]
    damage(path, sealing=[{**first, "id": number} for number in range(SEALING_KEYS_MAX, 0, -1)])
    for rotation in (rotate_sealing, lambda at: rotate(at, NOW_MS, keep_old=False)):
        with pytest.raises(KeyringError, match="sealing keys"):
            rotation(path)
    rotate(path, NOW_MS)
    assert load(path).sealing_id == SEALING_KEYS_MAX


def test_a_leaked_file_can_not_be_answered_because_it_was_rotated_by_habit(path):
    first = json.loads(path.read_bytes())["sealing"][0]
    damage(path, sealing=[{**first, "id": number} for number in range(239, 0, -1)])
    assert rotate_sealing(path) == 240
    with pytest.raises(KeyringError, match="240 sealing keys"):
        rotate_sealing(path)
    for leak in range(1, 17):
        leaked = load(path)
        rotate(path, NOW_MS + leak, keep_old=False)
        assert load(path).sealing_id == 240 + leak
        assert load(path).verifying_key(leaked.signing_kid, NOW_MS + leak) is None


def test_a_key_file_of_an_earlier_release_can_not_be_rotated(path):
    """It has one sealing key, and no wrapping keys."""
    told = json.loads(path.read_bytes())
    del told["wrapping"]
    path.write_text(json.dumps(told))
    assert load(path).sealing_id == 1
    assert rotate_sealing(path) == 2


class TestWatch:
    def test_a_cell_without_keys_is_told_at_the_start(self, tmp_path):
        with pytest.raises(KeyringError):
            KeyringWatch(tmp_path / "keys.json")

    def test_the_same_object_is_given_while_nothing_changes(self, path):
        watch = KeyringWatch(path)
        assert watch.current(0.0) is watch.current(5.0) is watch.current(500.0)

    def test_a_rotation_is_seen_and_the_file_is_looked_at_once_a_second_at_most(self, path):
        watch = KeyringWatch(path)
        old = watch.current(100.0)
        kid = rotate(path, NOW_MS)
        assert watch.current(100.0 + LOOK_EVERY_S - 0.001) is old
        assert watch.current(100.0 + LOOK_EVERY_S).signing_kid == kid

    def test_nothing_is_read_again_in_between(self, path, monkeypatch):
        watch = KeyringWatch(path)
        monkeypatch.setattr(module, "load", lambda at: pytest.fail("read again"))
        for second in range(10):
            watch.current(float(second))

    @pytest.mark.parametrize("how", ["damaged", "open", "missing", "open folder"])
    def test_a_bad_new_file_keeps_the_old_keys_and_is_told_once_without_a_key(self, path, caplog, how):
        watch = KeyringWatch(path)
        old = watch.current(0.0)
        secrets, good = secrets_of(path), path.read_bytes()
        if how == "damaged":
            path.write_bytes(good[:-5])
        elif how == "open":
            path.chmod(0o644)
        elif how == "open folder":
            path.parent.chmod(0o720)
        else:
            path.rename(path.with_name("moved"))
        with caplog.at_level(logging.DEBUG, "ocefs.keyring"):
            assert all(watch.current(float(second)) is old for second in range(2, 9))
        assert len(caplog.records) == 1
        shown = str(vars(caplog.records[0])) + caplog.text
        assert str(path.parent if how == "open folder" else path) in shown
        assert not [secret for secret in secrets if secret in shown]
        self._mended(path, good, how)
        kid = rotate(path, NOW_MS)
        assert watch.current(20.0).signing_kid == kid
        path.write_bytes(b"")
        assert watch.current(30.0).signing_kid == kid
        assert len(caplog.records) == 2  # a later fault is told again

    def _mended(self, path: Path, good: bytes, how: str) -> None:
        if how == "damaged":
            path.write_bytes(good)
        elif how == "open":
            path.chmod(0o600)
        elif how == "open folder":
            path.parent.chmod(0o700)
        else:
            path.with_name("moved").rename(path)

    def test_what_is_wrong_is_told_at_each_look_or_not_when_it_changes(self, path):
        watch, told = KeyringWatch(path), []
        watch.told = lambda before, after: told.append((before, after))
        good, seconds = path.read_bytes(), iter(range(2, 900, 2))

        def look() -> None:
            for _ in range(3):
                watch.current(float(next(seconds)))

        look()
        path.chmod(0o640)
        look()
        path.chmod(0o600)
        path.write_bytes(good[:-5])
        look()
        path.rename(path.with_name("moved"))
        look()
        path.with_name("moved").rename(path)
        path.write_bytes(good)
        look()
        steps = ["", "open_permissions", "damaged", "missing", ""]
        assert told == list(pairwise(steps))

    def test_a_watch_holds_keys_and_shows_none(self, path):
        watch = KeyringWatch(path)
        text = repr(watch) + repr(vars(watch))
        assert isinstance(watch.current(0.0), Keyring)
        assert not [secret for secret in secrets_of(path) if secret in text]
