"""What if another policy had held? The past played again: stock as it was, moved as it did, orders served as a policy
decides.

    moves (receipts, corrections, transfers, carts, orders that are not played)  ─┐ in the order in which they happened
    orders in play, as they were placed                                          ─┴▶ source(policy, …) on the stock of that moment ──▶ Served
    their cancellations and what they gave back: units go back to where the play had them from;
    what waits is served from what comes, oldest order first

What is played gets what its decision says, at once: no two orders meet. Picks find what they look for. Everything else
is the same code as at work: `sourcing.source`, calendars, what fits into a place's day. The player is pure and steps
(`steps`), so whoever runs it may look up in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from actors.domain.geography import distance_km
from actors.domain.location_capacity import local_day
from actors.domain.sourcing import source
from actors.domain.sourcing_calendar import Moments
from actors.domain.sourcing_demand import Candidate, Demand, Wanted, items_of
from actors.domain.sourcing_places import ALWAYS, NO_LIMIT, candidate_of, left_of, works_at
from actors.domain.sourcing_policy import Policy
from actors.domain.sourcing_size import CONSIDERED_MAX, NEAREST, Solvers, places_considered, solver_for
from actors.domain.times import MINUTE_MS
from actors.domain.what_if_stock import StockThen
from actors.domain.what_if_terms import Past, PastMove, PastOrder, PastPlace

# So often an order that waits is tried again.
TRIES_MAX = 12
_UNKNOWN_KM = 1e9

# (location, SKU → units)
Share = tuple[str, dict[str, int]]


class Served(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What an order got at a moment (UTC ms), from whom. first: it was its placement."""

    order: int
    at_ms: int
    shares: list[Share]
    first: bool


class Outcome(msgspec.Struct, gc=False):
    """What came of a play. waiting: (order, SKU → units) that nobody had until the end. given_back: units.
    short: see `StockThen`."""

    served: list[Served] = []
    waiting: dict[int, dict[str, int]] = {}
    given_back: int = 0
    short: int = 0


class Map:
    """The places, and how far each is from where an order went."""

    def __init__(self, past: Past) -> None:
        self.places = {place.location_id: place for place in sorted(past.places, key=lambda place: place.location_id)}
        self._centre = past.terms.centre
        self._between: dict[str, dict[str, float]] = {}
        self._moments: dict[str, tuple[int, Moments]] = {}

    def distances(self, order: PastOrder) -> dict[str, float | None]:
        """Kilometres by place. Of places of which nothing was told it is as far as from the nearest of the others:
        wrong by no more than that one is away. None where nothing is known."""
        known = {name: km for name, km in order.km.items() if name in self.places}
        if not known:
            return dict.fromkeys(self.places, None)
        nearest = min(known, key=lambda name: (known[name], name))
        return {name: known.get(name, far) for name, far in self._from(nearest).items()}

    def _from(self, name: str) -> dict[str, float]:
        found = self._between.get(name)
        if found is None:
            at = self.places[name]
            found = self._between[name] = {
                other: float(round(distance_km(at.lat, at.lon, place.lat, place.lon)))
                for other, place in self.places.items()
            }
        return found

    def nearest_first(self, order: PastOrder, km: dict[str, float | None]) -> list[str]:
        """All places; where no distance is known the order's own country first, from the region's centre."""
        lat, lon = self._centre

        def rank(name: str) -> tuple[bool, float, str]:
            far, place = km[name], self.places[name]
            if far is not None:
                return False, far, name
            return place.country != order.country, distance_km(lat, lon, place.lat, place.lon), name

        return sorted(self.places, key=rank)

    def works(self, place: PastPlace, at_ms: int) -> Moments:
        """What its calendar said then."""
        if place.profile is None:
            return ALWAYS
        if not place.profile.week:
            return works_at(place.profile, place.timezone, at_ms)
        minute = at_ms // MINUTE_MS
        kept = self._moments.get(place.location_id)
        if kept is None or kept[0] != minute:
            moments = works_at(place.profile, place.timezone, at_ms)
            kept = self._moments[place.location_id] = (minute, moments)
        return kept[1]


