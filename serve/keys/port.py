"""The port to the region's key, which wraps data keys and never leaves where it is kept.

A region has one of these: a file of the cell (`file_key.py`), AWS KMS or Vault's transit engine. Data keys are opened
once and then kept in memory for minutes (`data_keys.py`), so this may be slow.
"""

from __future__ import annotations

from typing import Protocol


class KeyUnavailable(Exception):
    """The region's key can't be reached at this moment; nothing was done."""


class KeyUnusable(Exception):
    """What is asked to be opened was not wrapped by this region's key for this place, or the key
    that wrapped it is gone."""


class RegionKey(Protocol):
    """Wraps and opens data keys. `place` is authenticated with them: a wrapped key that was moved does not open."""

    def wrapping(self) -> str:
        """The id of the key that wraps now; it changes when the region's key is rotated."""

    async def learn(self) -> None:
        """Looks at this moment what wraps now, for whoever can't wait until a rotation is
        noticed. Raises KeyUnavailable."""

    async def wrap(self, key: bytes, place: str) -> tuple[bytes, str]:
        """The key wrapped, and the id of what wrapped it. Raises KeyUnavailable."""

    async def unwrap(self, wrapped: bytes, wrapping: str, place: str) -> bytes:
        """The key. Raises KeyUnavailable, KeyUnusable."""
