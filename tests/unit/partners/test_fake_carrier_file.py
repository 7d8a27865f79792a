"""Two replicas speak with different carriers, or the file tells who got something."""

from __future__ import annotations

import pytest

from partners.carrier import CarrierRefused, LabelRequest
from partners.fake_carrier_file import FiledCarrier
from tests.unit.partners.carrier_contract import CarrierContract
from tests.unit.partners.samples import NEW_YORK, SHIPMENT


def now_ms() -> int:
    return 1_764_150_000_000


@pytest.fixture
def carrier(tmp_path) -> FiledCarrier:
    return FiledCarrier(tmp_path / "carrier.sqlite", now_ms)


class TestFiledCarrier(CarrierContract):
    def be_mute(self, carrier, silent: bool) -> None:
        carrier.mute = silent


async def test_another_replica_does_not_know_the_label(tmp_path):
    path = tmp_path / "carrier.sqlite"
    one, other = FiledCarrier(path, now_ms), FiledCarrier(path, now_ms)
    label = await one.label("k", LabelRequest(SHIPMENT, "standard"))
    assert await other.label("k", LabelRequest(SHIPMENT, "standard")) == label
    assert (await other.manifest("m", (label.tracking_number,))).tracking_numbers == (label.tracking_number,)
    with pytest.raises(CarrierRefused):
        await one.void("v", label.tracking_number)


async def test_a_name_lies_in_the_file(tmp_path):
    path = tmp_path / "carrier.sqlite"
    await FiledCarrier(path, now_ms).label("k", LabelRequest(SHIPMENT, "standard"))
    content = b"".join(part.read_bytes() for part in tmp_path.iterdir())
    for text in (NEW_YORK.name, NEW_YORK.street[0], NEW_YORK.postcode):
        assert text.encode() not in content
