"""What lies on the disks of a real cell: after a load there is nothing of what was planted in it, anywhere, and
keys are rotated meanwhile."""

import base64
import io
import os
import signal
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from psycopg import sql
from rich.console import Console

from cells import rotation
from cells.processes import send
from cells.stores import store_addresses
from perf.chaos import faults
from serve.identity.keyring import load
from serve.keys.envelope import key_of
from tests.system.guarded.guarded_cell import PROBES, WHOLE_S, GuardedCell, Person, found_within

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]

ORDERS = 40
CUSTOMERS = 8
# The issue's: what was revoked is so in every replica within that.
ERASED_S = 2.0
# A file is read in pieces that overlap by more than any of the words.
PIECE, OVERLAP = 1 << 22, 64
# What must be found, or the search finds nothing for another reason.
SKU = "PLANTED-SKU-7731"
STORE = "us-st-miami"
SPOT = "Quillfeather, Larkspur-blue car, bay 3"
LAT, LON = 47.628117, -122.341903
GIFT = "Cloudberry jam for your fortieth, sister"
# What staff write for each other.
NOTE = "Mia Quillfeather, 12 Larkspur Close, call +1 206 555 0188"
# Long enough, each, that none stands by chance in an id, a digest or a time: five digits did.
PERSONAL = (
    b"quillfeather",
    b"larkspur",
    b"ballardtown",
    b"555 0188",
    b"loyal-77",
    b"web-90210",
    b"example.org",
    b"98109-4411",
    b"cloudberry",
    # Where it goes, as text and as eight bytes: MessagePack's order, and PostgreSQL's.
    *(str(abs(where)).encode() for where in (LAT, LON)),
    *(struct.pack(order + "d", where).lower() for order in "><" for where in (LAT, LON)),
)


def body(number: int) -> dict[str, Any]:
    who = number % CUSTOMERS
    return {
        "order_ref": f"web-90210-{number}",
        "channel": "online",
        "customer": {"customer_ref": f"loyal-77{who}", "email": f"mia{who}.quillfeather@example.org"},
        "ship_to": {
            "country": "US", "postcode": "98109-4411", "city": "Ballardtown", "lat": LAT, "lon": LON,
            "recipient": f"Mia {who} Quillfeather", "street": f"{number} Larkspur Close", "phone": "+1 206 555 0188",
        },
        "lines": [{"sku": SKU, "quantity": 1, "unit_price": {"amount": 1299, "currency": "USD"}}],
    } | ({"terms": {"gift": {"wrap": True, "message": GIFT}}} if number % 2 else {})  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _stocked(guarded: GuardedCell) -> None:
    furnish(guarded)


def furnish(guarded: GuardedCell) -> None:
    place = {
        "type": "warehouse", "name": "Seattle", "city": "", "country": "US", "lat": 47.38, "lon": -122.23, "timezone": "UTC",
    }  # fmt: skip
    receipt = {"reference": "asn-1", "lines": [{"sku": SKU, "quantity": 1_000}]}
    # Far from where the orders go, so that none of these is served from there.
    store = place | {"type": "store", "name": "Miami", "lat": 25.76, "lon": -80.19}
    for method, path, sent in (
        ("POST", "/v1/skus", {"skus": [{"sku": SKU}]}),
        ("PUT", "/v1/locations/us-wh-seattle", place),
        ("POST", "/v1/locations/us-wh-seattle/receipts", receipt),
        ("PUT", f"/v1/locations/{STORE}", store),
        ("POST", f"/v1/locations/{STORE}/receipts", receipt | {"lines": [{"sku": SKU, "quantity": 1}]}),
    ):
        answer = guarded.ask(method, path, sent, guarded.local())
        assert answer.is_success, answer.text

    def seen() -> bool:
        """By every replica: they are fed."""
        answers = [guarded.ask("GET", f"/v1/availability?sku={SKU}") for _ in range(PROBES)]
        return all(answer.json()["skus"][0]["available"] > 1_000 for answer in answers)

    wait_for(seen)


