"""A privacy officer at the small guarded cell, and a person who has bought there in every way."""

import base64
from typing import Any

import httpx
import msgspec

from serve.keys.port import KeyUnusable
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.post_office import bearer, joined
from tests.unit.serve.small_cell import order

# All by which a person can be named.
NAMES = ["email", "customer_id", "customer_ref", "orders"]
EMAIL = "mia.quill@example.org"
REF = "loyal-7781"
TO = {
    "country": "US", "postcode": "98109-4411", "city": "Ballardtown", "lat": 47.628117, "lon": -122.341903,
    "recipient": "Mia Quillfeather", "street": "12 Larkspur Close", "phone": "+1 206 555 0188",
}  # fmt: skip
# What somebody of the staff writes of her, whom nobody can keep from it.
NOTE = "Mia Quillfeather, 12 Larkspur Close, call +1 206 555 0188, her cloudberry jam leaks"
# As they would stand somewhere, in small letters. What is sealed lies there in Base64, too, in which five letters come
# up by chance, in one run of a thousand.
PLANTED = (
    "quillfeather",
    "ballardtown",
    "98109-4411",
    "larkspur",
    "555 0188",
    "47.628117",
    "122.341903",
    "loyal-7781",
    "web-90210",
    "example.org",
    "mia.quill",
    "cloudberry",
)
PATH = "/v1/privacy-requests"
# The same for the person herself, and what she is told.
MINE = "/v1/customers/me/privacy-requests"
DATA = "/v1/customers/me/data"
# What everything begins with that is sealed under a data key of this region (`serve/keys/envelope.py`): version,
# length of the key's id, the id.
SEAL = b"\x02!us-key-"
SEAL_TEXT = base64.b64encode(SEAL[:9]).decode()


def body(**more: Any) -> dict[str, Any]:
    """An order that tells everything of the person."""
    customer = {"customer_ref": REF, "country": "US", "email": EMAIL}
    return order(order_ref="web-90210", customer=customer, ship_to=TO) | more


async def placed(cell: GuardedCell, sent: dict[str, Any] | None = None, **headers: str) -> str:
    """The id of a new order; by somebody who may place orders, unless it is told who."""
    answer = await cell.post("/v1/orders", sent or body(), **(headers or cell.bearer()))
    assert answer.status_code == 201, answer.text
    order_id: str = answer.json()["order_id"]
    return order_id


async def over(cell: GuardedCell, *order_ids: str) -> None:
    """The orders are cancelled."""
    for order_id in order_ids:
        answer = await cell.post(f"/v1/orders/{order_id}/updates", {"update": "cancel"}, **cell.bearer())
        assert answer.status_code == 200, answer.text


async def customer(cell: GuardedCell) -> tuple[dict[str, Any], list[str]]:
    """The tokens of the person, with three orders: one by the account, one as a guest, one that the
    retailer's shop placed."""
    tokens = await joined(cell, EMAIL)
    orders = [
        await placed(cell, order(order_ref="web-90210", customer={}, ship_to=TO), **bearer(tokens)),
        await placed(cell, body(customer={"email": EMAIL})),
        await placed(cell),
    ]
    return tokens, orders


async def noted(cell: GuardedCell, *order_ids: str) -> None:
    """Support holds the orders, releases them, does both again and holds them once more, each time in words of its own:
    one by one, many at once, and by a filter."""
    hold, released = {"reasons": ["customer"], "note": NOTE}, {"reasons": ["customer"], "note": f"called: {NOTE}"}
    for update, details in (("hold", hold), ("release", released)):
        for order_id in order_ids:
            sent = {"update": update, "hold": details}
            answer = await cell.post(f"/v1/orders/{order_id}/updates", sent, **cell.of_role("support"))
            assert answer.status_code == 200, answer.text
    again = {"updates": [{"order_id": order_id, "update": "hold", "hold": hold} for order_id in order_ids]}
    by_filter = {"filter": {"held": "customer"}, "update": "release", "hold": released}
    once_more = {"filter": {"status": "allocated"}, "update": "hold", "hold": hold}
    for path, sent in (
        ("/v1/order-updates", again), ("/v1/order-actions", by_filter), ("/v1/order-actions", once_more),
    ):  # fmt: skip
        answer = await cell.post(path, sent, **cell.of_role("support"))
        assert [one for one in answer.json()["results"] if one.get("error")] == [], answer.text


