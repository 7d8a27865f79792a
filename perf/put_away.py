"""How long a put-away suggestion takes in a large building: `python -m perf.put_away [--bins 20000,50000,200000]`.

Four fifths of the bins are full, of 20,000 SKUs. Told are the location's own turn, which holds up its host (the first
one after the bins changed, and those after it), the bytes that go to the replica, and what the replica does with
them. Times are of the CPU.
"""

from __future__ import annotations

import argparse
import random
import time

import msgspec
from rich.console import Console
from rich.table import Table

from actors.domain.location_events import Bin, LocationOpened
from actors.domain.location_room import RoomView, ViewRoom, rooms_of
from actors.domain.location_state import Location
from actors.domain.put_away import Arrival, BinRoom, place, rank

SKUS = 20_000
_encode, _decode = msgspec.json.Encoder().encode, msgspec.json.Decoder(RoomView).decode


def building(bins: int) -> Location:
    """Aisles of 200 bins, one of them the dock."""
    rng = random.Random(bins)
    made = Location(LocationOpened("warehouse", "", "", "US", 0, 0, "UTC"), {})
    made.bins["DOCK"] = Bin("DOCK", "dock", 0, 1, 0, 0, 0, "dock")
    for number in range(bins):
        aisle, rack = divmod(number, 200)
        bin_id = f"B-{number:06}"
        made.bins[bin_id] = Bin(bin_id, "A", aisle, rack, 1, aisle * 40, rack * 10, "pick", 60)
        if rng.random() < 0.8:
            units = rng.randint(1, 60)
            made.contents.setdefault(f"S{rng.randrange(SKUS)}", {})[bin_id, ""] = units
            made.fill[bin_id] = units
    return made


def main() -> None:
    """Prints one row for each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bins", default="20000,50000,200000")
    parser.add_argument("--asks", type=int, default=50)
    options = parser.parse_args()
    table = Table(
        "bins", "first turn ms", "turn ms (mean)", "turn ms (max)", "bytes", "replica ms", title="a put-away suggestion"
    )
    for bins in map(int, options.bins.split(",")):
        table.add_row(f"{bins:,}", *measured(building(bins), options.asks))
    Console().print(table)


def measured(location: Location, asks: int) -> list[str]:
    """A row of the table."""
    rng = random.Random(1)
    picks = {f"S{n}": rng.randrange(1, 500) for n in range(SKUS)}
    turns, replica, size = [], [], 0
    for _ in range(asks + 1):
        sku, units = f"S{rng.randrange(SKUS)}", rng.choice((1, 12, 48, 300))
        at, of = rank(picks, sku)
        query = ViewRoom("us-wh", sku, "ambient", "", "", units, 0, at, of)
        began = time.process_time()
        told = _encode(rooms_of(location, query, 1))
        turns.append((time.process_time() - began) * 1000)
        began, size = time.process_time(), max(size, len(told))
        view = _decode(told)
        near = [[BinRoom.of(room.bin, room.units) for room in rooms] for rooms in (view.same, view.empty)]
        place(Arrival(sku, "", units), *near, fitting=view.fitting, more=view.more)
        replica.append((time.process_time() - began) * 1000)
    first, *rest = turns
    return [
        f"{first:.1f}",
        f"{sum(rest) / len(rest):.2f}",
        f"{max(rest):.2f}",
        f"{size:,}",
        f"{sum(replica) / len(replica):.2f}",
    ]


if __name__ == "__main__":
    main()
