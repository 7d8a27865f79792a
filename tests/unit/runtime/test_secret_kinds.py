"""Events of accounts and clients hold hashes and sealed secrets: they leave a host for the journal and the
store, and for nobody else."""

from __future__ import annotations

import asyncio
import base64

import msgspec

from actors.domain.account_commands import EndShift, EnrolTotp, OpenAccount, SignIn
from actors.domain.account_views import ViewAccount
from actors.domain.data_key import DestroyKey, KeepKey, ViewKey, WrappedKey
from actors.domain.ids import account_id, data_key_id, revocations_id
from actors.domain.kinds import KINDS
from actors.domain.rows import RevocationRow
from actors.runtime import wire
from actors.runtime.feed import FEED_TABLES
from actors.runtime.host import Host
from actors.runtime.host_feeds import _ROWS
from actors.runtime.wire import Envelope
from tests.unit.runtime import counter
from tests.unit.runtime.rig import ask, code_of, envelope, listen, until

MIA = account_id("us", bytes(32))


async def told(host: Host, cursor: int) -> list[tuple[str, str]]:
    """The next sessions that a gateway hears to have ended."""
    async with asyncio.timeout(30):
        while True:
            link = await listen(host, cursor)
            rows = [fed.row for fed in link.rows if fed.table == "revocations"]
            if rows:
                found = [msgspec.msgpack.decode(row, type=RevocationRow) for row in rows]
                return [(row.region_id, row.session_id) for row in found]
            cursor = link.cursor


async def test_a_screen_is_told_of_counters_but_not_of_accounts(cell):
    host = await cell.host()
    first = await listen(host, live=True)
    await ask(host, envelope(MIA, OpenAccount("manager", [], "$argon2id$..."), kind="account"))
    await ask(host, envelope("us-1", counter.Add(1), "c2", creates=True))
    link = await listen(host, first.cursor, live=True)
    assert [event.kind for event in link.live] == ["counter"]


async def test_the_history_of_an_account_is_told_to_nobody(cell):
    host = await cell.host()
    await ask(host, envelope(MIA, OpenAccount("manager", [], "$argon2id$..."), kind="account"))
    asked = Envelope(0, "account", MIA, "", 0, msgspec.msgpack.encode((0, 10)), mode=wire.HISTORY)
    (reply,) = await ask(host, asked)
    assert (reply.status, code_of(reply)) == (wire.REFUSED, "history.secret")


def test_every_row_that_hosts_feed_can_be_read_by_gateways():
    # One that can't would end the whole feed of its host, stock and all.
    assert set(_ROWS) == FEED_TABLES


async def test_the_history_keeps_a_key_that_was_destroyed_since(cell):
    host = await cell.host()
    key_id = data_key_id("us", bytes(16))
    keep = KeepKey("p" * 32, b"wrapped-one", "file:1")
    await ask(host, envelope(key_id, keep, "c1", kind="data_key", creates=True))
    await ask(host, envelope("us-1", counter.Add(1), "c2", creates=True))
    await until(lambda: not host.drain.waiting())
    kept = [one.turn for one in cell.store.disk.history]
    assert {turn.kind: turn.events for turn in kept}["data_key"] == b"[]"
    assert all(turn.events != b"[]" for turn in kept if turn.kind == "counter")
    assert not any(base64.b64encode(b"wrapped-one") in turn.events + turn.reply for turn in kept)
    # And whoever takes the shard over before that, has it from the journal; after it, from its row.
    other = await cell.host("h1")
    asked = Envelope(0, "data_key", key_id, "", 0, msgspec.msgpack.encode(ViewKey()), mode=wire.VIEW)
    (view,) = await ask(other, asked)
    assert msgspec.json.decode(view.body, type=WrappedKey).wrapped == b"wrapped-one"
    await ask(other, envelope(key_id, DestroyKey(), "c3", kind="data_key"))
    await until(lambda: not other.drain.waiting())
    assert b"wrapped-one" not in b"".join(row.wrapped for row in cell.store.disk.rows["data_keys"].values())


def test_kinds_that_keep_hashes_or_the_audit_are_secret():
    assert {"account", "client", "device", "trail"} <= {name for name, kind in KINDS.items() if kind.secret}


async def test_who_signs_out_is_known_to_every_gateway_and_stays_so_after_a_takeover(cell):
    host = await cell.host()
    cursor = (await listen(host)).cursor
    commands = [
        OpenAccount("manager", [], "$argon2id$..."),
        EnrolTotp(b"sealed", 1, [], 0),
        SignIn("s-1", True, 2, "", "", 0, "", 1, new_hash="$argon2id$other"),
        EndShift("s-1"),
    ]
    for number, command in enumerate(commands):
        (reply,) = await ask(host, envelope(MIA, command, f"c{number}", kind="account"))
        assert reply.status == wire.OK
    assert await told(host, cursor) == [(revocations_id("us"), "s-1")]
    await until(lambda: not host.drain.waiting())
    other = await cell.host("h1")
    assert await told(other, -1) == [(revocations_id("us"), "s-1")]
    asked = Envelope(0, "account", MIA, "", 0, msgspec.msgpack.encode(ViewAccount()), mode=wire.VIEW)
    (view,) = await ask(other, asked)
    assert msgspec.json.decode(view.body)["on_shift"] is False
