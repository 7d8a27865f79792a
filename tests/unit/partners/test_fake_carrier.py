"""The fake carrier is kinder, or forgets more, than a real one; what was tested against it then fails in the field."""

import pytest
from msgspec.structs import replace

from partners import fake_carrier
from partners.carrier import KEY_CHARS_MAX, KEYS_KEPT_MS, CarrierRefused, CarrierUnavailable, LabelRequest, quote_of
from partners.fake_carrier import FakeCarrier
from partners.fake_tariff import (
    GIRTH_MM_MAX,
    POSTCODES,
    SERVICES,
    SIDE_MM_MAX,
    WEIGHT_G_MAX,
    charged_g,
    zone_of,
)
from partners.fake_tariff import quotes as quoted
from partners.tracking_number import SERIALS, is_tracking_number
from tests.unit.partners.carrier_contract import CarrierContract, bought, refused
from tests.unit.partners.samples import CUSTOMS, LODZ, MADRID, NEW_YORK, PARCEL, SEATTLE, SHIPMENT, with_parcel

HOUR_MS = 3_600_000


class HandClock:
    def __init__(self) -> None:
        self.now_ms = 1_764_150_000_000

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def carrier(clock) -> FakeCarrier:
    return FakeCarrier(clock)


class TestFakeCarrier(CarrierContract):
    def be_mute(self, carrier, silent: bool) -> None:
        carrier.mute = silent


async def test_the_same_calls_give_another_label():
    async def run():
        carrier = FakeCarrier(HandClock(), first_serial=7)
        return [await bought(carrier, f"k{n}") for n in range(3)]

    first = await run()
    assert first == await run()
    assert all(is_tracking_number(label.tracking_number) for label in first)


async def test_it_works_while_it_is_down(carrier):
    carrier.down = True
    for call in (
        carrier.quote(quote_of(SHIPMENT)), carrier.label("k", LabelRequest(SHIPMENT, "economy")), carrier.void("k", "x"),
        carrier.manifest("k", ("x",)), carrier.track("x"), carrier.find("k", LabelRequest(SHIPMENT, "economy")),
        carrier.find_manifest("k"),
    ):  # fmt: skip
        with pytest.raises(CarrierUnavailable) as caught:
            await call
        assert caught.value.retry_after_s > 0
    carrier.down = False
    assert (await bought(carrier)).tracking_number.startswith("CE00000000")


async def test_a_parcel_arrives_before_it_travels(carrier, clock):
    label = await bought(carrier)
    clock.now_ms += 50 * HOUR_MS
    assert [event.status for event in await carrier.track(label.tracking_number)] == ["announced"]
    await carrier.manifest("m", (label.tracking_number,))
    seen = []
    for hours in (0, 6, 24, 4):
        clock.now_ms += hours * HOUR_MS
        seen.append((await carrier.track(label.tracking_number))[-1])
    assert [event.status for event in seen] == ["accepted", "in_transit", "out_for_delivery", "delivered"]
    assert [event.place for event in seen] == ["Seattle", "Seattle", "New York", "New York"]


async def test_a_key_is_forgotten_within_a_day_or_kept_for_ever(carrier, clock):
    first = await bought(carrier, "k")
    clock.now_ms += KEYS_KEPT_MS
    assert await bought(carrier, "k") == first
    clock.now_ms += 1
    # As a real one: it would sell another. What it sold under the reference it knows still.
    assert await carrier.find("k", LabelRequest(SHIPMENT, "economy")) == first
    assert (await bought(carrier, "k")).tracking_number != first.tracking_number
    assert len(carrier._answers) == 1


@pytest.mark.parametrize("key", ["", "x" * (KEY_CHARS_MAX + 1)])
async def test_a_key_that_is_none_is_taken(carrier, key):
    assert await refused(carrier.label(key, LabelRequest(SHIPMENT, "economy"))) == "carrier.key_invalid"


async def test_it_grows_for_ever(clock, monkeypatch):
    monkeypatch.setattr(fake_carrier, "KEPT_MAX", 2)
    carrier = FakeCarrier(clock)
    for n in range(2):
        await bought(carrier, f"k{n}")
    with pytest.raises(CarrierUnavailable):
        await bought(carrier, "k2")
    with pytest.raises(CarrierUnavailable):
        await bought(FakeCarrier(clock, first_serial=SERIALS))


