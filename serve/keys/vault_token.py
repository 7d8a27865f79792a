"""The token that Vault asks for: from a file that somebody else keeps fresh (Vault's agent, an operator),
or from the environment."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from serve.keys.remote_key import KeyRefused

TOKEN_BYTES_MAX = 8192
log = logging.getLogger("ocefs.keys")


class VaultToken:
    """Neither `repr` nor an error shows it. `path`: of the file, or "" to take the environment's `variable`."""

    def __init__(self, path: str, variable: str) -> None:
        self._path = path
        self._variable = variable
        self._seen: tuple[int, int, int] | None = None
        self._token = ""

    def __repr__(self) -> str:
        return f"<VaultToken of {self._path or self._variable}>"

    def current(self) -> str:
        """The token; the file is read again when it has changed. One that can't be used any more leaves the last good
        one. Raises KeyRefused."""
        if not self._path:
            return _checked(os.environ.get(self._variable, ""), f"the variable {self._variable}")
        try:
            self._look()
        except KeyRefused as fault:
            if not self._token:
                raise
            log.warning("keys.token_kept", extra={"problem": str(fault)})
        return self._token

    def _look(self) -> None:
        try:
            found = os.stat(self._path)
            mark = found.st_ino, found.st_mtime_ns, found.st_ctime_ns
            if mark == self._seen:
                return
            if found.st_mode & 0o077:
                raise KeyRefused(f"the token file {self._path} may be read by others: chmod 600")
            if found.st_size > TOKEN_BYTES_MAX:
                raise KeyRefused(f"the token file {self._path} holds more than a token")
            text = Path(self._path).read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise KeyRefused(f"the token file {self._path} can't be read: {error.strerror}") from None
        self._token = _checked(text, f"the token file {self._path}")
        self._seen = mark


def _checked(text: str, where: str) -> str:
    token = text.strip()
    if not token:
        raise KeyRefused(f"{where} holds no token")
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise KeyRefused(f"{where} holds something that is no token")
    return token
