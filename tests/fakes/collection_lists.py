"""What `ReadModel` tells of collections, from plain rows: the slow way, by looking at all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from actors.domain.rows_of_collections import CollectionRow
from actors.runtime.read_model import CollectionSummary


def collections(
    rows: Iterable[CollectionRow], status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
) -> list[CollectionSummary]:
    found = [
        row for row in rows
        if row.status != "unopened" and (status is None or row.status == status)
        and (before is None or row.collection_id < before) and (locations is None or row.location_id in locations)
    ]  # fmt: skip
    found.sort(key=lambda row: row.collection_id, reverse=True)
    names = CollectionSummary.__struct_fields__
    return [CollectionSummary(*(getattr(row, name) for name in names)) for row in found[:limit]]
