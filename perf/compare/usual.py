"""*usual*: FastAPI + SQLAlchemy's ORM, a transaction per update: how most such services are written."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BigInteger, DateTime, Identity, MetaData, String, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from perf.compare import rules, wire

POOL_CONNECTIONS = 16
RETRIES_MAX = 5


class Base(DeclarativeBase):
    """The tables of schema.sql."""

    metadata = MetaData(schema="compare")


class Order(Base):
    """An order's present state."""

    __tablename__ = "orders"
    order_id: Mapped[str] = mapped_column(String, primary_key=True)
    version: Mapped[int]
    status: Mapped[str]
    channel: Mapped[str]
    order_ref: Mapped[str]
    customer_ref: Mapped[str]
    country: Mapped[str]
    currency: Mapped[str]
    total_minor: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), onupdate=func.now()
    )


class OrderLine(Base):
    """One SKU of an order."""

    __tablename__ = "order_lines"
    order_id: Mapped[str] = mapped_column(primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True)
    sku: Mapped[str]
    quantity: Mapped[int]
    unit_minor: Mapped[int] = mapped_column(BigInteger)


class Fulfilment(Base):
    """What one location ships of an order."""

    __tablename__ = "fulfilments"
    order_id: Mapped[str] = mapped_column(primary_key=True)
    fulfilment_id: Mapped[str] = mapped_column(primary_key=True)
    sku: Mapped[str] = mapped_column(primary_key=True)
    location_id: Mapped[str]
    quantity: Mapped[int]


class History(Base):
    """One change of an order."""

    __tablename__ = "history"
    order_id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    event: Mapped[str]
    cause: Mapped[str]


class CommandSeen(Base):
    """An idempotency key and its first answer."""

    __tablename__ = "commands"
    command_id: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[int] = mapped_column(BigInteger)
    order_id: Mapped[str]
    version: Mapped[int]
    status: Mapped[str]
    reply: Mapped[str | None]


class Location(Base):
    """A place that ships."""

    __tablename__ = "locations"
    location_id: Mapped[str] = mapped_column(primary_key=True)
    lat: Mapped[float]
    lon: Mapped[float]


class Stock(Base):
    """Units of a SKU at a location."""

    __tablename__ = "stock"
    sku: Mapped[str] = mapped_column(primary_key=True)
    location_id: Mapped[str] = mapped_column(primary_key=True)
    on_hand: Mapped[int]
    reserved: Mapped[int]


class Ledger(Base):
    """One entry of the stock ledger."""

    __tablename__ = "ledger"
    entry: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    location_id: Mapped[str]
    sku: Mapped[str]
    reason: Mapped[str]
    reserved_delta: Mapped[int]
    cause: Mapped[str]


def _first_answer(seen: CommandSeen, fingerprint: int) -> str:
    return rules.OK if seen.fingerprint == fingerprint else rules.KEY_REUSED


