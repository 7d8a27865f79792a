"""The twelve kinds of misuse that are planted into the month. Each adds records and says whom, from when to when;
the monitor never sees it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

from actors.anomalies.record import Record
from tests.misuse.days import MINUTE_MS, Calendar, Shift, refused_sign_in
from tests.misuse.people import DAY_MS, FIRST_DAY_MS, HOUR_MS, REFUND_THRESHOLD, Person


class Plant(NamedTuple):
    """An episode of misuse: of these accounts or addresses, within this time (UTC ms)."""

    kind: str
    about: frozenset[str]
    begins_ms: int
    ends_ms: int


class Scene:
    """What a plant works with: the honest month, which it may look at, and the records that it adds."""

    def __init__(
        self, chance: random.Random, people: list[Person], shifts: dict[tuple[int, int], Shift], calendar: Calendar
    ) -> None:
        self.chance, self.people, self.shifts, self.calendar = chance, people, shifts, calendar
        self.records: list[Record] = []
        self.taken: set[int] = set()

    def somebody(self, roles: tuple[str, ...], day: int) -> tuple[Person, Shift, int, int]:
        """A person who works that day and was not planted yet: (person, shift, first moment, last moment)."""
        able = [
            index
            for index, person in enumerate(self.people)
            if person.role in roles and index not in self.taken and self._worked(index, day)
        ]
        index = self.chance.choice(able)
        self.taken.add(index)
        shift = self.shifts[index, day]
        return self.people[index], shift, shift.records[0].at_ms, max(record.at_ms for record in shift.records)

    def _worked(self, index: int, day: int) -> bool:
        shift = self.shifts.get((index, day))
        return shift is not None and len(shift.records) > 8

    def done(self, kind: str, added: list[Record], *about: str) -> Plant:
        """Writes the records down."""
        self.records.extend(added)
        return Plant(kind, frozenset(about), min(r.at_ms for r in added), max(r.at_ms for r in added))


def _within(chance: random.Random, first: int, last: int, span_ms: int) -> int:
    return chance.randrange(first, max(first + 1, last - span_ms))


def _added(person: Person, day: int, shift: Shift) -> Shift:
    """A stretch of work in the same session."""
    more = Shift(shift.chance, person, day, shift.calendar)
    more.session, more.address = shift.session, shift.address
    return more


def overrides(scene: Scene, day: int) -> Plant:
    """Counts are lowered, one after the other, to hide what was taken."""
    chance = scene.chance
    person, shift, first, last = scene.somebody(("manager",), day)
    more, at = _added(person, day, shift), _within(chance, first, last, HOUR_MS)
    hidden = chance.random() < 0.3
    for _ in range(chance.randrange(26, 60) if hidden else chance.randrange(11, 35)):
        more.adjust(at, "count" if hidden else chance.choice(("damage", "loss", "write_off")), up=0.04)
        at += int(chance.expovariate(1 / 75) * 1000)
    return scene.done("overrides", more.records, person.account_id)


def voids(scene: Scene, day: int) -> Plant:
    """Orders of friends are cancelled after they were handed over."""
    chance = scene.chance
    person, shift, first, last = scene.somebody(("associate", "support", "manager"), day)
    more, at = _added(person, day, shift), _within(chance, first, last, HOUR_MS)
    for _ in range(chance.randrange(11, 32)):
        more.act(at, "order.cancel")
        at += int(chance.expovariate(1 / 100) * 1000)
    return scene.done("voids", more.records, person.account_id)


def refunds(scene: Scene, day: int) -> Plant:
    """Refunds that stay just under what would need a second person."""
    chance = scene.chance
    person, shift, first, last = scene.somebody(("support", "manager"), day)
    more, at = _added(person, day, shift), first
    number = chance.randrange(5, 11)
    for _ in range(number):
        at += int(chance.uniform(0.3, 1.0) * (last - first) / number)
        more.refund(at, chance.randrange(int(REFUND_THRESHOLD * 0.92), REFUND_THRESHOLD))
    return scene.done("refunds", more.records, person.account_id)


def two_places(scene: Scene, day: int) -> Plant:
    """Two people with one account: each signs in again when the other's sign-in has ended the shift."""
    chance = scene.chance
    person, shift, first, last = scene.somebody(("associate", "fulfilment", "support", "manager"), day)
    at, other = (
        _within(chance, first, last, HOUR_MS),
        chance.choice([p for p in scene.people if p.address != person.address]),
    )
    added = []
    for turn in range(chance.randrange(4, 9)):
        more = _added(person, day, shift)
        more.session = f"{shift.session}-{turn}"
        elsewhere = turn % 2 == 0
        more.address = other.address if elsewhere else shift.address
        stretch = int(chance.uniform(1.5, 8) * MINUTE_MS)
        more._sign_in(at)
        more._spell(at, at + stretch, person.pace * 3)
        added += more.records
        at += stretch
    return scene.done("two_places", added, person.account_id)


