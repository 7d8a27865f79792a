"""`POST /v1/audit/operator-acts`: what an operator did on the cell's own machine, beside the API,
stands in the audit as well.

His commands say it themselves (`cells/operators.py`), by a token that they sign with the cell's key file: as that
machine's client, since who sits at it is nothing that a cell can know. Whoever may read the key file could do it
without a word; this is for those who have nothing to hide, and its absence is what an auditor asks about.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Request
from msgspec import Meta
from starlette.responses import Response

from actors.domain.audit import Act
from serve.limits import END
from serve.openapi import documented
from serve.requests import decode
from serve.services import Services

Action = Literal[
    "keys.rotate", "keys.rotate_compromised", "keys.rotate_sealing", "keys.rotate_wrapping", "token.give", "audit.hold", "audit.lift", "audit.prune"
]  # fmt: skip


class OperatorAct(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body. `what`: the key's id, or the hold's name; a word, and never free text, since
    nothing can be erased here."""

    action: Action
    what: Annotated[str, Meta(max_length=64, pattern=r"^[a-z0-9:.-]*" + END)] = ""


_decoder = msgspec.json.Decoder(OperatorAct)
_EXAMPLE = {"action": "keys.rotate", "what": "k-0123456789abcdef"}


def router(services: Services) -> APIRouter:
    """The route."""
    api = APIRouter(tags=["audit"])

    @api.post(
        "/v1/audit/operator-acts",
        summary="Write down what an operator did",
        **documented(None, status=204, body=OperatorAct, request_example=_EXAMPLE, problems=(401, 403)),
    )
    async def noted(request: Request) -> Response:
        """By the commands of `python -m cells`, once it is done. Answered when the line is durable; said
        twice, it stands there twice."""
        scope = request.scope
        write = await services.bodies.read(scope, request.receive, keyed=False)
        sent = decode(_decoder, write.body)
        await services.trail.acted(scope, Act(sent.action, "", "", {"what": (None, sent.what)} if sent.what else {}))
        return Response(status_code=204)

    return api
