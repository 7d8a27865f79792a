"""What Redis refuses, in the spellings of its versions, as the driver's own parser reads them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from redis.asyncio.connection import DefaultParser

from actors.runtime.errors import JournalFull, JournalUnavailable
from actors.runtime.ports import Append
from actors.storage.activity import RedisActivity
from actors.storage.rate_limits import RedisRateLimits
from actors.storage.redis_journal import RedisJournal

_IN_SCRIPT = "script: 1b5a, on @user_script:5."
_REPLICA = "You can't write against a read only replica."
_FULL = "command not allowed when used memory > 'maxmemory'."
REPLICA = [
    pytest.param(f"READONLY {_REPLICA} {_IN_SCRIPT}", id="Redis 7"),
    pytest.param(f"READONLY {_REPLICA}", id="outside a script"),
    pytest.param(f"ERR Error running script (call to f_1b5a): @user_script:5: @user_script: 5: -READONLY {_REPLICA}", id="Redis 6"),
    pytest.param(f"-READONLY {_REPLICA}", id="Redis 6, told by the script"),
]  # fmt: skip
FULL = [
    pytest.param(f"OOM {_FULL} {_IN_SCRIPT}", id="Redis 7"),
    pytest.param(f"OOM {_FULL}", id="outside a script"),
    pytest.param(f"ERR Error running script (call to f_1b5a): @user_script:5: @user_script: 5: -OOM {_FULL}", id="Redis 6"),
]  # fmt: skip


class Refusing:
    """A line (see RedisLine) to a Redis that answers each call with the same error."""

    def __init__(self, text: str) -> None:
        self.left = False
        self._text = text

    async def call(self, parts: Iterable[str | bytes | int]) -> Any:
        raise DefaultParser.parse_error(self._text)

    async def leave(self) -> None:
        self.left = True


def limits_on(line: Refusing, monkeypatch: pytest.MonkeyPatch) -> RedisRateLimits:
    made = RedisRateLimits("/nowhere/redis.sock", "us")
    monkeypatch.setattr(made._shared, "_line", line)
    return made


def journal_on(line: Refusing, monkeypatch: pytest.MonkeyPatch) -> RedisJournal:
    made = RedisJournal("/nowhere/redis.sock", "us")
    monkeypatch.setattr(made, "_line", line)
    return made


@pytest.mark.parametrize("text", REPLICA)
async def test_tries_go_on_being_counted_on_a_replica(text, monkeypatch):
    line = Refusing(text)
    with pytest.raises(JournalUnavailable):
        await limits_on(line, monkeypatch).take("a", 0, 60, 2)
    assert line.left


@pytest.mark.parametrize("text", [*REPLICA, *FULL])
async def test_sessions_go_on_being_noted_on_a_replica_or_a_full_redis_calls_them_idle(text, monkeypatch):
    line, activity = Refusing(text), RedisActivity("/nowhere/redis.sock", "us")
    monkeypatch.setattr(activity._shared, "_line", line)
    for call in (activity.tell({"a": 1}, 1), activity.later("a", 0)):
        with pytest.raises(JournalUnavailable):
            await call
    assert line.left == (_REPLICA in text)


@pytest.mark.parametrize("text", FULL)
async def test_a_try_that_a_full_redis_can_not_count_is_a_fault_of_ours(text, monkeypatch):
    line = Refusing(text)
    with pytest.raises(JournalUnavailable):
        await limits_on(line, monkeypatch).take("a", 0, 60, 2)
    assert not line.left


@pytest.mark.parametrize("text", REPLICA)
async def test_appends_go_on_to_a_replica(text, monkeypatch):
    line = Refusing(text)
    with pytest.raises(JournalUnavailable) as away:
        await journal_on(line, monkeypatch).append([Append(1, 1, 1, [])])
    assert line.left
    assert not isinstance(away.value, JournalFull)


@pytest.mark.parametrize("text", FULL)
async def test_a_full_redis_is_taken_for_one_that_is_away(text, monkeypatch):
    line = Refusing(text)
    with pytest.raises(JournalFull):
        await journal_on(line, monkeypatch).append([Append(1, 1, 1, [])])
    assert not line.left
