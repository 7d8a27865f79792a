"""What a replica judges a write by before it asks the entity, and how that goes along.

The time, the catalogue, stock, policies, other entities: all that may be otherwise when a caller who lost the answer
sends the same call again. What was done is to be answered then as it was, though nobody might do it now. So what is
found wrong does not end the call here: it goes to the entity in the command's place, whose memory of commands answers
first. One that was not done is refused with just that, and changes nothing.

What is wrong with a body at any time is refused where it is read (`requests.decode`), and so is an id that can't be one
of ours. What goes along is remembered as any refusal where the entity exists, so it tells of no person.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

import msgspec

from actors.domain.errors import RefusalBody
from serve.problems import Problem

_T = TypeVar("_T")
# Not who the caller is and what he may: who lost a right is not told what he once did by it. Nor that there is too much
# to do, or something away: an entity would remember it.
_GOES_ALONG = frozenset({404, 409, 422})
# The catalogue takes no SKU away: who named one that it lacks was not taken before, and may well be tomorrow.
_STAYS = "sku.unknown"
_encode = msgspec.json.Encoder().encode


async def judged(making: Awaitable[_T]) -> tuple[_T | None, bytes]:
    """(the command, b""), or (None, what was found wrong with it) for `Gateway.ask`. Raises
    Problem as `carried` does."""
    try:
        return await making, b""
    except Problem as problem:
        return None, carried(problem)


def carried(problem: Problem) -> bytes:
    """The problem as `refused` of `Gateway.ask`; `problems.of_refusal` makes the same problem of it again. Raises the
    problem itself when the memory of commands must not be asked."""
    if problem.status not in _GOES_ALONG or problem.code == _STAYS:
        raise problem
    places = {"errors": problem.errors} if problem.errors else {}
    return _encode(RefusalBody(problem.code, problem.detail, places | problem.extra))
