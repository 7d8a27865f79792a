"""`POST /v1/audit/keeper-acts`: what a cell's keeper met or did by itself stands in the audit: a start that a key file
refused, a month that was dropped.

It came about when nothing took lines, or where nothing could; the keeper has kept it (`cells/untold.py`) and says it as
soon as the cell serves. So a line says in `at` when it was, and the keeper says each under a key of its own: said
again, it stands there once.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Request
from msgspec import Meta
from starlette.responses import Response

from actors.domain.audit import Act, Changes, Who
from actors.domain.times import moment
from serve.limits import END, EXACT_MAX
from serve.openapi import documented
from serve.requests import decode
from serve.services import Services

# cell.start: was refused; audit.drop: a month is gone; audit.retain: a month is kept by a legal
# hold, though its time is over.
Action = Literal["cell.start", "audit.drop", "audit.retain"]
_YEAR_9999_MS = 253_402_300_799_999


class KeeperAct(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body. at_ms: when it was (UTC); outcome: "" when it was done, else why not; what: a file's name without its
    folder, or a month; lines: how many went with it; times: how often, where it is not told one by one."""

    action: Action
    at_ms: Annotated[int, Meta(ge=0, le=_YEAR_9999_MS)]
    outcome: Annotated[str, Meta(max_length=64, pattern=r"^[a-z0-9_.]*" + END)] = ""
    what: Annotated[str, Meta(max_length=64, pattern=r"^[A-Za-z0-9_.-]*" + END)] = ""
    lines: Annotated[int, Meta(ge=0, le=EXACT_MAX)] | None = None
    times: Annotated[int, Meta(ge=1, le=EXACT_MAX)] | None = None


_decoder = msgspec.json.Decoder(KeeperAct)
_EXAMPLE = {"action": "audit.drop", "at_ms": 1_767_225_600_000, "what": "2022-12", "lines": 1_204_311}


def router(services: Services) -> APIRouter:
    """The route."""
    api = APIRouter(tags=["audit"])
    who = Who(f"{services.settings.region}-keeper")

    @api.post(
        "/v1/audit/keeper-acts",
        summary="Write down what the cell's keeper met or did",
        **documented(None, status=204, request=KeeperAct, request_example=_EXAMPLE, problems=(401, 403)),
    )
    async def noted(request: Request) -> Response:
        """By the keeper of the cell. Answered when the line is durable."""
        scope = request.scope
        write = await services.bodies.read(scope, request.receive)
        sent = decode(_decoder, write.body)
        await services.trail.said(scope, who, Act(sent.action, "", "", _changes(sent)), sent.outcome, write)
        return Response(status_code=204)

    return api


def _changes(sent: KeeperAct) -> Changes:
    told: Changes = {"at": (None, moment(sent.at_ms).isoformat(timespec="seconds"))}
    if sent.what:
        told["what"] = (None, sent.what)
    for name, number in (("lines", sent.lines), ("times", sent.times)):
        if number is not None:
            told[name] = (None, number)
    return told
