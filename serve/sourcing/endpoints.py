"""`/v1/sourcing/policies`: from where orders are served. Replicas go by a change within a moment."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from actors.domain.ids import sourcing_policies_id
from actors.domain.sourcing_policies import (
    KEPT_MAX,
    PolicyTaken,
    PolicyVersion,
    PolicyVersions,
    SetPolicy,
    ViewPolicies,
    ViewVersions,
)
from actors.domain.times import moment
from serve.callers import check_reaches_all, subject_of
from serve.context import REQUEST_ID, WHO
from serve.openapi import documented
from serve.paging import Cursor
from serve.problems import field_problem
from serve.regions import Territory
from serve.replies import body_of
from serve.responses import ok
from serve.services import Services
from serve.sourcing.schemas import (
    PolicyChange,
    PolicyChannel,
    PolicyHistory,
    PolicyList,
    PolicyView,
    TakenPolicy,
)

ChannelInPath = Annotated[PolicyChannel, Path(description="`all`: of every channel that has no policy of its own")]
_change_decoder = msgspec.json.Decoder(PolicyChange)
_versions_decoder = msgspec.json.Decoder(PolicyVersions)
_taken_decoder = msgspec.json.Decoder(PolicyTaken)
_CHANGE = {
    "reason": "Peak season: small orders come from one place",
    "policy": {
        "currency": "USD",
        "rules": {"location_types": ["warehouse", "store"], "distance_max_km": 2500},
        "limits": {"places": 3, "by_value": [{"below_minor": 2000, "places": 1}]},
        "costs": {"split_minor": 450},
    },
}


def router(services: Services, territory: Territory) -> APIRouter:
    """The routes with their services."""
    api = APIRouter(tags=["sourcing"])
    policies = sourcing_policies_id(services.settings.region)

    async def told(query: ViewPolicies | ViewVersions, request: Request) -> PolicyVersions:
        reply = await services.gateway.view("sourcing_policies", policies, query, cause=request.scope[REQUEST_ID])
        return _versions_decoder.decode(body_of(reply))

    @api.get("/v1/sourcing/policies", summary="Sourcing policies", **documented(PolicyList))
    async def listed(request: Request) -> Response:
        """Those that hold, from their actor: every acknowledged change is in it. Before any is set it is the region's
        own, of its config or built in."""
        found = [_shown(one) for one in (await told(ViewPolicies(), request)).versions]
        if all(one.channel != "all" for one in found):
            found.insert(0, _own(services))
        return ok(PolicyList(found))

    @api.get(
        "/v1/sourcing/policies/{channel}/versions",
        summary="Earlier policies of a channel",
        **documented(PolicyHistory, problems=(400, 422)),
    )
    async def versions(
        channel: ChannelInPath,
        request: Request,
        cursor: Cursor = None,
        limit: Annotated[int, Query(ge=1, le=KEPT_MAX, description="how many at most")] = 20,
    ) -> Response:
        """Newest first, with who set each and why. The region's own policy is none of them."""
        scope = f"policies\0{channel}"
        before = services.cursors.open(scope, cursor) or "0"
        found = await told(ViewVersions(_known(channel), int(before), limit), request)
        more = services.cursors.seal(scope, str(found.versions[-1].policy.version)) if found.more else None
        return ok(PolicyHistory([_shown(one) for one in found.versions], more))

    @api.put(
        "/v1/sourcing/policies/{channel}",
        summary="Set the sourcing policy of a channel",
        **documented(TakenPolicy, request=PolicyChange, request_example=_CHANGE, problems=(403,)),
    )
    async def put(channel: ChannelInPath, request: Request) -> Response:
        """The whole of it, as a new version. Orders that are placed already keep their plan; decisions name the version
        by which they were made. A policy is the region's: rights that are bound to locations don't reach it."""
        check_reaches_all(request.scope, "A policy holds for the whole region, and your rights don't reach all of it.")
        write, sent = await services.bodies.document(request, _change_decoder)
        if not territory.accepts(sent.policy.currency):
            detail = f"{sent.policy.currency} is not accepted here."
            accepted = territory.currencies
            raise field_problem("sourcing.currency_not_accepted", detail, "/policy/currency", accepted=accepted)
        set_by = subject_of(request.scope)
        above = services.index.steering.own.version
        reply = await services.gateway.ask(
            "sourcing_policies", policies, SetPolicy(_known(channel), sent.policy, sent.reason, set_by, above),
            command_id=write.key, digest=write.digest, cause=request.scope[REQUEST_ID], who=request.scope.get(WHO),
        )  # fmt: skip
        return ok(TakenPolicy(channel, _taken_decoder.decode(body_of(reply)).version))

    return api


def _known(channel: PolicyChannel) -> str:
    """As the entity has it."""
    return "" if channel == "all" else channel


def _shown(one: PolicyVersion) -> PolicyView:
    channel: PolicyChannel = one.channel or "all"  # type: ignore[assignment]
    return PolicyView(channel, one.policy.version, "set", one.policy, one.reason, one.set_by, moment(one.set_at_ms))


def _own(services: Services) -> PolicyView:
    steering = services.index.steering
    return PolicyView(
        "all", steering.own.version, "config" if steering.configured else "built_in", steering.own, "", "", None
    )
