"""Honest work: a shift of one person as the audit sees it, with bad days, busy days and the
mistakes that people make."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import msgspec

from actors.anomalies.record import Record
from tests.misuse.people import DAY_MS, FIRST_DAY_MS, HOUR_MS, REFUND_THRESHOLD, STORES, WAREHOUSES, Person

MINUTE_MS = 60_000
_FOUND = (1, 1, 0, 2, 3, 5, 50)
_LOOKS = frozenset({"order.read", "order.read_history"})


@dataclass
class Calendar:
    """What is particular of the month's days."""

    busy: frozenset[int] = frozenset()
    # location -> day on which everything is counted
    stock_takes: dict[str, int] = field(default_factory=dict)
    # location -> (day, its network's new address from then on)
    moved_networks: dict[str, tuple[int, str]] = field(default_factory=dict)
    trend: float = 0.0

    def load(self, day: int) -> float:
        """How much more there is to do than on a usual Monday."""
        weekday = (1.0, 0.95, 0.95, 1.0, 1.15, 1.35, 1.1)[day % 7]
        return weekday * (2.2 if day in self.busy else 1.0) * (1 + self.trend * day / 30)


def calendar(chance: random.Random, days: int) -> Calendar:
    """Two busy Saturdays, a stock-take for half of the places, one place with a new internet provider."""
    saturdays = [day for day in range(days) if day % 7 == 5]
    places = [*STORES, *WAREHOUSES]
    takes = {place: chance.randrange(3, days) for place in chance.sample(places, 5)}
    moved = chance.choice(places)
    return Calendar(
        frozenset(chance.sample(saturdays, min(2, len(saturdays)))),
        takes,
        {moved: (chance.randrange(4, days), f"net-{moved}-new")},
        chance.uniform(-0.15, 0.25),
    )


def made(person: Person, at_ms: int, action: str, session: str, address: str, **more: Any) -> Record:
    """A record without its number, as the audit has it: who signs in has neither role nor session yet;
    a search has no entity."""
    role = person.role
    if action == "session.open":
        role = session = ""
    elif action.endswith(".search"):
        more = {name: value for name, value in more.items() if name not in {"kind", "entity_id"}}
        # Mostly a caller's few, and now and then a page of a list of work.
        more["changes"] = {"orders": (None, _FOUND[at_ms % len(_FOUND)])}
    elif action == "location.adjust":
        more = {"location_id": person.location_id} | more
    return Record(0, 0, at_ms, person.account_id, role, action, session_id=session, address=address, **more)


def refused_sign_in(account_id: str, at_ms: int, address: str) -> Record:
    """Nobody is known yet, only whom they want to be. Of accounts that there are not, the door writes it down."""
    known = "none" not in account_id
    return Record(
        0, 0, at_ms, account_id if known else "", "", "session.open" if known else "request.refused",
        outcome="session.refused", address=address, kind="account" if known else "", entity_id=account_id,
    )  # fmt: skip


