"""`POST /v1/order-actions`: hold, release, cancel or prioritise what a filter finds.

    filter ──read model, a moment behind──▶ candidates ──by location: each order itself──▶ found ──dry_run──▶ told
                                                                                         └─claimed─▶ one command each, told one by one

Not below `/v1/orders/`: the router reads a region from the id that stands there.

What was found is remembered with the call's key (`claim.py`): a call that is repeated is for the same orders, and gets
the first answers again. Each order judges by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Request
from msgspec import Meta
from starlette.responses import Response

from actors.domain import claim
from actors.domain.ids import claim_id, first_order_id
from actors.domain.order_commands import UpdateOrder
from actors.domain.order_state import OVER, OrderStatus
from actors.domain.order_terms_commands import HoldOrder, PrioritiseOrder, ReleaseOrder
from actors.domain.order_terms_state import HoldKind
from actors.domain.order_views import ViewOrder
from actors.runtime.wire import OK
from serve.callers import check_reaches, reach_of
from serve.context import ENTITY_ID, REQUEST_ID, WHO, Scope
from serve.freshness import from_store
from serve.gateway import Ask
from serve.judging import carried
from serve.limits import ITEMS_MAX
from serve.moments import Moment, ms_of
from serve.openapi import ProblemBody, documented
from serve.orders.hold_notes import may_tell
from serve.orders.holding import HOLDING, check_plain, holding
from serve.orders.private import PrivateOrders
from serve.orders.schemas import OrderUpdateResult
from serve.orders.step_rights import check_step
from serve.orders.terms_schemas import HoldDetails, Priority
from serve.problems import Problem, field_problem, of_refusal
from serve.regions import Territory
from serve.replies import body_of
from serve.requests import Write, decode
from serve.responses import ok
from serve.services import Services

# So many orders are looked at; what more there may be is told as `more`.
SCANNED_MAX = 5_000
_PAGE, _VIEWS = 500, 50
LocationId = Annotated[str, Meta(min_length=1, max_length=80)]


class BulkFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """All that is given has to be so; orders that are shipped or over are never meant. `held`: for that reason, or
    `any`; `location_id`: some of it is served from there."""

    status: OrderStatus | None = None
    held: Literal[HoldKind, "any"] | None = None
    location_id: LocationId | None = None
    placed_before: Moment | None = None


class BulkAction(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The body. With `dry_run` it is only told what would be meant; `limit`: of how many at most."""

    filter: BulkFilter
    update: Literal["hold", "release", "prioritise", "cancel"]
    hold: HoldDetails | None = None
    priority: Priority | None = None
    dry_run: bool = False
    limit: Annotated[int, Meta(ge=1, le=ITEMS_MAX)] = ITEMS_MAX


class BulkResults(msgspec.Struct, frozen=True):
    """`matched`: how many orders were found, oldest of the newest last; `more`: there are, or may be, others.
    `results`: of each what came of it; of a dry run only which it would be."""

    matched: int
    dry_run: bool
    more: bool
    results: list[OrderUpdateResult] = []


class _Place(msgspec.Struct):
    location_id: str
    status: str


class _Places(msgspec.Struct):
    fulfilments: list[_Place]


_decoder = msgspec.json.Decoder(BulkAction)
_places_decoder = msgspec.json.Decoder(_Places)
_taken_decoder = msgspec.json.Decoder(claim.TakenReply)
_result_decoder = msgspec.json.Decoder(OrderUpdateResult)
_ASKED = {
    "filter": {"held": "fraud", "placed_before": "2026-03-01T12:00:00Z"}, "update": "release",
    "hold": {"reasons": ["fraud"], "note": "batch 17 is good"}, "dry_run": False,
}  # fmt: skip
_TOLD = {
    "matched": 1, "dry_run": False, "more": False,
    "results": [{"order_id": "us-01kah2v3nq7h3k2m9qk4t1x0ab", "version": 6, "status": "allocated"}],
}  # fmt: skip
_Command = UpdateOrder | HoldOrder | ReleaseOrder | PrioritiseOrder


def router(services: Services, territory: Territory, private: PrivateOrders) -> APIRouter:
    """The route with its services."""
    api = APIRouter(tags=["orders"])

    @api.post(
        "/v1/order-actions",
        summary="Hold, release, cancel or prioritise many orders",
        **documented(BulkResults, request=BulkAction, request_example=_ASKED, problems=(401, 403, 421), example=_TOLD),
    )
    async def bulk(request: Request) -> Response:
        """Of at most 1,000 orders that a filter finds in the read model, newest first. Each is told as if it had been
        asked alone. Whose rights end at locations has to name one of them."""
        write = await services.bodies.read(request.scope, request.receive)
        sent, scope = decode(_decoder, write.body), request.scope
        command = _command(services, sent, scope)
        _check_filter(territory, sent.filter, scope)
        found, more = await _found(services, sent, scope[REQUEST_ID])
        if sent.dry_run:
            return ok(BulkResults(len(found), True, more, [OrderUpdateResult(order_id) for order_id in found]))
        if may_tell(write.body):
            # What is remembered of a note must not confirm a guess.
            write = write._replace(digest=private.digest(write.body, write.digest))
        results = await _done(services, private, found, command, write, scope)
        return ok(BulkResults(len(results), False, more, results))

    return api


