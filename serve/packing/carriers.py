"""The carriers of a region behind their port, and what is said when one of them does not do what it was asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from actors.runtime.ports import Clock
from partners.carrier import Carrier, CarrierError, CarrierRefused, CarrierUnavailable
from partners.fake_carrier import FakeCarrier
from partners.fake_carrier_file import FiledCarrier
from serve.packing.settings import PackingSettings
from serve.problem_codes import TABLE
from serve.problems import Problem

TIMED_OUT = "carrier.timed_out"
UNAVAILABLE = "carrier.unavailable"


def carriers_of(settings: PackingSettings, clock: Clock) -> Mapping[str, Carrier]:
    """By name."""
    made: dict[str, Carrier] = {}
    for account in settings.carriers:
        assert account.port == "fake", "there is no other yet"
        path = Path(settings.fake_carrier_file) if settings.fake_carrier_file else None
        made[account.carrier] = (
            FakeCarrier(clock.now_ms)
            if path is None
            else FiledCarrier(path.with_name(f"{path.name}.{account.carrier}"), clock.now_ms)
        )
    return made


def told_as(error: CarrierError) -> Problem:
    """What the caller is told. A code that the table lacks is a new one of a carrier's."""
    if isinstance(error, CarrierRefused):
        code = error.code if error.code in TABLE else "carrier.refused"
        return Problem(code, error.detail, extra={"carrier_code": error.code})
    if isinstance(error, CarrierUnavailable):
        after = b"%d" % max(1, round(error.retry_after_s))
        return Problem(UNAVAILABLE, "The carrier can't be reached.", headers=((b"retry-after", after),))
    return Problem(TIMED_OUT, "The carrier has not answered: ask again, nothing is paid twice.")
