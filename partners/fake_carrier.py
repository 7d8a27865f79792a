"""A carrier within the process: for tests, for the demo, and until a real one is connected.

It keeps what a real one keeps (labels, manifests, keys), in memory and bounded, and has neither chance nor a clock of
its own: the same calls give the same answers. Its weather can be set: `down` refuses, `mute` does the work and never
says so, which is the worst that a network does.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar, cast

import msgspec

from actors.domain.times import HOUR_MS
from partners.carrier import (
    DEADLINE_S,
    KEY_CHARS_MAX,
    KEYS_KEPT_MS,
    PARCELS_MAX,
    CarrierRefused,
    CarrierTimedOut,
    CarrierUnavailable,
    Label,
    LabelRequest,
    Manifest,
    Quote,
    QuoteRequest,
    Shipment,
    TrackEvent,
    TrackStatus,
    Voided,
    quote_of,
)
from partners.fake_tariff import SERVICES, quotes
from partners.label_document import label_document
from partners.tracking_number import SERIALS, tracking_number

# Beyond these it is unavailable, as a test account of a carrier would be.
KEPT_MAX = 100_000
RETRY_AFTER_S = 1.0
# What happens after the hand-over, and how many hours after it.
JOURNEY: tuple[tuple[float, TrackStatus, bool], ...] = (
    (0, "accepted", False),
    (6, "in_transit", False),
    (30, "out_for_delivery", True),
    (34, "delivered", True),
)
_Answer = TypeVar("_Answer")


class _Parcel(msgspec.Struct):
    """A label that was sold. handed_over_ms: when its manifest was closed, None before. voided_ms: the
    same of taking it back."""

    label: Label
    shipment: Shipment
    sold_ms: int
    handed_over_ms: int | None = None
    voided_ms: int | None = None


class _Answered(msgspec.Struct):
    request: bytes
    answer: Any
    at_ms: int


class FakeCarrier:
    """See the module. now_ms: UTC ms; what has happened to a parcel follows from it."""

    def __init__(self, now_ms: Callable[[], int], first_serial: int = 0) -> None:
        self.down = False
        self.mute = False
        self._now_ms = now_ms
        self._serial = first_serial
        self._parcels: dict[str, _Parcel] = {}
        # By our reference, which outlives the key: the tracking number, and the manifest.
        self._sold: dict[str, str] = {}
        self._closed: dict[str, Manifest] = {}
        self._answers: OrderedDict[tuple[str, str], _Answered] = OrderedDict()
        self._manifests = 0

    async def quote(self, wanted: QuoteRequest, timeout_s: float = DEADLINE_S) -> list[Quote]:
        """See Carrier."""
        self._reachable()
        return self._say(quotes(wanted))

    async def label(self, key: str, request: LabelRequest, timeout_s: float = DEADLINE_S) -> Label:
        """See Carrier."""
        return self._once("label", key, request, lambda: self._sell(key, request))

    async def find(self, key: str, request: LabelRequest, timeout_s: float = DEADLINE_S) -> Label | None:
        """See Carrier."""
        self._reachable()
        number = self._sold.get(key)
        return self._say(None if number is None else self._parcels[number].label)

    async def void(self, key: str, tracking_number: str, timeout_s: float = DEADLINE_S) -> Voided:
        """See Carrier."""
        return self._once("void", key, tracking_number, lambda: self._void(tracking_number))

    async def manifest(self, key: str, tracking_numbers: tuple[str, ...], timeout_s: float = DEADLINE_S) -> Manifest:
        """See Carrier."""
        return self._once("manifest", key, tracking_numbers, lambda: self._close(key, tracking_numbers))

    async def find_manifest(self, key: str, timeout_s: float = DEADLINE_S) -> Manifest | None:
        """See Carrier."""
        self._reachable()
        return self._say(self._closed.get(key))

    async def track(self, tracking_number: str, timeout_s: float = DEADLINE_S) -> list[TrackEvent]:
        """See Carrier."""
        self._reachable()
        return self._say(self._events(self._parcel(tracking_number)))

    # --- what it does -----------------------------------------------------------------------------------------------
    def _sell(self, key: str, request: LabelRequest) -> Label:
        offers = {offer.service: offer for offer in quotes(quote_of(request.shipment))}
        offer = offers.get(request.service)
        if offer is None:
            raise CarrierRefused("carrier.unknown_service", f"This parcel goes by {', '.join(offers)}.")
        if len(self._parcels) >= KEPT_MAX or self._serial >= SERIALS:
            raise CarrierUnavailable(RETRY_AFTER_S)
        letters = next(one.letters for one in SERVICES if one.name == request.service)
        number = tracking_number(letters, self._serial)
        document = label_document(request.shipment, request.service, number, request.label_format)
        label = Label(number, request.label_format, document, offer.price)
        self._serial += 1
        self._parcels[number] = _Parcel(label, request.shipment, self._now_ms())
        self._sold[key] = number
        return label

    def _void(self, number: str) -> Voided:
        parcel = self._still_here(number)
        parcel.voided_ms = self._now_ms()
        return Voided(number, parcel.label.price)

    def _close(self, key: str, numbers: tuple[str, ...]) -> Manifest:
        if not numbers:
            raise CarrierRefused("carrier.nothing_to_hand_over", "A manifest has at least one parcel.")
        if len(numbers) > PARCELS_MAX:
            raise CarrierRefused("carrier.too_many", f"A manifest has at most {PARCELS_MAX} parcels.")
        if len(set(numbers)) < len(numbers):
            raise CarrierRefused("carrier.parcel_repeated", "A parcel stands in the manifest twice.")
        # All are looked at before any is changed.
        parcels = [self._still_here(number) for number in numbers]
        now = self._now_ms()
        for parcel in parcels:
            parcel.handed_over_ms = now
        self._manifests += 1
        weight_g = sum(parcel.shipment.parcel.weight_g for parcel in parcels)
        closed = self._closed[key] = Manifest(f"MF{self._manifests:08}", numbers, weight_g, now)
        return closed

    def _events(self, parcel: _Parcel) -> list[TrackEvent]:
        home, there = parcel.shipment.sender.city, parcel.shipment.recipient.city
        events = [TrackEvent("announced", parcel.sold_ms, home)]
        if parcel.voided_ms is not None:
            events.append(TrackEvent("voided", parcel.voided_ms, home))
        if parcel.handed_over_ms is not None:
            for hours, status, arrived in JOURNEY:
                at_ms = parcel.handed_over_ms + round(hours * HOUR_MS)
                if at_ms <= self._now_ms():
                    events.append(TrackEvent(status, at_ms, there if arrived else home))
        return events

    # --- what it knows ----------------------------------------------------------------------------------------------
    def _parcel(self, number: str) -> _Parcel:
        parcel = self._parcels.get(number)
        if parcel is None:
            raise CarrierRefused("carrier.unknown_parcel", "There is no parcel of this number.")
        return parcel

    def _still_here(self, number: str) -> _Parcel:
        """A parcel that is neither handed over nor voided."""
        parcel = self._parcel(number)
        if parcel.voided_ms is not None:
            raise CarrierRefused("carrier.already_voided", f"The label of {number} was taken back.")
        if parcel.handed_over_ms is not None:
            raise CarrierRefused("carrier.handed_over", f"{number} was handed over.")
        return parcel

    # --- how it answers ---------------------------------------------------------------------------------------------
    def _once(self, call: str, key: str, request: Any, work: Callable[[], _Answer]) -> _Answer:
        """The answer to the call's key, worked out once. A refusal did nothing and is not remembered."""
        self._reachable()
        if not 0 < len(key) <= KEY_CHARS_MAX:
            raise CarrierRefused("carrier.key_invalid", f"A key has 1 to {KEY_CHARS_MAX} characters.")
        self._forget()
        asked = msgspec.msgpack.encode(request)
        known = self._answers.get((call, key))
        if known is None:
            if len(self._answers) >= KEPT_MAX:
                raise CarrierUnavailable(RETRY_AFTER_S)
            known = self._answers[call, key] = _Answered(asked, work(), self._now_ms())
        elif known.request != asked:
            raise CarrierRefused("carrier.key_reused", "The key was used for another request.")
        return self._say(cast("_Answer", known.answer))

    def _forget(self) -> None:
        """Drops keys that need not be known any more; they lie in the order in which they came."""
        oldest_ms = self._now_ms() - KEYS_KEPT_MS
        while self._answers and next(iter(self._answers.values())).at_ms < oldest_ms:
            self._answers.popitem(last=False)

    def _reachable(self) -> None:
        if self.down:
            raise CarrierUnavailable(RETRY_AFTER_S)

    def _say(self, answer: _Answer) -> _Answer:
        if self.mute:
            raise CarrierTimedOut("no answer within the deadline")
        return answer