def _command(services: Services, sent: BulkAction, scope: Scope) -> _Command:
    """Raises Problem 403, 422."""
    within = reach_of(scope)
    if sent.update in HOLDING:
        return holding(sent, "", scope, within, services.clock.now_ms())
    check_plain(sent, "")
    check_step(scope, "cancel")
    return UpdateOrder("cancel", within=within)


def _check_filter(territory: Territory, wanted: BulkFilter, scope: Scope) -> None:
    """Raises Problem 403, 421, 422."""
    if wanted == BulkFilter():
        raise field_problem("bulk.filter_required", "Say which orders are meant: all of them never are.", "/filter")
    if wanted.status in OVER:
        raise field_problem(
            "bulk.filter_over", f"Nothing can be done about orders that are {wanted.status}.", "/filter/status"
        )
    if wanted.location_id is not None:
        territory.check_location(wanted.location_id)
        check_reaches(scope, wanted.location_id)
    elif reach_of(scope):
        raise field_problem("bulk.location_required", "Your rights end at locations: name one.", "/filter/location_id")


async def _found(services: Services, sent: BulkAction, cause: str) -> tuple[list[str], bool]:
    """(ids of what the filter finds, newest first; may there be more?). Raises Problem 503."""
    wanted, found = sent.filter, list[str]()
    before_ms = None if wanted.placed_before is None else ms_of(wanted.placed_before, "/filter/placed_before")
    # Ids begin with the time of the placement: nothing newer is looked at.
    before = None if before_ms is None else first_order_id(services.settings.region, before_ms)
    for _ in range(SCANNED_MAX // _PAGE):
        asked = services.read_model.orders(
            customer_ref=None, status=wanted.status, before=before, limit=_PAGE, held=wanted.held, placed_before_ms=before_ms
        )  # fmt: skip
        page = await from_store(asked)
        open_ = [one.order_id for one in page if one.status not in OVER]
        if wanted.location_id is not None:
            open_ = await _at(services, open_, wanted.location_id, cause)
        found += open_
        if len(found) > sent.limit or len(page) < _PAGE:
            return found[: sent.limit], len(found) > sent.limit
        before = page[-1].order_id
    return found[: sent.limit], True


async def _at(services: Services, order_ids: Sequence[str], location_id: str, cause: str) -> list[str]:
    """Those of which some is served from there, as they say themselves."""

    async def there(order_id: str) -> bool:
        reply = await services.gateway.view("order", order_id, ViewOrder(order_id), cause=cause)
        places = _places_decoder.decode(body_of(reply)).fulfilments
        return any(one.location_id == location_id and one.status != "cancelled" for one in places)

    kept = []
    for first in range(0, len(order_ids), _VIEWS):
        some = order_ids[first : first + _VIEWS]
        told = await asyncio.gather(*(there(order_id) for order_id in some))
        kept += [order_id for order_id, is_there in zip(some, told, strict=True) if is_there]
    return kept


async def _done(
    services: Services, private: PrivateOrders, found: list[str], command: _Command, write: Write, scope: Scope
) -> list[OrderUpdateResult]:
    cause = scope[REQUEST_ID]
    claimed = await services.gateway.ask(
        "claim", claim_id(services.settings.region, write.key), claim.Take(len(found), found),
        command_id=write.key, digest=write.digest, cause=cause,
    )  # fmt: skip
    if claimed.status != OK:
        raise of_refusal(claimed)
    names = _taken_decoder.decode(claimed.body).names
    asks: list[Ask] = []
    failed: dict[str, Problem] = {}
    kept = await private.notes.kept_many([(name, command) for name in names], cause)
    for position, (name, one) in enumerate(zip(names, kept, strict=True)):
        try:
            refused = carried(one) if isinstance(one, Problem) else b""
        except Problem as problem:
            failed[name] = problem
            continue
        to_do = None if isinstance(one, Problem) else one
        asks.append(Ask("order", name, to_do, f"{write.key}/{position}", write.digest, refused=refused))
    replies = await services.gateway.ask_many(asks, cause=cause, who=scope.get(WHO)) if asks else []
    done: dict[str, OrderUpdateResult] = {}
    for ask, reply in zip(asks, replies, strict=True):
        if reply.status == OK:
            done[ask.entity_id] = _result_decoder.decode(reply.body)
        else:
            failed[ask.entity_id] = of_refusal(reply)
    return [done[name] if name in done else _failed(services, name, failed[name], scope) for name in names]


def _failed(services: Services, order_id: str, problem: Problem, scope: Scope) -> OrderUpdateResult:
    services.metrics.refused(problem.code)
    scope[ENTITY_ID] = order_id
    services.trail.refused(scope, problem, "POST /v1/order-actions")
    return OrderUpdateResult(order_id, error=msgspec.convert(problem.members(scope[REQUEST_ID]), ProblemBody))
