"""Faults of the runtime, as opposed to refusals of the domain.

RuntimeFault
├─ Unavailable            try again later, with the same command id
│  ├─ JournalUnavailable  an append failed: it may have happened or not
│  │  ├─ JournalFull      it has no room until something was drained
│  │  └─ JournalLost      it lacks what was acknowledged
│  ├─ StoreUnavailable    Postgres can't be reached
│  └─ HostUnreachable     a call to a host failed: it may have happened or not
├─ Fenced                 a newer owner has these shards; nothing was written
└─ Outdated               a newer decision about these shards has been carried out; nothing was done
"""

from __future__ import annotations

from collections.abc import Iterable


class RuntimeFault(Exception):
    """The root."""


class Unavailable(RuntimeFault):
    """Something needed is away."""


class JournalUnavailable(Unavailable):
    """The journal did not confirm: the outcome is in doubt."""


class JournalFull(JournalUnavailable):
    """The journal has no room. What it took before this is as much in doubt."""


class JournalLost(JournalUnavailable):
    """The journal is not the one that belongs to the store, or an older copy of it: what was acknowledged is not in it.
    Nothing was changed. It passes when the journal is brought back; else somebody has to decide that it is gone."""


class StoreUnavailable(Unavailable):
    """The store did not confirm; its transactions are atomic, but whether the last one committed is in doubt."""


class HostUnreachable(Unavailable):
    """A host did not answer: whether it did what it was asked is in doubt."""


class Fenced(RuntimeFault):
    """The writer's epoch for `shards` is stale. Nothing of the write happened."""

    def __init__(self, shards: Iterable[int]) -> None:
        self.shards = frozenset(shards)
        super().__init__(f"stale epoch for shards {sorted(self.shards)}")


class Outdated(RuntimeFault):
    """Who should own these shards was decided anew meanwhile. `newest`: the highest epoch that any of them has."""

    def __init__(self, newest: int) -> None:
        self.newest = newest
        super().__init__(f"the shards have been given away under the epoch {newest} meanwhile")

    def __reduce__(self) -> tuple[type[Outdated], tuple[int]]:
        return Outdated, (self.newest,)
