"""Puts a cell's actors and API into its running Ray cluster, and takes them out again.

    migrate the store, if it then fits ──▶ supervisor ──▶ it starts hosts and gives them all shards ──▶ Serve with two doors

Every step may be repeated: what is there already is kept. The calling process is connected to the cluster (`ray.init`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
import ray
from ray import serve
from ray.exceptions import RayActorError
from ray.serve import Application

from actors.ray_figures import end_figures, start_figures
from actors.ray_forwarder import end_forwarder, start_forwarder
from actors.ray_gateway import NAMESPACE, supervisor_name
from actors.ray_monitor import end_monitor, start_monitor
from actors.ray_supervisor import start_supervisor
from actors.runtime.errors import StoreUnavailable
from actors.storage.connections import Where, role_of
from actors.storage.grants import grant, may_alter_audit
from actors.storage.migrate import LATER_NEXT, LaterSchema, migrate
from actors.storage.sharding import shards_made_with
from cells.canary import check_canary
from cells.continued import check_continued
from cells.demo_exposure import check_cell_has_none
from cells.errors import CellError, StoreFailed
from cells.keys import make_keyring
from cells.open_time import check_open_time
from cells.paths import CellPaths
from cells.pinning import check_pinned
from cells.postgres import CELL_USER
from cells.receivers import check_receivers
from cells.region_key import check_region_key
from cells.settings import INGRESS_HOST, RegionConfig, StoreAddresses
from cells.tls import door_pair, inside_pair
from cells.told_notices import note, tells
from cells.untold import refusal_kept
from cells.watching import anomaly_settings
from cells.wiring import api_settings, cell_settings, make_services
from router.config import load as load_router
from serve.ray_door import deployment

SHARDS_DEADLINE_S = 60.0
APP_NAME = "ocefs"

log = logging.getLogger("ocefs.deploy")


def deploy(config: RegionConfig, addresses: StoreAddresses) -> None:
    """Brings the cell to the state that its configuration describes; returns when it serves.

    Raises CellError with the next step when PostgreSQL does not take the schema, when the hosts do not come up, or
    would look for entities where they are not.
    """
    paths = CellPaths(config.name)
    check_cell_has_none(config, load_router().host, paths)
    settings = cell_settings(config, addresses, paths.logs, paths.doors)
    check_receivers(config)
    watched = anomaly_settings(config)
    with refusal_kept(config, paths):
        keyring = make_keyring(paths)
    check_region_key(config, keyring)
    make_schema(config, addresses, partial(check_store, config, addresses.redis_url, paths=paths))
    # What somebody gave up is given up once, and not before that is kept.
    paths.journal_given_up.unlink(missing_ok=True)
    if config.identity.mode == "required":
        paths.keys_given_up.unlink(missing_ok=True)
    # From here on the keeper counts the seconds: how long a change of the schema takes, the data decides.
    paths.schema_ready.touch()
    give_rights(config, addresses)
    supervisor = start_supervisor(settings)
    wait_settled(supervisor, config.name)
    if watched is not None:
        start_monitor(settings, watched, config.anomalies.webhook_url, config.anomalies.webhook_secret_file)
    audit = config.audit
    if config.identity.mode == "required" and audit.forward_url:
        start_forwarder(settings, audit.forward_url, audit.forward_secret_file, audit.forward_authorization_file)
    start_figures(settings, counts=config.figures.enabled)
    door = door_pair(config, paths.home) if config.encrypted else None
    told = tells(config, load_router().host)
    note(paths, told=told)
    api = api_settings(config, paths.run / "cell.secret", keyring, door, notices_told=told)
    start_ingress(ingress_options(config, paths))
    app = deployment(
        partial(make_services, msgspec.msgpack.encode(settings), msgspec.msgpack.encode(api)),
        name=f"{config.name}-api", replicas=config.api.replicas, settings=api,
    )  # fmt: skip
    start_api(app)


def ingress_options(config: RegionConfig, paths: CellPaths) -> dict[str, Any]:
    """Where Serve's own ingress listens, and with what."""
    options: dict[str, Any] = {"host": INGRESS_HOST, "port": config.api.serve_port, "location": "HeadOnly"}
    if config.encrypted:  # between Serve's HAProxy and the replicas
        inside = inside_pair(config, paths.home)
        options |= {"ssl_certfile": str(inside.certificate), "ssl_keyfile": str(inside.key)}
    return options


def start_ingress(options: dict[str, Any]) -> None:
    """Serve's controller and its HAProxy. Raises what Serve raises when it comes up neither at
    once nor at the second try.

    On a busy machine HAProxy may take longer than Serve waits for it: Serve then ends it and starts another, while
    whoever asked for it is told of the first one's end alone. The keeper waits for the second at its `/readyz`.
    """
    try:
        serve.start(http_options=options)
    except (RayActorError, TimeoutError) as error:
        log.warning("Serve's ingress is not there yet (%s): waiting for the next", type(error).__name__)
        serve.start(http_options=options)


def start_api(app: Application) -> None:
    """The replicas, behind the ingress. Raises what Serve raises when they don't come up.

    Serve waits for its ingress once more when they are there, and not as long as it takes to end one that hangs and to
    start another: the keeper waits for that, too.
    """
    try:
        serve.run(app, name=APP_NAME, route_prefix="/")
    except TimeoutError as late:
        log.warning("Serve's ingress does not lead to the replicas yet (%s): waiting for the next", late)