@pytest.fixture(scope="module")
def loaded(guarded: GuardedCell) -> None:
    """Orders with everything that tells whose they are, worked on, read, looked for; and codes for their guests."""
    order_ids = []
    for number in range(ORDERS):
        headers = guarded.local() | {"Idempotency-Key": f"web-90210-{number}"}
        answer = guarded.ask("POST", "/v1/orders", body(number), headers)
        assert answer.status_code == 201, answer.text
        assert answer.json()["ship_to"]["recipient"] == f"Mia {number % CUSTOMERS} Quillfeather"
        assert not number % 2 or answer.json()["terms"]["gift"]["message"] == GIFT
        order_ids.append(answer.json()["order_id"])
    for order_id in order_ids[: ORDERS // 2]:
        assert guarded.ask(
            "POST", f"/v1/orders/{order_id}/updates", {"update": "start_picking"}, guarded.local()
        ).is_success
    # One of each customer, none of which is picked.
    for order_id in order_ids[-CUSTOMERS:]:
        write_notes(guarded, order_id)
    send_by_hand(guarded)
    collect(guarded)
    code = {"order_id": order_ids[0], "email": "mia0.quillfeather@example.org"}
    assert guarded.ask("POST", "/v1/guest/codes", code).status_code == 202
    assert guarded.ask("POST", "/v1/customers", {"email": "mia9.quillfeather@example.org"}).status_code == 202
    assert guarded.ask("GET", f"/v1/orders/{order_ids[0]}/events", headers=guarded.local()).is_success
    wait_for(lambda: listed(guarded, "loyal-771") == ORDERS // CUSTOMERS)
    # What is refused is told to the log and the audit: nothing of its body.
    assert guarded.ask("POST", "/v1/orders", body(0) | {"channel": "quillfeather"}, guarded.local()).status_code == 422


def write_notes(guarded: GuardedCell, order_id: str) -> None:
    """Somebody holds the order, releases it and holds it again, each time in words."""
    said = {"reasons": ["customer"], "note": NOTE}
    path = f"/v1/orders/{order_id}/updates"
    for update in ("hold", "release", "hold"):
        answer = guarded.ask("POST", path, {"update": update, "hold": said}, guarded.local())
        assert answer.is_success, answer.text
    shown = guarded.ask("GET", f"/v1/orders/{order_id}", headers=guarded.local()).json()
    assert [one["note"] for one in shown["terms"]["holds"]] == [NOTE]
    # What is written behind.
    events = f"/v1/orders/{order_id}/events"
    wait_for(lambda: guarded.ask("GET", events, headers=guarded.local()).text.count(NOTE) == 3)


def send_by_hand(guarded: GuardedCell) -> None:
    """Something that nobody ordered waits to be packed, with words for who does it."""
    to = {
        "name": "Mia Quillfeather", "street": ["12 Larkspur Close"], "city": "Ballardtown", "postcode": "98109-4411", "country": "US",
    }  # fmt: skip
    sent = {
        "location_id": "us-wh-seattle", "reason": "replacement", "lines": [{"sku": SKU, "quantity": 1}], "ship_to": to,
        "note": NOTE, "customer_ref": "loyal-771",
    }  # fmt: skip
    made = guarded.ask("POST", "/v1/manual-shipments", sent, guarded.local())
    assert made.status_code == 201, made.text
    shown = guarded.ask("GET", f"/v1/shipments/{made.json()['shipment_id']}", headers=guarded.local()).json()
    assert shown["note"] == NOTE


def collect(guarded: GuardedCell) -> None:
    """Somebody waits at a store, in words of her own, and has lost the code."""
    sent = body(9) | {"pickup": {"location_id": STORE}, "customer": {"customer_ref": "loyal-778", "email": "mia8.quillfeather@example.org"}}  # fmt: skip
    placed = guarded.ask("POST", "/v1/orders", sent, guarded.local())
    assert placed.status_code == 201, placed.text
    order_id = placed.json()["order_id"]

    def now() -> dict[str, Any]:
        told: dict[str, Any] = guarded.ask("GET", f"/v1/orders/{order_id}", headers=guarded.local()).json()["pickup"]
        return told

    wait_for(lambda: now()["status"] == "locating")
    path = f"/v1/collections/{now()['collections'][0]['collection_id']}"

    def shown() -> dict[str, Any]:
        told: dict[str, Any] = guarded.ask("GET", path, headers=guarded.local()).json()
        return told

    wait_for(lambda: shown().get("allowed") == ["locate"])
    for step, told in (("located", {"found": [{"sku": SKU, "quantity": 1}]}), ("ready", {})):
        assert guarded.ask("POST", f"{path}/{step}", told, guarded.local()).is_success
    wait_for(lambda: now()["status"] == "ready" and not shown()["asking"])
    here = guarded.ask("POST", f"/v1/orders/{order_id}/here", {"spot": SPOT}, guarded.local())
    assert here.is_success, here.text
    assert guarded.ask("POST", f"{path}/code", {}, guarded.local()).is_success
    assert shown()["here_spot"] == SPOT


def listed(guarded: GuardedCell, customer_ref: str) -> int:
    answer = guarded.ask("GET", f"/v1/orders?customer_ref={customer_ref}", headers=guarded.local())
    found = answer.json()["orders"]
    assert {one["customer_ref"] for one in found} <= {customer_ref}
    return len(found)


def wait_for(condition: Any) -> None:
    deadline = time.monotonic() + WHOLE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def in_postgres(guarded: GuardedCell) -> Iterator[tuple[str, bytes]]:
    """(table, every value of it as PostgreSQL would dump it, and as the bytes that it is)."""
    with psycopg.connect(guarded.cell.postgres_url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            for row in connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))):
                yield (
                    table,
                    b"\n".join(bytes(value) if isinstance(value, bytes) else str(value).encode() for value in row),
                )


