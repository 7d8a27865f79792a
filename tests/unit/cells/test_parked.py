"""Messages that wait for an operator: he is not shown them, or can't have them tried again. The way is real from the
outbox to the table, but for Ray, which is played."""

from __future__ import annotations

import argparse
import asyncio
import io
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
import ray
from rich.console import Console

from actors.ray_gateway import NAMESPACE, supervisor_name
from actors.ray_host import HostActor
from actors.ray_supervisor import HostRecord, Supervisor
from actors.runtime import wire
from actors.runtime.codec import refusal
from actors.runtime.limits import Limits
from actors.runtime.outbox import Outbox
from actors.runtime.wire import Reply
from cells import scale
from tests.unit.runtime import counter
from tests.unit.runtime.rig import CODECS, StoppedClock

SINCE_MS = 1_763_800_000_000


def handle(actor):
    """As Ray gives it: `handle.method.remote()`."""

    class Handle:
        def __getattr__(self, name):
            return SimpleNamespace(remote=getattr(actor, name))

    return Handle()


class Host:
    """A real host actor with nothing but an outbox. `send`: a message that its receiver
    refuses, so that it is parked."""

    def __init__(self) -> None:
        self.sent: list = []
        note = lambda envelope, done: self.sent.append(done)  # noqa: E731
        self.box = Outbox(CODECS, StoppedClock(), Limits(), note, note)
        self.actor = object.__new__(HostActor)
        self.actor._host = SimpleNamespace(outbox=self.box)

    def send(self, sender: str, to: str, code: str) -> None:
        self.box.add(0, 1, ("counter", sender), 7, SINCE_MS, [counter.Telling(to, 5, False)])
        self.sent.pop()(Reply(wire.REFUSED, refusal(code, "")))


@pytest.fixture
def hosts(monkeypatch) -> list[Host]:
    hosts = [Host(), Host()]
    supervisor = object.__new__(Supervisor)
    supervisor._hosts = {f"us/host-{n}": HostRecord(f"us/host-{n}", handle(h.actor)) for n, h in enumerate(hosts)}
    actors = {(supervisor_name("us"), NAMESPACE): handle(supervisor)}
    monkeypatch.setattr(ray, "get_actor", lambda *name: actors[name])
    monkeypatch.setattr(ray, "get", asyncio.run)
    monkeypatch.setattr(scale, "connect", lambda config: None)
    monkeypatch.setattr(scale, "as_it_runs", lambda config, paths: config)
    monkeypatch.setattr(scale, "_check_runs", lambda paths, name: None)
    return hosts


@pytest.fixture
def tokyo(monkeypatch) -> Iterator[None]:
    """The machine stands there, the logs are in UTC."""
    with monkeypatch.context() as moved:
        moved.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


def told(*, retry: bool = False) -> str:
    out = io.StringIO()
    options = argparse.Namespace(region="us", hosts=None, parked=not retry, retry_parked=retry)
    assert scale.run(options, Console(file=out, width=200)) == 0
    return out.getvalue()


def test_a_parked_message_of_some_host_is_not_on_the_list_or_not_told_whose_for_whom_and_since_when(hosts, tokyo):
    hosts[0].send("us-1", "us-2", "counter.negative")
    hosts[1].send("us-3", "us-4", "[red]odd")
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in told().splitlines() if line.startswith("│")]
    since = f"{datetime.fromtimestamp(SINCE_MS / 1000, UTC):%Y-%m-%d %H:%M:%S}Z"
    assert rows == [
        ["us-1/7.0", "counter us-1", "counter us-2", since, "0", "counter.negative"],
        ["us-3/7.0", "counter us-3", "counter us-4", since, "0", "[red]odd"],
    ]


def test_a_retry_leaves_the_messages_of_some_host_lying(hosts):
    hosts[0].send("us-1", "us-2", "counter.negative")
    hosts[1].send("us-3", "us-4", "counter.negative")
    assert "2 messages are tried again" in told(retry=True)
    assert [len(host.sent) for host in hosts] == [1, 1]
    assert "nothing is parked" in told()


def test_an_empty_list_looks_as_if_something_were_missing(hosts):
    assert told().strip() == "nothing is parked"
