"""The first pass over a trace: what it holds, what it needs, and which rows can't be taken. Sends nothing."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from perf.replay.figures import RETURN_STATUSES, FigureCounter, Figures
from perf.replay.orders import OrderEntry, checked_lines
from perf.replay.trace import Rejection, TraceError, TraceLine, TraceReader

REJECTIONS_LISTED_MAX: Final = 20  # of each reason
SKUS_MAX: Final = 1_000_000


@dataclass(slots=True)
class SkuNeed:
    """What the trace takes of one SKU, in units; `description` is the first that was given."""

    description: str = ""
    sold: int = 0
    written_off: int = 0


@dataclass(slots=True)
class Survey:
    """What the first pass found. `entries` by order reference, `needs` by SKU."""

    path: Path
    sha256: str = ""
    entries: dict[str, OrderEntry] = field(default_factory=dict)
    needs: dict[str, SkuNeed] = field(default_factory=dict)
    by_trace: dict[str, Figures] = field(default_factory=dict)
    home_country: str = ""
    rejected: Counter[str] = field(default_factory=Counter)
    rejections: list[Rejection] = field(default_factory=list)
    joined: int = 0  # rows that go over several lines

    def due_s(self) -> Iterator[tuple[str, float]]:
        """When each order is sent by the trace's clock, in seconds after the first: at its `ordered_at`, or after those
        whose rows end before its own."""
        by_last_row = sorted(self.entries.items(), key=lambda item: item[1].last_row)
        latest = first = by_last_row[0][1].ordered_at
        for reference, entry in by_last_row:
            latest = max(latest, entry.ordered_at)
            yield reference, (latest - first).total_seconds()

    def reject(self, rejection: Rejection) -> None:
        """Counts a row that can't be taken; the first REJECTIONS_LISTED_MAX of each reason are kept with
        their places in the file."""
        self.rejected[rejection.reason] += 1
        if self.rejected[rejection.reason] <= REJECTIONS_LISTED_MAX:
            self.rejections.append(rejection)


def survey(path: Path) -> Survey:
    """Reads the whole trace once. Raises TraceError where it can't be used or holds no row that can be taken."""
    found = Survey(path)
    counter = FigureCounter()
    countries: Counter[str] = Counter()
    reader = TraceReader(path)
    for line in checked_lines(reader, found.entries):
        if isinstance(line, Rejection):
            found.reject(line)
            continue
        first = found.entries[line.reference].rows == 1
        counter.add(line, first)
        if first and line.country:
            countries[line.country] += 1
        _add_need(found, line)
    if not found.entries:
        raise TraceError(f"{path} holds no row that can be taken ({sum(found.rejected.values())} were rejected)")
    found.sha256, found.joined = reader.sha256, reader.joined
    found.by_trace = counter.by_trace
    # The most frequent country; the alphabet decides between equals, so that every run decides the same.
    found.home_country = min(countries, key=lambda country: (-countries[country], country), default="")
    return found


def _add_need(found: Survey, line: TraceLine) -> None:
    need = found.needs.get(line.sku)
    if need is None:
        if len(found.needs) >= SKUS_MAX:
            raise TraceError(f"more than {SKUS_MAX:,} SKUs: split the trace")
        need = found.needs[line.sku] = SkuNeed()
    if not need.description:
        need.description = line.description
    if line.quantity > 0:
        need.sold += line.quantity
    elif line.final_status not in RETURN_STATUSES:
        need.written_off -= line.quantity
