"""The region's key after it was moved out of the key file: another port wraps, and what the key file wrapped
opens until it is wrapped anew.

`python -m cells rotate-keys <region> --wrapping` wraps all of it anew; the key file's own
wrapping keys are dropped then.
"""

from __future__ import annotations

from serve.keys.file_key import FileKey
from serve.keys.remote_key import RemoteKey

_OF_FILE = "file:"


class Moved:
    """`RegionKey`: `to` wraps and opens, `before` opens what it wrapped once."""

    def __init__(self, to: RemoteKey, before: FileKey) -> None:
        self._to = to
        self._before = before

    def __repr__(self) -> str:
        return f"<Moved to {self._to!r}>"

    def wrapping(self) -> str:
        """See RegionKey."""
        return self._to.wrapping()

    async def learn(self) -> None:
        """See RegionKey."""
        await self._to.learn()

    async def wrap(self, key: bytes, place: str) -> tuple[bytes, str]:
        """See RegionKey."""
        return await self._to.wrap(key, place)

    async def unwrap(self, wrapped: bytes, wrapping: str, place: str) -> bytes:
        """See RegionKey."""
        by = self._before if wrapping.startswith(_OF_FILE) else self._to
        return await by.unwrap(wrapped, wrapping, place)
