"""What clients were told: every acknowledged update, every order as far as its client knows it,
every unit that came in."""

from collections import Counter, defaultdict
from typing import NamedTuple

import msgspec


class Acknowledged(NamedTuple):
    """One update that the cell acknowledged. Times: monotonic seconds; `began_at` is the first try, `at` the answer.

    `status`: the order's status as told; "" for locations.
    """

    kind: str
    entity_id: str
    key: str
    version: int
    status: str
    began_at: float
    at: float
    tries: int


class ToldOrder(msgspec.Struct):
    """An order as its one client knows it. `seen`: the highest version that it was told or has read.

    `unsure`: an update was given up without an answer, so what it is now can't be told from here.
    """

    order_id: str
    units: dict[str, int]
    version: int = 0
    status: str = ""
    seen: int = 0
    unsure: bool = False


class Notebook:
    """One for all clients of a run (they share a thread).

    `answers`: all tries by status, "none" for those without an answer; `broken`: why those had none. `refused`: by
    code. `short`: orders that could not have all that they wanted.
    """

    def __init__(self) -> None:
        self.acknowledged: list[Acknowledged] = []
        self.orders: dict[str, ToldOrder] = {}
        self.received: dict[tuple[str, str], int] = defaultdict(int)
        self.answers: Counter[str] = Counter()
        self.broken: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.given_up: list[str] = []
        self.wrong: list[str] = []
        self.repeats = 0
        self.reads = 0
        self.short = 0

    def acknowledge(self, told: Acknowledged) -> None:
        """An update was acknowledged."""
        self.acknowledged.append(told)
        order = self.orders.get(told.entity_id)
        if order is not None and told.version >= order.version:
            order.version, order.status = told.version, told.status
            order.seen = max(order.seen, told.version)

    def read(self, order: ToldOrder, version: int, status: str) -> None:
        """An order was read: never older than what its client was told, never to be forgotten again."""
        self.reads += 1
        if version < order.seen:
            self.wrong.append(f"{order.order_id} was read at version {version} after version {order.seen} was told")
        elif version == order.version and status != order.status:
            self.wrong.append(f"{order.order_id} at version {version} is {status}, was told as {order.status}")
        order.seen = max(order.seen, version)
