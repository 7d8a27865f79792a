"""What somebody gives back in a day against what he usually does: a machine's hundreds, a person's busy day, and the
first days, in which nothing is usual."""

from __future__ import annotations

import msgspec
import pytest

from actors.anomalies.monitor import Monitor
from actors.anomalies.windows import KeptWindow
from actors.domain.times import DAY_MS, HOUR_MS
from tests.unit.anomalies.shop import MONDAY_MS, SETTINGS, Shop

CLIENT = "us-client-returns"


def gives(shop, day, refunds, amount=3_000, who="tom", currency="USD"):
    """So many on that day, from 8:00 to 20:00 UTC."""
    for number in range(refunds):
        shop.act(
            MONDAY_MS + day * DAY_MS + 8 * HOUR_MS + number * 12 * HOUR_MS // refunds, who, "refund.give",
            role="" if who == CLIENT else "support", session_id="" if who == CLIENT else "s-tom", kind="order",
            entity_id=f"o{shop.number}", changes={"amount_minor": (None, amount), "currency": (None, currency)},
        )  # fmt: skip


def restarted(shop, without=()):
    """The monitor after a restart, from a state that lacks some fields."""
    kept = msgspec.msgpack.decode(shop.monitor.dump())
    for name in without:
        del kept[name]
        kept["rules"]["refunded"] = {"tom USD": msgspec.to_builtins(KeptWindow())}
    shop.monitor = Monitor("us", SETTINGS)
    assert shop.monitor.restore(msgspec.msgpack.encode(kept))


@pytest.mark.parametrize("refunds", [100, 300, 400])
def test_a_client_that_gives_back_as_much_as_every_day_is_told_of(refunds):
    shop = Shop()
    for day in range(6):
        gives(shop, day, refunds, who=CLIENT)
    assert shop.alerts == []


@pytest.mark.parametrize(("amount", "told"), [(12_000, False), (13_000, True)])
def test_much_more_of_a_client_than_it_usually_does_is_never_told(amount, told):
    """60 of 30.00 are 18 thresholds: three times that and what chance brings are 75."""
    shop = Shop()
    for day in range(4):
        gives(shop, day, 60, who=CLIENT)
    gives(shop, 5, 60, amount, who=CLIENT)
    assert shop.rules() == (["refunds"] if told else [])


@pytest.mark.parametrize("stopped", [False, True])
@pytest.mark.parametrize(("amount", "told"), [(13_200, False), (13_500, True)])
def test_several_times_a_person_s_usual_day_is_not_told_or_what_is_usual_is_lost_in_a_restart(amount, told, stopped):
    """40 of 30.00 are 12 thresholds: three times that and what chance brings are 53.3."""
    shop = Shop()
    for day in range(5):
        gives(shop, day, 40)
    if stopped:
        restarted(shop)
    gives(shop, 6, 40, amount)
    assert shop.rules() == (["refunds"] if told else [])
    assert not told or "120000 in a usual one" in shop.alerts[0].reasons[0]


def test_a_busy_person_s_usual_day_is_much_for_ever():
    """150 of 30.00 are three times what is much for any: told until a day is known, and no more."""
    shop = Shop()
    for day in range(12):
        gives(shop, day, 150)
        if day == 3:
            first = len(shop.alerts)
    assert 0 < first == len(shop.alerts)
    assert "no usual one is known" in shop.alerts[0].reasons[0]


def test_whoever_gives_back_four_times_as_much_each_day_makes_it_usual():
    """Stairs of 89.00 by one who does other work all day: 14.2 thresholds, which are told of nobody, and then 62."""
    shop = Shop()
    shop.weeks("tom")
    gives(shop, 12, 16, 8_900)
    assert shop.rules() == []
    gives(shop, 14, 70, 8_900)
    assert shop.rules() == ["refunds"]


def test_what_somebody_gives_back_makes_his_day_a_busy_one_and_excuses_itself():
    """Three of 10.00 a day and little else; then 17 of 89.00, which are 15.1 thresholds."""
    shop = Shop()
    for day in range(10):
        gives(shop, day, 3, 1_000)
    gives(shop, 11, 17, 8_900)
    assert shop.rules() == ["refunds"]


@pytest.mark.parametrize(("refunds", "told"), [(160, False), (170, True)])
def test_a_stolen_client_that_never_gave_back_does_so_by_hundreds(refunds, told):
    """Ten times what is much for a person: 150 thresholds."""
    shop = Shop()
    gives(shop, 0, refunds, 8_900, who=CLIENT)
    assert shop.rules() == (["refunds"] if told else [])


def test_what_is_usual_in_one_currency_or_for_another_is_usual_in_all():
    shop = Shop()
    for day in range(5):
        gives(shop, day, 40, who="ann")
        gives(shop, day, 40, currency="CAD")
    gives(shop, 6, 40, 4_000)
    assert [alert.about for alert in shop.alerts] == ["tom"]


def test_a_state_of_before_is_not_understood():
    """It had the refunds of 28 days one by one, and no sums."""
    shop = Shop()
    gives(shop, 0, 40)
    restarted(shop, without=["refunded"])
    gives(shop, 1, 40)
    assert list(shop.monitor._rules.refunded.dump()["tom USD"].values()) == [120_000.0]
