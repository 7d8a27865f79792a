"""Compares what clients were told with what is there. Pure: the run reads the database
(`found.py`) and hands both here."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from perf.chaos.told import Acknowledged, Notebook

SHOWN = 10
SHIPPED = frozenset({"shipped", "delivered"})
GONE = frozenset({"shipped", "delivered", "cancelled"})
NOTHING_HELD = frozenset({"cancelled", "reserving"})


class Turn(msgspec.Struct, frozen=True):
    """A turn in the history. `events`: how many. `status` 0: done, else refused."""

    kind: str
    entity_id: str
    command_id: str
    version: int
    events: int
    status: int


class FoundOrder(msgspec.Struct, frozen=True):
    """An order in the read model. `parts`: (location, fulfilment's status, its units per SKU)."""

    order_id: str
    version: int
    status: str
    parts: list[tuple[str, str, dict[str, int]]]


class FoundStock(msgspec.Struct, frozen=True):
    """Stock of one SKU at one location, beside the sums of its ledger."""

    on_hand: int
    allocated: int
    safety_stock: int
    ledger_on_hand: int
    ledger_allocated: int


class Found(msgspec.Struct):
    """What is in the database after the run, when all is settled."""

    turns: list[Turn] = []
    orders: dict[str, FoundOrder] = {}
    stock: dict[tuple[str, str], FoundStock] = {}
    ledger_doubles: list[str] = []
    outbox: int = 0
    parked: int = 0


class Verdict(msgspec.Struct):
    """`lost`, `doubled`: acknowledged updates. `wrong`: everything else that must not be."""

    acknowledged: int = 0
    lost: list[str] = []
    doubled: list[str] = []
    wrong: list[str] = []

    @property
    def good(self) -> bool:
        """Whether every promise was kept."""
        return not (self.lost or self.doubled or self.wrong)


def judge(told: Notebook, found: Found) -> Verdict:
    """All comparisons."""
    verdict = Verdict(acknowledged=len(told.acknowledged), wrong=list(told.wrong))
    _updates(told.acknowledged, found.turns, verdict)
    _histories(found, verdict)
    _orders(told, found, verdict)
    _stock(told, found, verdict)
    if found.outbox or found.parked:
        verdict.wrong.append(f"{found.outbox} messages are not acknowledged, {found.parked} of them parked")
    verdict.wrong += [f"{line} is in the ledger twice" for line in found.ledger_doubles]
    return verdict


def _updates(told: Iterable[Acknowledged], turns: Iterable[Turn], verdict: Verdict) -> None:
    """Each acknowledged update is in the history once, at its version; and no command of anybody is there twice."""
    done: dict[tuple[str, str, str], list[Turn]] = defaultdict(list)
    creations: Counter[str] = Counter()
    for turn in turns:
        if turn.command_id.startswith("wake-"):
            continue  # a timer may go off again at the same moment; what it does is checked by its effects
        done[turn.kind, turn.entity_id, turn.command_id].append(turn)
        if turn.kind == "order" and turn.events and turn.version == turn.events:
            creations[turn.command_id] += 1  # the entity's first turn: a placement's key makes one order only
    verdict.doubled += [f"{' '.join(key)}: {len(times)} turns" for key, times in done.items() if len(times) > 1]
    verdict.doubled += [f"key {key} placed {count} orders" for key, count in creations.items() if count > 1]
    for update in told:
        matching = done.get((update.kind, update.entity_id, update.key), [])
        # A placement's answer is that of a later turn when it waited for the locations.
        if not any(turn.version <= update.version and turn.status == 0 for turn in matching):
            verdict.lost.append(f"{update.kind} {update.entity_id} {update.key} at version {update.version}")
        elif not _at_its_version(update, matching):
            verdict.wrong.append(f"{update.key} was told version {update.version}, is at {matching[0].version}")


def _at_its_version(update: Acknowledged, turns: list[Turn]) -> bool:
    placement = any(turn.version == turn.events for turn in turns)
    return placement or any(turn.version == update.version for turn in turns)


def _histories(found: Found, verdict: Verdict) -> None:
    """The versions of an entity go on without a gap or a fork: no turn is missing in the middle, none
    is there beside another."""
    by_entity: dict[tuple[str, str], list[Turn]] = defaultdict(list)
    for turn in found.turns:
        if turn.events:
            by_entity[turn.kind, turn.entity_id].append(turn)
    for (kind, entity_id), turns in by_entity.items():
        version = 0
        for turn in sorted(turns, key=lambda turn: turn.version):
            if turn.version != version + turn.events:
                verdict.wrong.append(
                    f"{kind} {entity_id}: a turn of {turn.events} events at version {turn.version} after version {version}"
                )
            version = turn.version
        if kind == "order" and (entity_id not in found.orders or found.orders[entity_id].version != version):
            there = found.orders[entity_id].version if entity_id in found.orders else "missing"
            verdict.wrong.append(
                f"order {entity_id} is {there} in the read model, its history ends at version {version}"
            )


def _orders(told: Notebook, found: Found, verdict: Verdict) -> None:
    """Each order is at least as far as its client saw it, and is what it was told if nothing happened since. One that
    is over only hears of others from then on: it leaves the lines in which it waited, and gives back what
    it was offered meanwhile."""
    asked: dict[str, list[Turn]] = defaultdict(list)
    for turn in found.turns:
        if turn.kind == "order" and turn.events and not _is_message(turn):
            asked[turn.entity_id].append(turn)
    for order in told.orders.values():
        there = found.orders.get(order.order_id)
        if there is None:
            verdict.lost.append(f"order {order.order_id} does not exist")
        elif there.version < order.seen:
            verdict.lost.append(f"order {order.order_id} is at version {there.version}, was seen at {order.seen}")
        elif there.version == order.version and there.status != order.status:
            verdict.wrong.append(f"order {order.order_id} is {there.status}, was told as {order.status}")
        elif order.status in GONE and not order.unsure and there.version != order.version:
            went_on = any(turn.version > order.version for turn in asked[order.order_id])
            if went_on or there.status != order.status:
                verdict.wrong.append(
                    f"order {order.order_id} was {order.status} and went on to version {there.version} ({there.status})"
                )
    for there in found.orders.values():
        if there.status == "cancelled" and any(status not in NOTHING_HELD for _, status, _ in there.parts):
            verdict.wrong.append(f"order {there.order_id} is cancelled and has {there.parts}")


def _is_message(turn: Turn) -> bool:
    """Messages, and the answers to them, are named after the entity that sent them, as entities are after their
    region; clients' keys are not."""
    return turn.command_id.startswith(turn.entity_id.partition("-")[0] + "-")


def _stock(told: Notebook, found: Found, verdict: Verdict) -> None:
    """Promise 5, per location and SKU: the counts are what came in, went out and is promised; none is below zero."""
    shipped: Counter[tuple[str, str]] = Counter()
    promised: Counter[tuple[str, str]] = Counter()
    for order in found.orders.values():
        for location_id, status, units in order.parts:
            for sku, count in units.items():
                if status in SHIPPED:
                    shipped[location_id, sku] += count
                elif status not in NOTHING_HELD:
                    promised[location_id, sku] += count
    for place, stock in found.stock.items():
        problems: Mapping[str, bool] = {
            "on_hand is not the sum of the ledger": stock.on_hand != stock.ledger_on_hand,
            "allocated is not the sum of the ledger": stock.allocated != stock.ledger_allocated,
            "on_hand is negative": stock.on_hand < 0,
            "more is allocated than there is": stock.allocated > stock.on_hand,
            f"open fulfilments hold {promised[place]}": stock.allocated != promised[place],
            f"{told.received[place]} came in, {shipped[place]} went out": not told.given_up
            and stock.on_hand != told.received[place] - shipped[place],
        }
        verdict.wrong += [f"stock of {' '.join(place)}: {what} ({stock})" for what, so in problems.items() if so]
    missing = {place for place, units in told.received.items() if units} - found.stock.keys()
    verdict.lost += [f"stock of {' '.join(place)} does not exist" for place in sorted(missing)]
