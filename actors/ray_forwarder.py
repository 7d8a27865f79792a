"""The forwarder of a cell's audit as a Ray actor: `us/forwarder`, where another system shall have a copy."""

from __future__ import annotations

from typing import Any

from actors.audit_forwarder import AuditForwarder, place_of
from actors.clock import SystemClock
from actors.ray_alone import Alone, end_alone, start_alone
from actors.ray_host import CellSettings
from actors.receiver import Receiver, read_authorization, read_secret
from actors.storage.audit_queue import PostgresAuditQueue
from actors.storage.audit_stream import PostgresAuditStream


class ForwarderActor(Alone):
    """See the module's docstring."""

    part = "forwarder"

    def __init__(self, settings: bytes, url: str, secret_file: str, authorization_file: str) -> None:
        self._to = url, secret_file, authorization_file
        self._forwarder: AuditForwarder | None = None
        super().__init__(settings)

    def status(self) -> dict[str, Any]:
        """How many lines were taken since it started."""
        forwarder = self._forwarder
        return {"running": forwarder is not None, "lines": forwarder.lines if forwarder else 0}

    async def _run(self) -> None:
        cell = self._cell
        url, secret_file, authorization_file = self._to

        def receiver() -> Receiver:
            # Read here and not handed over, so that no secret stands in what Ray keeps of an actor.
            return Receiver(url, read_secret(secret_file), read_authorization(authorization_file))

        memory = PostgresAuditStream(cell.postgres_url, place_of(cell.region, url))
        queue = PostgresAuditQueue(cell.postgres_url)
        self._forwarder = AuditForwarder(cell.region, receiver, queue, memory, SystemClock())
        await self._forwarder.run()


def start_forwarder(settings: CellSettings, url: str, secret_file: str, authorization_file: str) -> Any:
    """Makes the cell's forwarder (or finds it)."""
    return start_alone(ForwarderActor, settings, url, secret_file, authorization_file)


def end_forwarder(region: str) -> None:
    """What it has not sent goes when it starts again."""
    end_alone(ForwarderActor, region)
