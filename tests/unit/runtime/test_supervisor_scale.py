"""How many hosts there shall be, and who remembers it."""

from __future__ import annotations

import pytest

from actors.runtime.errors import StoreUnavailable
from tests.unit.runtime.rig import until
from tests.unit.runtime.supervised import SHARDS, KeptScale, hurry, keep_scale, supervised, two_hosts, wanted


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> KeptScale:
    hurry(monkeypatch)
    return keep_scale(monkeypatch)


async def test_a_cell_that_was_scaled_down_gets_its_hosts_back_when_the_supervisor_restarts(kept: KeptScale) -> None:
    first, second = two_hosts()
    with supervised(first, second) as supervisor:
        await supervisor.scale(1)
        await until(lambda: second.killed)
    with supervised(first, wanted=2) as restarted:
        assert await wanted(restarted) == 1
        await until(lambda: restarted._watched_at)
    assert (first.killed, sorted(first.serves)) == (False, [0, 1, 2, 3])


async def test_a_cell_that_was_scaled_up_stays_without_the_host_that_was_dead_when_the_supervisor_restarted(
    kept: KeptScale,
) -> None:
    kept.hosts = 4
    with supervised(*two_hosts(), wanted=2) as restarted:
        assert await wanted(restarted) == 4


async def test_a_cell_that_nobody_scaled_has_another_number_of_hosts_than_its_file_says() -> None:
    with supervised(*two_hosts(), wanted=3) as supervisor:
        assert await wanted(supervisor) == 3


async def test_a_host_is_emptied_or_started_before_it_is_known_how_many_there_shall_be(kept: KeptScale) -> None:
    first, second = two_hosts()
    kept.hosts, kept.away = 1, True
    with supervised(first, second) as supervisor:
        started: list[int] = []
        supervisor._start_missing = lambda: started.append(supervisor._wanted)  # type: ignore[method-assign]
        await until(lambda: "away" in supervisor._error)
        assert not (await supervisor.status())["settled"]
        assert (started, first.gave, second.gave, second.killed) == ([], [], [], False)
        kept.away = False
        await until(lambda: second.killed)
        assert set(started) == {1}
    assert sorted(first.serves) == [0, 1, 2, 3]


async def test_who_scales_a_cell_is_told_that_it_is_done_although_nobody_would_remember_it(kept: KeptScale) -> None:
    first, second = two_hosts()
    with supervised(first, second) as supervisor:
        assert await wanted(supervisor) == 2
        kept.away = True
        with pytest.raises(StoreUnavailable):
            await supervisor.scale(1)
        assert await wanted(supervisor) == 2


@pytest.mark.parametrize(("hosts", "taken"), [(0, False), (1, True), (SHARDS, True), (SHARDS + 1, False)])
async def test_a_cell_is_scaled_to_more_hosts_than_it_has_shards_or_to_none(
    kept: KeptScale, hosts: int, taken: bool
) -> None:
    with supervised(*two_hosts()) as supervisor:
        if taken:
            await supervisor.scale(hosts)
        else:
            with pytest.raises(ValueError, match="between 1 and 4"):
                await supervisor.scale(hosts)
    assert kept.hosts == (hosts if taken else None)
