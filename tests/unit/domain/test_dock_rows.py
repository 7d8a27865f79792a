"""A scan costs more the more parcels stand at the dock, or a dock comes back from its rows as another one."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from actors.domain import ids
from actors.domain.kind import Context
from actors.domain.manifest import MANIFEST
from actors.domain.manifest_commands import (
    CloseManifest,
    CompleteHandOver,
    JoinDock,
    LeaveDock,
    NoteManifest,
    NoteManifestRefused,
    ParcelAnswered,
    ScanParcel,
)
from actors.domain.manifest_events import Waiting
from actors.domain.manifest_state import Listed, Manifest, ViewDock, live
from actors.domain.rows_of_packing import DockParcelRow, DockRow
from tests.unit.domain.transfer_world import SEATTLE

DOCK = ids.dock_id(SEATTLE, "post")


class Docks:
    """One dock, and what lies of it in the store."""

    def __init__(self) -> None:
        self.state: Any = None
        self.version = 0
        self.stored: dict[str, dict[tuple[Any, ...], Any]] = {}
        self.written: list[Any] = []
        self.joined = 0

    def do(self, command: Any) -> Any:
        context = Context(DOCK, f"c{self.version}", 1_000)
        decision = MANIFEST.decide(self.state, command, context)
        for event in decision.events:
            self.state = MANIFEST.evolve(self.state, event, context)
        self.version += len(decision.events)
        self.written = MANIFEST.rows(self.state, self.version, decision.events, context) if decision.events else []
        for row in self.written:
            kept, key = self.stored.setdefault(row.table, {}), tuple(getattr(row, name) for name in row.key)
            kept.pop(key, None)
            if not getattr(row, "gone", False):
                kept[key] = row
        return decision.reply(self.state, self.version)

    def join(self, count: int) -> None:
        for _ in range(count):
            number = self.joined = self.joined + 1
            self.do(JoinDock(f"us-shipment-{number}.1", 1, f"{number:018}", f"T{number}", 500))

    def close(self) -> int:
        number = self.do(CloseManifest()).number
        self.do(NoteManifest(number, f"MF{number}"))
        return number

    def scan(self, number: int, sscc: str, code: str = "") -> Any:
        """What its last answer is."""
        self.do(ScanParcel(number, sscc))
        self.do(ParcelAnswered(sscc, code))
        return self.do(ScanParcel(number, sscc))

    def back(self) -> Any:
        """As it comes back into memory."""
        return MANIFEST.restore(DOCK, {table: list(rows.values()) for table, rows in self.stored.items()})


def sizes(rows):
    return [(type(row), len(msgspec.msgpack.encode(row))) for row in rows]


def test_a_scan_writes_down_what_stands_there():
    costs = []
    for crowd in (3, 900):
        docks = Docks()
        docks.join(crowd)
        number = docks.close()
        docks.join(3)
        sscc = next(iter(docks.state.manifests[number].listed))
        docks.do(ScanParcel(number, sscc))
        asked = sizes(docks.written)
        docks.do(ParcelAnswered(sscc))
        costs.append((asked, sizes(docks.written)))
        assert [kind for kind, _ in costs[-1][1]] == [DockRow, DockParcelRow]
    few, many = costs
    for one, other in zip(few, many, strict=True):
        assert all(abs(a - b) <= 8 for (_, a), (_, b) in zip(one, other, strict=True)), costs


def test_a_dock_comes_back_as_another_one():
    docks = Docks()

    def same():
        assert docks.back() == (docks.state, docks.version)
        assert list(docks.back()[0].standing) == list(docks.state.standing)

    docks.join(310)
    same()
    first = docks.close()
    docks.join(2)
    second = docks.do(CloseManifest()).number
    same()
    docks.do(NoteManifestRefused(second, "carrier.already_voided"))
    # What comes back stands before what came later, and leaves first.
    assert list(docks.state.standing) == [f"{number:018}" for number in range(301, 313)]
    same()
    a, b, c, d = list(docks.state.manifests[first].listed)[:4]
    assert docks.scan(first, a).load
    assert not docks.scan(first, b, "order.held").load
    docks.do(ParcelAnswered(b, "order.held"))
    docks.do(LeaveDock(c, 1, withdrawn=True))
    docks.scan(first, d)
    docks.do(LeaveDock(d, 1, withdrawn=True))
    seen = docks.do(ScanParcel(first, a))
    assert (seen.seen, seen.of) == (1, 298)
    same()
    docks.do(CompleteHandOver(first, leave=True))
    same()
    assert len(docks.stored["dock_parcels"]) == len(docks.state.standing) == 309
    third = docks.close()
    assert docks.state.manifests[third].listed[b].announced
    assert docks.state.manifests[third].parcels[0].sscc == b
    same()


def test_a_manifest_that_is_handed_over_late_is_forgotten_at_once():
    docks = Docks()
    numbers = []
    for _ in range(8):
        docks.join(1)
        numbers.append(docks.close())
    for number in [*numbers[1:], numbers[0]]:
        docks.scan(number, next(iter(docks.state.manifests[number].listed)))
        assert docks.do(CompleteHandOver(number)).manifest.status == "handed_over"
        assert number in docks.state.manifests
    assert list(docks.state.manifests) == [5, 6, 7, 8, 1]
    assert docks.back() == (docks.state, docks.version)
    assert docks.stored["dock_parcels"] == {}


@pytest.mark.parametrize("code", ["T2", f"{2:018}"])
def test_a_parcel_is_not_known_by_both_its_numbers(code):
    docks = Docks()
    docks.join(3)
    number = docks.close()
    docks.do(ScanParcel(number, code))
    assert docks.state.manifests[number].listed[f"{2:018}"].status == "clearing"


def test_a_dock_from_before_there_were_rows_for_parcels_loses_them():
    """Its own row has all of it, as it was written then."""
    waiting = [Waiting(f"{number:018}", "us-shipment-x", 1, f"T{number}", 500) for number in (7, 8)]
    listed = [Listed(f"{number:018}", "us-shipment-y", 1, f"T{number}", 500) for number in (1, 2)]
    before = {
        "next_number": 3, "waiting": [list(msgspec.structs.astuple(one))[:6] for one in waiting],
        "manifests": {
            1: Manifest(1, f"{DOCK}.1", 1_000, [], "handed_over", handed_over_ms=2_000),
            2: Manifest(2, f"{DOCK}.2", 1_000, listed, "closed", "MF2"),
        },
    }  # fmt: skip
    docks = Docks()
    docks.stored["docks"] = {(DOCK,): DockRow(DOCK, 9, SEATTLE, "post", 2, msgspec.msgpack.encode(before))}
    docks.state, docks.version = docks.back()
    assert [one.sscc for one in docks.state.waiting] == [one.sscc for one in waiting]
    assert [one.number for one in live(docks.state)] == [2]
    # The first change writes all of it as it is written now.
    docks.joined = 8
    docks.join(1)
    again, version = docks.back()
    assert version == 10
    assert again.whole is None
    again.whole = docks.state.whole
    assert again == docks.state
    assert docks.scan(2, f"{1:018}").load


def a_dock_from_before(docks: Docks) -> Any:
    """The same one, as it was written before there were rows for parcels."""
    lists = {
        one.number: msgspec.to_builtins(one.told()) for one in docks.state.manifests.values()
    }  # fmt: skip
    for one in lists.values():
        for parcel in one["parcels"]:
            del parcel["place"]
    own = {
        "next_number": docks.state.next_number, "manifests": lists,
        "waiting": [list(msgspec.structs.astuple(one))[:6] for one in docks.state.waiting],
    }  # fmt: skip
    row = DockRow(DOCK, docks.version, SEATTLE, "post", 0, msgspec.msgpack.encode(own))
    docks.stored = {"docks": {(DOCK,): row}}
    docks.state, docks.version = docks.back()


def test_the_list_of_a_manifest_from_before_comes_back_in_another_order():
    docks = Docks()
    for number in (5, 3, 9, 1):
        docks.do(JoinDock(f"us-shipment-{number}.1", 1, f"{number:018}", f"T{number}", 500))
    told = docks.do(CloseManifest()).tracking_numbers
    assert told == ["T5", "T3", "T9", "T1"]
    a_dock_from_before(docks)
    assert docks.do(CloseManifest()).tracking_numbers == told
    docks.joined = 20
    docks.join(1)
    # As Postgres gives them, by their key.
    docks.stored["dock_parcels"] = dict(sorted(docks.stored["dock_parcels"].items()))
    docks.state, docks.version = docks.back()
    assert docks.do(CloseManifest()).tracking_numbers == told


def test_a_dock_from_before_writes_all_of_its_rows_with_every_scan():
    docks = Docks()
    docks.join(60)
    number = docks.close()
    docks.join(40)
    a_dock_from_before(docks)
    first, second = list(docks.state.manifests[number].listed)[:2]
    docks.do(ScanParcel(number, first))
    assert len(docks.written) > 100
    docks.do(ParcelAnswered(first))
    docks.do(ScanParcel(number, second))
    assert [type(row) for row in docks.written] == [DockRow, DockParcelRow]
    again, _ = docks.back()
    assert again == docks.state


def test_a_parcel_on_a_later_manifest_is_forgotten_with_the_one_from_which_it_was_taken():
    docks = Docks()
    docks.join(2)
    first = docks.close()
    stopped, other = docks.state.manifests[first].listed
    docks.do(LeaveDock(stopped, 1, withdrawn=True))
    docks.do(JoinDock("us-shipment-1.1", 1, stopped, "T1", 500))
    second = docks.close()
    docks.scan(first, other)
    docks.do(CompleteHandOver(first))
    assert docks.state.on_list == docks.back()[0].on_list == {stopped: second}
    assert docks.scan(second, stopped).load


def test_manifests_are_told_in_another_order_once_their_dock_comes_back():
    docks = Docks()
    docks.join(301)
    first, second = docks.close(), docks.close()
    for sscc in docks.state.manifests[first].listed:
        docks.scan(first, sscc)
    docks.do(CompleteHandOver(first))
    for state in (docks.state, docks.back()[0]):
        told = MANIFEST.view(state, ViewDock(DOCK), docks.version)
        assert [one.number for one in told.manifests] == [first, second]
