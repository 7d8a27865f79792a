"""The monitor of a cell as a Ray actor: `us/monitor`. Thin: it wires the runtime's `Watch`, and the alerts' webhook."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import msgspec

from actors.anomalies.monitor import Monitor
from actors.anomalies.settings import AnomalySettings
from actors.clock import SystemClock
from actors.ray_alone import Alone, end_alone, name_of, start_alone
from actors.ray_gateway import ActorHandles, HostTransport, SupervisorMap
from actors.ray_host import CellSettings
from actors.receiver import read_secret
from actors.runtime.gateway import Gateway
from actors.runtime.watch import Watch
from actors.storage.alert_list import PostgresAlerts
from actors.storage.audit_stream import PostgresAuditStream
from actors.webhook import Webhook


class MonitorActor(Alone):
    """See the module's docstring."""

    part = "monitor"

    def __init__(self, settings: bytes, anomalies: bytes, webhook_url: str, webhook_secret_file: str) -> None:
        self._settings = msgspec.msgpack.decode(anomalies, type=AnomalySettings)
        self._webhook = webhook_url, webhook_secret_file
        self._watch: Watch | None = None
        super().__init__(settings)

    def status(self) -> dict[str, Any]:
        """How much it has seen since it started."""
        watch = self._watch
        return {
            "running": watch is not None,
            "records": watch.records if watch else 0,
            "alerts": watch.alerts if watch else 0,
        }

    async def _run(self) -> None:
        cell, settings = self._cell, self._settings
        handles = ActorHandles()
        gateway = Gateway(
            f"{name_of(cell.region, MonitorActor)}-{secrets.token_hex(4)}", HostTransport(handles), SupervisorMap(cell.region, handles),
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
    """Makes the cell's monitor (or finds it)."""
    return start_alone(MonitorActor, settings, msgspec.msgpack.encode(anomalies), webhook_url, webhook_secret_file)


def end_monitor(region: str) -> None:
    """What it has not saved it reads again."""
    end_alone(MonitorActor, region)