def in_redis(guarded: GuardedCell) -> Iterator[tuple[str, bytes]]:
    """(key, everything that it holds)."""
    client = redis.Redis.from_url(store_addresses(guarded.cell.config, guarded.cell.paths).redis_url)
    for key in client.scan_iter(count=1_000):
        kind = client.type(key)
        if kind == b"stream":
            yield key.decode(), repr_of(client.xrange(key))
        elif kind == b"hash":
            yield key.decode(), repr_of(client.hgetall(key))
        elif kind == b"string":
            yield key.decode(), client.get(key) or b""
        else:
            yield key.decode(), client.dump(key) or b""
    client.close()


def repr_of(held: Any) -> bytes:
    parts: list[bytes] = []

    def walk(one: Any) -> None:
        if isinstance(one, bytes):
            parts.append(one)
        elif isinstance(one, dict):
            walk(list(one.items()))
        elif isinstance(one, list | tuple):
            for part in one:
                walk(part)

    walk(held)
    return b"\n".join(parts)


def on_disk(guarded: GuardedCell) -> Iterator[tuple[str, bytes]]:
    """(file, a piece of it): data files and write-ahead log of PostgreSQL, Redis's files, logs,
    Ray's sessions, everything."""
    for folder in (guarded.cell.home, guarded.cell.paths.short):
        # Not by `rglob`, which fails where a folder is taken away meanwhile.
        for path in sorted(Path(found, name) for found, _, names in os.walk(folder) for name in names):
            if path.is_file() and not path.is_symlink():
                yield from pieces(path)


