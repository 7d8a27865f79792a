"""The past of a what-if, read piece by piece from what was written behind: `WhatIfTerms`, places,
orders, stock and what moved.

    orders of the period ─(more than asked for: those whose ids' ends, a hash, come first)─▶ their decisions ─▶ distances ─▶ their SKUs ─▶ stock as it was, what moved

Where an order went is sealed. What a play needs of it, distances to places, stands in the decision that is kept with
the order; so that alone is opened, never name, address or position. It stays in the memory of this replica and of the
player, and nothing of it is told but sums. Who may not be told of (restricted) or is erased is left out.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import TypeVar, get_args

import msgspec

from actors.domain.ids import SAMPLE_CHARS, first_order_id, sample_end, sourcing_policies_id
from actors.domain.order_state import Channel, Order, parts_of, restored
from actors.domain.simulations import Question, Scope
from actors.domain.sourcing_decision import decoded
from actors.domain.sourcing_demand import Wanted
from actors.domain.sourcing_policies import KEPT_MAX, PolicyVersions, ViewVersions
from actors.domain.sourcing_policy import Policy
from actors.domain.times import HOUR_MS
from actors.domain.what_if_terms import (
    MOVES_MAX,
    STOCK_MAX,
    Go,
    Moves,
    Orders,
    PastOrder,
    PastPlace,
    Piece,
    Places,
    Stocks,
    WhatIfTerms,
)
from actors.runtime.read_model import PlacedDecision, PlacedOrder
from serve.orders.private import PrivateOrders
from serve.replies import body_of
from serve.services import Services

COUNTED_MAX = 1_000_000
ORDERS_A_PAGE = 250
MOVES_A_PAGE = 2_000
SKUS_A_TIME = 100
_CHANNELS = ("", *get_args(Channel))
_versions_decoder = msgspec.json.Decoder(PolicyVersions)
T = TypeVar("T")
# Called between two reads: whoever began it may have changed his mind.
Beat = Callable[[], Awaitable[None]]


class TooMuch(Exception):
    """More stock or more of what moved than a player takes: a shorter period, or fewer orders."""


class Gathering:
    """Of one what-if. `scope`: what was looked at, whole once all pieces were given."""

    def __init__(self, services: Services, private: PrivateOrders, question: Question, cause: str, beat: Beat) -> None:
        self._services = services
        self._private = private
        self._question = question
        self._cause = cause
        self._beat = beat
        self.in_period = 0
        self.sampled = 0
        self.left_out: dict[str, int] = {}

    @property
    def scope(self) -> Scope:
        """See `Scope`."""
        return Scope(self.in_period, self.sampled, dict(sorted(self.left_out.items())))

    async def pieces(self) -> AsyncIterator[Piece]:
        """All of it. Raises TooMuch, StoreUnavailable, Problem."""
        question, services = self._question, self._services
        held = await self._policies()
        settings = services.settings
        yield WhatIfTerms(question.policy, held, question.from_ms, question.until_ms, (settings.lat, settings.lon))
        steering = services.index.steering
        rows = services.index.places.all()
        yield Places(
            [
                PastPlace(row.location_id, row.type, row.country, row.lat, row.lon, row.timezone, steering.profile(row.location_id))  # type: ignore[arg-type]
                for row in rows
            ]
        )  # fmt: skip
        skus: set[str] = set()
        for chunk in _chunks(await self._placed(), ORDERS_A_PAGE):
            found = await self._with_decisions(chunk)
            skus.update(line.sku for order in found for line in order.lines)
            yield Orders(found)
        stocks = moves = 0
        for some in _chunks(sorted(skus), SKUS_A_TIME):
            await self._beat()
            there = await services.read_model.past_stock(some, question.from_ms, STOCK_MAX - stocks + 1)
            stocks += len(there)
            if stocks > STOCK_MAX:
                raise TooMuch
            yield Stocks(there)
            async for page in self._moves(some, [row.location_id for row in rows]):
                moves += len(page.moves)
                if moves > MOVES_MAX:
                    raise TooMuch
                yield page
        yield Go()

    async def _policies(self) -> dict[int, Policy]:
        """Those that held at any time, as far as they are told."""
        services = self._services
        own = services.index.steering.own
        found = {own.version: own}
        policies = sourcing_policies_id(services.settings.region)
        for channel in _CHANNELS:
            query = ViewVersions(channel, 0, KEPT_MAX)
            reply = await services.gateway.view("sourcing_policies", policies, query, cause=self._cause)
            found |= {one.policy.version: one.policy for one in _versions_decoder.decode(body_of(reply)).versions}
        return found

    async def _placed(self) -> list[PlacedOrder]:
        question, read_model = self._question, self._services.read_model
        region = self._services.settings.region
        first, end = first_order_id(region, question.from_ms), first_order_id(region, question.until_ms)
        self.in_period = await read_model.count_orders(first, end, question.channel, COUNTED_MAX)
        below = sample_end(question.orders_max, self.in_period) if self.in_period > question.orders_max else ""
        found: list[PlacedOrder] = []
        while True:
            await self._beat()
            page = await read_model.placed_orders(
                first,
                end,
                question.channel,
                below=below,
                after=found[-1].order_id if found else "",
                limit=ORDERS_A_PAGE,
            )
            found += page
            # By chance there may be a few more than were asked for.
            if len(page) < ORDERS_A_PAGE or len(found) > 2 * question.orders_max:
                break
        if below:
            found.sort(key=lambda one: one.order_id[-SAMPLE_CHARS:])
            del found[question.orders_max :]
            found.sort(key=lambda one: one.order_id)
        self.sampled = len(found)
        return found

    async def _with_decisions(self, placed: Sequence[PlacedOrder]) -> list[PastOrder]:
        await self._beat()
        question = self._question
        decisions = await self._services.read_model.placed_decisions(
            [one.order_id for one in placed], question.from_ms - HOUR_MS, question.until_ms + HOUR_MS
        )
        by_id = {one.order_id: one for one in decisions}
        found = []
        for one in placed:
            kept = by_id.get(one.order_id)
            order = None if kept is None else await self._past(restored(one.state), kept)
            if kept is None:
                self._leave_out("no_decision")
            elif order is not None:
                found.append(order)
        return found

    def _leave_out(self, why: str) -> None:
        self.left_out[why] = self.left_out.get(why, 0) + 1

    async def _past(self, order: Order, kept: PlacedDecision) -> PastOrder | None:
        stored, withheld = await self._private.sourcing(
            kept.order_id, kept.sourcing, self._cause, sealed=kept.sealed, restricted_too=False
        )
        if withheld is not None:
            self._leave_out(withheld)
            return None
        decision, index = decoded(stored), self._services.index
        lines = parts_of(order.lines, order.kits) if order.kits else order.lines
        return PastOrder(
            kept.order_id, decision.decided_ms, order.channel, order.ship_to.country,
            tuple(_of_then(index.wanted(line.sku, line.quantity, line.amount)) for line in lines), decision.policy,
            {one.location_id: one.km for one in decision.seen if one.km is not None}, order.promised_by_ms,
            order.updated_at_ms if order.cancelled else None,
        )  # fmt: skip

    async def _moves(self, skus: Sequence[str], locations: Sequence[str]) -> AsyncIterator[Moves]:
        question, offset = self._question, None
        while True:
            await self._beat()
            page = await self._services.read_model.past_moves(
                skus, locations, question.from_ms, question.until_ms, offset=offset, limit=MOVES_A_PAGE
            )
            if page:
                offset = page[-1][0]
                yield Moves([move for _, move in page])
            if len(page) < MOVES_A_PAGE:
                return


def _of_then(wanted: Wanted) -> Wanted:
    """Which lots lay where then nobody has kept, so no shelf life is asked for."""
    return msgspec.structs.replace(wanted, min_life_days=0) if wanted.min_life_days else wanted


def _chunks(items: Sequence[T], size: int) -> Iterable[Sequence[T]]:
    return (items[at : at + size] for at in range(0, len(items), size))
