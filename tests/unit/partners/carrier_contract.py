"""What every carrier's port has to do, the fake as well as a real one's against its emulator: a class to inherit from.

    class TestFakeCarrier(CarrierContract): …

`carrier`: a fixture with a new carrier. `be_mute(carrier, silent)`: from now on calls do their work and
never say so, or answer again.
`hand_over`: whatever makes the carrier's courier come, if `manifest` alone does not.
"""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from partners.carrier import PARCELS_MAX, Carrier, CarrierRefused, CarrierTimedOut, LabelRequest, quote_of
from tests.unit.partners.samples import NEW_YORK, SHIPMENT, with_parcel


async def refused(call) -> str:
    with pytest.raises(CarrierRefused) as caught:
        await call
    assert caught.value.detail.endswith(".")
    return caught.value.code


async def bought(carrier: Carrier, key: str = "k"):
    offers = await carrier.quote(quote_of(SHIPMENT))
    return await carrier.label(key, LabelRequest(SHIPMENT, offers[0].service))


class CarrierContract:
    """See the module."""

    def be_mute(self, carrier, silent: bool) -> None:
        raise NotImplementedError

    async def test_quotes_are_not_sorted_or_none_is_there(self, carrier):
        offers = await carrier.quote(quote_of(SHIPMENT))
        assert offers
        assert [offer.price.amount for offer in offers] == sorted(offer.price.amount for offer in offers)
        assert all(offer.price.amount > 0 and offer.days > 0 for offer in offers)

    async def test_a_label_costs_something_else_than_was_quoted(self, carrier):
        for offer in await carrier.quote(quote_of(SHIPMENT)):
            label = await carrier.label(f"k-{offer.service}", LabelRequest(SHIPMENT, offer.service))
            assert label.price == offer.price

    async def test_a_repeated_call_pays_twice(self, carrier):
        first = await bought(carrier, "k1")
        assert await bought(carrier, "k1") == first
        assert (await bought(carrier, "k2")).tracking_number != first.tracking_number

    async def test_a_call_that_timed_out_pays_twice(self, carrier):
        service = (await carrier.quote(quote_of(SHIPMENT)))[0].service
        self.be_mute(carrier, True)
        for _ in range(2):
            with pytest.raises(CarrierTimedOut):
                await carrier.label("k", LabelRequest(SHIPMENT, service))
        self.be_mute(carrier, False)
        first = await carrier.label("k", LabelRequest(SHIPMENT, service))
        assert await carrier.label("k", LabelRequest(SHIPMENT, service)) == first
        manifest = await carrier.manifest("m", (first.tracking_number,))
        assert manifest.tracking_numbers == (first.tracking_number,)

    async def test_what_was_sold_is_not_found_by_our_reference(self, carrier):
        request = LabelRequest(SHIPMENT, (await carrier.quote(quote_of(SHIPMENT)))[0].service)
        assert await carrier.find("k", request) is None
        label = await carrier.label("k", request)
        assert await carrier.find("k", request) == label
        assert await carrier.find("another", request) is None
        # Also one that was taken back: it was paid.
        await carrier.void("v", label.tracking_number)
        found = await carrier.find("k", request)
        assert found is not None
        assert found.tracking_number == label.tracking_number

    async def test_a_manifest_is_not_found_by_our_reference(self, carrier):
        label = await bought(carrier)
        assert await carrier.find_manifest("m") is None
        manifest = await carrier.manifest("m", (label.tracking_number,))
        assert await carrier.find_manifest("m") == manifest
        assert await carrier.find_manifest("k") is None

    async def test_a_key_means_two_things(self, carrier):
        label = await bought(carrier, "k")
        service = (await carrier.quote(quote_of(SHIPMENT)))[0].service
        other = LabelRequest(with_parcel(weight_g=900), service)
        assert await refused(carrier.label("k", other)) == "carrier.key_reused"
        # Each kind of call has keys of its own.
        assert (await carrier.void("k", label.tracking_number)).refund == label.price
        assert await refused(carrier.void("k", "another")) == "carrier.key_reused"

    @pytest.mark.parametrize("label_format", ["zpl", "pdf"])
    async def test_the_label_is_none(self, carrier, label_format):
        service = (await carrier.quote(quote_of(SHIPMENT)))[0].service
        label = await carrier.label("k", LabelRequest(SHIPMENT, service, label_format))
        assert label.label_format == label_format
        assert label.document.startswith(b"%PDF" if label_format == "pdf" else b"^XA")

    async def test_a_service_that_was_not_quoted_is_sold(self, carrier):
        assert await refused(carrier.label("k", LabelRequest(SHIPMENT, "teleport"))) == "carrier.unknown_service"

    async def test_what_is_not_taken_is_sold(self, carrier):
        service = (await carrier.quote(quote_of(SHIPMENT)))[0].service
        for shipment, code in (
            (with_parcel(weight_g=1_000_000), "carrier.too_heavy"),
            (with_parcel(length_mm=10_000), "carrier.too_large"),
            (with_parcel(hazard="UN1203"), "carrier.hazard"),
            (replace(SHIPMENT, recipient=replace(NEW_YORK, postcode="1011")), "carrier.postcode"),
            (
                replace(SHIPMENT, recipient=replace(NEW_YORK, country="BR", postcode="01304-000")),
                "carrier.customs_missing",
            ),
        ):
            assert await refused(carrier.quote(quote_of(shipment))) == code
            assert await refused(carrier.label(f"k-{code}", LabelRequest(shipment, service))) == code

    async def test_a_refused_call_can_not_be_put_right_under_its_key(self, carrier):
        service = (await carrier.quote(quote_of(SHIPMENT)))[0].service
        assert (
            await refused(carrier.label("k", LabelRequest(with_parcel(hazard="UN1203"), service))) == "carrier.hazard"
        )
        assert (await carrier.label("k", LabelRequest(SHIPMENT, service))).price.amount > 0

    async def test_a_voided_label_is_refunded_twice_or_handed_over(self, carrier):
        label = await bought(carrier)
        first = await carrier.void("v", label.tracking_number)
        assert (first.tracking_number, first.refund) == (label.tracking_number, label.price)
        assert await carrier.void("v", label.tracking_number) == first
        assert await refused(carrier.void("v2", label.tracking_number)) == "carrier.already_voided"
        assert await refused(carrier.manifest("m", (label.tracking_number,))) == "carrier.already_voided"
        assert (await carrier.track(label.tracking_number))[-1].status == "voided"

    async def test_a_parcel_is_handed_over_twice_or_voided_behind_that(self, carrier):
        label = await bought(carrier)
        manifest = await carrier.manifest("m", (label.tracking_number,))
        assert manifest.weight_g == SHIPMENT.parcel.weight_g
        assert await carrier.manifest("m", (label.tracking_number,)) == manifest
        assert await refused(carrier.manifest("m2", (label.tracking_number,))) == "carrier.handed_over"
        assert await refused(carrier.void("v", label.tracking_number)) == "carrier.handed_over"

    async def test_a_refused_manifest_hands_over_a_part(self, carrier):
        good, bad = await bought(carrier, "k1"), await bought(carrier, "k2")
        await carrier.void("v", bad.tracking_number)
        both = (good.tracking_number, bad.tracking_number)
        assert await refused(carrier.manifest("m", both)) == "carrier.already_voided"
        assert await refused(carrier.manifest("m", (good.tracking_number, "nobody's"))) == "carrier.unknown_parcel"
        assert await refused(carrier.manifest("m", (good.tracking_number,) * 2)) == "carrier.parcel_repeated"
        assert await refused(carrier.manifest("m", ())) == "carrier.nothing_to_hand_over"
        assert await refused(carrier.manifest("m", tuple(map(str, range(PARCELS_MAX + 1))))) == "carrier.too_many"
        assert (await carrier.void("v3", good.tracking_number)).refund == good.price

    async def test_a_parcel_that_nobody_sent_is_found(self, carrier):
        assert await refused(carrier.track("CP000000000XX")) == "carrier.unknown_parcel"
        assert await refused(carrier.void("v", "CP000000000XX")) == "carrier.unknown_parcel"

    async def test_a_parcel_goes_back_in_time(self, carrier):
        label = await bought(carrier)
        assert [event.status for event in await carrier.track(label.tracking_number)] == ["announced"]
        await carrier.manifest("m", (label.tracking_number,))
        events = await carrier.track(label.tracking_number)
        assert [event.at_ms for event in events] == sorted(event.at_ms for event in events)
