"""What happens to a collection: found, ready, proved, handed over, kept for longer, given back; and
its customer who is here."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from actors.domain.collection_commands import (
    Command,
    EndCollection,
    ExtendCollection,
    HandOver,
    LocateUnits,
    MakeReady,
    VerifyCode,
    VerifyIdentity,
)
from actors.domain.times import DAY_MS
from serve.callers import reach_of
from serve.collections import examples
from serve.collections.calls import CollectionCalls, CollectionId, told, units_of
from serve.collections.schemas import (
    CodeGiven,
    CollectionAnswer,
    CollectionEnd,
    Extension,
    HandedOver,
    IdentityCheck,
    Located,
    NewlyReady,
)
from serve.collections.telling import Tellers, log_told
from serve.customers.codes import plain
from serve.openapi import documented
from serve.problems import Problem
from serve.requests import Write
from serve.responses import ok

_PROBLEMS = (401, 403, 404, 409, 421)
_located_decoder = msgspec.json.Decoder(Located)
_ready_decoder = msgspec.json.Decoder(NewlyReady)
_code_decoder = msgspec.json.Decoder(CodeGiven)
_identity_decoder = msgspec.json.Decoder(IdentityCheck)
_handed_decoder = msgspec.json.Decoder(HandedOver)
_extension_decoder = msgspec.json.Decoder(Extension)
_end_decoder = msgspec.json.Decoder(CollectionEnd)


async def _done(calls: CollectionCalls, name: str, request: Request, command: Command, write: Write) -> Response:
    return ok(told(await calls.ask(name, request, command, write)))


def add(api: APIRouter, calls: CollectionCalls, tellers: Tellers) -> None:
    """The routes."""
    _add_making_ready(api, calls, tellers)
    _add_proving(api, calls, tellers)
    _add_ends(api, calls, tellers)


def _add_making_ready(api: APIRouter, calls: CollectionCalls, tellers: Tellers) -> None:
    bodies, clock = calls.services.bodies, calls.services.clock

    @api.post(
        "/v1/collections/{collection_id}/located",
        summary="Tell what of a collection was found, and what is missing",
        **documented(CollectionAnswer, request=Located, request_example=examples.LOCATED, problems=_PROBLEMS, example=examples.ANSWER),
    )  # fmt: skip
    async def located(collection_id: CollectionId, request: Request) -> Response:
        """By scan, as often as it takes. What is missing leaves the books of the store, and the order is backordered
        for it; what the store's floor picks, the floor tells."""
        write, sent = await bodies.document(request, _located_decoder)
        command = LocateUnits(units_of(sent.found), units_of(sent.missing), sent.shelf, reach_of(request.scope))
        return await _done(calls, collection_id, request, command, write)

    @api.post(
        "/v1/collections/{collection_id}/ready",
        summary="Say that a collection is ready",
        **documented(CollectionAnswer, request=NewlyReady, request_example={}, problems=_PROBLEMS, example=examples.READY),
    )  # fmt: skip
    async def ready(collection_id: CollectionId, request: Request) -> Response:
        """Once all of it is found. The customer is told, with a code, and until when it is kept. An order that was
        placed without an address has no code: then a manager looks at who it is."""
        write, _ = await bodies.document(request, _ready_decoder)
        view = await calls.view(collection_id, request)
        collect_by_ms = clock.now_ms() + calls.hold_days(view.location_id) * DAY_MS
        telling = await tellers.ready(view, write.key, collect_by_ms, request)
        command = MakeReady(telling.digest, collect_by_ms, telling.notices, reach_of(request.scope), telling.contact)
        answer = await calls.ask(collection_id, request, command, write)
        log_told(telling.lines)
        return ok(told(answer, telling.code))


