"""The fake carrier with its books in a file, so that all replicas of a cell on this machine speak with the same one: a
label that one of them bought is known to the other that closes the manifest. For the demo and for tests of whole cells.

It sells and refuses as `fake_carrier.py` does. The file has no name and no address: of a request only its digest is
kept, and a label that is asked for again is drawn again from the request, which has to be the same.
"""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from actors.domain.money import Money
from actors.domain.times import HOUR_MS
from partners.carrier import (
    DEADLINE_S,
    KEY_CHARS_MAX,
    KEYS_KEPT_MS,
    PARCELS_MAX,
    CarrierRefused,
    CarrierTimedOut,
    Label,
    LabelRequest,
    Manifest,
    Quote,
    QuoteRequest,
    TrackEvent,
    Voided,
    quote_of,
)
from partners.fake_carrier import JOURNEY
from partners.fake_tariff import SERVICES, quotes
from partners.label_document import label_document
from partners.tracking_number import tracking_number

_TABLES = """
CREATE TABLE IF NOT EXISTS keys (call TEXT, key TEXT, request BLOB, answer BLOB, at_ms INTEGER, PRIMARY KEY (call, key));
CREATE TABLE IF NOT EXISTS parcels (
    serial INTEGER PRIMARY KEY AUTOINCREMENT, number TEXT UNIQUE, amount INTEGER, currency TEXT, weight_g INTEGER, home TEXT, there TEXT,
    sold_ms INTEGER, handed_over_ms INTEGER, voided_ms INTEGER
);
CREATE TABLE IF NOT EXISTS sold (reference TEXT PRIMARY KEY, number TEXT);
CREATE TABLE IF NOT EXISTS closed (reference TEXT PRIMARY KEY, manifest BLOB);
CREATE TABLE IF NOT EXISTS manifests (number INTEGER PRIMARY KEY AUTOINCREMENT, closed_ms INTEGER);
"""
_Answer = TypeVar("_Answer")


class FiledCarrier:
    """A `Carrier`. path: of the file; now_ms: UTC ms. `mute`: it does its work and never says so."""

    def __init__(self, path: Path, now_ms: Callable[[], int]) -> None:
        self.mute = False
        self._path = path
        self._now_ms = now_ms

    async def quote(self, wanted: QuoteRequest, timeout_s: float = DEADLINE_S) -> list[Quote]:
        """See Carrier."""
        return self._say(quotes(wanted))

    async def label(self, key: str, request: LabelRequest, timeout_s: float = DEADLINE_S) -> Label:
        """See Carrier."""
        sold: tuple[str, Money] = await self._once(
            "label",
            key,
            request,
            lambda books: _sell(books, key, request, self._now_ms()),
            tuple[str, Money],
            timeout_s,
        )
        number, price = sold
        document = label_document(request.shipment, request.service, number, request.label_format)
        return self._say(Label(number, request.label_format, document, price))

    async def find(self, key: str, request: LabelRequest, timeout_s: float = DEADLINE_S) -> Label | None:
        """See Carrier."""
        found = await self._do(lambda books: _sold(books, key), timeout_s)
        if found is None:
            return self._say(None)
        number, price = found
        document = label_document(request.shipment, request.service, number, request.label_format)
        return self._say(Label(number, request.label_format, document, price))

    async def void(self, key: str, tracking_number: str, timeout_s: float = DEADLINE_S) -> Voided:
        """See Carrier."""
        work: Callable[[sqlite3.Connection], Voided] = lambda books: _void(books, tracking_number, self._now_ms())  # noqa: E731
        return self._say(await self._once("void", key, tracking_number, work, Voided, timeout_s))

    async def manifest(self, key: str, tracking_numbers: tuple[str, ...], timeout_s: float = DEADLINE_S) -> Manifest:
        """See Carrier."""

        def work(books: sqlite3.Connection) -> Manifest:
            return _close(books, key, tracking_numbers, self._now_ms())

        return self._say(await self._once("manifest", key, tracking_numbers, work, Manifest, timeout_s))

    async def find_manifest(self, key: str, timeout_s: float = DEADLINE_S) -> Manifest | None:
        """See Carrier."""
        return self._say(await self._do(lambda books: _closed(books, key), timeout_s))

    async def track(self, tracking_number: str, timeout_s: float = DEADLINE_S) -> list[TrackEvent]:
        """See Carrier."""
        return self._say(await self._do(lambda books: _events(books, tracking_number, self._now_ms()), timeout_s))

    async def _once(
        self, call: str, key: str, request: Any, work: Callable[[sqlite3.Connection], _Answer], answer_type: Any, timeout_s: float
    ) -> _Answer:  # fmt: skip
        """The answer to the call's key, worked out once. A refusal did nothing and is not remembered."""
        if not 0 < len(key) <= KEY_CHARS_MAX:
            raise CarrierRefused("carrier.key_invalid", f"A key has 1 to {KEY_CHARS_MAX} characters.")
        digest = hashlib.sha256(msgspec.msgpack.encode(request)).digest()

        def answered(books: sqlite3.Connection) -> _Answer:
            now = self._now_ms()
            books.execute("DELETE FROM keys WHERE at_ms < ?", [now - KEYS_KEPT_MS])
            known = books.execute("SELECT request, answer FROM keys WHERE call = ? AND key = ?", [call, key]).fetchone()
            if known is None:
                answer = work(books)
                said = [call, key, digest, msgspec.msgpack.encode(answer), now]
                books.execute("INSERT INTO keys VALUES (?, ?, ?, ?, ?)", said)
                return answer
            if known[0] != digest:
                raise CarrierRefused("carrier.key_reused", "The key was used for another request.")
            first: _Answer = msgspec.msgpack.decode(known[1], type=answer_type)
            return first

        return await self._do(answered, timeout_s)

    async def _do(self, work: Callable[[sqlite3.Connection], _Answer], timeout_s: float) -> _Answer:
        # In a thread: the file is locked while another replica writes.
        return await asyncio.to_thread(self._in_file, work, timeout_s)

    def _in_file(self, work: Callable[[sqlite3.Connection], _Answer], timeout_s: float) -> _Answer:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with closing(sqlite3.connect(self._path, timeout=timeout_s, isolation_level=None)) as books:
                books.executescript(_TABLES)
                books.execute("BEGIN IMMEDIATE")
                answer = work(books)
                books.execute("COMMIT")
                return answer
        except sqlite3.OperationalError as error:
            raise CarrierTimedOut(str(error)) from None

    def _say(self, answer: _Answer) -> _Answer:
        if self.mute:
            raise CarrierTimedOut("no answer within the deadline")
        return answer


