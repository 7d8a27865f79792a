"""*batched*: what arrives while a commit is under way goes together in the next. The strongest comparison we found.

One transaction at a time per worker; each table is written once per batch, by sets. Placements are decided in the
worker from stock rows that the transaction has locked, so a hot stock row is changed once per batch and not once per
order.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, NamedTuple, TypeVar

import asyncpg

from perf.compare import rules, wire
from perf.compare.tuned import PostgresBackend, with_retries

BATCH_MAX = 1000
CONNECTIONS = 4
"""One for updates, one for placements, the rest for availability."""

UPDATE = "SELECT code, version, status FROM compare.apply_updates($1, $2, $3, $4)"
LOCK = "SELECT sku, location_id, free FROM compare.lock_stock($1)"
WRITE = "SELECT compare.write_placements({})".format(", ".join(f"${n}" for n in range(1, 24)))
SEEN = "SELECT command_id, fingerprint, reply FROM compare.commands WHERE command_id = ANY ($1)"

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Collector(Generic[Item, Answer]):
    """Gathers items while a batch is under way, and sends what was gathered as the next batch.

    `claims` names what an item must have to itself in a batch (its order, its key); an item whose claim is taken waits
    for the next batch, so that commands to one order stay in their order.
    """

    def __init__(
        self,
        send: Callable[[list[Item]], Awaitable[Sequence[Answer]]],
        claims: Callable[[Item], Sequence[Hashable]],
    ) -> None:
        self._send = send
        self._claims = claims
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._task: asyncio.Task[None] | None = None

    def ask(self, item: Item) -> asyncio.Future[Answer]:
        """The item's answer, once its batch is committed."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return future

    async def _run(self) -> None:
        # One turn of the loop, so that all requests that are already read come along.
        await asyncio.sleep(0)
        while self._waiting:
            batch = self._take()
            try:
                answers = await self._send([item for item, _ in batch])
            except Exception as error:  # each caller must learn of it
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (_, future), answer in zip(batch, answers, strict=True):
                if not future.done():
                    future.set_result(answer)
        self._task = None

    def _take(self) -> list[tuple[Item, asyncio.Future[Answer]]]:
        taken: set[Hashable] = set()
        batch: list[tuple[Item, asyncio.Future[Answer]]] = []
        later: list[tuple[Item, asyncio.Future[Answer]]] = []
        for entry in self._waiting:
            claims = self._claims(entry[0])
            if len(batch) < BATCH_MAX and taken.isdisjoint(claims):
                batch.append(entry)
            else:
                later.append(entry)
            # An item that waits keeps its claims, or a later command to the same order would overtake it.
            taken.update(claims)
        self._waiting = later
        return batch


class Placing(NamedTuple):
    """A placement that waits for its batch."""

    placement: wire.Placement
    wants: list[rules.Want]
    key: str
    fingerprint: int


class Batched(PostgresBackend):
    """Two collectors in front of set-wise SQL."""

    def __init__(self, url: str) -> None:
        super().__init__(url, CONNECTIONS)
        self._updates: Collector[wire.Command, wire.Outcome] = Collector(
            self._send_updates, lambda c: (("order", c.order_id), ("key", c.key))
        )
        self._placements: Collector[Placing, wire.Placed] = Collector(self._send_placements, lambda p: (p.key,))

    async def update(self, command: wire.Command) -> wire.Outcome:
        """Waits for the batch that carries the command."""
        return await self._updates.ask(command)

    async def update_many(self, commands: Sequence[wire.Command]) -> Sequence[wire.Outcome]:
        """All in as few batches as possible."""
        return await asyncio.gather(*map(self._updates.ask, commands))

    async def place(self, placement: wire.Placement, key: str, fingerprint: int) -> wire.Placed:
        """Waits for the batch that carries the order."""
        return await self._placements.ask(Placing(placement, placement.wants(), key, fingerprint))

    async def _send_updates(self, commands: list[wire.Command]) -> Sequence[wire.Outcome]:
        rows = await with_retries(lambda: self.pool.fetch(UPDATE, *zip(*commands, strict=True)))
        return [wire.Outcome(*row) for row in rows]

    async def _send_placements(self, batch: list[Placing]) -> Sequence[wire.Placed]:
        # A repeated key is rare: it is looked for only when its insert fails, and then answered from the first reply.
        try:
            return await self._write(batch)
        except asyncpg.UniqueViolationError:
            return await with_retries(lambda: self._write_unseen(batch))

    async def _write_unseen(self, batch: list[Placing]) -> Sequence[wire.Placed]:
        rows = await self.pool.fetch(SEEN, [placing.key for placing in batch])
        seen = {row["command_id"]: row for row in rows}
        fresh = [placing for placing in batch if placing.key not in seen]
        written = iter(await self._write(fresh) if fresh else ())
        answers: list[wire.Placed] = []
        for placing in batch:
            row = seen.get(placing.key)
            if row is None:
                answers.append(next(written))
            elif row["fingerprint"] == placing.fingerprint and row["reply"] is not None:
                answers.append(wire.Placed(rules.OK, row["reply"].encode()))
            else:
                answers.append(wire.Placed(rules.KEY_REUSED, b""))
        return answers

    async def _write(self, batch: list[Placing]) -> Sequence[wire.Placed]:
        skus = {sku for placing in batch for sku, _ in placing.wants}
        async with self.pool.acquire() as connection, connection.transaction():
            free = {(row[0], row[1]): row[2] for row in await connection.fetch(LOCK, list(skus))}
            columns, answers = self._decide(batch, free)
            await connection.execute(WRITE, *columns)
        return answers

    def _decide(
        self, batch: list[Placing], free: dict[tuple[str, str], int]
    ) -> tuple[list[list[object]], list[wire.Placed]]:
        """The columns of `write_placements` and the replies; all of the batch shares `free`."""
        orders: list[tuple[object, ...]] = []
        lines: list[tuple[object, ...]] = []
        fulfilments: list[tuple[object, ...]] = []
        taken: dict[tuple[str, str], int] = {}
        answers: list[wire.Placed] = []
        for placement, wants, key, fingerprint in batch:
            order_id = wire.new_order_id()
            reserved = rules.allocate(wants, self.ranked(placement), free)
            status = rules.placed_status(wants, reserved)
            reply = wire.JSON.encode(wire.placed_json(order_id, status, wants, reserved))
            prices = {line.sku: line.unit_price.amount for line in placement.lines}
            customer = placement.customer
            currency = placement.lines[0].unit_price.currency
            total = sum(quantity * prices[sku] for sku, quantity in wants)
            orders.append(
                (
                    *(order_id, status, placement.channel, placement.order_ref, customer.customer_ref),
                    *(customer.country, currency, total, key, fingerprint, reply.decode()),
                )
            )
            lines.extend((order_id, n, sku, units, prices[sku]) for n, (sku, units) in enumerate(wants, 1))
            for place, sku, quantity in reserved:
                fulfilments.append((order_id, place, sku, quantity))
                taken[sku, place] = taken.get((sku, place), 0) + quantity
            answers.append(wire.Placed(rules.OK, reply))
        stock = [(sku, place, quantity) for (sku, place), quantity in taken.items()]
        columns = _columns(orders, 11) + _columns(lines, 5) + _columns(fulfilments, 4) + _columns(stock, 3)
        return columns, answers


def _columns(rows: Sequence[tuple[object, ...]], width: int) -> list[list[object]]:
    """Rows turned into one array per column; `width` empty arrays when there is no row."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