def pieces(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with path.open("rb") as file:
            before = b""
            while piece := file.read(PIECE):
                yield str(path), before + piece
                before = piece[-OVERLAP:]
    except FileNotFoundError:
        pass  # rotated away meanwhile


def search(places: Iterator[tuple[str, bytes]], words: tuple[bytes, ...]) -> set[tuple[str, bytes]]:
    """Each piece is read and made small once, whatever number of words is looked for."""
    lowered = ((where, held.lower()) for where, held in places)
    return {(where, word) for where, held in lowered for word in words if word in held}


def test_what_tells_who_ordered_lies_in_redis_in_postgresql_or_in_any_file_of_the_cell(guarded, loaded):
    sku = SKU.lower().encode()
    rows = search(in_postgres(guarded), (*PERSONAL, sku, b"us-key-", b"orderplaced"))
    files = search(on_disk(guarded), (*PERSONAL, sku))
    for found in (rows, files):
        assert {(where, word) for where, word in found if word in PERSONAL} == set()
        assert any(word == sku for _, word in found), "it would find nothing"
    for store in ("redis", "postgres"):
        assert any(store in where for where, word in files if word == sku)
    sealed = {where.partition("_")[0] for where, word in rows if word in (b"us-key-", b"orderplaced")}
    assert {"orders", "history"} <= sealed


def test_the_copy_of_the_audit_tells_who_ordered(guarded, loaded):
    guarded.wait_copied(0)
    assert any(b"order.place" in body for body in guarded.copy.bodies)
    assert search((("copy", body) for body in guarded.copy.bodies), PERSONAL) == set()


def test_the_tail_in_redis_tells_who_ordered_while_postgresql_is_away(guarded):
    """As long as nothing is written behind, what is placed lies there whole."""
    (main,) = faults.find(guarded.cell, "postgres")
    processes = faults.with_children(main)
    for one in processes:
        send(one, signal.SIGSTOP)
    try:
        # Of somebody whom nobody knows: also the key lies there.
        new = body(1) | {"customer": {"customer_ref": "loyal-779"}}
        placed = guarded.ask("POST", "/v1/orders", new, guarded.local())
        assert placed.status_code == 201, placed.text
        assert search(in_redis(guarded), PERSONAL) == set()
        assert search(in_redis(guarded), (SKU.lower().encode(),)), "it would find nothing"
        assert search(in_redis(guarded), (b'"wrapped":',)), "a key that is used before it is durable"
    finally:
        for one in processes:
            send(one, signal.SIGCONT)
    wait_for(lambda: listed(guarded, "loyal-779") == 1)


def orders_of(guarded: GuardedCell, customer_ref: str) -> list[str]:
    answer = guarded.ask("GET", f"/v1/orders?customer_ref={customer_ref}&limit=500", headers=guarded.local())
    return [one["order_id"] for one in answer.json()["orders"]]


def keys_of(guarded: GuardedCell, order_ids: list[str]) -> dict[str, tuple[str, bytes]]:
    """key id → (status, wrapped bytes) of what seals these orders, as the store has it."""
    with psycopg.connect(guarded.cell.postgres_url) as connection:
        sealed = connection.execute("SELECT sealed FROM orders WHERE order_id = ANY (%s)", [order_ids]).fetchall()
        key_ids = list({key_of(one) for (one,) in sealed if one})
        rows = connection.execute("SELECT key_id, status, wrapped FROM data_keys WHERE key_id = ANY (%s)", [key_ids])
        return {key_id: (status, wrapped) for key_id, status, wrapped in rows}


def test_somebody_who_was_erased_is_told_by_a_replica_or_by_a_host_that_comes_back_or_the_key_stays(guarded, loaded):
    order_ids = orders_of(guarded, "loyal-773")
    keys = keys_of(guarded, order_ids)
    # More than one key where a replica was asked before the store knew of what another had made.
    assert len(order_ids) == ORDERS // CUSTOMERS
    assert keys
    for order_id in order_ids:
        assert guarded.ask("POST", f"/v1/orders/{order_id}/updates", {"update": "cancel"}, guarded.local()).is_success
    officer = Person(guarded, "olga", "privacy").bearer()
    request = guarded.ask(
        "POST", "/v1/privacy-requests", {"law": "gdpr", "right": "erasure", "customer_ref": "loyal-773"}, officer
    ).json()["request_id"]
    steps = f"/v1/privacy-requests/{request}/steps"
    assert guarded.ask("POST", steps, {"step": "erase"}, officer).json()["code"] == "privacy.identity_unconfirmed"
    proof = {"step": "confirm_identity", "method": "id_document", "evidence": "case-17", "covers": ["customer_ref"]}
    assert guarded.ask("POST", steps, proof, officer).is_success
    erased = guarded.ask("POST", steps, {"step": "erase"}, officer)
    assert erased.status_code == 200, erased.text
    erased_at = time.monotonic()
    found_within(ERASED_S, erased_at, lambda: [is_erased(guarded, order_ids[0]) for _ in range(PROBES)], all)
    for mark in faults.find(guarded.cell, "host"):
        send(mark, signal.SIGKILL)
    guarded.wait_whole()
    assert all(is_erased(guarded, order_id) for order_id in order_ids)
    histories = [
        guarded.ask("GET", f"/v1/orders/{order_id}/events", headers=guarded.local()).text for order_id in order_ids
    ]
    assert any("HoldsReleased" in one for one in histories)
    assert not [word for word in PERSONAL if any(word in one.lower().encode() for one in histories)]
    assert orders_of(guarded, "loyal-773") == []
    # The key is gone from all that is read; what an old page of a file may still hold, a rotation makes worthless.
    copies = tuple(form.lower() for _, wrapped in keys.values() for form in (wrapped, base64.b64encode(wrapped)))
    wait_for(lambda: search(in_redis(guarded), copies) == set())
    wait_for(lambda: search(in_postgres(guarded), copies) == set())
    with psycopg.connect(guarded.cell.postgres_url) as connection:
        left = connection.execute(
            "SELECT status, wrapped FROM data_keys WHERE key_id = ANY (%s)", [list(keys)]
        ).fetchall()
    assert left == [("destroyed", b"")] * len(keys)
    # Nobody else lost anything.
    other = guarded.ask("GET", f"/v1/orders/{orders_of(guarded, 'loyal-774')[0]}", headers=guarded.local()).json()
    assert other["ship_to"]["city"] == "Ballardtown"


def is_erased(guarded: GuardedCell, order_id: str) -> bool:
    """Says a replica, some of them."""
    answer = guarded.ask("GET", f"/v1/orders/{order_id}", headers=guarded.local())
    assert answer.status_code == 200, answer.text
    told = answer.json()
    if "ballardtown" in answer.text.lower():
        return False
    assert told["withheld"] == "erased"
    assert "quillfeather" not in answer.text.lower(), "a note outlives whom it is about"
    assert told["lines"][0]["unit_price"]["amount"] == 1299, "what the books need is gone"
    return True


def test_a_rotation_stops_the_cell_or_leaves_the_old_key_good(guarded, loaded):
    before = load(guarded.cell.paths.keyring)
    said = io.StringIO()
    rotation.rotate(guarded.cell.config, guarded.cell.paths, Console(file=said, width=120))
    after = load(guarded.cell.paths.keyring)
    assert (before.wrapping_ids, after.wrapping_ids) == ([1], [2])
    assert "data keys wrapped anew" in said.getvalue()
    with psycopg.connect(guarded.cell.postgres_url) as connection:
        kinds = connection.execute(
            "SELECT wrapping, count(*) FROM data_keys WHERE status = 'in_use' GROUP BY 1"
        ).fetchall()
    assert [name for name, _ in kinds] == ["file:2"]
    assert kinds[0][1] >= CUSTOMERS
    # Hosts that know the keys from the journal alone, and replicas that have kept none.
    answer = guarded.ask("POST", "/v1/orders", body(1), guarded.local())
    assert answer.json()["ship_to"]["street"] == "1 Larkspur Close"
    assert listed(guarded, "loyal-772") == ORDERS // CUSTOMERS
