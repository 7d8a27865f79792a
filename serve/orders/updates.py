"""`POST /v1/orders/{order_id}/updates` and `POST /v1/order-updates`: the hottest routes of the cell.

One JSON decode into a struct, one command, the actor's own bytes back. Bodies of many are one claim (the memory of the
key with the whole body's digest), then all parts in one call of the gateway; their answers are joined
as they are, never decoded.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import msgspec

from actors.domain import claim
from actors.domain.ids import claim_id
from actors.domain.order_commands import UpdateOrder
from actors.domain.order_terms_commands import HoldOrder, PrioritiseOrder, ReleaseOrder
from actors.domain.order_views import ViewOrder
from actors.domain.times import DAY_MS
from actors.runtime.wire import OK, Reply
from serve.callers import reach_of
from serve.context import ENTITY_ID, REQUEST_ID, WHO, Receive, Scope
from serve.gateway import Ask
from serve.judging import carried, judged
from serve.orders.hold_notes import may_tell
from serve.orders.holding import HOLDING, check_plain, holding
from serve.orders.own import asker_of, of_customer, told_alike
from serve.orders.places import PlacesOfOrders
from serve.orders.private import PrivateOrders
from serve.orders.schemas import OrderUpdate, OrderUpdateItem, OrderUpdates, RawOrderUpdates
from serve.orders.step_rights import check_step
from serve.problems import Answer, Problem, field_problem, of_refusal
from serve.regions import Territory
from serve.replies import answer, body_of
from serve.requests import Write, decode
from serve.services import Services

_update_decoder = msgspec.json.Decoder(OrderUpdate)
_item_decoder = msgspec.json.Decoder(OrderUpdateItem)
_items_decoder = msgspec.json.Decoder(OrderUpdates)
_raw_items_decoder = msgspec.json.Decoder(RawOrderUpdates)
_encode = msgspec.json.Encoder().encode
_Command = UpdateOrder | HoldOrder | ReleaseOrder | PrioritiseOrder

# Commands without a moment, place or line: by far the most frequent, and equal values may be shared.
_PLAIN = {name: UpdateOrder(name) for name in ("start_picking", "pause_picking", "pack", "ship", "deliver", "cancel")}
# With these other places are asked, as they are seen now.
_ASKS_ELSEWHERE = frozenset({"allocate", "short_pick"})


class OrderUpdating:
    """Handlers of updates."""

    def __init__(
        self, services: Services, territory: Territory, places: PlacesOfOrders, private: PrivateOrders
    ) -> None:
        settings = services.settings
        self._gateway = services.gateway
        self._clock = services.clock
        self._territory = territory
        self._places = places
        self._private = private
        self._region = settings.region
        self._bodies = services.bodies
        self._metrics = services.metrics
        self._trail = services.trail
        self._age_max_ms = settings.occurred_at_max_age_days * DAY_MS
        self._ahead_max_ms = settings.occurred_at_max_ahead_s * 1000

    async def update_one(self, order_id: str, scope: Scope, receive: Receive) -> Answer:
        """One update of one order."""
        asker = asker_of(scope, "orders.update")
        if asker:
            return await told_alike(self._update_one(order_id, scope, receive, asker))
        return await self._update_one(order_id, scope, receive)

    async def _update_one(self, order_id: str, scope: Scope, receive: Receive, asker: str = "") -> Answer:
        write = await self._bodies.read(scope, receive)
        scope[ENTITY_ID] = order_id
        self._territory.check_order(order_id)
        sent = decode(_update_decoder, write.body)
        if not asker:
            check_step(scope, sent.update)
        asked = self._any(order_id, sent, "", reach_of(scope), scope)
        if asker:
            asked = of_customer(asked, asker)
            # Asked itself, another person's order would remember the key, and tell by that that it is there.
            body_of(await self._gateway.view("order", order_id, ViewOrder(order_id, asker), cause=scope[REQUEST_ID]))
        refused, command = self._untimely(sent, ""), None
        if not refused:
            command, refused = await judged(self._completed(order_id, asked, scope[REQUEST_ID]))
        reply = await self._gateway.ask(
            "order", order_id, command,
            command_id=write.key, digest=self._digest(write), cause=scope[REQUEST_ID], who=scope.get(WHO), refused=refused,
        )  # fmt: skip
        return answer(reply)

    async def _completed(self, order_id: str, command: _Command, cause: str) -> _Command:
        """With where else to ask, and its note sealed. Raises Problem."""
        if type(command) is UpdateOrder and command.update in _ASKS_ELSEWHERE:
            return await self._places.added_to(order_id, command, cause)
        if self._private.notes.seals(command):
            return await self._private.notes.kept(order_id, command, cause)
        return command

    def _digest(self, write: Write) -> int:
        # What is remembered of a note must not confirm a guess.
        return self._private.digest(write.body, write.digest) if may_tell(write.body) else write.digest

    async def update_many(self, scope: Scope, receive: Receive) -> Answer:
        """Up to 1,000 updates; one bad item does not harm the others."""
        write = await self._bodies.read(scope, receive)
        cause = scope[REQUEST_ID]
        write = write._replace(digest=self._digest(write))
        items = self._items(write.body)
        claimed = await self._gateway.ask(
            "claim", claim_id(self._region, write.key), claim.Take(len(items)),
            command_id=write.key, digest=write.digest, cause=cause,
        )  # fmt: skip
        if claimed.status != OK:
            raise of_refusal(claimed)
        results: list[bytes] = [b""] * len(items)
        asks, positions = await self._asks(items, write.key, write.digest, scope, results)
        replies = await self._gateway.ask_many(asks, cause=cause, who=scope.get(WHO))
        for position, ask, reply in zip(positions, asks, replies, strict=True):
            results[position] = reply.body if reply.status == OK else self._failed_reply(ask.entity_id, reply, scope)
        return 200, b'{"results":[%b]}' % b",".join(results), ()

    async def _asks(
        self, items: list[OrderUpdateItem | _BadItem], key: str, digest: int, scope: Scope, results: list[bytes]
    ) -> tuple[list[Ask], list[int]]:
        """The good items as commands, with their positions; `results` of the bad ones are filled in."""
        cause, within = scope[REQUEST_ID], reach_of(scope)
        asks: list[Ask] = []
        positions: list[int] = []
        waiting: list[int] = []
        noted: list[int] = []
        check, command_of = self._territory.check_order, self._any
        for position, item in enumerate(items):
            if type(item) is not OrderUpdateItem:
                assert isinstance(item, _BadItem)
                results[position] = self._failed(item.order_id, item.problem, scope)
                continue
            try:
                check(item.order_id)
                check_step(scope, item.update)
                command = command_of(item.order_id, item, f"/updates/{position}", within, scope)
                refused = self._untimely(item, f"/updates/{position}")
            except Problem as problem:
                results[position] = self._failed(item.order_id, problem, scope)
                continue
            if refused:
                asks.append(Ask("order", item.order_id, None, f"{key}/{position}", digest, refused=refused))
                positions.append(position)
                continue
            if type(command) is UpdateOrder and command.update in _ASKS_ELSEWHERE:
                waiting.append(len(asks))
            elif self._private.notes.seals(command):
                noted.append(len(asks))
            asks.append(Ask("order", item.order_id, command, f"{key}/{position}", digest))
            positions.append(position)
        if waiting:
            await self._add_places(asks, waiting, cause)
        if noted:
            return await self._sealed(asks, positions, noted, scope, results)
        return asks, positions

    async def _sealed(
        self, asks: list[Ask], positions: list[int], noted: list[int], scope: Scope, results: list[bytes]
    ) -> tuple[list[Ask], list[int]]:
        """The asks with their notes sealed; those whose note can't be are refused."""
        kept = await self._private.notes.kept_many(
            [(asks[at].entity_id, asks[at].command) for at in noted], scope[REQUEST_ID]
        )
        bad = set[int]()
        for at, command in zip(noted, kept, strict=True):
            if not isinstance(command, Problem):
                asks[at] = msgspec.structs.replace(asks[at], command=command)
                continue
            try:
                asks[at] = msgspec.structs.replace(asks[at], command=None, refused=carried(command))
            except Problem as problem:
                results[positions[at]] = self._failed(asks[at].entity_id, problem, scope)
                bad.add(at)
        good = [at for at in range(len(asks)) if at not in bad]
        return [asks[at] for at in good], [positions[at] for at in good]

    async def _add_places(self, asks: list[Ask], waiting: list[int], cause: str) -> None:
        # An order that can't be read now gets its command as it is: the order itself then says what is wrong.
        async def placed(at: int) -> None:
            ask = asks[at]
            assert isinstance(ask.command, UpdateOrder)
            try:
                command = await self._places.added_to(ask.entity_id, ask.command, cause)
            except Problem:
                return
            asks[at] = msgspec.structs.replace(ask, command=command)

        await asyncio.gather(*(placed(at) for at in waiting))

    def _items(self, body: bytes) -> list[OrderUpdateItem | _BadItem]:
        try:
            return list(_items_decoder.decode(body).updates)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            # Somewhere it is wrong: read it item by item. What is wrong with the whole (no
            # JSON, too many) is raised here.
            raws = decode(_raw_items_decoder, body).updates
        items: list[OrderUpdateItem | _BadItem] = []
        for position, raw in enumerate(raws):
            try:
                items.append(decode(_item_decoder, raw, f"/updates/{position}"))
            except Problem as problem:
                items.append(_BadItem(_named_order(raw), problem))
        return items

    def _any(
        self, order_id: str, sent: OrderUpdate | OrderUpdateItem, base: str, within: list[str], scope: Scope
    ) -> _Command:
        """The domain's command. Raises Problem 403, and 422 with pointers below `base`."""
        if sent.update not in HOLDING:
            return self._command(order_id, sent, base, within)
        for name in ("fulfilment_id", "occurred_at", "lines"):
            if getattr(sent, name) is not None:
                detail = f"{name} is no part of {sent.update}."
                raise field_problem("update.details_not_allowed", detail, f"{base}/{name}")
        return holding(sent, base, scope, within, self._clock.now_ms())

    def _command(self, order_id: str, sent: OrderUpdate | OrderUpdateItem, base: str, within: list[str]) -> UpdateOrder:
        update: Any = sent.update
        if sent.hold is not None or sent.priority is not None:
            check_plain(sent, base)
        if sent.fulfilment_id is None and sent.occurred_at is None and sent.lines is None and not within:
            plain = _PLAIN.get(update)
            if plain is not None:
                return plain
        if update == "short_pick":
            if not sent.lines:
                raise field_problem(
                    "update.lines_required", "short_pick needs the lines that are missing.", f"{base}/lines"
                )
        elif sent.lines is not None:
            detail = f"Lines belong to short_pick, not to {update}."
            raise field_problem("update.lines_not_allowed", detail, f"{base}/lines")
        fulfilment = None if sent.fulfilment_id is None else _number(order_id, sent.fulfilment_id, base)
        at_ms = None if sent.occurred_at is None else _ms(sent.occurred_at)
        lines = [(line.sku, line.quantity) for line in sent.lines] if sent.lines else []
        lots = [(line.sku, line.lot, line.quantity) for line in sent.lines or () if line.lot]
        return UpdateOrder(update, fulfilment, at_ms, lines, within=within, lots=lots)

    def _untimely(self, sent: OrderUpdate | OrderUpdateItem, base: str) -> bytes:
        """For the order, when `occurred_at` is too old (`judging.carried`): when the same call was taken it was in
        time, maybe. b"" when it is in time. Raises Problem when it is yet to come: so it was at any earlier try (unless
        the clock of the replica that was asked then goes before ours), and soon it is not."""
        if sent.occurred_at is None:
            return b""
        at_ms, now_ms = _ms(sent.occurred_at), self._clock.now_ms()
        if now_ms - self._age_max_ms <= at_ms <= now_ms + self._ahead_max_ms:
            return b""
        problem = field_problem(
            "update.occurred_at_out_of_range",
            f"occurred_at may be at most {self._age_max_ms // DAY_MS} days old and {self._ahead_max_ms // 1000} s ahead.",
            f"{base}/occurred_at",
            age_max_days=self._age_max_ms // DAY_MS,
            ahead_max_s=self._ahead_max_ms // 1000,
        )
        if at_ms > now_ms:
            raise problem
        return carried(problem)

    def _failed(self, order_id: str, problem: Problem, scope: Scope) -> bytes:
        self._metrics.refused(problem.code)
        scope[ENTITY_ID] = order_id
        self._trail.refused(scope, problem, "POST /v1/order-updates")
        return _encode({"order_id": order_id, "error": problem.members(scope[REQUEST_ID])})

    def _failed_reply(self, order_id: str, reply: Reply, scope: Scope) -> bytes:
        return self._failed(order_id, of_refusal(reply), scope)


class _BadItem(msgspec.Struct, frozen=True):
    """An item that could not be read."""

    order_id: str
    problem: Problem


class _Named(msgspec.Struct):
    order_id: str = ""


_named_decoder = msgspec.json.Decoder(_Named)


def _named_order(raw: msgspec.Raw) -> str:
    """The order that a bad item names, as far as that can be read; "" if not."""
    try:
        return _named_decoder.decode(raw).order_id[:64]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _number(order_id: str, fulfilment_id: str, base: str) -> int:
    """The number of a fulfilment of this order from its id `<order id>.<number>`."""
    head, dot, number = fulfilment_id.rpartition(".")
    if dot and head == order_id and number.isascii() and number.isdigit() and len(number) <= 6 and number[0] != "0":
        return int(number)
    detail = "The order has no such fulfilment."
    raise field_problem("order.fulfilment_unknown", detail, f"{base}/fulfilment_id")
