"""The generated staff: who works where, when, on which network and how."""

from __future__ import annotations

import random
from dataclasses import dataclass

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
# 2026-03-02, a Monday, 00:00 UTC
FIRST_DAY_MS = 1_772_409_600_000
STORES = tuple(f"us-st-{name}" for name in ("austin", "boise", "denver", "fresno", "miami", "omaha", "salem", "tampa"))
WAREHOUSES = ("us-wh-newark", "us-wh-seattle")
DESK = "us-desk"
# The region's threshold above which a refund needs a second person, in minor units.
REFUND_THRESHOLD = 10_000

# Of 200; other sizes in proportion.
SHARES = {
    "associate": 72, "fulfilment": 54, "support": 30, "manager": 18, "driver": 16, "ops": 4, "auditor": 3, "privacy": 3,
}  # fmt: skip
# What the audit sees of an hour: how many acts, and of which kinds.
PACE = {
    "associate": 11, "fulfilment": 24, "support": 19, "manager": 8, "driver": 9, "ops": 4, "auditor": 6, "privacy": 5,
}  # fmt: skip
MIX: dict[str, dict[str, float]] = {
    "associate": {"order.read": 6, "order.place": 4, "order.read_history": 0.6, "order.cancel": 0.25, "order.search": 0.8},
    "fulfilment": {
        "order.start_picking": 5, "order.pick": 6, "order.pack": 6, "order.ship": 5, "order.short_pick": 0.3,
        "order.read": 2, "location.receive": 0.8,
    },
    "support": {
        "order.read": 12, "order.search": 3, "order.read_history": 2, "order.cancel": 1, "order.place": 0.5, "refund.give": 1.2,
    },
    "manager": {
        "order.read": 3, "location.adjust": 1, "order.cancel": 0.5, "account.read": 0.3, "session.proof": 0.3,
        "order.read_history": 0.5, "order.place": 0.6, "location.receive": 0.2, "refund.give": 0.3,
        "location.set_safety_stock": 0.1,
    },
    "driver": {"order.read": 5, "order.deliver": 4, "order.search": 0.3},
    "ops": {"catalogue.define": 1, "account.read": 1.5, "account.change": 0.4, "client.read": 0.5, "location.open": 0.1},
    "auditor": {"order.read": 2, "order.read_history": 3, "account.read": 2, "order.search": 1},
    "privacy": {"order.read": 2, "account.read": 1, "order.search": 1, "privacy.export": 0.2},
}  # fmt: skip


@dataclass
class Person:
    """One member of staff with his habits. start: the hour (UTC) at which his shift begins; others: when shifts of his
    kind begin; days: weekdays that he works; pace: acts an hour; forgets, roams: the chance of a wrong password,
    and of another network."""

    account_id: str
    role: str
    location_id: str
    start: float
    days: tuple[int, ...]
    address: str
    pace: float
    mix: dict[str, float]
    forgets: float
    roams: float
    others: tuple[float, ...]
    hours: float = 8.0


def staff(chance: random.Random, number: int) -> list[Person]:
    """So many people."""
    found: list[Person] = []
    whole = sum(SHARES.values())
    for role, share in SHARES.items():
        for _ in range(max(2, round(share * number / whole))):
            found.append(_person(chance, role, len(found)))
    return found


def _person(chance: random.Random, role: str, index: int) -> Person:
    location, address = _place(chance, role, index)
    if location in WAREHOUSES and role in {"fulfilment", "manager"}:
        starts: tuple[float, ...] = (6.0, 14.0, 22.0)
    elif role in {"ops", "auditor", "privacy"}:
        starts = (8.0, 9.0)
    else:
        starts = (8.0, 9.0, 12.0, 13.0)
    first = chance.randrange(7)
    mix = {action: weight * chance.lognormvariate(0, 0.35) for action, weight in MIX[role].items()}
    return Person(
        f"us-acct-{index:04d}{chance.getrandbits(64):016x}",
        role,
        location,
        chance.choice(starts) + chance.uniform(-0.4, 0.4),
        tuple((first + day) % 7 for day in range(5)),
        address,
        PACE[role] * chance.lognormvariate(0, 0.3),
        mix,
        chance.choice((0.01, 0.01, 0.03, 0.08)),
        1.0 if role == "driver" else chance.choice((0.0, 0.0, 0.0, 0.02)),
        starts,
    )


def _place(chance: random.Random, role: str, index: int) -> tuple[str, str]:
    """(location, address): stores and warehouses have one network, some of the support works at home."""
    if role in {"associate", "manager"} or (role == "fulfilment" and chance.random() < 0.2):
        place = STORES[index % len(STORES)]
        if role == "manager" and chance.random() < 0.25:
            place = WAREHOUSES[index % 2]
        return place, f"net-{place}"
    if role in {"fulfilment", "driver"}:
        place = WAREHOUSES[index % 2]
        return place, f"net-{place}"
    if role == "support" and chance.random() < 0.5:
        return DESK, f"home-{index:04d}"
    return DESK, f"net-{DESK}"
