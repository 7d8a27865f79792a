"""`GET /healthz`, `/readyz`, `/metrics`."""

from __future__ import annotations

from typing import Literal

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from actors.runtime.wire import HostStats
from serve.endpoint_needs import Need
from serve.metrics import CONTENT_TYPE
from serve.openapi import documented
from serve.responses import AnswerResponse, encode, ok
from serve.services import Services

OK = "ok"
# Of who asks for the metrics from another machine.
FROM_ELSEWHERE = Need("figures.read", attended=False)


class Alive(msgspec.Struct, frozen=True):
    """The process answers."""

    status: Literal["ok"] = "ok"


class HostReadiness(msgspec.Struct, frozen=True):
    """One host. lag_ms: age of the oldest turn that is not yet in Postgres; parked: messages
    that ops have to look at."""

    name: str
    pid: int
    shards: int
    entities: int
    updates_per_s: float
    lag_ms: int
    tail_turns: int
    outbox: int
    parked: int
    rss_mb: float


class Readiness(msgspec.Struct, frozen=True):
    """`down`: nothing can be served, or the replica has never seen the cell whole. `degraded`: orders go on, but
    Postgres is away, or some shards have no owner for the moment, or one host of several has no journal: only what is
    theirs is answered with 503. `journal`, `store`: "ok" or what is wrong. `replicas`: of the API, that this one has
    heard of within ten seconds, with itself."""

    status: Literal["ok", "degraded", "down"]
    region: str
    unowned_shards: int
    hosts: list[HostReadiness]
    journal: str
    store: str
    replicas: int


class Readying:
    """How the cell is, from what the hosts told last. A replica that has just begun says that it is ready only once all
    is there; after that a host's end must not take a whole region off the router, for a second or three, with
    the shards that are well."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._was_whole = False

    def now(self) -> Readiness:
        """As of this moment."""
        gateway, settings = self._services.gateway, self._services.settings
        stats = sorted(gateway.stats(), key=lambda host: host.name)
        unowned = gateway.unowned_shards()
        # Without any host nobody knows how the stores are.
        journal = next((host.journal for host in stats if host.journal != OK), OK if stats else "unknown")
        store = next((host.store for host in stats if host.store != OK), OK if stats else "unknown")
        self._was_whole = self._was_whole or (not unowned and journal == OK)
        some_serve = any(host.journal == OK for host in stats)
        status: Literal["ok", "degraded", "down"] = "ok"
        if (unowned or journal != OK) and not (self._was_whole and some_serve):
            status = "down"
        elif unowned or journal != OK or store != OK:
            status = "degraded"
        replicas = 1 + len(self._services.metrics.others())
        return Readiness(status, settings.region, unowned, list(map(_told, stats)), journal, store, replicas)


def _told(h: HostStats) -> HostReadiness:
    return HostReadiness(
        h.name, h.pid, h.shards, h.entities, h.updates_per_s, h.lag_ms, h.tail_turns, h.outbox, h.parked, h.rss_mb
    )


def router(services: Services) -> APIRouter:
    """The routes with their services."""
    api = APIRouter(tags=["health"])
    readying = Readying(services)

    @api.get("/healthz", summary="Is the process alive?", **documented(Alive))
    async def healthz() -> Response:
        """200 as long as this replica's process answers."""
        return ok(Alive())

    @api.get("/readyz", summary="Can the cell serve?", **documented(Readiness, also={503: Readiness}))
    async def readyz() -> Response:
        """200 when orders can be served (`ok`, `degraded`), 503 when not (`down`)."""
        ready = readying.now()
        if ready.status != "down":
            return ok(ready)
        answer = AnswerResponse((503, encode(ready), ((b"retry-after", b"1"),)))
        # It is the same document as with 200, not a problem.
        answer.headers["content-type"] = "application/json"
        return answer

    @api.get(
        "/metrics",
        summary="Figures of the API's replicas",
        **documented(None, media_type="text/plain", problems=(401, 403)),
    )
    async def metrics(request: Request) -> Response:
        """Prometheus' text format, of all replicas (label `replica`). From another machine it takes a token with
        `figures.read`; routers don't pass it on."""
        if not services.routers.is_from_here(request.scope):
            services.guard.check(request.scope, FROM_ELSEWHERE)
        response = Response(services.metrics.text())
        response.raw_headers = [
            (b"content-type", CONTENT_TYPE), (b"content-length", b"%d" % len(response.body)), (b"cache-control", b"no-store")
        ]  # fmt: skip
        return response

    return api
