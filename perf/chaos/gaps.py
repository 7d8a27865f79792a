"""How long a fault was felt, from when acknowledgements came. Pure."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise

import msgspec

from perf.chaos.faults import Fault
from perf.chaos.told import Acknowledged

# Answers that were on their way when the fault happened.
IN_FLIGHT_S = 0.02


class Felt(msgspec.Struct, frozen=True):
    """Seconds. `overall`: longest time without any acknowledged update; `shard`: from the fault to the first
    acknowledged update on the last of the affected shards (0 when no shard is known to be affected), to the end of what
    was looked at where a shard stayed silent; `wait`: longest that one call waited.
    """

    overall: float
    shard: float
    wait: float


def felt(fault: Fault, acknowledged: Sequence[Acknowledged], shard_of: dict[str, int], until: float) -> Felt:
    """What was felt of a fault until the (monotonic) time of the next one. `acknowledged` in order of
    `at`; `shard_of` by entity."""
    start = bisect_right(acknowledged, fault.at, key=lambda told: told.at)
    end = bisect_right(acknowledged, until, key=lambda told: told.at)
    after = acknowledged[start:end]
    times = [fault.at, *(told.at for told in after), until]
    overall = max(later - earlier for earlier, later in pairwise(times))
    wait = max((told.at - told.began_at for told in after), default=0.0)
    return Felt(overall, _slowest_shard(fault, after, shard_of, until), wait)


def _slowest_shard(fault: Fault, after: Iterable[Acknowledged], shard_of: dict[str, int], until: float) -> float:
    first: dict[int, float] = {}
    for told in after:
        shard = shard_of.get(told.entity_id, -1)
        if told.at > fault.at + IN_FLIGHT_S and shard in fault.shards:
            first.setdefault(shard, told.at - fault.at)
    return max((first.get(shard, until - fault.at) for shard in fault.shards), default=0.0)
