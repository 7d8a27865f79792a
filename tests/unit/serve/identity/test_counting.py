"""How a try is counted: for what it is, and what is told of one too many."""

import pytest

from actors.runtime.errors import JournalUnavailable
from serve.identity.limits import Limit, MemoryRateLimits, hold_to
from serve.problems import Problem

NOW_MS = 1_790_000_000_000
# One at once, and the next after seven seconds.
SOME = Limit(8, 1)


class Away:
    async def take(self, *_):
        raise JournalUnavailable("away")


async def test_what_can_not_be_counted_is_let_through():
    with pytest.raises(Problem) as refused:
        await hold_to(Away(), SOME, "password", "mia", NOW_MS)
    assert refused.value.code == "auth.uncounted"


async def test_tries_of_one_thing_use_up_those_of_another():
    limits = MemoryRateLimits()
    await hold_to(limits, SOME, "password", "mia", NOW_MS)
    await hold_to(limits, SOME, "code", "mia", NOW_MS)
    await hold_to(limits, SOME, "password", "tom", NOW_MS)


async def test_whoever_comes_back_when_he_was_told_to_is_too_early():
    limits = MemoryRateLimits()
    await hold_to(limits, SOME, "password", "mia", NOW_MS)
    with pytest.raises(Problem) as refused:
        await hold_to(limits, SOME, "password", "mia", NOW_MS)
    ((_, after),) = refused.value.headers
    await hold_to(limits, SOME, "password", "mia", NOW_MS + int(after) * 1000)