def _add_proving(api: APIRouter, calls: CollectionCalls, tellers: Tellers) -> None:
    bodies = calls.services.bodies

    @api.post(
        "/v1/collections/{collection_id}/verification",
        summary="Prove by the code that the customer may have it",
        **documented(CollectionAnswer, request=CodeGiven, request_example={"code": "1234 5678"}, problems=_PROBLEMS, example=examples.VERIFIED),
    )  # fmt: skip
    async def verified(collection_id: CollectionId, request: Request) -> Response:
        """Good for 15 minutes. A wrong code is counted, and ends what was proved before; after five none is taken any
        more, and a manager has to look at who it is."""
        write, sent = await bodies.document(request, _code_decoder)
        calls.check_id(collection_id, request)
        # What is remembered of the body must not tell the code.
        digest = tellers.digest(collection_id, plain(sent.code))
        unreadable = write._replace(digest=int.from_bytes(digest[:8], "big") >> 1)
        view = await calls.ask(collection_id, request, VerifyCode(digest, reach_of(request.scope)), unreadable)
        if view.status == "ready" and not view.verified:
            problem = Problem("collection.code_wrong", "That is not its code.", extra={"tries_left": view.tries_left})
            problem.remembered = True
            raise problem
        return ok(told(view))

    @api.post(
        "/v1/collections/{collection_id}/identity-check",
        summary="Prove by looking at who it is that the customer may have it",
        **documented(CollectionAnswer, request=IdentityCheck, request_example={}, problems=_PROBLEMS, example=examples.VERIFIED),
    )  # fmt: skip
    async def identified(collection_id: CollectionId, request: Request) -> Response:
        """For who has lost the code, or tried too many: a manager's, and written into the audit."""
        write, _ = await bodies.document(request, _identity_decoder)
        return await _done(calls, collection_id, request, VerifyIdentity(reach_of(request.scope)), write)


def _add_ends(api: APIRouter, calls: CollectionCalls, tellers: Tellers) -> None:
    settings, bodies, clock = calls.services.settings, calls.services.bodies, calls.services.clock

    @api.post(
        "/v1/collections/{collection_id}/hand-over",
        summary="Hand a collection over to its customer",
        **documented(CollectionAnswer, request=HandedOver, request_example=examples.HANDED, problems=_PROBLEMS, example=examples.COLLECTED),
    )  # fmt: skip
    async def handed_over(collection_id: CollectionId, request: Request) -> Response:
        """What the customer leaves is the store's again. The order has the last word: hand nothing over while the
        answer is still `asking`."""
        write, sent = await bodies.document(request, _handed_decoder)
        return await _done(calls, collection_id, request, HandOver(units_of(sent.left), reach_of(request.scope)), write)

    @api.post(
        "/v1/collections/{collection_id}/extension",
        summary="Keep a collection for longer",
        **documented(CollectionAnswer, request=Extension, request_example={"days": 3}, problems=_PROBLEMS, example=examples.READY),
    )  # fmt: skip
    async def extended(collection_id: CollectionId, request: Request) -> Response:
        """From now on, up to the region's limit after it was ready; never shorter. The customer is
        reminded of the new date."""
        write, sent = await bodies.document(request, _extension_decoder)
        view = await calls.view(collection_id, request)
        collect_by_ms = clock.now_ms() + sent.days * DAY_MS
        telling = await tellers.extended(view, write.key, collect_by_ms, request)
        total_ms = max(settings.pickup_hold_max_days, calls.hold_days(view.location_id)) * DAY_MS
        command = ExtendCollection(collect_by_ms, total_ms, telling.notices, reach_of(request.scope), telling.contact)
        answer = await calls.ask(collection_id, request, command, write)
        if view.collect_by_ms is None or collect_by_ms > view.collect_by_ms:  # else all is as it was
            log_told(telling.lines)
        return ok(told(answer))

    @api.post(
        "/v1/collections/{collection_id}/end",
        summary="Keep a collection no longer",
        **documented(CollectionAnswer, request=CollectionEnd, request_example={"why": "left_behind"}, problems=_PROBLEMS, example=examples.ENDED),
    )  # fmt: skip
    async def ended(collection_id: CollectionId, request: Request) -> Response:
        """All of it goes back, and that part of the order is cancelled. One whose time is over ends by itself."""
        write, sent = await bodies.document(request, _end_decoder)
        command = EndCollection(sent.why, reach_of(request.scope))
        return await _done(calls, collection_id, request, command, write)
