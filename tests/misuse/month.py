"""A month of records with planted misuse, from a seed."""

from __future__ import annotations

import random
import zlib
from typing import NamedTuple

import msgspec

from actors.anomalies.record import Record
from tests.misuse.days import Shift, calendar
from tests.misuse.people import Person, staff
from tests.misuse.plants import KINDS, Plant, Scene

SHARDS = 16
# The monitor's first week: nobody's habits are known yet, and nothing is planted.
FIRST_PLANT_DAY = 7


class Month(NamedTuple):
    """`records` in the order of the stream. staff_days: shifts that were worked. `plants` are for the judge alone."""

    records: list[Record]
    plants: list[Plant]
    staff_days: int
    people: list[Person]


def month(seed: int, number: int = 200, days: int = 30, each: int = 2) -> Month:
    """`number` people for `days` days, with `each` episodes of every kind of misuse."""
    chance = random.Random(f"month {seed}")
    people, when = staff(chance, number), calendar(chance, days)
    shifts: dict[tuple[int, int], Shift] = {}
    for day in range(days):
        for index, person in enumerate(people):
            if day % 7 in person.days and chance.random() > 0.04:
                shift = Shift(chance, person, day, when)
                shift.worked()
                shifts[index, day] = shift
    scene = Scene(random.Random(f"plants {seed}"), people, shifts, when)
    plants = [
        plant(scene, scene.chance.randrange(FIRST_PLANT_DAY, days - 2)) for plant in KINDS.values() for _ in range(each)
    ]
    honest = [record for shift in shifts.values() for record in shift.records]
    return Month(_numbered(honest + scene.records), plants, len(shifts), people)


def _numbered(records: list[Record]) -> list[Record]:
    """In order of time, each with its shard and its number there."""
    records.sort(key=lambda record: record.at_ms)
    last = [0] * SHARDS
    numbered = []
    for record in records:
        shard = zlib.crc32((record.entity_id or record.subject).encode()) % SHARDS
        last[shard] += 1
        numbered.append(msgspec.structs.replace(record, shard=shard, number=last[shard]))
    return numbered
