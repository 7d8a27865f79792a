"""The monitor of a cell as a Ray actor: `us/monitor`. Thin: it wires the runtime's `Watch`. Nobody calls it, so it
starts by itself, after each restart too: in a thread with a loop of its own."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import threading
from typing import Any

import msgspec
import ray

from actors.anomalies.monitor import Monitor
from actors.anomalies.settings import AnomalySettings
from actors.clock import SystemClock
from actors.logs import configure_logs
from actors.ray_gateway import NAMESPACE, ActorHandles, HostTransport, SupervisorMap
from actors.ray_host import CellSettings
from actors.runtime.gateway import Gateway
from actors.runtime.watch import Watch
from actors.storage.alert_list import PostgresAlerts
from actors.storage.audit_stream import PostgresAuditStream
from actors.webhook import Webhook
from actors.webhook_address import read_secret

log = logging.getLogger("ocefs.monitor")


def monitor_name(region: str) -> str:
    """The name of a cell's monitor in the Ray dashboard."""
    return f"{region}/monitor"


class MonitorActor:
    """See the module's docstring."""

    def __init__(self, settings: bytes, anomalies: bytes, webhook_url: str, webhook_secret_file: str) -> None:
        self._cell = msgspec.msgpack.decode(settings, type=CellSettings)
        self._settings = msgspec.msgpack.decode(anomalies, type=AnomalySettings)
        self._webhook = webhook_url, webhook_secret_file
        self._watch: Watch | None = None
        configure_logs(self._cell.log_folder, monitor_name(self._cell.region))
        threading.Thread(target=self._live, name="monitor", daemon=True).start()

    def status(self) -> dict[str, Any]:
        """How much it has seen since it started."""
        watch = self._watch
        return {
            "running": watch is not None,
            "records": watch.records if watch else 0,
            "alerts": watch.alerts if watch else 0,
        }

    def _live(self) -> None:
        try:
            asyncio.run(self._run())
        except BaseException:
            log.exception("the monitor ended")
            os._exit(1)  # Ray starts it again

    async def _run(self) -> None:
        cell, settings = self._cell, self._settings
        handles = ActorHandles()
        gateway = Gateway(
            f"{monitor_name(cell.region)}-{secrets.token_hex(4)}", HostTransport(handles), SupervisorMap(cell.region, handles),
            SystemClock(), cell.limits, listens=False,
        )  # fmt: skip
        await gateway.start()
        stream = PostgresAuditStream(cell.postgres_url, f"{cell.region}-monitor")
        self._watch = Watch(
            cell.region, lambda: Monitor(cell.region, settings), stream, stream, gateway, SystemClock()
        )  # fmt: skip
        running = [self._watch.run()]
        url, secret_file = self._webhook
        if url:
            alerts = PostgresAlerts(cell.postgres_url)
            running.append(Webhook(cell.region, url, read_secret(secret_file), alerts, gateway, SystemClock()).run())
        await asyncio.gather(*running)


def start_monitor(
    settings: CellSettings, anomalies: AnomalySettings, webhook_url: str, webhook_secret_file: str
) -> Any:
    """Makes the cell's monitor (or finds it); Ray restarts it for ever."""
    return (
        ray.remote(MonitorActor)
        .options(
            name=monitor_name(settings.region), namespace=NAMESPACE, lifetime="detached", num_cpus=0,
            max_restarts=-1, get_if_exists=True,
        )
        .remote(msgspec.msgpack.encode(settings), msgspec.msgpack.encode(anomalies), webhook_url, webhook_secret_file)
    )  # fmt: skip


def end_monitor(region: str) -> None:
    """The end of the cell; what it has not saved it reads again."""
    try:
        monitor = ray.get_actor(monitor_name(region), NAMESPACE)
    except ValueError:
        return
    ray.kill(monitor, no_restart=True)
