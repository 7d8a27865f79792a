"""`POST /v1/data-keys/rewraps`: after the region's key was rotated, data keys are wrapped anew, some with each
call, while orders go on."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Request
from msgspec import Meta
from starlette.responses import Response

from serve.context import REQUEST_ID, WHO
from serve.freshness import as_of, from_store
from serve.keys.data_keys import DataKeys, Rewrapping
from serve.openapi import documented
from serve.requests import decode
from serve.responses import ok
from serve.services import Services

REWRAPS_MAX = 500
_AT_ONCE = 50
# Of many that can't be opened, an answer names so many.
_TOLD_MAX = 20


class Rewraps(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body: how many at most, past which key's id."""

    limit: Annotated[int, Meta(ge=1, le=REWRAPS_MAX)] = REWRAPS_MAX
    after: Annotated[str, Meta(max_length=64)] = ""


class Rewrapped(msgspec.Struct, frozen=True):
    """`wrapping`: what wraps them now. `next_after`: where to go on, null when there were no more. `as_of`: what was
    acknowledged before that was looked at; null while that is not known. `found`: how many another key wraps, as the
    read model has it; of these `unreadable` can't be opened with the keys that the cell has, and
    `unreadable_ids` names the first."""

    wrapping: str
    rewrapped: int
    next_after: str | None
    as_of: datetime | None
    found: int
    unreadable: int
    unreadable_ids: list[str]


_decoder = msgspec.json.Decoder(Rewraps)


def router(services: Services, keys: DataKeys) -> APIRouter:
    """The route."""
    api = APIRouter(tags=["keys"])

    @api.post(
        "/v1/data-keys/rewraps",
        summary="Wrap data keys by the region's present key",
        **documented(Rewrapped, request=Rewraps, request_example={"limit": 500}, problems=(401, 403)),
    )
    async def rewrapped(request: Request) -> Response:
        """Those that another key wraps, in the order of their ids; from the read model, which is a moment behind
        (`as_of`). To do it twice changes nothing, and one that can't be opened does not hold up the others. What a
        rotation is for ends when nothing is found as of a moment after it and the old key is dropped."""
        scope = request.scope
        write = await services.bodies.read(scope, request.receive)
        sent = decode(_decoder, write.body)
        wrapping, fresh = await keys.wrapping(), as_of(services)
        found = await from_store(services.read_model.wrapped_otherwise(wrapping, sent.after, sent.limit))
        outcomes: list[Rewrapping] = []
        for first in range(0, len(found), _AT_ONCE):
            some = found[first : first + _AT_ONCE]
            outcomes += await asyncio.gather(
                *(keys.rewrap(key_id, scope[REQUEST_ID], scope.get(WHO)) for key_id in some)
            )
        unreadable = [key_id for key_id, outcome in zip(found, outcomes, strict=True) if outcome == "unreadable"]
        return ok(
            Rewrapped(
                wrapping, outcomes.count("done"), found[-1] if len(found) == sent.limit else None, fresh,
                len(found), len(unreadable), unreadable[:_TOLD_MAX],
            )
        )  # fmt: skip

    return api