def off_shift(scene: Scene, day: int) -> Plant:
    """Work in the middle of the night, when nobody of the place is there."""
    chance = scene.chance
    person, _, _, _ = scene.somebody(("associate", "support", "manager", "driver", "ops"), day)
    more = Shift(chance, person, day, scene.calendar)
    at = FIRST_DAY_MS + (day + 1) * DAY_MS + int(chance.uniform(1.0, 3.5) * HOUR_MS)
    if chance.random() < 0.5:
        more.address = f"night-{chance.getrandbits(32):08x}"
    more.put(at, "session.open", kind="account", entity_id=person.account_id)
    more._spell(at, at + int(chance.uniform(40, 120) * MINUTE_MS), max(8.0, person.pace))
    return scene.done("off_shift", more.records, person.account_id)


def lookups(scene: Scene, day: int) -> Plant:
    """One order after the other is looked at, to sell what is in them."""
    chance = scene.chance
    person, shift, first, last = scene.somebody(("support", "associate", "driver"), day)
    more, at = _added(person, day, shift), _within(chance, first, last, HOUR_MS)
    for _ in range(chance.randrange(70, 220)):
        more.put(at, "order.read", kind="order", entity_id=f"us-{chance.randrange(400_000):026d}")
        at += int(chance.expovariate(1 / chance.uniform(8, 25)) * 1000)
    return scene.done("lookups", more.records, person.account_id)


def stuffing(scene: Scene, day: int) -> Plant:
    """Passwords of another site are tried, one or two on each account."""
    chance = scene.chance
    address, at, added = f"evil-{chance.getrandbits(32):08x}", _hour_of(day, chance), []
    for _ in range(chance.randrange(12, 60)):
        account = (
            chance.choice(scene.people).account_id
            if chance.random() < 0.3
            else f"us-acct-none{chance.getrandbits(40):010x}"
        )
        for _ in range(chance.choice((1, 1, 2))):
            added.append(refused_sign_in(account, at, address))
            at += int(chance.expovariate(1 / chance.choice((3, 20))) * 1000)
    return scene.done("stuffing", added, address)


def guessing(scene: Scene, day: int) -> Plant:
    """Many passwords are tried on one account, sometimes from changing addresses."""
    chance = scene.chance
    person, at, added = chance.choice(scene.people), _hour_of(day, chance), []
    addresses = [f"evil-{chance.getrandbits(32):08x}" for _ in range(chance.choice((1, 1, 8)))]
    for _ in range(chance.randrange(9, 40)):
        added.append(refused_sign_in(person.account_id, at, chance.choice(addresses)))
        at += int(chance.expovariate(1 / 20) * 1000)
    return scene.done("guessing", added, person.account_id, *addresses)