# --- the tariff -----------------------------------------------------------------------------------------------------
def quotes(shipment):
    return quoted(quote_of(shipment))


def cheapest(shipment) -> int:
    return quotes(shipment)[0].price.amount


def test_far_or_heavy_is_not_dearer():
    near = replace(SHIPMENT, recipient=replace(NEW_YORK, postcode="98109"))
    canada = replace(NEW_YORK, country="CA", postcode="V5K 0A1")
    abroad = [replace(SHIPMENT, recipient=there, customs=CUSTOMS) for there in (canada, MADRID)]
    prices = [cheapest(shipment) for shipment in (near, SHIPMENT, *abroad)]
    assert prices == sorted(set(prices))
    assert [zone_of(SEATTLE, party) for party in (near.recipient, NEW_YORK, canada, MADRID)] == [0, 1, 2, 3]
    weights = [cheapest(with_parcel(weight_g=grams)) for grams in (1, 1_000, 1_001, 2_000, 2_001, 30_000)]
    # The volume counts as 1.8 kg.
    assert weights[0] == weights[1] == weights[2] == weights[3] < weights[4] < weights[5]


def test_air_travels_for_nothing():
    assert charged_g(replace(PARCEL, length_mm=500, width_mm=400, height_mm=300)) == 12_000
    assert charged_g(replace(PARCEL, weight_g=5_000)) == 5_000
    assert cheapest(with_parcel(length_mm=500, width_mm=400, height_mm=300)) > cheapest(SHIPMENT)


def test_express_takes_what_only_the_slow_ones_do():
    assert [offer.service for offer in quotes(with_parcel(weight_g=20_000))] == [one.name for one in SERVICES]
    assert [offer.service for offer in quotes(with_parcel(weight_g=20_001))] == ["economy", "standard"]


def code_of(shipment) -> str:
    with pytest.raises(CarrierRefused) as caught:
        quotes(shipment)
    return caught.value.code


def test_a_limit_is_off_by_one():
    assert quotes(with_parcel(weight_g=WEIGHT_G_MAX))
    assert code_of(with_parcel(weight_g=WEIGHT_G_MAX + 1)) == "carrier.too_heavy"
    side = (GIRTH_MM_MAX - SIDE_MM_MAX) // 4
    assert quotes(with_parcel(length_mm=side, width_mm=SIDE_MM_MAX, height_mm=side))
    assert code_of(with_parcel(length_mm=1, width_mm=SIDE_MM_MAX + 1, height_mm=1)) == "carrier.too_large"
    assert code_of(with_parcel(length_mm=side, width_mm=SIDE_MM_MAX, height_mm=side + 1)) == "carrier.too_large"


@pytest.mark.parametrize(
    ("country", "good", "bad"),
    [
        ("US", "98101-1234", "9810"), ("CA", "V5K 0A1", "V5K-0A1"), ("BR", "01304-000", "1304000"), ("PL", "90-001", "90001"),
        ("GB", "SW1A 1AA", "12345"), ("PT", "1000-001", "1000"), ("MX", "06000", "6000"), ("NL", "1012 AB", "1012"),
    ],
)  # fmt: skip
def test_a_postcode_of_another_form_is_taken(country, good, bad):
    def to(postcode: str):
        return replace(SHIPMENT, recipient=replace(NEW_YORK, country=country, postcode=postcode), customs=CUSTOMS)

    assert quotes(to(good))
    assert code_of(to(bad)) == "carrier.postcode"
    assert code_of(to(good + "\n")) == "carrier.postcode"
    assert country in POSTCODES


def test_a_parcel_leaves_without_papers_or_needs_them_at_home():
    within = replace(SHIPMENT, sender=MADRID, recipient=LODZ)
    assert quotes(within)
    assert quotes(within)[0].price.currency == "EUR"
    # All of the Union is one customs territory, also where few parcels go.
    assert quotes(replace(within, recipient=replace(LODZ, country="RO", postcode="030167")))
    out = replace(SHIPMENT, recipient=MADRID)
    assert code_of(out) == "carrier.customs_missing"
    assert quotes(replace(out, customs=CUSTOMS))


def test_batteries_within_a_phone_stay_at_home_and_loose_ones_fly():
    assert quotes(with_parcel(hazard="UN3481"))
    assert code_of(with_parcel(hazard="UN3480")) == "carrier.hazard"
