"""What `Journal` promises, of the fake and of Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from actors.runtime.errors import Fenced
from actors.runtime.ports import Append, Journal
from tests.integration.storage.samples import NOW_MS, turn


async def appended(journal: Journal, shard: int, epoch: int, position: int, *numbers: int) -> bool:
    return await journal.append([Append(shard, epoch, position, [turn(n) for n in numbers])]) == []


async def test_what_was_appended_is_read_back_in_order_and_whole(journal: Journal):
    await journal.open({3: (1, 0)})
    awkward = turn(2, "us-Ü\0\n\t\\", events=b'["\\u0000"]', reply=bytes(range(256)), answers=[("key-1", b"{}")])
    assert await journal.append([Append(3, 1, 1, [turn(1), awkward])]) == []
    assert await appended(journal, 3, 1, 2, 3)
    assert await journal.read(3, 0) == [(1, [turn(1), awkward]), (2, [turn(3)])]
    assert await journal.read(3, 1) == [(2, [turn(3)])]
    assert await journal.read(3, 2) == []
    assert await journal.read(4, 0) == []
    assert await journal.last([3, 4]) == {3: 2, 4: 0}


async def test_a_stale_epoch_writes_nothing(journal: Journal, new_journal: Callable[[], Journal]):
    await journal.open({1: (1, 0)})
    assert await appended(journal, 1, 1, 1, 1)
    successor = new_journal()
    await successor.open({1: (2, 0)})
    assert not await appended(journal, 1, 1, 2, 2)
    assert await successor.read(1, 0) == [(1, [turn(1)])]
    assert await successor.last([1]) == {1: 1}
    assert turn(2).fingerprint not in set(await successor.fingerprints(1, 0))
    assert await appended(successor, 1, 2, 2, 3)


async def test_a_shard_that_was_never_opened_takes_nothing(journal: Journal):
    assert not await appended(journal, 9, 1, 1, 1)
    assert await journal.read(9, 0) == []


async def test_a_position_that_is_not_the_next_is_refused(journal: Journal):
    await journal.open({1: (1, 0)})
    assert not await appended(journal, 1, 1, 2, 1)
    assert await appended(journal, 1, 1, 1, 1)
    assert not await appended(journal, 1, 1, 3, 1)
    assert await journal.last([1]) == {1: 1}


async def test_an_append_in_doubt_that_is_repeated_is_not_done_twice(journal: Journal):
    await journal.open({1: (1, 0)})
    assert await appended(journal, 1, 1, 1, 1)
    assert not await appended(journal, 1, 1, 1, 1)
    assert await journal.read(1, 0) == [(1, [turn(1)])]
    assert sorted(await journal.fingerprints(1, 0)) == [turn(1).fingerprint]


async def test_one_refused_shard_does_not_hold_back_the_others_of_the_call(journal: Journal):
    await journal.open({1: (1, 0), 2: (5, 0), 3: (1, 0)})
    refused = await journal.append([Append(1, 1, 1, [turn(1)]), Append(2, 4, 1, [turn(2)]), Append(3, 1, 1, [turn(3)])])
    assert refused == [2]
    assert await journal.last([1, 2, 3]) == {1: 1, 2: 0, 3: 1}


async def test_whoever_asks_learns_that_a_shard_was_opened_anew_or_never_by_him(
    journal: Journal, new_journal: Callable[[], Journal]
):
    await journal.open({1: (3, 0), 2: (3, 0), 4: (3, 0)})
    await appended(journal, 4, 3, 1, 1)
    assert await journal.superseded({1: 3, 2: 3, 4: 3}) == []
    await new_journal().open({2: (4, 0)})
    assert await journal.superseded({1: 3, 2: 3, 3: 3, 4: 3}) == [2, 3]
    assert await journal.superseded({}) == []


async def test_an_older_epoch_does_not_open_a_shard_again(journal: Journal):
    await journal.open({1: (3, 0)})
    with pytest.raises(Fenced) as fenced:
        await journal.open({1: (2, 7), 2: (1, 0)})
    assert fenced.value.shards == {1}
    assert await journal.last([1]) == {1: 0}
    assert await appended(journal, 1, 3, 1, 1)
    assert await appended(journal, 2, 1, 1, 1)
    await journal.open({1: (3, 0)})
    assert await journal.last([1]) == {1: 1}


async def test_positions_go_on_after_the_watermark_when_the_journal_lost_its_data(journal: Journal):
    await journal.open({1: (4, 120)})
    assert await journal.last([1]) == {1: 120}
    assert not await appended(journal, 1, 4, 1, 1)
    assert await appended(journal, 1, 4, 121, 1)
    await journal.open({1: (5, 119)})
    assert await journal.last([1]) == {1: 121}


async def test_trimmed_entries_are_gone_but_positions_and_fingerprints_are_not(journal: Journal):
    await journal.open({1: (1, 0), 2: (1, 0)})
    for number in (1, 2, 3):
        assert await appended(journal, 1, 1, number, number)
    assert await appended(journal, 2, 1, 1, 9)
    await journal.trim({1: 2, 2: 1, 5: 4})
    await journal.trim({1: 2})
    assert await journal.read(1, 0) == [(3, [turn(3)])]
    assert await journal.read(2, 0) == []
    assert await journal.last([1, 2]) == {1: 3, 2: 1}
    assert sorted(await journal.fingerprints(1, 0)) == sorted(turn(n).fingerprint for n in (1, 2, 3))
    assert await appended(journal, 2, 1, 2, 10)
    assert await journal.read(2, 0) == [(2, [turn(10)])]


async def test_no_fingerprint_of_the_asked_time_is_missing(journal: Journal):
    await journal.open({1: (1, 0)})
    hour_ms = 3_600_000
    times = {n: NOW_MS - n * hour_ms // 2 for n in range(40, 0, -1)}
    for position, (number, at_ms) in enumerate(times.items(), 1):
        assert await journal.append([Append(1, 1, position, [turn(number, at_ms=at_ms)])]) == []
    for hours in (1, 7, 19):
        since = NOW_MS - hours * hour_ms
        wanted = {turn(n).fingerprint for n, at_ms in times.items() if at_ms >= since}
        assert wanted <= set(await journal.fingerprints(1, since))
    assert list(await journal.fingerprints(2, 0)) == []


async def test_fingerprints_use_all_of_63_bits(journal: Journal):
    await journal.open({1: (1, 0)})
    marks = [0, 1, (1 << 63) - 1, 0x0102030405060708]
    assert await journal.append([Append(1, 1, 1, [turn(n, fingerprint=m) for n, m in enumerate(marks)])]) == []
    assert list(await journal.fingerprints(1, 0)) == marks


async def test_a_turn_of_a_megabyte_and_a_long_tail_come_back(journal: Journal):
    await journal.open({1: (1, 0)})
    large = turn(1, reply=b"x" * 1_048_576)
    assert await journal.append([Append(1, 1, 1, [large])]) == []
    for first in range(2, 602, 100):
        for position in range(first, first + 100):
            assert await appended(journal, 1, 1, position, position)
    found = await journal.read(1, 0)
    assert [position for position, _ in found] == list(range(1, 602))
    assert found[0][1] == [large]


async def test_of_two_writers_at_once_one_gets_the_position(journal: Journal, new_journal: Callable[[], Journal]):
    await journal.open({1: (1, 0)})
    other = new_journal()
    won = await asyncio.gather(*(appended(w, 1, 1, 1, n) for n, w in enumerate((journal, other, journal, other))))
    assert sum(won) == 1
    assert len(await journal.read(1, 0)) == 1


async def test_an_empty_call_is_no_trouble(journal: Journal):
    assert await journal.append([]) == []
    await journal.open({})
    await journal.trim({})
    assert await journal.last([]) == {}
    await journal.ping()
