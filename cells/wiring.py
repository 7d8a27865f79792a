"""The composition root: which parts a cell's processes are made of, from its configuration."""

from __future__ import annotations

import hashlib
import hmac
import logging
import math
import os
import secrets
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec

from actors.clock import SystemClock
from actors.logs import configure_logs
from actors.ray_gateway import ActorHandles, HostTransport, SupervisorMap
from actors.ray_host import CellSettings
from actors.runtime.gateway import Gateway
from actors.runtime.limits import Limits
from actors.storage.activity import RedisActivity
from actors.storage.alert_list import PostgresAlerts
from actors.storage.audit_search import PostgresAudit
from actors.storage.figures import PostgresFigures
from actors.storage.rate_limits import RedisRateLimits
from actors.storage.reader import PostgresReadModel
from cells.certs import Pair
from cells.config import load_all
from cells.own_policy import own_policy
from cells.packing import packing_settings
from cells.pinning import pinned_shards
from cells.processes import RUN_TOKEN
from cells.region_key import key_port
from cells.settings import RegionConfig, StoreAddresses
from serve.identity.keyring import KeyringWatch
from serve.keys.opening import opened
from serve.noticeboard import Noticeboard
from serve.privacy.erasure import lasts_s
from serve.services import Services
from serve.settings import ApiSettings

log = logging.getLogger("ocefs.api")


def limits_of(config: RegionConfig) -> Limits:
    """The runtime's limits as the region configures them."""
    runtime = config.runtime
    return Limits(
        shards=runtime.shards, batch_max=runtime.batch_max, mailbox_max=runtime.mailbox_max,
        inbox_max=runtime.inbox_max, tail_max_turns=runtime.tail_max_turns,
        drain_interval_ms=runtime.drain_interval_ms, drain_max_turns=runtime.drain_max_turns,
        idle_passivate_s=runtime.idle_passivate_s, memory_cap_mb=runtime.memory_cap_mb,
        remember_hours=runtime.remember_hours, outbox_retry_max=runtime.outbox_retry_max,
        request_timeout_s=config.api.request_timeout_ms / 1000,
        answer_hold_s=min(0.1, config.api.placement_wait_ms / 1000),
    )  # fmt: skip


def cell_settings(config: RegionConfig, addresses: StoreAddresses, log_folder: Path, door_folder: Path) -> CellSettings:
    """What the cell's actors have to know."""
    return CellSettings(
        config.name, config.runtime.hosts, limits_of(config), addresses.postgres_url, addresses.redis_url,
        str(log_folder), str(door_folder), redis_ours=f"OCEFS_{config.name.upper()}_REDIS_URL" not in os.environ,
        papers_keep_days=config.packing.papers_keep_days, run=os.environ.get(RUN_TOKEN, ""),
        pinned=pinned_shards(config),
    )  # fmt: skip


