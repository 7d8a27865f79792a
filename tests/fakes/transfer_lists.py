"""What `ReadModel` tells of transfers, from plain rows: the slow way, by looking at all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from actors.domain.rows_of_transfers import TransferRow
from actors.runtime.read_model import TransferSummary


def transfers(
    rows: Iterable[TransferRow], status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
) -> list[TransferSummary]:
    found = [
        row for row in rows
        if (status is None or row.status == status) and (before is None or row.transfer_id < before)
        and (locations is None or row.source_id in locations or row.destination_id in locations)
    ]  # fmt: skip
    found.sort(key=lambda row: row.transfer_id, reverse=True)
    names = TransferSummary.__struct_fields__
    return [TransferSummary(*(getattr(row, name) for name in names)) for row in found[:limit]]