def stolen_token(scene: Scene, day: int) -> Plant:
    """A token is used elsewhere while its owner works on."""
    chance = scene.chance
    person, shift, first, last = scene.somebody(("associate", "support", "manager", "fulfilment"), day)
    more = _added(person, day, shift)
    at = _within(chance, first + 30 * MINUTE_MS, last, 20 * MINUTE_MS)
    more.session = max((r for r in shift.records if r.at_ms <= at), key=lambda r: r.at_ms).session_id
    for _ in range(chance.randrange(8, 40)):
        action = chance.choices(("order.read", "order.search", "account.read", "order.read_history"), (6, 2, 1, 2))[0]
        more.put(
            at, action, address=f"evil-{person.account_id[-6:]}", kind="order",
            entity_id=f"us-{chance.randrange(400_000):026d}",
        )  # fmt: skip
        at += int(chance.expovariate(1 / chance.uniform(8, 30)) * 1000)
    return scene.done("stolen_token", more.records, person.account_id)


def quiet_harvest(scene: Scene, day: int) -> Plant:
    """Every hour some orders more than the work needs, over days: no hour is a burst."""
    chance = scene.chance
    person, _, _, _ = scene.somebody(("support", "associate"), day)
    index, factor, added = scene.people.index(person), chance.uniform(1.3, 2.5), []
    for later in range(day, day + 5):
        worked = scene.shifts.get((index, later))
        if worked is None or not worked.records:
            continue
        more = _added(person, later, worked)
        first, last = worked.records[0].at_ms, max(record.at_ms for record in worked.records)
        reads = sum(record.action == "order.read" for record in worked.records)
        for _ in range(int(max(20, factor * reads))):
            at = chance.randrange(first + MINUTE_MS, last)
            more.session = worked.session
            more.put(at, "order.read", kind="order", entity_id=f"us-{chance.randrange(400_000):026d}")
        added += more.records
    return scene.done("quiet_harvest", added, person.account_id)


def probing(scene: Scene, day: int) -> Plant:
    """Somebody tries what he may not do, door by door."""
    chance = scene.chance
    person, shift, first, last = scene.somebody(("associate", "fulfilment", "driver", "support"), day)
    more, at = _added(person, day, shift), _within(chance, first, last, HOUR_MS)
    doors = [
        "account.read",
        "account.change",
        "client.read",
        "location.adjust",
        "catalogue.define",
        "location.open",
        "privacy.export",
    ]
    chance.shuffle(doors)
    for door in doors[: chance.randrange(4, 8)]:
        for _ in range(chance.randrange(1, 5)):
            more.refused(at, door)
            at += int(chance.uniform(4, 120) * 1000)
    return scene.done("probing", more.records, person.account_id)


def borrowed_account(scene: Scene, day: int) -> Plant:
    """A colleague's screen that was left open: same network, same session, but not how this person works."""
    chance = scene.chance
    person, shift, first, last = scene.somebody(("associate", "fulfilment", "driver"), day)
    more, at = _added(person, day, shift), _within(chance, first, last, HOUR_MS)
    wanted = {
        "associate": ("order.read_history", "order.search", "order.read_history", "order.cancel"),
        "fulfilment": ("order.read", "order.search", "order.read_history", "location.receive"),
        "driver": ("order.search", "order.read_history", "order.cancel", "order.read"),
    }[person.role]
    for _ in range(chance.randrange(18, 45)):
        more.act(at, chance.choice(wanted[:3]) if chance.random() < 0.92 else wanted[3])
        at += int(chance.expovariate(1 / 50) * 1000)
    return scene.done("borrowed_account", more.records, person.account_id)


def _hour_of(day: int, chance: random.Random) -> int:
    return FIRST_DAY_MS + day * DAY_MS + chance.randrange(DAY_MS)


KINDS: dict[str, Callable[[Scene, int], Plant]] = {
    plant.__name__: plant
    for plant in (
        overrides, voids, refunds, two_places, off_shift, lookups, stuffing, guessing, stolen_token, quiet_harvest,
        probing, borrowed_account,
    )
}  # fmt: skip