async def in_carts(cell: GuardedCell, tokens: dict[str, Any], count: int = 1) -> list[str]:
    """Ids of the person's carts, oldest first."""
    cart = {"channel": "online", "lines": [{"sku": "A1", "quantity": 2}]}
    made = []
    for _ in range(count):
        cell.clock.now += 1_000
        answer = await cell.post("/v1/reservations", cart, **bearer(tokens))
        assert answer.status_code == 201, answer.text
        made.append(answer.json()["reservation_id"])
    return made


def owners(cell: GuardedCell) -> list[str]:
    """Whose each cart is."""
    return [state.owner for (kind, _), (state, _) in cell.gateway.entities.items() if kind == "reservation"]


async def ask_mine(cell: GuardedCell, tokens: dict[str, Any], right: str, law: str = "gdpr") -> dict[str, Any]:
    """The request that somebody who is signed in has made."""
    answer = await cell.post(MINE, {"law": law, "right": right}, **bearer(tokens))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def asked(cell: GuardedCell, law: str = "gdpr", right: str = "erasure", **more: Any) -> str:
    """The id of a request that the officer has written down, about the person, by her address and reference."""
    sent = {"law": law, "right": right, "email": EMAIL, "customer_ref": REF} | more
    answer = await cell.post(
        PATH, {name: value for name, value in sent.items() if value is not None}, **cell.of_role("privacy")
    )
    assert answer.status_code == 201, answer.text
    request_id: str = answer.json()["request_id"]
    return request_id


async def step(cell: GuardedCell, request_id: str, name: str, key: str | None = None, **more: Any) -> httpx.Response:
    """The answer to one step of the officer."""
    return await cell.post(f"{PATH}/{request_id}/steps", {"step": name, **more}, key, **cell.of_role("privacy"))


async def stepped(cell: GuardedCell, request_id: str, name: str, **more: Any) -> dict[str, Any]:
    """The request after a step that has to work."""
    answer = await step(cell, request_id, name, **more)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def proved(cell: GuardedCell, *law_and_right: str, **more: Any) -> str:
    """The id of a request of which it is known who asks."""
    request_id = await asked(cell, *law_and_right, **more)
    told = await stepped(cell, request_id, "confirm_identity", method="id_document", evidence="case-1", covers=NAMES)
    assert told["status"] == "confirmed"
    return request_id


async def exported(cell: GuardedCell, request_id: str, query: str = "", **headers: str) -> httpx.Response:
    """The answer to the officer who asks for all data."""
    return await cell.http.post(f"{PATH}/{request_id}/export{query}", headers=cell.of_role("privacy") | headers)


def found(text: str) -> list[str]:
    """What of the person stands in a text of small letters."""
    return [word for word in PLANTED if word in text]


def letters_left(cell: GuardedCell) -> list[tuple[str, str]]:
    """(template, code) of each notice that is not emptied."""
    out = []
    for (kind, identity), (notice, _) in cell.gateway.entities.items():
        if kind == "notice" and notice.sealed_address:
            content = cell.unsealed(notice.sealed_content, f"notice:{identity}:content")
            out.append((notice.template, msgspec.json.decode(content)["code"]))
    return out


def kept(cell: GuardedCell) -> str:
    """Everything that lies anywhere of the cell, in small letters, with whatever can be opened by the
    keys that it still has."""
    raw = [sealed.decode("latin-1") for _, _, sealed in _sealed(cell)]
    return "\n".join([repr(_everything(cell)), *raw, *opened(cell)]).lower()