class Play:
    """One play. policy_of: by which an order is served. solver_of: what chooses the places for
    so many different SKUs."""

    def __init__(
        self,
        past: Past,
        atlas: Map,
        played: Sequence[PastOrder],
        policy_of: Callable[[PastOrder], Policy],
        solver_of: Solvers = solver_for,
    ) -> None:
        self._map = atlas
        self._orders = played
        self._policy_of, self._solver_of = policy_of, solver_of
        self._number = {order.order_id: at for at, order in enumerate(played)}
        self._stock = StockThen(past.stocks)
        self._moves = past.moves
        # SKU → orders that wait for it, oldest first; and how often each was tried.
        self._queue: dict[str, dict[int, None]] = {}
        self._tries: dict[int, int] = {}
        # (order, SKU) → where its units came from, the latest last.
        self._had: dict[tuple[int, str], list[tuple[str, int]]] = {}
        # (location, its day) → parts of orders, units.
        self._days: dict[tuple[str, int], tuple[int, int]] = {}
        # Of what is not played: (order, location) that were counted as a part.
        self._parts: set[tuple[str, str]] = set()
        self.outcome = Outcome()

    @property
    def stock(self) -> StockThen:
        """As it is by now."""
        return self._stock

    def steps(self) -> Iterator[int]:
        """Plays; gives after each order how many were played."""
        done = 0
        for at_ms, what in self._timeline():
            if type(what) is PastMove:
                self._happened(what)
            elif type(what) is int:
                self._place(what, at_ms)
                done += 1
                yield done
            elif type(what) is tuple:
                self._cancel(what[0], at_ms)
        self.outcome.short = self._stock.short

    def _timeline(self) -> Iterable[tuple[int, PastMove | int | tuple[int]]]:
        """What happened and what is asked for, in order; at the same moment what happened comes first."""
        events: list[tuple[int, int, PastMove | int | tuple[int]]] = []
        events += [(move.at_ms, 0, move) for move in self._moves]
        events += [(order.at_ms, 1, number) for number, order in enumerate(self._orders)]
        events += [
            (order.cancelled_ms, 2, (number,))
            for number, order in enumerate(self._orders)
            if order.cancelled_ms is not None
        ]
        events.sort(key=lambda event: event[:2])
        return ((at_ms, what) for at_ms, _, what in events)

    # --- what happened
    def _happened(self, move: PastMove) -> None:
        number = self._number.get(move.cause)
        if number is not None:
            cancelled_ms = self._orders[number].cancelled_ms
            # With a cancellation all is given back at once, however many releases that was.
            if move.reason == "release" and (cancelled_ms is None or move.at_ms < cancelled_ms):
                self._give_back(number, move.sku, move.units, move.location_id, move.at_ms)
            return
        place = self._map.places.get(move.location_id)
        if move.reason == "allocate" and place is not None and place.profile is not None and place.profile.limited:
            part = (move.cause, move.location_id)
            self._count(place, move.at_ms, -move.units, parts=part not in self._parts)
            self._parts.add(part)
        self._stock.moved(move.location_id, move.sku, move.units)
        if move.units > 0:
            self._came(move.sku, move.at_ms)

    def _give_back(self, number: int, sku: str, units: int, first: str, at_ms: int) -> None:
        """First what it had from there, then what it got last; what it did not get it does not wait for any more."""
        had = self._had.get((number, sku), [])
        had.sort(key=lambda share: share[0] == first)
        left = units
        while left and had:
            name, n = had.pop()
            back = min(left, n)
            if n > back:
                had.append((name, n - back))
            self._stock.moved(name, sku, back)
            self.outcome.given_back += back
            left -= back
        self._wait_less(number, sku, left)
        self._came(sku, at_ms)

    def _cancel(self, number: int, at_ms: int) -> None:
        for sku in sorted({item.sku for item in self._orders[number].lines}):
            units = sum(n for _, n in self._had.get((number, sku), ()))
            waits = self.outcome.waiting.get(number, {}).get(sku, 0)
            if units or waits:
                self._give_back(number, sku, units + waits, "", at_ms)

    def _wait_less(self, number: int, sku: str, units: int) -> None:
        waits = self.outcome.waiting.get(number)
        if not units or waits is None or sku not in waits:
            return
        waits[sku] -= units
        if waits[sku] <= 0:
            del waits[sku]
            self._queue.get(sku, {}).pop(number, None)
        if not waits:
            del self.outcome.waiting[number]

    # --- what is asked for
    def _place(self, number: int, at_ms: int) -> None:
        order = self._orders[number]
        left = {item.sku: item.units for item in items_of(demand_of(order, order.lines, at_ms))}
        for share in self._serve(number, order.lines, at_ms, first=True):
            for sku, units in share[1].items():
                left[sku] -= units
        left = {sku: units for sku, units in left.items() if units}
        if left:
            self.outcome.waiting[number] = left
            for sku in left:
                self._queue.setdefault(sku, {})[number] = None

    def _came(self, sku: str, at_ms: int) -> None:
        """Some of it came: whoever waits for it, oldest first."""
        for number in list(self._queue.get(sku, ())):
            if self._tries.get(number, 0) >= TRIES_MAX:
                continue
            order, waits = self._orders[number], self.outcome.waiting[number]
            if not self._stock.available(sku, order.channel):
                continue
            self._tries[number] = self._tries.get(number, 0) + 1
            lines = tuple(
                msgspec.structs.replace(item, units=waits[item.sku])
                for item in items_of(demand_of(order, order.lines, at_ms))
                if item.sku in waits
            )
            for _, got in self._serve(number, lines, at_ms, first=False):
                for one, units in got.items():
                    self._wait_less(number, one, units)

    def _serve(self, number: int, lines: tuple[Wanted, ...], at_ms: int, *, first: bool) -> list[Share]:
        order = self._orders[number]
        demand = demand_of(order, lines, at_ms)
        skus = len({line.sku for line in lines})
        decision = source(self._policy_of(order), demand, self.candidates(order, demand), self._solver_of(skus))
        shares = decision.plan()
        for name, got in shares:
            for sku, units in got.items():
                self._stock.given(name, sku, units)
                self._had.setdefault((number, sku), []).append((name, units))
            place = self._map.places[name]
            if place.profile is not None and place.profile.limited:
                self._count(place, at_ms, sum(got.values()), parts=1)
        if shares:
            self.outcome.served.append(Served(number, at_ms, shares, first))
        return shares

    def _count(self, place: PastPlace, at_ms: int, units: int, *, parts: int) -> None:
        key = (place.location_id, local_day(place.timezone, at_ms))
        before = self._days.get(key, (0, 0))
        self._days[key] = (before[0] + parts, before[1] + units)

    def candidates(self, order: PastOrder, demand: Demand) -> list[Candidate]:
        """The places that have something of it, nearest first, and the nearest of all; as at work
        (`serve/orders/sourcing.py`), only that of more places with stock the nearest are looked at."""
        atlas, at_ms = self._map, demand.now_ms
        stocks = {sku: self._stock.available(sku, order.channel) for sku in sorted({line.sku for line in demand.lines})}
        having = {name for at in stocks.values() for name in at}
        km = atlas.distances(order)
        most = places_considered(len(stocks))
        ranked = atlas.nearest_first(order, km)
        near = [name for at, name in enumerate(ranked) if name in having or (at < NEAREST and most == CONSIDERED_MAX)]
        return [
            self._candidate(name, km[name], {sku: at[name] for sku, at in stocks.items() if name in at}, at_ms)
            for name in near[:most]
        ]

    def _candidate(self, name: str, km: float | None, available: dict[str, int], at_ms: int) -> Candidate:
        place = self._map.places[name]
        profile, left = place.profile, NO_LIMIT
        if profile is not None and profile.limited:
            left = left_of(profile, *self._days.get((name, local_day(place.timezone, at_ms)), (0, 0)))
        seen = candidate_of(
            name, place.kind, place.country, km, available, profile, self._map.works(place, at_ms), left
        )
        weeks = self._stock.weeks(name, available)
        return msgspec.structs.replace(seen, supply_weeks=weeks) if weeks else seen


def demand_of(order: PastOrder, lines: tuple[Wanted, ...], at_ms: int) -> Demand:
    """As it was asked for."""
    return Demand(lines, order.country, at_ms, order.channel)
