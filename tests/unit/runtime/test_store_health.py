"""A store goes and comes back, and no log tells; or it goes each second, and the log tells nothing else."""

import logging
import re

import pytest

from actors.runtime.pauses import LONGEST_MS
from actors.runtime.store_health import StoreHealth
from actors.runtime.wire import OK, UNAVAILABLE
from tests.unit.runtime.counter import Add
from tests.unit.runtime.rig import ask, envelope, until


class Clock:
    ms = 1_000_000

    def now_ms(self):
        return self.ms

    def monotonic(self):
        return self.ms / 1000


@pytest.fixture
def health(caplog):
    caplog.set_level(logging.INFO, "ocefs.host")
    return StoreHealth("the store", "h0", Clock())


def test_the_log_does_not_say_when_the_store_went_and_for_how_long(health, caplog):
    health.well()
    for _ in range(3):
        health.away("connection refused")
        health._clock.ms += 2_500
    assert health.state == "connection refused"
    for _ in range(2):
        health.well()
    assert health.state == "ok"
    assert caplog.messages == [
        "host h0: the store can't be used: connection refused",
        "host h0: the store can be used again, after 7.5 s",
    ]


def test_a_store_that_goes_each_second_fills_the_log(health, caplog):
    for _ in range(600):
        health.away("")
        health._clock.ms += 500
        health.well()
        health._clock.ms += 500
    assert 2 < len(caplog.messages) < 24
    assert sum("can't be used" in line for line in caplog.messages) * 2 == len(caplog.messages)
    told = len(caplog.messages)
    health._clock.ms += LONGEST_MS + 1
    health.away("")
    assert len(caplog.messages) == told + 1, "after a quiet time it is news"


def test_an_outage_soon_after_another_is_never_told(health, caplog):
    for away_ms in (400, 36_000_000):
        began_ms = health._clock.ms
        while health._clock.ms < began_ms + away_ms:
            health.away("refused")
            health._clock.ms += 200
        health.well()
        health._clock.ms += 100
    assert [line.partition("used")[2] for line in caplog.messages] == [
        ": refused", " again, after 0.4 s", ": refused", " again, after 36000.0 s",
    ]  # fmt: skip


def test_a_store_that_went_after_a_fault_is_never_told(health, caplog):
    health.fault(ValueError())
    health.away("refused")
    assert len(caplog.messages) == 1


def test_a_fault_is_taken_for_well(health, caplog):
    health.fault(ValueError())
    assert health.state == "fault: ValueError"
    health.well()
    assert (health.state, caplog.messages) == ("ok", [])


def test_a_store_that_lost_something_is_well_as_soon_as_it_answers(health, caplog):
    health.away("refused")
    for _ in range(3):
        health.lost("emptied")
        health.well()
        health.away("refused")
        health.fault(ValueError())
        health._clock.ms += 1_000
        assert health.state == "emptied"
    health.found()
    assert health.state == "ok"
    assert [line.partition("used")[2] for line in caplog.messages] == [
        ": refused", ": emptied", " again, after 3.0 s",
    ]  # fmt: skip


async def test_a_host_does_not_say_in_its_log_that_its_stores_went(cell, caplog):
    caplog.set_level(logging.WARNING, "ocefs.host")
    host = await cell.host()
    cell.store.away = True
    assert (await ask(host, envelope("us-1", Add(1), creates=True)))[0].status == OK
    await until(lambda: host.stats().store != "ok")
    cell.store.away = False
    await until(lambda: host.stats().store == "ok")
    cell.journal.away = True
    assert (await ask(host, envelope("us-1", Add(1), "c2")))[0].status == UNAVAILABLE
    assert host.stats().journal != "ok"
    cell.journal.away = False
    await until(lambda: host.stats().journal == "ok")
    said = [line.partition("host h0: ")[2] for line in caplog.messages]
    assert [re.sub(r"after .*|used: .*", "…", line) for line in said if line] == [
        "the store can't be …", "the store can be used again, …", "the journal can't be …", "the journal can be used again, …",
    ]  # fmt: skip
