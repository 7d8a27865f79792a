"""The file of the cell's own keys: what is in it, and how it is read, checked and replaced. What the keys are for, and
when they change, is in `keyring.py`.

It is written as a whole beside the one that is there, is on disk before it takes its place, and is read by nobody while
others than its owner could read it or put another in its place. Nothing here prints or logs a key: errors tell of the
file, and no `repr` shows a field.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

KEY_BYTES = 32
FILE_BYTES_MAX = 65_536
SIGNING_KEYS_MAX = 64
# A new one each month for twenty years.
SEALING_KEYS_MAX = 256
VERSION = 1
_SEALING_ID_MAX = 65_535
_RESTORE = "restore it from a backup: without it nobody can sign in, and what it sealed can't be read"
_OPEN_TO_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class KeyringError(Exception):
    """The key file can't be used. Says what is wrong with which file, and what to do about it; never what is in it.
    `code`: the same for the audit, which names no file."""

    def __init__(self, problem: str, next_step: str, code: str = "unusable") -> None:
        super().__init__(f"{problem}\n  Next: {next_step}")
        self.problem = problem
        self.next_step = next_step
        self.code = code


class _Silent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the file. Neither `repr` nor rich shows its fields."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []


class Signing(_Silent, frozen=True):
    """`private`: the key's 32 bytes (RFC 8032). `made_at`, `retired_at`: milliseconds UTC since 1970."""

    kid: str
    private: bytes
    made_at: int
    retired_at: int | None = None


class Sealing(_Silent, frozen=True):
    id: int
    key: bytes


class KeyFile(_Silent, frozen=True):
    version: int
    signing: list[Signing]
    sealing: list[Sealing]
    lookup: bytes
    # A file from before there were data keys has none: see `rotate_wrapping`.
    wrapping: list[Sealing] = []


def read(path: Path) -> KeyFile:
    try:
        # Opening a pipe would wait for somebody who writes to it, and the replica with it.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            found = os.fstat(file.fileno())
            _check_rights(path, found.st_mode, os.stat(path.parent).st_mode)
            packed = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise unreadable(path, error) from None
    try:
        if len(packed) > FILE_BYTES_MAX:
            raise ValueError(f"more than {FILE_BYTES_MAX} bytes")
        decoded = msgspec.json.decode(packed, type=KeyFile)
        _check_content(decoded)
    except ValueError as error:  # msgspec's errors name the place, not the value
        raise KeyringError(f"{path} is damaged: {error}", _RESTORE, "damaged") from None
    return decoded


def _check_rights(path: Path, mode: int, folder_mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise KeyringError(f"{path} is not a file", "name the cell's key file", "no_file")
    if mode & _OPEN_TO_OTHERS:
        raise KeyringError(
            f"{path} has open permissions ({stat.S_IMODE(mode):04o}): others than its owner may use the cell's keys",
            f"chmod 600 {path}; if others may have read it: python -m cells rotate-keys <region> --compromised",
            "open_permissions",
        )
    if folder_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise KeyringError(
            f"{path.parent} has open permissions ({stat.S_IMODE(folder_mode):04o}): others may replace the cell's keys",
            f"chmod 700 {path.parent}",
            "open_folder",
        )


def _check_content(file: KeyFile) -> None:
    """Raises ValueError."""
    if file.version != VERSION:
        raise ValueError(f"version {file.version}, and this program knows {VERSION}")
    if not file.signing or not file.sealing:
        raise ValueError("a signing key or a sealing key is missing")
    for most, held, use in (
        (SIGNING_KEYS_MAX, file.signing, "signing"),
        (SEALING_KEYS_MAX, file.sealing, "sealing"),
    ):
        if len(held) > most:
            raise ValueError(f"more than {most} {use} keys")
    if [key.retired_at is None for key in file.signing] != [True] + [False] * (len(file.signing) - 1):
        raise ValueError("the first signing key, and only that, must not be retired")
    if len({key.kid for key in file.signing}) != len(file.signing) or not all(key.kid for key in file.signing):
        raise ValueError("signing keys need ids of their own")
    for kind, listed in (("sealing", file.sealing), ("wrapping", file.wrapping)):
        ids = [key.id for key in listed]
        if len(set(ids)) != len(ids) or not all(0 < number <= _SEALING_ID_MAX for number in ids):
            raise ValueError(f"{kind} keys need ids of their own, 1 to {_SEALING_ID_MAX}")
    keys = [file.lookup, *(key.private for key in file.signing), *(key.key for key in (*file.sealing, *file.wrapping))]
    if any(len(key) != KEY_BYTES for key in keys):
        raise ValueError(f"a key has not {KEY_BYTES} bytes")


def unreadable(path: Path, error: OSError) -> KeyringError:
    if isinstance(error, FileNotFoundError):
        return KeyringError(
            f"{path} is missing: the cell has no keys", f"{_RESTORE}; a new cell makes one when it starts", "missing"
        )
    return KeyringError(
        f"{path} can't be read: {error.strerror}", "let the cell's user own and read it (0600)", "unreadable"
    )


@contextlib.contextmanager
def written(path: Path, file: KeyFile) -> Iterator[Path]:
    """A fresh file (0600) beside `path` that is on disk, for the block to put in place."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with open(fresh, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as out:
            out.write(msgspec.json.format(msgspec.json.encode(file), indent=1))
            out.flush()
            os.fsync(out.fileno())
        yield fresh
    finally:
        fresh.unlink(missing_ok=True)


def replace(path: Path, file: KeyFile) -> None:
    with written(path, file) as fresh:
        fresh.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """A name in a folder is on disk once the folder is."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One rotation at a time on this machine, or the key of one of two would be lost while it signs."""
    try:
        number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise unreadable(folder, error) from None
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)
