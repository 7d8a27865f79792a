"""A small cell for the replay's tests: same HTTP, same tables, all in one process;
write-behind goes to a real Postgres.

It keeps what matters to an importer: idempotency keys, 421 for foreign countries, limits of bodies, whole-first
allocation over three places at most, legal steps only, the ledger's signs, what each step does to the stock, units that
come free go to who waits. Faults can be planted with `put_off`, and wrongs with `wrongs` (see `WRONGS`).
"""

import hashlib
import itertools
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import psycopg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from actors.domain.allocation import SPLIT_MAX
from actors.domain.order_backorder import Backorder
from actors.domain.order_state import Fulfilment, Line, ShipTo
from actors.domain.order_state import Order as StoredOrder

Json = dict[str, Any]
# Country codes, two letters each.
COUNTRIES = {
    "us": "US CA",
    "eu": "GB FR DE IT ES NL AT IE UA SE BE RU PL CH PT RO NO FI DK CZ BY BG LT MD HU CY HR BA GR AL IS MT ME LU SI SK EE MK",
    "latam": "BR MX DO SV CU HN NI GT AR PA CO VE PE CL HT EC BO JM UY MQ BB TT PY CR GP GY BZ SR GF",
}
STEPS = {
    "start_picking": (("allocated",), "picking"),
    "pack": (("picking",), "packed"),
    "ship": (("packed",), "shipped"),
    "deliver": (("shipped",), "delivered"),
}
PROGRESS = ("allocated", "picking", "packed", "shipped", "delivered")
TABLES = """
    DROP TABLE IF EXISTS orders, ledger, stock;
    CREATE TABLE orders (order_id text PRIMARY KEY, version bigint, status text, channel text, order_ref text,
        customer_ref text, country text, currency text, line_count int, units bigint, total_minor bigint,
        state bytea, placed_at timestamptz DEFAULT now());
    CREATE TABLE ledger (location_id text, version bigint, line int, sku text, reason text, quantity bigint,
        reference text, value_minor bigint, currency text, on_hand_delta bigint, allocated_delta bigint, cause text,
        at timestamptz DEFAULT now(), PRIMARY KEY (location_id, version, line));
    CREATE TABLE stock (location_id text, sku text, on_hand bigint, allocated bigint, safety_stock bigint DEFAULT 0,
        reserved bigint DEFAULT 0, damaged bigint DEFAULT 0, quality_hold bigint DEFAULT 0, PRIMARY KEY (location_id, sku));
"""
# A disk that is busy for seconds would be taken for a cell that has nothing more to write.
_UNSYNCED = "-c synchronous_commit=off"
# What a cell may get wrong: nothing is ever allocated; as much is allocated as is asked for, whether it is there or
# not; units are shipped and stay on the books; what is shipped or cancelled stays allocated; a `ship` is acknowledged
# and not done; a receipt is booked twice; an order ships a unit more.
WRONGS = ("idle", "greedy", "stays", "keeps", "claims", "doubles", "generous")
# Reasons of the ledger's entries: (units on hand, units allocated) for each unit.
MOVES = {"allocate": (0, 1), "ship": (-1, -1), "release": (0, -1)}