class Shift:
    """One person's work on one day, or another stretch of it."""

    def __init__(self, chance: random.Random, person: Person, day: int, calendar: Calendar) -> None:
        self.chance, self.person, self.day, self.calendar = chance, person, day, calendar
        self.records: list[Record] = []
        self.address = person.address
        moved = calendar.moved_networks.get(person.location_id)
        if moved is not None and day >= moved[0] and person.address.startswith("net-"):
            self.address = moved[1]
        self.session = f"s-{person.account_id[-8:]}-{day}-{chance.getrandbits(32):08x}"

    def worked(self) -> list[Record]:
        """The records of the whole shift."""
        chance, person = self.chance, self.person
        begins, hours = person.start + chance.gauss(0, 0.12), person.hours
        if chance.random() < 0.06:  # somebody else's shift
            begins += chance.choice(person.others) - person.start
        if chance.random() < 0.08:
            hours += chance.uniform(0.5, 2.5)
        start = FIRST_DAY_MS + self.day * DAY_MS + int(begins * HOUR_MS)
        end = start + int(hours * HOUR_MS)
        at = self._sign_in(start)
        level = person.pace * self.calendar.load(self.day) * chance.lognormvariate(0, 0.2)
        break_at = start + (end - start) // 2
        while at < end:
            # Work comes in spells: a queue at the desk, a lull.
            spell = level * chance.lognormvariate(0, 0.35)
            until = min(end, at + int(chance.uniform(15, 50) * MINUTE_MS))
            at = self._spell(at, until, spell)
            if at >= break_at:
                at += int(chance.uniform(20, 45) * MINUTE_MS)
                break_at = end + 1
                if chance.random() < 0.3:
                    at = self._sign_in(at)  # was idle for too long
        self._stock_take(start, end)
        self._mistakes(start, end)
        return self.records

    def put(self, at_ms: int, action: str, **more: Any) -> None:
        """Writes a record down."""
        self.records.append(made(self.person, at_ms, action, self.session, more.pop("address", self.address), **more))

    def _sign_in(self, at: int) -> int:
        chance, person = self.chance, self.person
        if chance.random() < person.forgets:
            for _ in range(min(9, 1 + int(chance.expovariate(0.55)))):
                self.records.append(refused_sign_in(person.account_id, at, self.address))
                at += int(chance.uniform(5, 40) * 1000)
        self.put(at, "session.open", kind="account", entity_id=person.account_id)
        return at + int(chance.uniform(10, 120) * 1000)

    def _spell(self, at: int, until: int, an_hour: float) -> int:
        chance, person = self.chance, self.person
        actions, weights = list(person.mix), list(person.mix.values())
        address, roaming_until = self.address, 0
        while True:
            at += int(chance.expovariate(an_hour) * HOUR_MS) + 1
            if at >= until:
                return until
            if person.roams and at > roaming_until:
                address = self.address
                if chance.random() < (0.5 if person.roams == 1 else person.roams):
                    address = f"mobile-{chance.randrange(40)}"
                roaming_until = at + int(chance.uniform(2, 25) * MINUTE_MS)
            self.act(at, chance.choices(actions, weights)[0], address=address)

    def act(self, at: int, action: str, **more: Any) -> None:
        """One act of ordinary work."""
        chance = self.chance
        if action == "location.adjust":
            self.adjust(at, chance.choice(("damage", "loss", "found", "count", "count")), **more)
        elif action == "refund.give":
            amount = min(200_000, int(chance.lognormvariate(8.1, 0.9)))
            self.refund(at, amount, **more)
        elif action == "order.short_pick":
            changes = {f"S{chance.randrange(3000)}.missing": (None, chance.choice((1, 1, 1, 2, 3)))}
            self.put(
                at, action, kind="order", entity_id=f"us-{chance.randrange(400_000):026d}", changes=changes, **more
            )
        elif action.startswith("order."):
            again = action in _LOOKS and chance.random() < 0.25
            number = self._last if again and hasattr(self, "_last") else chance.randrange(400_000)
            self._last = number
            self.put(at, action, kind="order", entity_id=f"us-{number:026d}", **more)
        else:
            self.put(at, action, **more)

    def refund(self, at: int, amount: int, **more: Any) -> None:
        """A refund of so many minor units: what takes two is asked for."""
        order = f"us-{self.chance.randrange(400_000):026d}"
        changes = {"amount_minor": (None, amount), "currency": (None, "USD")}
        if amount > REFUND_THRESHOLD:
            self.put(at, "refund.want", kind="order", entity_id=order, **more)
            asked = {"status": (None, "pending"), **changes}
            self.put(at, "approval.ask", kind="approval", entity_id=f"us-approval-{order}", changes=asked, **more)
            return
        self.put(at, "refund.give", kind="order", entity_id=order, changes=changes, **more)

    def refused(self, at: int, door: str) -> None:
        """What the role may not do: the door writes it down."""
        self.put(at, "request.refused", outcome="auth.forbidden", changes={"endpoint": (None, door)})

    def adjust(self, at: int, why: str, up: float | None = None, **more: Any) -> None:
        """A correction of one to three counts; `up`: the chance of each to be upwards."""
        chance = self.chance
        if up is None:
            up = {"damage": 0.0, "loss": 0.0, "found": 1.0, "count": 0.4}[why]
        changes = {}
        for _ in range(chance.choice((1, 1, 2, 3))):
            before = chance.randrange(5, 80)
            step = chance.randrange(1, 5)
            changes[f"S{chance.randrange(3000)}.on_hand"] = (
                before,
                before + step if chance.random() < up else before - step,
            )
        self.put(
            at, "location.adjust", kind="location", entity_id=self.person.location_id, why=why, changes=changes, **more
        )

    def _stock_take(self, start: int, end: int) -> None:
        person, chance = self.person, self.chance
        if person.role == "manager" and self.calendar.stock_takes.get(person.location_id) == self.day:
            at = start + HOUR_MS
            for _ in range(chance.randrange(60, 160)):
                at += int(chance.expovariate(1 / 90) * 1000)
                if at < end:
                    self.adjust(at, "count")

    def _mistakes(self, start: int, end: int) -> None:
        """A screen that somebody may not see, a parcel of damaged goods, a customer who calls ten times,
        a network that changes."""
        chance, person = self.chance, self.person
        if chance.random() < 0.05:
            action, at = (
                chance.choice(("location.adjust", "account.read", "catalogue.define")),
                chance.randrange(start, end),
            )
            for _ in range(chance.randrange(1, 4)):
                self.refused(at, action)
                at += int(chance.uniform(2, 60) * 1000)
        if person.role == "manager" and chance.random() < 0.04:  # a pallet that fell
            at = chance.randrange(start, end)
            for _ in range(chance.randrange(2, 6)):
                self.adjust(at, "damage")
                at += int(chance.uniform(20, 200) * 1000)
        if person.role in {"support", "manager"} and chance.random() < 0.03:  # a product recall: some orders must go
            at = chance.randrange(start, end)
            for _ in range(chance.randrange(3, 7)):
                self.act(at, "order.cancel")
                at += int(chance.uniform(30, 240) * 1000)
        if person.address.startswith("home-") and chance.random() < 0.01:  # the provider gives another address
            self._renumbered(chance.randrange(start, end), f"home-new-{chance.randrange(10_000)}")

    def _renumbered(self, at: int, address: str) -> None:
        self.records = [
            made_again(record, address) if record.at_ms >= at and record.address == self.address else record
            for record in self.records
        ]
        self.person.address = address


def made_again(record: Record, address: str) -> Record:
    """The same from another address."""
    return msgspec.structs.replace(record, address=address)
