"""Page cursors: where the next page begins, signed, so that a cursor that was tampered with
is refused and not followed.

A cursor belongs to one list with its filters (`scope`): with other filters it is refused too. It carries no personal
data: the scope is only signed, never part of the text.
"""

from __future__ import annotations

import base64
import binascii
import hmac

from serve.problems import Problem

_SIGNATURE_BYTES = 12
CURSOR_CHARS_MAX = 512


class Cursors:
    """Seals and opens cursors with the cell's key, which all replicas share."""

    def __init__(self, key: bytes) -> None:
        if len(key) < 16:
            raise ValueError("the key of page cursors needs at least 16 bytes")
        self._key = key

    def seal(self, scope: str, position: str) -> str:
        """The cursor for the page after `position`."""
        payload = position.encode()
        return self._text(self._sign(scope, payload) + payload)

    def open(self, scope: str, cursor: str | None) -> str | None:
        """The position; None for the first page. Raises Problem `cursor.invalid`."""
        if cursor is None:
            return None
        try:
            if len(cursor) > CURSOR_CHARS_MAX or not cursor.isascii():
                raise ValueError("no cursor of ours")
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            if self._text(raw) != cursor:
                raise ValueError("another spelling")
            signature, payload = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
            if not hmac.compare_digest(signature, self._sign(scope, payload)):
                raise ValueError("wrong signature")
            return payload.decode()
        except (ValueError, binascii.Error):
            detail = "The cursor is not one that this list gave out with these filters; begin without one."
            raise Problem("cursor.invalid", detail, errors=[{"parameter": "cursor", "detail": detail}]) from None

    @staticmethod
    def _text(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    def _sign(self, scope: str, payload: bytes) -> bytes:
        return hmac.digest(self._key, scope.encode() + b"\0" + payload, "sha256")[:_SIGNATURE_BYTES]