class Problem(Exception):
    """A refusal."""

    def __init__(self, status: int, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.status, self.code, self.detail = status, code, detail

    def body(self) -> Json:
        return {"title": self.code, "status": self.status, "code": self.code, "detail": self.detail}


@dataclass
class Order:
    order_id: str
    body: Json
    fulfilments: list[Json]
    cancelled: bool = False
    version: int = 1

    def missing(self) -> dict[str, int]:
        missing: dict[str, int] = {}
        for line in self.body["lines"]:
            missing[line["sku"]] = missing.get(line["sku"], 0) + line["quantity"]
        for fulfilment in self.fulfilments:
            for line in fulfilment["lines"]:
                missing[line["sku"]] -= line["quantity"]
        return {sku: units for sku, units in missing.items() if units}

    @property
    def status(self) -> str:
        if self.cancelled:
            return "cancelled"
        if not self.fulfilments:
            return "backordered"
        steps = [PROGRESS.index(f["status"]) for f in self.fulfilments]
        if max(steps) == 0:
            return "partly_allocated" if self.missing() else "allocated"
        if max(steps) >= 3 and (min(steps) < 3 or self.missing()):
            return "partly_shipped"
        return PROGRESS[min(steps)]

    def row(self) -> tuple[Any, ...]:
        lines = self.body["lines"]
        return (
            self.order_id, self.version, self.status, self.body["channel"], self.body["order_ref"],
            self.body["customer"].get("customer_ref", ""), self.body["ship_to"]["country"],
            lines[0]["unit_price"]["currency"], len(lines), sum(line["quantity"] for line in lines),
            sum(line["quantity"] * line["unit_price"]["amount"] for line in lines), self.state(),
        )  # fmt: skip

    def state(self) -> bytes:
        """As a cell keeps it."""
        lines = [Line(line["sku"], line["quantity"], line["unit_price"]["amount"]) for line in self.body["lines"]]
        parts = [
            Fulfilment(number, part["location_id"], part["status"], [(line["sku"], line["quantity"]) for line in part["lines"]])
            for number, part in enumerate(self.fulfilments, 1)
        ]  # fmt: skip
        country = self.body["ship_to"]["country"]
        order = StoredOrder("", self.body["channel"], "", country, ShipTo(country), "", lines, parts, 0, 0)
        waits = Backorder(parked="split_limit") if len(self.fulfilments) == SPLIT_MAX else None
        return msgspec.msgpack.encode(msgspec.structs.replace(order, cancelled=self.cancelled, backorder=waits))


@dataclass
class FakeCell:
    """The state of the cell. `put_off` holds answers given instead of doing anything: (status, Retry-After).
    `drain_s`: how often it is written behind; 0: before each answer, so that no reading can come too early."""

    region: str
    drain_s: float = 0.0
    locations: dict[str, Json] = field(default_factory=dict)
    skus: dict[str, str] = field(default_factory=dict)
    available: dict[str, dict[str, int]] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    ledger: list[tuple[Any, ...]] = field(default_factory=list)
    answered: dict[str, tuple[bytes, int, bytes]] = field(default_factory=dict)
    keys_seen: list[str] = field(default_factory=list)
    put_off: list[tuple[int, str]] = field(default_factory=list)
    put_off_items: int = 0
    repeated: int = 0
    wrongs: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self._ids = itertools.count(1)
        self._dirty: set[str] = set()
        self._drained = 0
        self._stop = threading.Event()
        self._drain: threading.Thread | None = None
        self._at_once: psycopg.Connection[Any] | None = None

    # --- HTTP ---------------------------------------------------------------------------------------------------
    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self._handle, methods=["GET", "PUT", "POST"])])

    async def _handle(self, request: Request) -> Response:
        path = request.url.path
        if request.headers.get("X-OCEFS-Region") != self.region:
            return _answer(404, {"code": "test.wrong_region"})
        try:
            if request.method == "GET":
                return _answer(200, self._read(path, request.query_params.get("cursor", "")))
            key = request.headers.get("Idempotency-Key", "")
            answer = self._once(request.method, path, key, await request.body())
            if self._at_once is not None:
                self._drain_once(self._at_once)
            return answer
        except Problem as problem:
            return _answer(problem.status, problem.body())

    def _once(self, method: str, path: str, key: str, body: bytes) -> Response:
        if not 1 <= len(key) <= 255 or not key.isascii():
            raise Problem(400, "idempotency.key_required")
        if len(body) > 1_048_576:
            raise Problem(413, "body.too_large")
        self.keys_seen.append(key)
        if self.put_off:
            status, retry_after = self.put_off.pop(0)
            return Response(b"{}", status, {"Retry-After": retry_after})
        fingerprint = hashlib.sha256(f"{method} {path}".encode() + body).digest()
        known = self.answered.get(key)
        if known:
            if known[0] != fingerprint:
                raise Problem(422, "idempotency.key_reused")
            self.repeated += 1
            return Response(known[2], known[1])
        if path == "/v1/order-updates":
            return _answer(200, self._update_many(key, msgspec.json.decode(body)["updates"]))
        status, answer = self._write(path, msgspec.json.decode(body))
        encoded = msgspec.json.encode(answer)
        self.answered[key] = (fingerprint, status, encoded)
        return Response(encoded, status)

    def _read(self, path: str, cursor: str) -> Json:
        if path == "/v1/locations":
            ids = sorted(self.locations)
            page = [location for location in ids if location > cursor][:2]  # small pages: the cursor is used
            more = bool(page) and page[-1] != ids[-1]
            rows = [{"location_id": location, **self.locations[location]} for location in page]
            return {"locations": rows, "next_cursor": page[-1] if more else None}
        if path.startswith("/v1/orders/"):
            return self._view(self._order(path.split("/")[3]))
        raise Problem(404, "path.unknown")

    def _write(self, path: str, body: Json) -> tuple[int, Json]:
        parts = path.split("/")[2:]
        if parts == ["skus"]:
            _limit(body["skus"])
            self.skus.update({row["sku"]: row["description"] for row in body["skus"]})
            return 200, {"defined": len(body["skus"])}
        if parts[0] == "locations" and len(parts) == 2:
            self.locations[parts[1]] = body
            return 200, {"location_id": parts[1], "version": 1}
        if parts[0] == "locations":
            return 200, self._change_stock(parts[1], parts[2], body)
        if parts == ["orders"]:
            return 201, self._place(body)
        return 200, self._update(parts[1], body["update"])

    # --- domain -------------------------------------------------------------------------------------------------
    def _change_stock(self, location_id: str, what: str, body: Json) -> Json:
        if location_id not in self.locations:
            raise Problem(404, "location.unknown")
        _limit(body["lines"])
        stock = self.available.setdefault(location_id, {})
        version = len(self.ledger) + 1
        for number, line in enumerate(body["lines"]):
            sku, quantity = line["sku"], line["quantity"]
            if sku not in self.skus or not quantity or abs(quantity) > 1_000_000:
                raise Problem(422, "body.invalid", sku)
            if stock.get(sku, 0) + quantity < 0:
                raise Problem(409, "stock.insufficient", sku)
            times = 2 if "doubles" in self.wrongs and what == "receipts" else 1
            stock[sku] = stock.get(sku, 0) + times * quantity
            value = line.get("unit_value") or {}
            amount = value.get("amount")
            for again in range(times):
                self.ledger.append((
                    location_id, version, number + 1_000 * again, sku, "receipt" if what == "receipts" else line["reason"],
                    quantity, body.get("reference", ""), None if amount is None else amount * quantity,
                    value.get("currency"), quantity, 0, "",
                ))  # fmt: skip
        self._serve_waiting()
        return {"location_id": location_id, "version": version}

    def _place(self, body: Json) -> Json:
        country = body["ship_to"]["country"]
        if len(country) != 2 or country not in COUNTRIES[self.region].split():
            elsewhere = any(country in countries.split() for countries in COUNTRIES.values())
            raise Problem(421, "region.misdirected") if elsewhere else Problem(422, "country.not_served")
        if not 1 <= len(body["lines"]) <= 2000 or len(body["order_ref"]) > 64:
            raise Problem(422, "body.invalid")
        if len({line["unit_price"]["currency"] for line in body["lines"]}) != 1:
            raise Problem(422, "order.currencies")
        for line in body["lines"]:
            if line["sku"] not in self.skus or not 1 <= line["quantity"] <= 1_000_000:
                raise Problem(422, "sku.unknown", line["sku"])
        order = Order(f"{self.region}-{next(self._ids):026d}", body, [])
        self.orders[order.order_id] = order
        self._allocate(order)
        return self._view(order)

    def _move(self, reason: str, order: Order, fulfilment: Json, more: int = 0) -> None:
        """What a step of an order does to the stock of its location, in the ledger. `more`:
        units too many of each line."""
        on_hand, allocated = MOVES[reason]
        if reason == "ship":
            on_hand *= "stays" not in self.wrongs
        if reason != "allocate":
            allocated *= "keeps" not in self.wrongs
        version = len(self.ledger) + 1
        for number, line in enumerate(fulfilment["lines"]):
            units = line["quantity"]
            self.ledger.append((
                fulfilment["location_id"], version, number, line["sku"], reason, units, "", None, None,
                on_hand * (units + more), allocated * units, fulfilment["fulfilment_id"],
            ))  # fmt: skip

    def _serve_waiting(self) -> None:
        for order in self.orders.values():
            if not order.cancelled and order.missing():
                self._allocate(order)

    def _allocate(self, order: Order) -> None:
        need = order.missing()
        if "idle" in self.wrongs:
            need = {}
        whole = [p for p in sorted(self.available) if all(self.available[p].get(s, 0) >= n for s, n in need.items())]
        for location_id in whole[:1] or sorted(self.available):
            stock = self.available[location_id]
            part = {sku: min(units, stock.get(sku, 0)) for sku, units in need.items() if stock.get(sku, 0) > 0}
            if "greedy" in self.wrongs:
                part = dict(need)
            if not part or len(order.fulfilments) == SPLIT_MAX:
                continue
            for sku, units in part.items():
                stock[sku] -= units
                need[sku] -= units
            need = {sku: units for sku, units in need.items() if units}
            order.fulfilments.append({
                "fulfilment_id": f"{order.order_id}.{len(order.fulfilments) + 1}", "location_id": location_id,
                "status": "allocated", "lines": [{"sku": sku, "quantity": units} for sku, units in part.items()],
            })  # fmt: skip
            self._move("allocate", order, order.fulfilments[-1])
        self._dirty.add(order.order_id)

    def _update_many(self, key: str, items: list[Json]) -> Json:
        """Each part has a key of its own, made from the body's; what was put off is not remembered."""
        _limit(items)
        known = [f"{key}/{index}" in self.answered for index in range(len(items))]
        self.repeated += all(known)
        return {"results": [self._update_part(f"{key}/{index}", item) for index, item in enumerate(items)]}

    def _update_part(self, key: str, item: Json) -> Json:
        if key not in self.answered:
            if self.put_off_items:
                self.put_off_items -= 1
                return {"order_id": item["order_id"], "error": Problem(429, "cell.busy").body()}
            try:
                answer = self._update(item["order_id"], item["update"])
            except Problem as problem:
                answer = {"order_id": item["order_id"], "error": problem.body()}
            self.answered[key] = (b"", 200, msgspec.json.encode(answer))
        answered: Json = msgspec.json.decode(self.answered[key][2])
        return answered

    def _update(self, order_id: str, update: str) -> Json:
        order = self._order(order_id)
        if update == "allocate":
            self._allocate(order)
        elif update == "cancel":
            if order.cancelled or any(f["status"] in ("shipped", "delivered") for f in order.fulfilments):
                raise Problem(409, "order.illegal_transition")
            order.cancelled = True
            for fulfilment in order.fulfilments:
                fulfilment["status"] = "cancelled"
                self._move("release", order, fulfilment)
                for line in fulfilment["lines"]:
                    self.available[fulfilment["location_id"]][line["sku"]] += line["quantity"]
            self._serve_waiting()
        else:
            legal, status = STEPS[update]
            moving = [f for f in order.fulfilments if f["status"] in legal]
            if order.cancelled or not moving:
                raise Problem(409, "order.illegal_transition", f"{update} while {order.status}")
            if update == "ship" and "claims" in self.wrongs:
                return {"order_id": order_id, "version": order.version, "status": "shipped"}
            for fulfilment in moving:
                fulfilment["status"] = status
                if update == "ship":
                    self._move("ship", order, fulfilment, more=int("generous" in self.wrongs))
        order.version += 1
        self._dirty.add(order_id)
        return {"order_id": order_id, "version": order.version, "status": order.status}

    def _order(self, order_id: str) -> Order:
        if order_id not in self.orders:
            raise Problem(404, "order.unknown")
        return self.orders[order_id]

    def _view(self, order: Order) -> Json:
        return {
            "order_id": order.order_id, "version": order.version, "status": order.status,
            "fulfilments": order.fulfilments, "lines": order.body["lines"],
        }  # fmt: skip

    # --- write-behind -------------------------------------------------------------------------------------------
    def start_drain(self, url: str) -> None:
        """Creates the tables anew and writes behind from now on."""
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(TABLES)
        if self.drain_s == 0:
            self._at_once = psycopg.connect(url, options=_UNSYNCED)
            return

        def run() -> None:
            with psycopg.connect(url, options=_UNSYNCED) as connection:
                while not self._stop.wait(self.drain_s):
                    self._drain_once(connection)
                self._drain_once(connection)

        self._drain = threading.Thread(target=run)
        self._drain.start()

    def stop_drain(self) -> None:
        self._stop.set()
        if self._drain is not None:
            self._drain.join()
        if self._at_once is not None:
            self._at_once.close()

    def _drain_once(self, connection: psycopg.Connection[Any]) -> None:
        changed, self._dirty = self._dirty, set()
        rows = [self.orders[order_id].row() for order_id in changed]
        entries = self.ledger[self._drained :]
        self._drained += len(entries)
        counts = Counter({(entry[0], entry[3], column): 0 for entry in entries for column in (9, 10)})
        for entry in entries:
            for column in (9, 10):
                counts[entry[0], entry[3], column] += entry[column]
        moved = {(place, sku): (counts[place, sku, 9], counts[place, sku, 10]) for place, sku, _ in counts}
        with connection.transaction(), connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO orders VALUES ({_marks(12)}) ON CONFLICT (order_id) DO UPDATE SET"
                " version = excluded.version, status = excluded.status, state = excluded.state",
                rows,
            )
            cursor.executemany(f"INSERT INTO ledger VALUES ({_marks(12)})", entries)
            cursor.executemany(
                f"INSERT INTO stock VALUES ({_marks(4)}) ON CONFLICT (location_id, sku) DO UPDATE SET"
                " on_hand = stock.on_hand + excluded.on_hand, allocated = stock.allocated + excluded.allocated",
                [(*spot, *units) for spot, units in moved.items()],
            )


def _marks(count: int) -> str:
    return ", ".join(["%s"] * count)


def _limit(items: Iterable[Any]) -> None:
    if not 1 <= len(list(items)) <= 1000:
        raise Problem(422, "body.too_many")


def _answer(status: int, body: Json) -> Response:
    return Response(msgspec.json.encode(body), status, media_type="application/json")