def cursor_key(secret_file: Path) -> bytes:
    """The cell's secret, made at the first start and kept (0600); page cursors are signed with a key of it."""
    if not secret_file.exists():
        secret_file.parent.mkdir(parents=True, exist_ok=True)
        fresh = secret_file.with_suffix(f".{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_bytes(secrets.token_bytes(32))
        try:
            os.link(fresh, secret_file)
        except FileExistsError:
            pass
        fresh.unlink()
    return hmac.digest(secret_file.read_bytes(), b"page cursors", hashlib.sha256)


def api_settings(
    config: RegionConfig, secret_file: Path, keyring: Path, door: Pair | None = None, *, notices_told: bool = False
) -> ApiSettings:
    """What the region's API has to know; the other regions are named so that callers can be sent there.
    `door`: what its door shows.
    `notices_told`: to the log, too."""
    others, limits = [other for other in load_all() if other.name != config.name], limits_of(config)
    # The last call is begun just before the time is up, and has its own.
    tried_s = limits.request_timeout_s + limits.call_timeout_s
    return ApiSettings(
        region=config.name, title=config.region.title, lat=config.region.lat, lon=config.region.lon,
        countries=frozenset(config.region.countries), currencies=frozenset(config.region.currencies),
        other_countries={country: other.name for other in others for country in other.region.countries},
        other_regions=frozenset(other.name for other in others),
        cursor_key=cursor_key(secret_file), host=config.api.host, port=config.api.port, router_networks=config.api.router_networks,
        tls_certificate=str(door.certificate) if door else "", tls_key=str(door.key) if door else "",
        max_body_bytes=config.api.max_body_bytes, placement_wait_ms=config.api.placement_wait_ms,
        tried_s=tried_s, drain_s=math.ceil(lasts_s(tried_s)),
        occurred_at_max_age_days=config.api.occurred_at_max_age_days,
        occurred_at_max_ahead_s=config.api.occurred_at_max_ahead_s,
        identity=config.identity.mode, keyring=str(keyring), keys=key_port(config),
        breached_passwords=config.identity.breached_passwords, own_words=own_words(config),
        notices_told=notices_told,
        rp_id=config.identity.rp_id, origins=origins_of(config),
        approval_adjustment_units=config.approvals.adjustment_units,
        approval_transfer_units=config.approvals.transfer_units,
        approval_refund_minor=config.approvals.refund_minor,
        approval_expires_hours=config.approvals.expires_hours,
        count_tolerance_units=config.counts.tolerance_units,
        count_tolerance_percent=config.counts.tolerance_percent,
        pickup_hold_days=config.pickups.hold_days, pickup_hold_max_days=config.pickups.hold_max_days,
        pickup_late_hours=config.pickups.late_hours, pickup_give_up_hours=config.pickups.give_up_hours,
        count_tolerance_value=config.counts.tolerance_value, count_approval_value=config.counts.approval_value,
        consent_texts=frozenset(config.privacy.consent_texts),
        sourcing=own_policy(config), currency=config.region.currencies[0],
        packing=packing_settings(config, secret_file.with_name("fake-carrier.sqlite")),
    )  # fmt: skip


def own_words(config: RegionConfig) -> tuple[str, ...]:
    """What no password may be made of: the config's list, and the names in the rest of it."""
    region = config.region
    named = (
        "OCEFS",
        region.name,
        *region.title.split(),
        *region.timezone.split("/"),
        *config.identity.rp_id.split("."),
    )
    return (*config.identity.own_words, *named)


def origins_of(config: RegionConfig) -> tuple[str, ...]:
    """The pages on which passkeys work: those of the config, or the router of this machine by its name (an
    address can't have passkeys)."""
    if config.identity.origins:
        return config.identity.origins
    from router.config import load

    router = load()
    return (f"{'https' if router.encrypted else 'http'}://{config.identity.rp_id}:{router.port}",)


async def make_services(packed_cell: bytes, packed_api: bytes) -> Services:
    """Runs inside each Serve replica: everything that its handlers work with."""
    cell = msgspec.msgpack.decode(packed_cell, type=CellSettings)
    settings = msgspec.msgpack.decode(packed_api, type=ApiSettings)
    configure_logs(cell.log_folder, f"{cell.region}/api-{os.getpid()}")
    log.info("a replica of the API starts, process %d", os.getpid())
    clock, closing = SystemClock(), AsyncExitStack()
    region_key = None
    if settings.identity == "required":
        # Before all else: what can't be sealed must not be taken.
        watch = KeyringWatch(Path(settings.keyring))
        region_key = await closing.enter_async_context(opened(settings.keys, cell.region, watch, clock))
    handles = ActorHandles()
    gateway = Gateway(
        f"{cell.region}/api-{os.getpid()}-{secrets.token_hex(4)}", HostTransport(handles),
        SupervisorMap(cell.region, handles), clock, cell.limits,
    )  # fmt: skip
    read_model = PostgresReadModel(cell.postgres_url)

    limits = RedisRateLimits(cell.redis_url, cell.region)
    shared_activity = RedisActivity(cell.redis_url, cell.region)
    audit = PostgresAudit(cell.postgres_url) if settings.identity == "required" else None
    alerts = PostgresAlerts(cell.postgres_url) if settings.identity == "required" else None

    figures = PostgresFigures(cell.postgres_url)

    async def close() -> None:
        board.close()
        await services.trail.close()
        await services.activity.close()
        await shared_activity.close()
        await limits.close()
        await gateway.close()
        await read_model.close()
        await figures.close()
        for one in (audit, alerts):
            if one is not None:
                await one.close()
        await closing.aclose()

    services = Services(
        settings, gateway, read_model, clock, limits, shared_activity, audit=audit, alerts=alerts, figures=figures, close=close, region_key=region_key
    )  # fmt: skip
    board = Noticeboard(Path(cell.door_folder).parent / "figures", services.metrics.figures)
    services.metrics.others = board.others
    board.start()
    services.activity.start()
    await gateway.start()
    return services
