"""What is usual for a person: at which hours, from which networks, on which days. Learned from what
they did, forgotten slowly.

Customers and guests are kept apart from staff and machines: however many come, nobody who works here is forgotten for
them. Only ended days count: what happens today is judged by what was before, so that nobody makes something
usual by beginning with it.
"""

from __future__ import annotations

import msgspec

from actors.anomalies.record import VISITORS, Record
from actors.domain.times import DAY_MS, HOUR_MS

ADDRESSES_MAX = 12
# Of those who work here, and of visitors.
PEOPLE_MAX = 20_000
# A busy Saturday before a holiday; what is beyond it excuses nothing.
BUSY_MAX = 3.0
# Of an hour's weight, a day later.
KEEPS = 0.95
# Then all count half, so that new hours are noticed.
ROLE_HOURS_MAX = 50_000


class Habit(msgspec.Struct, array_like=True):
    """hours: weight of each hour of the day (UTC), 1.0 when worked every day; addresses: their networks → the last day
    it was seen on (before today); networks: mean number of addresses in a day; pace: mean number of acts in an hour of
    work; the fields with `today` become habit when the day is over."""

    role: str = ""
    day: int = -1
    days: int = 0
    hours: list[float] = []
    addresses: dict[str, int] = {}
    networks: float = 1.0
    pace: float = 0.0
    today_hours: list[int] = []
    today_addresses: list[str] = []
    today_acts: int = 0

    def knows(self, address: str) -> bool:
        """Has it been used on an earlier day?"""
        return address in self.addresses

    @property
    def busy(self) -> float:
        """How many times the usual work there is today, in the hours that were worked: from 1, which it is too while
        nothing is usual, to BUSY_MAX."""
        if not self.pace:
            return 1.0
        return min(BUSY_MAX, max(1.0, self.today_acts / max(1, len(self.today_hours)) / self.pace))

    def near(self, hour: int, reach: int) -> float:
        """The weight of the hour and of those around it."""
        return sum(self.hours[(hour + step) % 24] for step in range(-reach, reach + 1)) if self.hours else 0.0


class Kept(msgspec.Struct, array_like=True):
    """The habits of all. people: who works here; roles: how many hours of work fell into each hour of the day."""

    people: dict[str, Habit] = {}
    roles: dict[str, list[float]] = {}
    visitors: dict[str, Habit] = {}


class Habits:
    """Of everybody. The one who was not seen for longest is forgotten when there are too many of his sort."""

    def __init__(self, people_max: int = PEOPLE_MAX) -> None:
        self._people_max = people_max
        self._people: dict[str, Habit] = {}
        self._visitors: dict[str, Habit] = {}
        self._roles: dict[str, list[float]] = {}

    def share(self, role: str, hour: int) -> float:
        """How much of the role's work falls into that hour of the day (UTC)."""
        hours = self._roles.get(role)
        return hours[hour] / max(1.0, sum(hours)) if hours else 0.0

    def of(self, subject: str) -> Habit | None:
        """The person's habit; None for whom we don't know."""
        return self._people.get(subject) or self._visitors.get(subject)

    def see(self, record: Record) -> Habit:
        """The person's habit before this record; the record is noted."""
        known = self._visitors if record.visits else self._people
        habit = known.pop(record.subject, None)
        if habit is None:
            habit = Habit(hours=[0.0] * 24)
            if len(known) >= self._people_max:
                del known[next(iter(known))]
        known[record.subject] = habit  # last in the dict's order: seen most lately
        day, hour = divmod(record.at_ms, DAY_MS)
        if day > habit.day:
            hours = self._roles.setdefault(habit.role, [0.0] * 24)
            for worked in habit.today_hours:
                hours[worked] += 1
            if sum(hours) > ROLE_HOURS_MAX:
                self._roles[habit.role] = [weight / 2 for weight in hours]
            _close(habit, day)
        habit.today_acts += 1
        habit.role = record.role or habit.role  # a refused sign-in does not say it
        hour //= HOUR_MS
        if hour not in habit.today_hours:
            habit.today_hours.append(hour)
        network = record.network
        if network not in habit.today_addresses and len(habit.today_addresses) < 4 * ADDRESSES_MAX:
            habit.today_addresses.append(network)
        return habit

    def dump(self) -> Kept:
        """What is kept over a restart."""
        return Kept(self._people, self._roles, self._visitors)

    def restore(self, kept: Kept) -> None:
        """Takes over what `dump` gave; an older one has the visitors among the people."""
        self._people, self._roles, self._visitors = kept.people, kept.roles, kept.visitors
        for subject in [subject for subject, habit in kept.people.items() if habit.role in VISITORS]:
            self._visitors[subject] = self._people.pop(subject)


def _close(habit: Habit, day: int) -> None:
    """The last day on which they were here is over."""
    if habit.day >= 0:
        habit.days += 1
        habit.hours = [weight * KEEPS for weight in habit.hours]
        for hour in habit.today_hours:
            habit.hours[hour] += 1 - KEEPS
        habit.pace += (habit.today_acts / len(habit.today_hours) - habit.pace) * max(0.1, 1 / habit.days)
        habit.networks += (len(habit.today_addresses) - habit.networks) * 0.2
        for address in habit.today_addresses:
            habit.addresses.pop(address, None)
            habit.addresses[address] = habit.day
        while len(habit.addresses) > ADDRESSES_MAX:
            del habit.addresses[next(iter(habit.addresses))]
    habit.day, habit.today_hours, habit.today_addresses, habit.today_acts = day, [], [], 0
