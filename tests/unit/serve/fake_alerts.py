"""Lists of alerts from what the gateway's entities would have written behind."""

from actors.domain.alert import rows
from actors.domain.kind import Context
from actors.runtime.alerts import AlertSummary
from actors.runtime.errors import StoreUnavailable
from tests.unit.serve.fake_gateway import FakeGateway


class FakeAlerts:
    """`away`: PostgreSQL can't be reached."""

    def __init__(self, gateway: FakeGateway) -> None:
        self.gateway = gateway
        self.away = False

    def _rows(self):
        if self.away:
            raise StoreUnavailable
        for (kind, alert_id), (state, version) in self.gateway.entities.items():
            if kind == "alert":
                yield rows(state, version, [], Context(alert_id, "", 0))[0]

    async def alerts(self, *, status: str | None, before: str | None, limit: int) -> list[AlertSummary]:
        found = [
            row
            for row in sorted(self._rows(), key=lambda row: row.alert_id, reverse=True)
            if (status is None or row.status == status) and (before is None or row.alert_id < before)
        ]
        return [
            AlertSummary(**{name: getattr(row, name) for name in AlertSummary.__struct_fields__})
            for row in found[:limit]
        ]

    async def untold(self, since_ms: int, limit: int) -> list[str]:
        found = sorted((row.last_at, row.alert_id) for row in self._rows() if not row.told and row.last_at >= since_ms)
        return [alert_id for _, alert_id in found[:limit]]

    async def close(self) -> None:
        pass
