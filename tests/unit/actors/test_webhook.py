"""The webhook against a real HTTP server on loopback: what it is told, and what happens when it does not listen."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from actors.domain.alert import Finding, RaiseAlert
from actors.domain.ids import alert_id
from actors.receiver import check_url, read_secret
from actors.webhook import AT_ONCE, GIVE_UP_MS, LOOK_S, PAUSE_S_MAX, Webhook
from tests.unit.serve.fake_alerts import FakeAlerts
from tests.unit.serve.fake_gateway import FakeClock, FakeGateway

SECRET = b"0123456789abcdef0123456789abcdef"
ABOUT = "us-acct-1h3k2m9qk4t1x0ab0h3k2m9qk4"


class Rig:
    """`answers`: statuses in turn, the last for ever. `bad`: rules of alerts that are answered 422 all the same."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.gateway = FakeGateway(self.clock)
        self.alerts = FakeAlerts(self.gateway)
        self.answers, self.got, self.elsewhere = [200], [], 0
        self.bad: list[str] = []

    async def start(self) -> None:
        async def take(request: web.Request) -> web.Response:
            self.got.append((request.headers, await request.read()))
            if self.rules()[-1] == self.bad:
                return web.Response(status=422)
            status = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            return web.Response(status=status, headers={"Location": "/elsewhere"} if status == 302 else {})

        async def other(request: web.Request) -> web.Response:
            self.elsewhere += 1
            return web.Response()

        app = web.Application()
        app.router.add_post("/hook", take)
        app.router.add_route("*", "/elsewhere", other)
        self.server = TestServer(app, host="127.0.0.1")
        await self.server.start_server()
        self.webhook = Webhook("us", str(self.server.make_url("/hook")), SECRET, self.alerts, self.gateway, self.clock)

    async def raised(self, number=1, rules=("lookups",)) -> str:
        now = self.clock.now
        found = Finding(ABOUT, "support", "s1", now, now, list(rules), 0.7, ["60 orders"], [(1, 2)], ["r1"], "step_up")
        identity = alert_id("us", 1_767_225_600_000, str(number))
        await self.gateway.ask("alert", identity, RaiseAlert(found), command_id=f"{number}{rules}", digest=1)
        return identity

    def rules(self) -> list[list[str]]:
        """Of what was told, in turn."""
        return [json.loads(body)["rules"] for _, body in self.got]

    async def later(self, seconds: float = LOOK_S) -> None:
        self.clock.now += int(seconds * 1000)
        await self.webhook.tell()


@pytest.fixture
async def rig():
    made = Rig()
    await made.start()
    yield made
    await made.server.close()


async def test_news_is_told_unsigned_twice_or_with_names(rig):
    identity = await rig.raised()
    await rig.webhook.tell()
    await rig.later()
    ((headers, body),) = rig.got
    told = dict(part.split("=") for part in headers["Ocefs-Signature"].split(","))
    assert told["v1"] == hmac.new(SECRET, f"{told['t']}.".encode() + body, hashlib.sha256).hexdigest()
    assert int(told["t"]) == 1_767_225_600
    assert json.loads(body)["alert_id"] == identity
    assert ABOUT.encode() not in body
    assert b"s1" not in body
    await rig.raised(rules=("lookups", "voids"))
    await rig.later()
    assert [json.loads(body)["rules"] for _, body in rig.got] == [["lookups"], ["lookups", "voids"]]


async def test_a_webhook_that_fails_is_asked_all_the_time_or_never_again(rig):
    await rig.raised()
    rig.answers = [500, 503, 200]
    await rig.webhook.tell()
    await rig.later(1)
    assert len(rig.got) == 1
    await rig.later(LOOK_S * 2)
    assert len(rig.got) == 2
    await rig.later(LOOK_S * 2)
    assert len(rig.got) == 2, "the pause grows"
    await rig.later(LOOK_S * 4)
    await rig.later(PAUSE_S_MAX)
    assert len(rig.got) == 3


async def test_an_alert_that_the_receiver_refuses_silences_the_others_or_is_sent_all_the_time(rig):
    rig.bad = ["unlike"]
    refused = await rig.raised(1, ("unlike",))
    rig.clock.now += 1000
    for number in (2, 3):
        await rig.raised(number, ("stolen_token",))
    await rig.webhook.tell()
    assert rig.rules() == [["unlike"], ["stolen_token"], ["stolen_token"]]
    assert await rig.alerts.untold(0, 10) == [refused]
    await rig.later()
    assert len(rig.got) == 3, "too soon"
    await rig.later()
    assert rig.rules()[3:] == [["unlike"]]
    await rig.later(LOOK_S * 2)
    assert len(rig.got) == 4, "the pause grows"
    rig.bad = []
    await rig.later(PAUSE_S_MAX)
    assert await rig.alerts.untold(0, 10) == []