class Usual:
    """A session per request: read with a row lock, change objects, commit."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._engine: AsyncEngine
        self._sessions: async_sessionmaker[AsyncSession]
        self._places: list[tuple[str, float, float]] = []

    async def open(self) -> None:
        """Makes the engine and reads the places once."""
        url = self._url.replace("postgresql://", "postgresql+asyncpg://", 1)
        self._engine = create_async_engine(url, pool_size=POOL_CONNECTIONS, max_overflow=0)
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)
        async with self._sessions() as session:
            places = await session.scalars(select(Location).order_by(Location.location_id))
            self._places = [(place.location_id, place.lat, place.lon) for place in places]

    async def close(self) -> None:
        """Closes the pool."""
        await self._engine.dispose()

    async def update(self, command: wire.Command) -> wire.Outcome:
        """One transaction; again when another worker used the same key at the same moment."""
        for _ in range(RETRIES_MAX):
            try:
                return await self._update(command)
            except IntegrityError:
                continue
        return await self._update(command)

    async def _update(self, command: wire.Command) -> wire.Outcome:
        async with self._sessions() as session, session.begin():
            order = await session.get(Order, command.order_id, with_for_update=True)
            if order is None:
                return wire.Outcome(rules.UNKNOWN_ORDER, None, None)
            seen = await session.get(CommandSeen, command.key)
            if seen is not None:
                return wire.Outcome(_first_answer(seen, command.fingerprint), seen.version, seen.status)
            status = rules.LEGAL.get((order.status, command.update))
            if status is None:
                return wire.Outcome(rules.ILLEGAL_TRANSITION, order.version, order.status)
            order.version += 1
            order.status = status
            session.add(
                History(order_id=order.order_id, version=order.version, event=command.update, cause=command.key)
            )
            session.add(
                CommandSeen(
                    command_id=command.key,
                    fingerprint=command.fingerprint,
                    order_id=order.order_id,
                    version=order.version,
                    status=status,
                )
            )
            return wire.Outcome(rules.OK, order.version, status)

    async def update_many(self, commands: Sequence[wire.Command]) -> Sequence[wire.Outcome]:
        """A transaction each, as many at a time as there are connections."""
        return await asyncio.gather(*map(self.update, commands))

    async def place(self, placement: wire.Placement, key: str, fingerprint: int) -> wire.Placed:
        """One transaction; again when another worker used the same key at the same moment."""
        for _ in range(RETRIES_MAX):
            try:
                return await self._place(placement, key, fingerprint)
            except IntegrityError:
                continue
        return await self._place(placement, key, fingerprint)

    async def _place(self, placement: wire.Placement, key: str, fingerprint: int) -> wire.Placed:
        wants = placement.wants()
        prices = {line.sku: line.unit_price.amount for line in placement.lines}
        async with self._sessions() as session, session.begin():
            seen = await session.get(CommandSeen, key)
            if seen is not None:
                return wire.Placed(_first_answer(seen, fingerprint), (seen.reply or "").encode())
            statement = select(Stock).where(Stock.sku.in_([sku for sku, _ in wants]))
            statement = statement.order_by(Stock.sku, Stock.location_id).with_for_update()
            stock = {(row.sku, row.location_id): row for row in await session.scalars(statement)}
            free = {place: row.on_hand - row.reserved for place, row in stock.items()}
            ranked = rules.rank_locations(self._places, placement.ship_to.lat, placement.ship_to.lon)
            reserved = rules.allocate(wants, ranked, free)
            status = rules.placed_status(wants, reserved)
            order_id = wire.new_order_id()
            reply = wire.JSON.encode(wire.placed_json(order_id, status, wants, reserved))
            session.add(
                Order(
                    order_id=order_id,
                    version=1,
                    status=status,
                    channel=placement.channel,
                    order_ref=placement.order_ref,
                    customer_ref=placement.customer.customer_ref,
                    country=placement.customer.country,
                    currency=placement.lines[0].unit_price.currency,
                    total_minor=sum(quantity * prices[sku] for sku, quantity in wants),
                )
            )
            self._add_lines(session, order_id, wants, prices, reserved)
            for place, sku, quantity in reserved:
                stock[sku, place].reserved += quantity
            session.add(History(order_id=order_id, version=1, event="placed", cause=key))
            session.add(
                CommandSeen(
                    command_id=key,
                    fingerprint=fingerprint,
                    order_id=order_id,
                    version=1,
                    status=status,
                    reply=reply.decode(),
                )
            )
        return wire.Placed(rules.OK, reply)

    @staticmethod
    def _add_lines(
        session: AsyncSession,
        order_id: str,
        wants: Sequence[rules.Want],
        prices: dict[str, int],
        reserved: Sequence[rules.Reserved],
    ) -> None:
        for n, (sku, quantity) in enumerate(wants, 1):
            session.add(OrderLine(order_id=order_id, line=n, sku=sku, quantity=quantity, unit_minor=prices[sku]))
        for place, sku, quantity in reserved:
            fulfilment_id = f"{order_id}/{place}"
            session.add(
                Fulfilment(
                    order_id=order_id, fulfilment_id=fulfilment_id, sku=sku, location_id=place, quantity=quantity
                )
            )
            session.add(Ledger(location_id=place, sku=sku, reason="reserve", reserved_delta=quantity, cause=order_id))

    async def available(self, skus: Sequence[str]) -> Sequence[tuple[str, str, int]]:
        """Asks PostgreSQL on each request."""
        async with self._sessions() as session:
            rows = await session.scalars(select(Stock).where(Stock.sku.in_(skus)))
            return [(row.sku, row.location_id, row.on_hand - row.reserved) for row in rows]
