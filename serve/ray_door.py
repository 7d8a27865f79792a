"""Ray Serve around the app: places, scales, checks and drains the replicas. The only file here that imports Ray.

    Serve's HTTP (HAProxy) ─┐
                            ├─▶ one ASGI app in each replica
    the cell's port (Door) ─┘

A replica builds its services in its own process (`make_services`), then the app, waits until the hosts have told what
they have, and opens the door. Serve has no hook for the
beginning of a drain: it first lets its own ingress drain while the door goes on serving as before, then calls
`__del__`, which closes the door before all else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from grpc.aio import _server as grpc_server  # type: ignore[import-untyped]
from ray import serve as ray_serve
from ray.serve.schema import LoggingConfig

from serve.app import build
from serve.context import ASGIApp
from serve.door import Door
from serve.gateway import heard
from serve.services import Services
from serve.settings import ApiSettings

MakeServices = Callable[[], Awaitable[Services]]
# What Serve may wait for a replica beyond the drain of its door: closing the gateway.
_CLOSE_S = 10
# For the hosts to tell what they have; a dead one's shards have another owner within 3 s.
_HEARD_S = 30.0


def _stay_on_loopback() -> None:
    """Serve binds each replica's inner gRPC server to "[::]:0", whatever the node's address is, and that server
    unpickles what it is sent. Nobody but this machine may reach it. To be called in the replica's process before
    Serve starts that server."""
    plain, encrypted = grpc_server.Server.add_insecure_port, grpc_server.Server.add_secure_port

    def plain_on_loopback(server: Any, address: str) -> Any:
        return plain(server, address.replace("[::]", "127.0.0.1"))

    def encrypted_on_loopback(server: Any, address: str, credentials: Any) -> Any:
        return encrypted(server, address.replace("[::]", "127.0.0.1"), credentials)

    grpc_server.Server.add_insecure_port = plain_on_loopback
    grpc_server.Server.add_secure_port = encrypted_on_loopback


class ApiReplica:
    """One replica. `make_services` must be importable: it is called in the replica's process, and sets up its logs."""

    def __init__(self, make_services: MakeServices) -> None:
        _stay_on_loopback()
        self._make_services = make_services
        self._services: Services | None = None
        self._door: Door | None = None

    async def __serve_build_asgi_app__(self) -> ASGIApp:
        """Called by Serve once after construction; gives the app for Serve's own door and opens ours."""
        services = self._services = await self._make_services()
        try:
            app = build(services)
            app.make_document()
            door = Door(app, services.settings, services.live.close)
            # Serve sends its own ingress here as soon as this returns, so that door waits too.
            await heard(services.gateway, services.clock, _HEARD_S)
            await door.open()
        except BaseException:
            # Serve tries again with a new replica; this one must leave nothing behind.
            await services.close()
            raise
        self._door = door
        return app

    def check_health(self) -> None:
        """Serve replaces the replica when this raises. How the cell is does not matter here: see `/readyz`."""
        if self._door is not None:
            self._door.check()

    async def __del__(self) -> None:
        """Called by Serve at the end of a drain."""
        if self._door is not None:
            await self._door.close()
        if self._services is not None:
            await self._services.close()


def deployment(
    make_services: MakeServices, *, name: str, replicas: int, settings: ApiSettings
) -> ray_serve.Application:
    """The Serve application: `ray.serve.run(deployment(…), name=…, route_prefix="/")`."""
    ingress: Any = ray_serve.ingress()(ApiReplica)
    deployed = ray_serve.deployment(
        name=name,
        num_replicas=replicas,
        # The door takes most of the traffic and has its own limit; this one is for Serve's ingress.
        max_ongoing_requests=settings.requests_max,
        # A replica waits for input and output most of the time: Ray must not reserve a core for it.
        ray_actor_options={"num_cpus": 0},
        health_check_period_s=5,
        health_check_timeout_s=10,
        graceful_shutdown_wait_loop_s=0.5,
        # Each deploy replaces all replicas: the new ones listen before the old ones drain, even when there is only one.
        max_surge_percent=100,
        graceful_shutdown_timeout_s=settings.serve_drain_s + settings.drain_s + _CLOSE_S,
        logging_config=LoggingConfig(enable_access_log=False),
    )(ingress)
    return deployed.bind(make_services)