async def test_as_many_refused_alerts_as_are_told_at_once_hide_the_others(rig):
    rig.bad = ["unlike"]
    for number in range(AT_ONCE):
        await rig.raised(number, ("unlike",))
    rig.clock.now += 1000
    await rig.raised(AT_ONCE, ("stolen_token",))
    await rig.webhook.tell()
    await rig.later()
    assert rig.rules()[AT_ONCE:] == [["stolen_token"]]


@pytest.mark.parametrize("status", [401, 403, 404, 408, 410, 425, 429, 500, 503])
async def test_a_receiver_that_takes_nothing_at_present_is_sent_every_alert(rig, status):
    rig.answers = [status]
    for number in range(3):
        await rig.raised(number)
    await rig.webhook.tell()
    await rig.later()
    assert len(rig.got) == 1


async def test_pauses_of_alerts_that_are_given_up_are_kept_for_ever(rig):
    rig.bad = ["unlike"]
    await rig.raised(1, ("unlike",))
    await rig.webhook.tell()
    assert len(rig.webhook._refused) == 1
    await rig.later(GIVE_UP_MS / 1000 + 1)
    assert len(rig.webhook._refused) == 0


async def test_the_webhook_looks_only_once_or_ends_with_a_fault(rig, monkeypatch):
    looks = []
    tell = rig.webhook.tell

    async def faulty() -> None:
        looks.append(rig.clock.now)
        if len(looks) == 1:
            raise ZeroDivisionError
        await tell()
        if len(looks) == 3:
            raise asyncio.CancelledError

    monkeypatch.setattr(rig.webhook, "tell", faulty)
    await rig.raised()
    with pytest.raises(asyncio.CancelledError):
        await rig.webhook.run()
    assert [later - looks[0] for later in looks] == [0, LOOK_S * 1000, 2 * LOOK_S * 1000]
    assert len(rig.got) == 1


async def test_a_redirect_is_followed(rig):
    await rig.raised()
    rig.answers = [302]
    await rig.webhook.tell()
    assert (len(rig.got), rig.elsewhere) == (1, 0)
    assert await rig.alerts.untold(0, 10) != []


async def test_a_restart_forgets_what_was_not_told(rig):
    await rig.raised()
    rig.answers = [500]
    await rig.webhook.tell()
    rig.answers = [200]
    again = Webhook("us", str(rig.server.make_url("/hook")), SECRET, rig.alerts, rig.gateway, rig.clock)
    await again.tell()
    assert len(rig.got) == 2
    assert await rig.alerts.untold(0, 10) == []


async def test_a_webhook_that_is_gone_for_ever_is_tried_for_ever(rig):
    await rig.raised()
    await rig.server.close()
    await rig.webhook.tell()
    assert await rig.alerts.untold(0, 10) != []
    rig.clock.now += GIVE_UP_MS + 1
    assert await rig.alerts.untold(rig.clock.now - GIVE_UP_MS, 10) == []


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://alerts.example/ocefs?x=1", True),
        ("http://127.0.0.1:9/hook", True),
        ("http://[::1]/hook", True),
        ("http://localhost/hook", True),
        ("http://alerts.example/", False),
        ("http://127.0.0.1.example/", False),
        ("ftp://alerts.example/", False),
        ("file:///etc/passwd", False),
        ("https://user:word@alerts.example/", False),
        ("https://", False),
        ("https://alerts.example:port/", False),
        ("https://[bad/", False),
        ("alerts.example", False),
    ],
)
def test_an_address_that_leaks_or_is_none_is_taken(url, good):
    assert (check_url(url) == "") == good
    if not good:
        with pytest.raises(ValueError, match="address"):
            Webhook("us", url, SECRET, None, None, None)


def test_a_secret_that_is_short_missing_or_open_to_all_is_taken(tmp_path):
    file = tmp_path / "secret"
    with pytest.raises(ValueError, match="read"):
        read_secret(str(file))
    file.write_bytes(SECRET[:31])
    os.chmod(file, 0o600)
    with pytest.raises(ValueError, match="32 bytes"):
        read_secret(str(file))
    file.write_bytes(SECRET + b"\n")
    assert read_secret(str(file)) == SECRET
    os.chmod(file, 0o640)
    with pytest.raises(ValueError, match="600"):
        read_secret(str(file))
