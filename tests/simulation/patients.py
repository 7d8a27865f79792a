"""Patients: buyers of what is hardly ever there, who wait for it; and the few units that come in, now and then. What
they wait for goes to them in the order of their promises."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar

import msgspec

from actors.domain import order_lacks, order_waiting
from actors.domain.allocation import Place
from actors.domain.kind import Context
from actors.domain.kinds import KINDS
from actors.domain.location_commands import (
    AdjustmentLine,
    AdjustStock,
    ChangeCondition,
    ConditionLine,
    Expect,
    ReceiptLine,
    ReceiveStock,
    SetLevels,
)
from actors.domain.location_dates import moved
from actors.domain.location_events import Levels, StockChanged
from actors.domain.location_line_events import LineServed, Waiter
from actors.domain.location_state import Location
from actors.domain.order_backorder import BackorderTerms, CustomerTold, DateTold
from actors.domain.order_commands import PlaceOrder
from actors.domain.order_state import Line, Order, ShipTo, is_asking
from actors.domain.order_waiting_messages import DATE_TEMPLATE, TEMPLATE
from actors.runtime.codec import codecs
from actors.runtime.gateway import Ask
from actors.runtime.wire import Turn
from tests.simulation.clients import LOCATIONS, Client, digest
from tests.simulation.history import Folded, History
from tests.simulation.turns import Passed, free_for, good_for, keeps, left_for, stays

RARE = "rare"
DAY_MS = 86_400_000
_CODECS = codecs(KINDS)


class Patient(Client):
    """Half of what they do is to order what nobody has, or to bring some of it."""

    wants: ClassVar[Mapping[str, int]] = {RARE: 8, "scarce": 3, "hot": 1}
    # How often he has announced something.
    said = 0

    async def act(self) -> None:
        """One thing, drawn."""
        draw = self.rng.random()
        if draw < 0.3:
            await self.place()
        elif draw < 0.55:
            command = self._goods()
            place = self.rng.choice(LOCATIONS[:2])
            await self.ask(Ask("location", place, command, self._key(), digest(command)))
        else:
            await super().act()

    def _goods(self) -> ReceiveStock | AdjustStock | ChangeCondition | SetLevels | Expect:
        rng = self.rng
        if rng.random() < 0.25:
            return self._supplier()
        sku, n, draw = rng.choice((RARE, RARE, "scarce")), rng.randint(1, 4), rng.random()
        if draw < 0.6:
            condition = "damaged" if rng.random() < 0.2 else "sellable"
            return ReceiveStock([ReceiptLine(sku, n, None, condition=condition)])  # type: ignore[arg-type]
        if draw < 0.75:
            return ChangeCondition([ConditionLine(sku, n, *rng.sample(("sellable", "damaged"), 2))])  # type: ignore[arg-type]
        if draw < 0.9:
            return SetLevels([Levels(sku, rng.randint(0, 2), None, {"online": rng.randint(0, 2)})])
        return AdjustStock([AdjustmentLine(sku, rng.choice((-1, 1, 2)), "count")])

    def _supplier(self) -> Expect:
        """Says when some of it comes, or that it does not; what is older than what he said changes nothing."""
        rng, now_ms = self.rng, self.world.now_ms()
        self.said += rng.choice((1, 1, 1, 0))
        # What he says may pass without any goods.
        at_ms = now_ms + rng.choice((rng.randint(100, 900), 2 * DAY_MS, 4 * DAY_MS, 9 * DAY_MS)) + rng.choice((0, 60))
        return Expect(f"us-supplier-{self.name}", "purchase", self.said, at_ms, [(RARE, rng.choice((0, 3, 20)))])

    async def place(self) -> None:
        """An order of what is hardly there: sometimes ahead of its release, all or nothing, or by another channel."""
        rng, now_ms = self.rng, self.world.now_ms()
        skus = rng.choices(list(self.wants), list(self.wants.values()), k=rng.randint(1, 2))
        lines = [Line(sku, rng.choice((1, 1, 2, 5)), 100) for sku in skus]
        seen, near = self.world.seen_stock(), rng.sample(LOCATIONS, 3)
        places = [Place(place, {sku: seen.get((place, sku), 0) for sku in sorted(set(skus))}) for place in near]
        draw, terms = rng.random(), None
        if draw < 0.25:
            terms = BackorderTerms({RARE: now_ms + rng.choice((500, 3_000))}, {LOCATIONS[0]: DAY_MS})
        elif draw < 0.6:
            terms = BackorderTerms({}, dict.fromkeys(LOCATIONS[:2], 2 * DAY_MS))
        elif draw < 0.8:
            terms = BackorderTerms(whole=True)
        elif draw < 0.9:
            # It may not lie at the first of them.
            barred = {name: [RARE] if name == near[0] else [] for name in near}
            places[0].available.pop(RARE, None)
            terms = BackorderTerms(barred=barred)
        channel = rng.choice(("online", "online", "store"))
        command = PlaceOrder(
            f"ref-{self.name}-{self.number}", channel, self.name, "US", ShipTo("US"), "USD", lines, places, sealed=b"who",  # type: ignore[arg-type]
            email_digest="e" if rng.random() < 0.5 else "", backorder=terms,
        )  # fmt: skip
        if terms is not None and terms.whole:
            command = msgspec.structs.replace(command, plan=[])
        await self._place_with(self._key(), command)


# --- what must hold --------------------------------------------------------------------------------------------------
def lines(history: History) -> Iterator[str]:
    """Who waits is served in order, before anybody who comes later, as soon as there is something for him; and no line
    is kept of which the order does not know."""
    for (kind, name), entity in history.entities.items():
        if entity.broken:
            continue
        if kind == "location" and entity.state is not None:
            yield from _served_in_order(name, entity)
            yield from _known_to_orders(name, entity.state, history)
        elif kind == "order" and entity.state is not None:
            yield from _in_lines(name, entity.state, history)
            yield from _told(name, entity, history)


def _served_in_order(name: str, entity: Folded) -> Iterator[str]:
    codec, state, passed = _CODECS["location"], None, Passed(name)
    for turn in entity.turns:
        events = codec.events(turn.events)
        context = Context(turn.entity_id, turn.command_id, turn.at_ms)
        for event in events:
            state = codec.kind.evolve(state, event, context)
        if state is not None and events:
            if state.waiting is not None:
                yield from _turn_is_fair(name, state, events, turn)
            # What comes on the road for an order that is collected is its own before it lands.
            yield from passed.after(state, events, turn, landed=_lands(events))


def _lands(events: Iterable[object]) -> bool:
    return any(type(event) is StockChanged and event.entries[0].reason == "receipt" for event in events)


def _turn_is_fair(name: str, state: Location, events: Iterable[object], turn: Turn) -> Iterator[str]:
    served = {one.order_id: one for one in events if type(one) is LineServed}
    causes = {f"{one.order_id}.{one.number}" for one in served.values()}
    others: Counter[tuple[str, str]] = Counter()
    # What comes on the road for an order that is collected is its own before it lands: the receipt itself allocates it.
    lands = _lands(events)
    for event in events:
        # What is set aside for somebody he may ask for himself.
        asker = state.waiting.waiters.get(event.cause.partition(".")[0]) if type(event) is StockChanged else None
        own = asker is not None and keeps(asker, turn.at_ms)
        if type(event) is StockChanged and event.cause not in causes and not lands and not own:
            for entry in event.entries:
                others[entry.sku, entry.lot] += entry.quantity * (entry.reason in ("allocate", "reserve"))
    line = state.waiting
    assert line is not None
    late = line.due_ms is not None and line.due_ms <= turn.at_ms
    where = f"{name} version {turn.version}"
    got = {one.order_id: _rank_served(line.waiters.get(one.order_id), one) for one in served.values()}
    for waiter in line.waiters.values():
        if waiter.whole:
            if (
                waiter.lines
                and not late
                and all(left_for(state, waiter, sku, turn.at_ms) >= n for sku, n in waiter.lines.items())
            ):
                yield f"{where}: all that {waiter.order_id} waits for is free"
            continue
        for sku in waiter.lines:
            if waiter.from_ms.get(sku, 0) > turn.at_ms:
                continue
            free = _good(state, waiter, sku, turn)
            if free and not late:
                yield f"{where}: {free} units of {sku} are free, and {waiter.order_id} waits for them"
            got_by_others = sum(
                n for (of, lot), n in others.items() if of == sku and good_for(state, waiter, sku, lot, turn.at_ms)
            )
            stay = stays(state, waiter, sku, turn.at_ms)
            if got_by_others and free + got_by_others > _kept(state, waiter, sku) + stay:
                yield f"{where}: somebody who does not wait got {sku}, and {waiter.order_id} waits for it"
            for order_id, ranks in got.items():
                # Of another channel more may be kept back, and another lot may be good for it.
                same = order_id in line.waiters and _same(line.waiters[order_id], waiter, sku)
                if same and sku in ranks and waiter.rank(sku) < ranks[sku]:
                    yield f"{where}: {order_id} got {sku} before {waiter.order_id}, who comes first"


def _same(one: Waiter, other: Waiter, sku: str) -> bool:
    return one.channel == other.channel and one.life_days.get(sku) == other.life_days.get(sku)


def _rank_served(waiter: Waiter | None, served: LineServed) -> dict[str, tuple[int, int, str]]:
    # Who got all that it wanted is in line yet: until it says that it has heard.
    return {} if waiter is None else {sku: waiter.rank(sku) for sku, _ in served.lines if not waiter.from_ms}


def _good(state: Location, waiter: Waiter, sku: str, turn: Turn) -> int:
    return 0 if waiter.from_ms.get(sku, 0) > turn.at_ms else free_for(state, waiter, sku, turn.at_ms)


def _kept(state: Location, waiter: Waiter, sku: str) -> int:
    """Units that the waiter may not have, and somebody else may."""
    stock = state.stock[sku]
    return (
        stock.available - stock.available_to(waiter.channel)
        if stock.available
        else max(dict(stock.buffers).get(waiter.channel, 0), 0)
    )


def _known_to_orders(name: str, state: Location, history: History) -> Iterator[str]:
    last_ms = max(one.turns[-1].at_ms for one in history.entities.values() if one.turns)
    soon = state.waiting is not None and any(at < last_ms + DAY_MS for at, _ in state.waiting.dates.values())
    for order_id, waiter in state.waiting.waiters.items() if state.waiting is not None else ():
        entity = history.entities.get(("order", order_id))
        order: Order | None = entity.state if entity is not None else None
        place = order.backorder.places.get(name) if order is not None and order.backorder is not None else None
        if place is not None and place.expected_ms != waiter.expected_ms and not waiter.unseen and not soon:
            yield f"{name}: {order_id} may have it at {waiter.expected_ms}, and believes {place.expected_ms}"
        expected_ms = waiter.expected_ms
        if waiter.lines and expected_ms is not None and expected_ms < last_ms - 2_000:
            yield f"{name}: {order_id} was to have it at {expected_ms}, which has passed"
        if place is None or dict(place.lines) != waiter.lines or waiter.unseen:
            yield f"{name}: {waiter} is in line, the order knows {place}"


def _in_lines(order_id: str, order: Order, history: History) -> Iterator[str]:
    if order.backorder is None:
        return
    for name, place in order.backorder.places.items():
        if place.telling is not None or place.seen:
            yield f"{order_id} has yet to hear from {name}: {place}"
        state = history.entities["location", name].state
        waits = state.waiting is not None and order_id in state.waiting.waiters
        if waits != bool(place.lines):
            yield f"{order_id} {'is' if waits else 'is not'} in line at {name}, and believes {place}"
    lacking = {} if order.cancelled else order_lacks.lacking(order)
    terms = order.backorder.terms
    for one in order.fulfilments if terms is not None and terms.barred else ():
        banned = (
            [sku for sku, _ in one.lines if sku in terms.barred.get(one.location_id, ())] if terms is not None else []
        )
        if banned and one.number > order_waiting.NUMBERS:
            yield f"{order_id} got {banned} from {one.location_id}, which may not serve it"
    if lacking and not is_asking(order):
        if order.retry_at_ms is None and not order.backorder.parked:
            yield f"{order_id} lacks {lacking}, and nobody knows why"
        for name in order_waiting.lines_of(order):
            place = order.backorder.places.get(name)
            wanted = order_waiting.in_line_for(order, name, lacking)
            if place is None or (not place.full and dict(place.lines) != wanted):
                yield f"{order_id} lacks {lacking}, and waits at {name} for {place}"


def _told(order_id: str, entity: Folded, history: History) -> Iterator[str]:
    for template, of in ((TEMPLATE, CustomerTold), (DATE_TEMPLATE, DateTold)):
        told = [event for _, event in entity.events if type(event) is of]
        notices = [
            one.state
            for (kind, _), one in history.entities.items()
            if kind == "notice" and (one.state.about, one.state.template) == (order_id, template)
        ]
        if len(told) != len(notices):
            yield f"{order_id} told its customer {len(told)} times {template}, and {len(notices)} notices were written"
    yield from told_anew(order_id, entity.events)


def told_anew(order_id: str, events: Iterable[tuple[int, object]]) -> Iterator[str]:
    """Each notice of a date is of another than the one before has told: nobody knows it any more, too."""
    before: DateTold | None = None
    for at, event in events:
        if type(event) is DateTold:
            knows = event.known_ms if before is None else before.expected_by_ms
            if event.known_ms != knows or not moved(event.known_ms, event.expected_by_ms):
                yield f"{order_id} at {at}: {event} tells nothing new"
            before = event
