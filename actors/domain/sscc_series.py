"""The SSCCs of one company prefix: counted here, so that none is given twice (GS1 General Specifications
3.2, and "SSCC re-use" there).

    TakeSscc ──▶ the next one

Its id names extension digit and company prefix (`ids.sscc_series_id`). A number that was given for a parcel that
was never packed stays given.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from actors.domain import gs1
from actors.domain.errors import Refused
from actors.domain.kind import Context, Decision, Kind, Row, StoredRows
from actors.domain.rows_of_packing import SsccSeriesRow


class TakeSscc(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A shipment needs one. for_parcel: whose it will be, as its reply says again."""

    for_parcel: int


class ViewSeries(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The query for how far it is."""

    series_id: str


class SsccTaken(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The number with this serial reference is given."""

    serial: int


class Series(msgspec.Struct, gc=False):
    """`next_serial`: that is given next."""

    next_serial: int = 1


class GivenSscc(msgspec.Struct, frozen=True, gc=False):
    """The answer: an SSCC of one's own."""

    sscc: str


class SeriesView(msgspec.Struct, frozen=True, gc=False):
    """How far it is."""

    series_id: str
    version: int
    next_serial: int


def numbered(series_id: str, serial: int) -> str:
    """The SSCC of that serial reference. Raises Refused `sscc.…`."""
    _, _, extension, prefix = series_id.split("-")
    return gs1.sscc(prefix, serial, int(extension))


def decide(state: Series | None, command: TakeSscc, context: Context) -> Decision:
    """Raises Refused `sscc.exhausted`."""
    serial = (state or Series()).next_serial
    given = GivenSscc(numbered(context.entity_id, serial))
    return Decision([SsccTaken(serial)], lambda state, version: given)


def evolve(state: Series | None, event: SsccTaken, context: Context) -> Series:
    """The next state."""
    return Series(event.serial + 1)


def view(state: Series | None, query: ViewSeries, version: int) -> SeriesView:
    """Raises Refused `sscc.unknown`."""
    if state is None:
        raise Refused("sscc.unknown", "No SSCC was given of this series.")
    return SeriesView(query.series_id, version, state.next_serial)


def rows(state: Series, version: int, events: Sequence[SsccTaken], context: Context) -> list[Row]:
    """The one row."""
    return [SsccSeriesRow(context.entity_id, version, state.next_serial)]


def restore(entity_id: str, stored: StoredRows) -> tuple[Series, int] | None:
    """The state and version from the stored row."""
    found = stored.get("sscc_series")
    return (Series(found[0].next_serial), found[0].version) if found else None


SSCC_SERIES = Kind(
    name="sscc_series", commands=TakeSscc, events=SsccTaken, queries=ViewSeries, decide=decide, evolve=evolve, view=view,
    tables=(SsccSeriesRow,), restore=restore, rows=rows,
)  # fmt: skip
