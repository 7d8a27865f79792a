"""What tests of accounts, machines and tokens share."""

from __future__ import annotations

import pytest

from serve.devices import signing_in
from serve.identity import sessions


def refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refusals come as soon as they are decided; that they all come at one time is tested by itself."""
    for module in (sessions, signing_in):
        monkeypatch.setattr(module, "REFUSAL_S", 0.0)
    monkeypatch.setattr(sessions, "REFUSAL_AFTER_HASH_S", 0.0)