def make_schema(config: RegionConfig, addresses: StoreAddresses, check: Callable[[Where], None] | None = None) -> None:
    """Brings PostgreSQL to the present schema, unless `check` of what it then has raises something: after a start that
    is refused the release from before can still start.

    Raises StoreFailed when it can't be reached, does not let us, or has one of a later release.
    """
    try:
        migrate(addresses.owner_url, check)
    except StoreUnavailable as fault:
        raise StoreFailed(
            f"{config.name}: PostgreSQL can't be reached or refused to have its schema made: {fault}",
            "is it up, and may the role of OCEFS_<REGION>_POSTGRES_OWNER_URL (without it, of …_POSTGRES_URL) make tables there? "
            "then try again",
        ) from None
    except LaterSchema as later:
        raise StoreFailed(f"{config.name}: {later}, and nothing of it was changed", LATER_NEXT) from None


def check_store(config: RegionConfig, redis_url: str, owner: Where, paths: CellPaths) -> None:
    """Raises CellError when the cell may not start on what is there."""
    check_shards(config, owner)
    check_pinned(config, owner, paths)
    check_open_time(config, owner, paths)
    if config.identity.mode == "required":
        with refusal_kept(config, paths):
            check_canary(config, owner, paths)
    # The last, as it may change the journal.
    check_continued(config, owner, redis_url, paths)


def check_shards(config: RegionConfig, owner: Where) -> None:
    """Raises CellError when the cell was made with another number of shards.

    Entities would move to shards that know nothing of them, so a repeated command would be done twice; and of fewer
    shards the last ones are read by nobody, with what was acknowledged and is not written behind yet.
    """
    made, wanted = shards_made_with(owner, config.runtime.shards), config.runtime.shards
    if made != wanted:
        raise CellError(
            f"{config.name} was made with {made} shards, and runtime.shards is {wanted}: it would not find what it has",
            f"write shards = {made} in config/regions/{config.name}.toml",
        )


def give_rights(config: RegionConfig, addresses: StoreAddresses) -> None:
    """The cell's role may do its work and no more. Raises StoreFailed when PostgreSQL can't be reached or does not let
    us, CellError when a production cell could change its own audit."""
    try:
        if addresses.owner_url != addresses.postgres_url:
            role = _role(config, addresses.postgres_url)
            grant(addresses.owner_url, role, make=role == CELL_USER)
        may_alter = config.region.profile == "production" and may_alter_audit(addresses.postgres_url)
    except StoreUnavailable as fault:
        raise StoreFailed(
            f"{config.name}: PostgreSQL can't be reached or refused the rights of the cell's role: {fault}",
            "is it up, may the role of OCEFS_<REGION>_POSTGRES_OWNER_URL grant, and is that of …_POSTGRES_URL let in? then try again",
        ) from None
    if may_alter:
        raise CellError(
            f"{config.name}: the database role of the cell owns the audit, so it could change it",
            f"give the cell a role of its own, and the owner's URL as OCEFS_{config.name.upper()}_POSTGRES_OWNER_URL",
        )


def _role(config: RegionConfig, url: str) -> str:
    """Raises StoreFailed."""
    if role := role_of(url):
        return role
    variable = f"OCEFS_{config.name.upper()}_POSTGRES_URL"
    raise StoreFailed(
        f"{variable} names no role, to which the owner could give rights",
        f"write it as postgresql://role@…, in {variable}",
    )


def wait_settled(supervisor: Any, region: str, deadline_s: float = SHARDS_DEADLINE_S) -> dict[str, Any]:
    """Waits until every shard is served by the wanted hosts of a cell that starts; gives the supervisor's last
    status. Raises CellError."""
    status, missing = _settled(supervisor, deadline_s)
    if missing:
        raise CellError(
            f"the hosts of {region} did not come up: {missing}",
            f"see the logs of {region} (make logs REGIONS={region}), then make down and make up",
        )
    return status


def _settled(supervisor: Any, deadline_s: float) -> tuple[dict[str, Any], str]:
    """The supervisor's last status, and what is missing after the deadline."""
    until = time.monotonic() + deadline_s
    while True:
        status: dict[str, Any] = ray.get(supervisor.status.remote(), timeout=deadline_s)
        if status["settled"] and not status["unowned"]:
            return status, ""
        if time.monotonic() > until:
            unowned = f"{status['unowned']} shards have no host" if status["unowned"] else ""
            return status, status["error"] or unowned or "shards still move"
        time.sleep(0.1)


def withdraw(config: RegionConfig, addresses: StoreAddresses) -> None:
    """Ends hosts and supervisor in order, so that the next start finds nothing to catch up with.
    The API is gone by now."""
    end_monitor(config.name)
    end_forwarder(config.name)
    end_figures(config.name)
    try:
        supervisor = ray.get_actor(supervisor_name(config.name), NAMESPACE)
    except ValueError:
        return
    ray.get(supervisor.retire.remote(), timeout=SHARDS_DEADLINE_S)
    ray.kill(supervisor, no_restart=True)


def scale(region: str, hosts: int, deadline_s: float = SHARDS_DEADLINE_S) -> dict[str, Any]:
    """Changes the number of hosts live; returns when shards are where they belong. Raises CellError when that takes
    longer (it goes on all the same), or when it is in doubt whether it is kept for later supervisors."""
    supervisor = ray.get_actor(supervisor_name(region), NAMESPACE)
    try:
        ray.get(supervisor.scale.remote(hosts), timeout=deadline_s)
    except StoreUnavailable as fault:
        raise CellError(
            f"it is not known whether {region} will be scaled: its PostgreSQL, where that is kept, is away; if it was kept, it takes effect when the supervisor "
            "starts again",
            f"see how it is: python -m cells status {region}; then scale again",
        ) from fault
    status, missing = _settled(supervisor, deadline_s)
    if missing:
        raise CellError(
            f"after {deadline_s:.0f} s {region} is not at {hosts} hosts yet: {missing}",
            f"it serves, and goes on by itself: watch it with make status; logs: make logs REGIONS={region}",
        )
    return status