# --- what it does ---------------------------------------------------------------------------------------------------
def _sell(books: sqlite3.Connection, key: str, request: LabelRequest, now_ms: int) -> tuple[str, Money]:
    shipment = request.shipment
    offers = {offer.service: offer for offer in quotes(quote_of(shipment))}
    offer = offers.get(request.service)
    if offer is None:
        raise CarrierRefused("carrier.unknown_service", f"This parcel goes by {', '.join(offers)}.")
    letters = next(one.letters for one in SERVICES if one.name == request.service)
    said = [
        offer.price.amount, offer.price.currency, shipment.parcel.weight_g, shipment.sender.country, shipment.recipient.country, now_ms,
    ]  # fmt: skip
    added = books.execute(
        "INSERT INTO parcels (amount, currency, weight_g, home, there, sold_ms) VALUES (?, ?, ?, ?, ?, ?)", said
    )
    serial = added.lastrowid
    assert serial is not None
    number = tracking_number(letters, serial)
    books.execute("UPDATE parcels SET number = ? WHERE serial = ?", [number, serial])
    books.execute("INSERT OR REPLACE INTO sold VALUES (?, ?)", [key, number])
    return number, offer.price


def _sold(books: sqlite3.Connection, key: str) -> tuple[str, Money] | None:
    found = books.execute(
        "SELECT number, amount, currency FROM sold JOIN parcels USING (number) WHERE reference = ?", [key]
    ).fetchone()
    return None if found is None else (found[0], Money(found[1], found[2]))


def _still_here(books: sqlite3.Connection, number: str) -> tuple[int, str, int]:
    """(amount, currency, weight) of a parcel that is neither handed over nor voided."""
    found = books.execute(
        "SELECT amount, currency, weight_g, handed_over_ms, voided_ms FROM parcels WHERE number = ?", [number]
    ).fetchone()
    if found is None:
        raise CarrierRefused("carrier.unknown_parcel", "There is no parcel of this number.")
    amount, currency, weight_g, handed_over_ms, voided_ms = found
    if voided_ms is not None:
        raise CarrierRefused("carrier.already_voided", f"The label of {number} was taken back.")
    if handed_over_ms is not None:
        raise CarrierRefused("carrier.handed_over", f"{number} was handed over.")
    return amount, currency, weight_g


def _void(books: sqlite3.Connection, number: str, now_ms: int) -> Voided:
    amount, currency, _ = _still_here(books, number)
    books.execute("UPDATE parcels SET voided_ms = ? WHERE number = ?", [now_ms, number])
    return Voided(number, Money(amount, currency))


def _close(books: sqlite3.Connection, key: str, numbers: tuple[str, ...], now_ms: int) -> Manifest:
    if not numbers:
        raise CarrierRefused("carrier.nothing_to_hand_over", "A manifest has at least one parcel.")
    if len(numbers) > PARCELS_MAX:
        raise CarrierRefused("carrier.too_many", f"A manifest has at most {PARCELS_MAX} parcels.")
    if len(set(numbers)) < len(numbers):
        raise CarrierRefused("carrier.parcel_repeated", "A parcel stands in the manifest twice.")
    # All are looked at before any is changed.
    weight_g = sum(_still_here(books, number)[2] for number in numbers)
    books.executemany(
        "UPDATE parcels SET handed_over_ms = ? WHERE number = ?", [(now_ms, number) for number in numbers]
    )
    added = books.execute("INSERT INTO manifests (closed_ms) VALUES (?)", [now_ms])
    manifest = Manifest(f"MF{added.lastrowid:08}", numbers, weight_g, now_ms)
    books.execute("INSERT OR REPLACE INTO closed VALUES (?, ?)", [key, msgspec.msgpack.encode(manifest)])
    return manifest


def _closed(books: sqlite3.Connection, key: str) -> Manifest | None:
    found = books.execute("SELECT manifest FROM closed WHERE reference = ?", [key]).fetchone()
    return None if found is None else msgspec.msgpack.decode(found[0], type=Manifest)


def _events(books: sqlite3.Connection, number: str, now_ms: int) -> list[TrackEvent]:
    found = books.execute(
        "SELECT home, there, sold_ms, handed_over_ms, voided_ms FROM parcels WHERE number = ?", [number]
    ).fetchone()
    if found is None:
        raise CarrierRefused("carrier.unknown_parcel", "There is no parcel of this number.")
    home, there, sold_ms, handed_over_ms, voided_ms = found
    events = [TrackEvent("announced", sold_ms, home)]
    if voided_ms is not None:
        events.append(TrackEvent("voided", voided_ms, home))
    if handed_over_ms is not None:
        for hours, status, arrived in JOURNEY:
            at_ms = handed_over_ms + round(hours * HOUR_MS)
            if at_ms <= now_ms:
                events.append(TrackEvent(status, at_ms, there if arrived else home))
    return events
