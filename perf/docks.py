"""What a scan at a dock costs by how many parcels stand there: `python -m perf.docks`. Processor time of the turn and
of what it writes behind; nothing else of the runtime."""

from __future__ import annotations

import argparse
import time
from typing import Any

import msgspec

from actors.domain.kind import Context
from actors.domain.manifest import MANIFEST
from actors.domain.manifest_commands import CloseManifest, JoinDock, NoteManifest, ParcelAnswered, ScanParcel

CROWDS = (10, 300, 1_000, 5_000)
SCANS = 200
_DOCK = "us-wh-1.post"
_encode = msgspec.msgpack.Encoder().encode


class _Dock:
    def __init__(self) -> None:
        self.state: Any = None
        self.version = 0

    def do(self, command: Any) -> int:
        """Bytes of the rows that follow."""
        context = Context(_DOCK, f"c{self.version}", 1_000)
        decision = MANIFEST.decide(self.state, command, context)
        for event in decision.events:
            self.state = MANIFEST.evolve(self.state, event, context)
        self.version += len(decision.events)
        rows = MANIFEST.rows(self.state, self.version, decision.events, context) if decision.events else []
        return sum(len(_encode(row)) for row in rows)


def _measured(crowd: int) -> tuple[float, float, int]:
    """(ms of a parcel that joins, ms of a scan with its answer, bytes that a scan writes behind)."""
    dock, ssccs = _Dock(), [f"{number:018}" for number in range(crowd + 300)]
    for number, sscc in enumerate(ssccs[:300]):
        dock.do(JoinDock(f"us-shipment-{number}", 1, sscc, f"T{number}", 500))
    dock.do(CloseManifest())
    dock.do(NoteManifest(1, "MF1"))
    began = time.process_time()
    for number, sscc in enumerate(ssccs[300:], 300):
        dock.do(JoinDock(f"us-shipment-{number}", 1, sscc, f"T{number}", 500))
    joined = (time.process_time() - began) / crowd * 1_000
    began, size = time.process_time(), 0
    for sscc in ssccs[:SCANS]:
        size += dock.do(ScanParcel(1, sscc)) + dock.do(ParcelAnswered(sscc))
    return joined, (time.process_time() - began) / SCANS * 1_000, size // SCANS


def main() -> None:
    """Prints a table."""
    argparse.ArgumentParser(prog="python -m perf.docks", description=__doc__).parse_args()
    print("| wait | a parcel joins, ms | a scan, ms | a scan writes, bytes |\n|---|---|---|---|")
    for crowd in CROWDS:
        joined, scanned, size = _measured(crowd)
        print(f"| {crowd:,} | {joined:.3f} | {scanned:.3f} | {size:,} |")


if __name__ == "__main__":
    main()