def opened(cell: GuardedCell) -> list[str]:
    """What somebody reads who has the cell's key file and a copy of everything that it keeps."""
    found = []
    for kind, identity, sealed in _sealed(cell):
        for place in _places(cell, kind, identity):
            try:
                plain = cell.unsealed(sealed, place)
            except KeyUnusable:
                continue  # sealed for another place, or its key was destroyed
            # Of an order it is packed, positions as numbers.
            found.append(repr(msgspec.msgpack.decode(plain) if place.endswith(":private") else plain))
    return found


def _everything(cell: GuardedCell) -> tuple[Any, ...]:
    gateway = cell.gateway
    return (
        gateway.entities, gateway.remembered, gateway.events, gateway.orders, gateway.ledger, gateway.audited,
        gateway.calls, list(gateway.outbox), gateway.stock_rows,
    )  # fmt: skip


def _places(cell: GuardedCell, kind: str, identity: str) -> list[str]:
    """Whatever something of an entity may be sealed for."""
    if kind == "shipment":
        reasons = [f"reason:{number}" for number in range(1, 4)]
        labels = [f"{what}{number}" for number in range(1, 4) for what in ("request:", f"label:{identity}.")]
        return [
            f"{kind}:{identity}:{one}"
            for one in ("ship_to", "note", *reasons, *labels, *(f"{one}.1" for one in labels))
        ]
    events = cell.gateway.events.get((kind, identity), [])
    passkeys = {event["passkey"]["passkey_id"] for event in events if event.get("passkey")}
    return [
        f"{kind}:{identity}:{field}"
        for field in (
            "private",
            "note",
            "email",
            "address",
            "content",
            *(f"passkey:{passkey_id}" for passkey_id in sorted(passkeys)),
        )
    ]


def _sealed(cell: GuardedCell) -> list[tuple[str, str, bytes]]:
    """(kind, id, sealed) of everything that is sealed under a data key, wherever it lies:
    states, events, rows, replies."""
    gateway = cell.gateway
    found: list[tuple[str, str, bytes]] = []
    for (kind, identity), (state, _) in gateway.entities.items():
        found += [(kind, identity, blob) for blob in _blobs(msgspec.to_builtins(state, builtin_types=(bytes,)))]
    for (kind, identity), events in gateway.events.items():
        found += [(kind, identity, blob) for blob in _blobs(events)]
    for (table, identity, *_), row in gateway.stock_rows.items():
        if table == "shipment_papers":
            found += [("shipment", identity, blob) for blob in _blobs([row.request, row.document])]
    found += [("order", order_id, row.sealed) for order_id, row in gateway.orders.items() if row.sealed]
    for (kind, identity, _), (_, reply) in gateway.remembered.items():
        told = msgspec.json.decode(reply.body)
        # A placement is remembered under no id: the answer has it.
        whose = identity or (told.get("order_id", "") if isinstance(told, dict) else "")
        found += [(kind, whose, blob) for blob in _blobs(told)]
    return found


def _blobs(value: Any) -> list[bytes]:
    if isinstance(value, bytes):
        return [value] if value.startswith(SEAL) else []
    if isinstance(value, str):
        return _blobs(base64.b64decode(value)) if value.startswith(SEAL_TEXT) else []
    if isinstance(value, dict):
        return [blob for inner in value.values() for blob in _blobs(inner)]
    if isinstance(value, list | tuple):
        return [blob for inner in value for blob in _blobs(inner)]
    return []


def at_first(cell, kind_of_command, work):
    """Does the work once, as soon as the first such command comes and before it is done."""
    asking, done = cell.gateway.ask, []

    async def ask(kind, identity, command, *rest, **more):
        if type(command) is kind_of_command and not done:
            done.append(command)
            await work()
        return await asking(kind, identity, command, *rest, **more)

    cell.gateway.ask = ask
