"""`POST /v1/notices/{notice_id}/sent`: the program that delivers notices says that it has."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from actors.domain.ids import NOTICE_PATTERN, is_of
from actors.domain.notice import MarkSent, NoticeView
from serve.context import ENTITY_ID
from serve.identity.desk import Desk
from serve.openapi import documented
from serve.problems import Problem
from serve.responses import ok

NoticeId = Annotated[str, Path(max_length=64, description="e.g. us-notice-01kah2v3nq7h3k2m9qk4t1x0ab")]


def router(desk: Desk) -> APIRouter:
    """The route."""
    api = APIRouter(tags=["notices"])

    @api.post(
        "/v1/notices/{notice_id}/sent",
        summary="Say that a notice is delivered",
        **documented(NoticeView, problems=(401, 403, 404, 422)),
    )
    async def sent(notice_id: NoticeId, request: Request) -> Response:
        """Its address and content are forgotten. To say it twice changes nothing."""
        request.scope[ENTITY_ID] = notice_id
        if not is_of(notice_id, NOTICE_PATTERN, desk.region):
            raise Problem("notice.unknown", "There is no such notice.")
        return ok(await desk.ask("notice", notice_id, MarkSent(), request.scope, NoticeView))

    return api
