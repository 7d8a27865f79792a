"""The two kinds of HTTP door in front of a comparison system: plain ASGI handlers, and FastAPI routes.

Both serve the routes of OCEFS' API that the benchmark uses. Which door a system has is part of what is compared:
*usual* and *tuned* have FastAPI's, as one would build them; *batched* is measured with both.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Annotated, Any
from urllib.parse import parse_qsl

import msgspec
from fastapi import FastAPI, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict

from perf.compare import rules, wire

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Reply = tuple[int, bytes]

CONTENT_TYPE = (b"content-type", b"application/json")
NOOP_REPLY = b'{"ok":true}'
ORDERS_PREFIX = "/v1/orders/"
UPDATES_SUFFIX = "/updates"

_decode_update = msgspec.json.Decoder(wire.Update).decode
_decode_updates = msgspec.json.Decoder(wire.OrderUpdates).decode
_decode_placement = msgspec.json.Decoder(wire.Placement).decode
_encode = wire.JSON.encode


class NoBackend:
    """What stands behind the no-op route: nothing."""

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""


class RawDoor:
    """A plain ASGI app: no routing table, no middleware, msgspec for the bodies. The quickest honest door in Python."""

    def __init__(self, backend: wire.Backend | NoBackend) -> None:
        self._backend = backend

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request, or the app's lifespan."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        try:
            status, reply = await self._answer(scope, body)
        except msgspec.DecodeError as error:
            status, reply = 422, _encode(wire.problem(rules.BODY_INVALID, detail=str(error)))
        headers = [CONTENT_TYPE, (b"content-length", str(len(reply)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": reply})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await self._backend.open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._backend.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: Scope, body: bytes) -> Reply:
        path: str = scope["path"]
        if path == "/noop":
            return 200, NOOP_REPLY
        if isinstance(self._backend, NoBackend):
            return 404, b"{}"
        if path == "/v1/availability":
            skus = [value for name, value in parse_qsl(scope["query_string"].decode()) if name == "sku"]
            return 200, _encode(wire.available_json(await self._backend.available(skus)))
        key = next((value.decode() for name, value in scope["headers"] if name == b"idempotency-key"), "")
        if not key:
            return 400, _encode(wire.problem(rules.KEY_MISSING))
        if path.startswith(ORDERS_PREFIX) and path.endswith(UPDATES_SUFFIX):
            order_id = path[len(ORDERS_PREFIX) : -len(UPDATES_SUFFIX)]
            mark = wire.fingerprint(path.encode(), body)
            command = wire.Command(order_id, _decode_update(body).update, key, mark)
            outcome = await self._backend.update(command)
            return rules.HTTP_STATUS[outcome.code], _encode(wire.outcome_json(order_id, outcome))
        if path == "/v1/order-updates":
            items = _decode_updates(body).updates
            return 200, await update_many(self._backend, [(i.order_id, i.update) for i in items], key)
        if path == "/v1/orders":
            placed = await self._backend.place(_decode_placement(body), key, wire.fingerprint(body))
            return placed_reply(placed)
        return 404, b"{}"


async def update_many(backend: wire.Backend, items: list[tuple[str, str]], key: str) -> bytes:
    """Applies the items of one body; each has the body's key and its place in the body as its own key."""
    commands = [
        wire.Command(order_id, update, f"{key}/{n}", wire.fingerprint(order_id.encode(), update.encode()))
        for n, (order_id, update) in enumerate(items)
    ]
    outcomes = await backend.update_many(commands)
    results = [wire.outcome_json(c.order_id, outcome) for c, outcome in zip(commands, outcomes, strict=True)]
    return _encode({"results": results})


def placed_reply(placed: wire.Placed) -> Reply:
    """201 with the order, or the problem."""
    if placed.code == rules.OK:
        return 201, placed.reply
    return rules.HTTP_STATUS[placed.code], _encode(wire.problem(placed.code))


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class UpdateModel(_Strict):
    """Pydantic twin of `wire.Update`."""

    update: str
    fulfilment_id: str | None = None
    occurred_at: str | None = None


class OrderUpdateModel(UpdateModel):
    """Pydantic twin of `wire.OrderUpdate`."""

    order_id: str


class OrderUpdatesModel(_Strict):
    """Pydantic twin of `wire.OrderUpdates`."""

    updates: list[OrderUpdateModel]


Key = Annotated[str, Header(alias="Idempotency-Key")]


def fastapi_door(backend: wire.Backend) -> FastAPI:
    """FastAPI routes as one would write them, with the reply encoded by msgspec, which is
    quicker than FastAPI's way."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await backend.open()
        yield
        await backend.close()

    app = FastAPI(lifespan=lifespan)

    @app.post("/v1/orders/{order_id}/updates")
    async def update(order_id: str, body: UpdateModel, idempotency_key: Key) -> Response:
        mark = wire.fingerprint(order_id.encode(), body.update.encode(), (body.fulfilment_id or "").encode())
        outcome = await backend.update(wire.Command(order_id, body.update, idempotency_key, mark))
        return _response(rules.HTTP_STATUS[outcome.code], _encode(wire.outcome_json(order_id, outcome)))

    @app.post("/v1/order-updates")
    async def updates(body: OrderUpdatesModel, idempotency_key: Key) -> Response:
        items = [(item.order_id, item.update) for item in body.updates]
        return _response(200, await update_many(backend, items, idempotency_key))

    @app.post("/v1/orders")
    async def place(request: Request, idempotency_key: Key) -> Response:
        body = await request.body()
        try:
            placement = _decode_placement(body)
        except msgspec.DecodeError as error:
            return _response(422, _encode(wire.problem(rules.BODY_INVALID, detail=str(error))))
        return _response(*placed_reply(await backend.place(placement, idempotency_key, wire.fingerprint(body))))

    @app.get("/v1/availability")
    async def availability(sku: Annotated[list[str], Query()]) -> Response:
        return _response(200, _encode(wire.available_json(await backend.available(sku))))

    return app


def _response(status: int, body: bytes) -> Response:
    return Response(body, status_code=status, media_type="application/json")
