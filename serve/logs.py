"""The API's log. What it says carries the request's id and the entity's; never a customer's
reference, an address or a body.

How lines are written is the process's matter (`actors/logs.py`): an entity's id comes from a path, so it is there that
a card's number in it is masked. Requests that go well are counted (`metrics.py`), not logged.
"""

from __future__ import annotations

import structlog

from serve.context import ENTITY_ID, REQUEST_ID, Scope

_log = structlog.get_logger("ocefs.serve")


def crashed(scope: Scope) -> None:
    """A handler raised what it should not have; to be called while that is being handled."""
    _log.exception("a handler crashed", request_id=scope[REQUEST_ID], entity_id=scope.get(ENTITY_ID, ""))
