"""Idempotency keys made from what a step is, never from chance or time: the same trace sent again sends the same keys.

Keys of steps of one order come from its reference and the step; keys of bodies that concern many orders (SKUs,
receipts, updates) from their content, so that another body never meets the key of this one.
"""

import hashlib

_PREFIX = "replay"
_SEPARATOR = b"\0"


def step_key(reference: str, step: str) -> str:
    """The key of one step of one order, e.g. `place` of `dataco:35315`. ASCII whatever the reference holds."""
    return _key(reference.encode(), step.encode())


def content_key(purpose: str, body: bytes) -> str:
    """The key of a body that concerns many orders; `purpose` holds the path, since two paths may take equal bodies."""
    return _key(purpose.encode(), body)


def _key(first: bytes, second: bytes) -> str:
    return f"{_PREFIX}-{hashlib.sha256(first + _SEPARATOR + second).hexdigest()[:40]}"
