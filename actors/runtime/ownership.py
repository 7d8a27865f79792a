"""Who owns which shard, as a supervisor knows it. Pure, so that the simulation's supervisor and the
real one go by the same rules.

What a supervisor asked for may have happened although it heard nothing of it, and what it hears may be old. Epochs
tell: of two hosts that say that a shard is theirs, the one with the higher epoch is right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from actors.runtime.ports import ShardMap


class Ownership:
    """`owners[shard]`: a host's name, "" while nobody is known to own it. `version` rises with every change.
    `incarnation`: see `ShardMap`."""

    def __init__(self, shards: int, incarnation: str = "") -> None:
        self._incarnation = incarnation
        self.version = 0
        self.owners = [""] * shards
        self._epochs = [0] * shards

    def map(self) -> ShardMap:
        """What gateways go by."""
        return ShardMap(self.version, list(self.owners), self._incarnation)

    def of(self, host: str) -> list[int]:
        """The host's shards."""
        return [shard for shard, owner in enumerate(self.owners) if owner == host]

    def given(self, host: str, shards: Iterable[int], epoch: int) -> None:
        """The host says that it serves these since the decision `epoch`."""
        for shard in shards:
            if epoch >= self._epochs[shard]:
                self.owners[shard], self._epochs[shard] = host, epoch
        self.version += 1

    def claimed(self, host: str, owned: Mapping[int, int]) -> list[int]:
        """What a host says that it owns (shard → epoch). Gives the shards that are its own now and were not known to
        be: it was given them, and only the answer was lost."""
        news = [shard for shard, epoch in owned.items() if epoch > self._epochs[shard]]
        for shard in news:
            self.owners[shard], self._epochs[shard] = host, owned[shard]
        self.version += bool(news)
        return news

    def missing(self, host: str, owned: Mapping[int, int]) -> list[int]:
        """Shards that are the host's by the map, and not by what it says."""
        return [shard for shard in self.of(host) if shard not in owned]

    def freed(self, shards: Iterable[int]) -> None:
        """Nobody owns these any more: their host gave them up, lost them, or is gone."""
        for shard in shards:
            self.owners[shard] = ""
        self.version += 1
