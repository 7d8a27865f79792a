"""What happened lately under a key: an account, an address, an account and a noun. Bounded in
entries, in keys and in time.

    Windows("refused by address", 10 min)   address ──▶ Window: (when, what, which line of the audit), oldest first

Time is that of the entries. A key of which everything is too old goes while others are added to; the key that was not
heard of for longest gives way when there are too many.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from itertools import chain, islice, pairwise

import msgspec

from actors.anomalies.record import Record, Reference

ENTRIES_MAX = 400
KEYS_MAX = 50_000
NOT_JUDGED = -1
# Keys that are looked at for being over, with each record: more than one, so that they go faster than they come.
_OVER_MAX = 2
# Of one member: what is looked at seldom gets lighter more often.
_HEAVIER_MAX = 8


class Entry(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """`member`: what it was about; several entries may have the same. `session_id`: in which it was done; "" of what an
    earlier release kept."""

    at_ms: int
    member: str
    weight: float
    reference: Reference
    request_id: str
    session_id: str = ""


class KeptWindow(msgspec.Struct, array_like=True):
    """A window as it is kept over a restart."""

    entries: list[Entry] = []
    judged_ms: int = NOT_JUDGED


class Window:
    """The entries of one key, oldest first. Members and turns are kept count of: a machine writes thousands of lines a
    minute, and to look at them after each must cost the same however many there are. `judged_ms`: what is not later was
    judged by somebody, and does not count (UTC ms)."""

    __slots__ = ("_counts", "_entries", "_turns", "judged_ms")

    def __init__(self, entries: Iterable[Entry] = (), judged_ms: int = NOT_JUDGED) -> None:
        self._entries: list[Entry] = []
        self.judged_ms = judged_ms
        self._turns = 0
        self._counts: dict[str, int] = {}
        for entry in entries:
            self.append(entry)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    @property
    def entries(self) -> list[Entry]:
        """All, to look at."""
        return self._entries

    @property
    def kept(self) -> list[Entry]:
        """All of which another window like this can be made; a copy."""
        return list(self._entries)

    @property
    def turns(self) -> int:
        """How often the member changed from one entry to the next."""
        return self._turns

    def visits(self, member: str) -> int:
        """How often it was this member's turn, after another's or as the first."""
        members = [entry.member for entry in self]
        return sum(one == member != before for before, one in pairwise(["", *members]))

    def append(self, entry: Entry) -> None:
        """The newest."""
        entries, counts = self._entries, self._counts
        if entries and entries[-1].member != entry.member:
            self._turns += 1
        entries.append(entry)
        counts[entry.member] = counts.get(entry.member, 0) + 1

    def drop(self, number: int) -> None:
        """Without the oldest `number`."""
        entries, counts = self._entries, self._counts
        for one, other in pairwise(entries[: number + 1]):
            self._turns -= one.member != other.member
        for entry in entries[:number]:
            left = counts[entry.member] - 1
            if left:
                counts[entry.member] = left
            else:
                del counts[entry.member]
        del entries[:number]

    def expire(self, oldest_ms: int, entries_max: int) -> None:
        """Without what is older, and without the oldest of too many."""
        stale = 0
        for entry in self:
            if entry.at_ms >= oldest_ms:
                break
            stale += 1
        stale = max(stale, len(self) - entries_max)
        if stale:
            self.drop(stale)

    def judge(self, until_ms: int) -> None:
        """What was up to then counts no more, nor what is told of that time later."""
        self.judged_ms = until_ms
        late = [entry for entry in self.kept if entry.at_ms > until_ms]
        self.drop(len(self))
        for entry in late:
            self.append(entry)

    def holds(self, member: str, oldest_ms: int) -> bool:
        """Is one of it about this member, and not older?"""
        return member in self.members() and any(one.member == member and one.at_ms >= oldest_ms for one in self)

    def forget(self, member: str) -> None:
        """Without what is about this member: there is room for others."""
        if member not in self.members():
            return
        kept = [entry for entry in self.kept if entry.member != member]
        self.drop(len(self))
        for entry in kept:
            self.append(entry)

    @property
    def newest_ms(self) -> int:
        """Of what there was last, whether it counts still or not."""
        return self._entries[-1].at_ms if self._entries else self.judged_ms

    def members(self) -> Set[str]:
        """What the entries are about, each once; as it is now."""
        return self._counts.keys()

    def weight(self) -> float:
        """The sum of all."""
        return sum(entry.weight for entry in self)


class Latest(Window):
    """Of each member the newest entry alone, with the most that one of them weighed, in the order in which they came.
    The dict's order is theirs: one that comes again costs the same however many there are. Those that weighed more are
    kept beside it, heaviest first, which is oldest first: each counts until it is too old itself, or was judged."""

    __slots__ = ("_by_member", "_heavier")

    def __init__(self, entries: Iterable[Entry] = (), judged_ms: int = NOT_JUDGED) -> None:
        self._by_member: dict[str, Entry] = {}
        self._heavier: dict[str, list[Entry]] = {}
        super().__init__(entries, judged_ms)

    def __len__(self) -> int:
        return len(self._by_member)

    def __iter__(self) -> Iterator[Entry]:
        for member, entry in self._by_member.items():
            heavier = self._heavier.get(member)
            yield msgspec.structs.replace(entry, weight=heavier[0].weight) if heavier else entry

    @property
    def entries(self) -> list[Entry]:
        """A copy."""
        return list(self)

    @property
    def kept(self) -> list[Entry]:
        """The heavier ones first: whatever comes later of a member keeps its place."""
        return [*chain.from_iterable(self._heavier.values()), *self._by_member.values()]

    @property
    def turns(self) -> int:
        """Each is about something else than the one before."""
        return max(0, len(self) - 1)

    def append(self, entry: Entry) -> None:
        """The newest, in the place of what there is about the same member."""
        member = entry.member
        before = self._by_member.pop(member, None)
        self._by_member[member] = entry
        if before is not None:
            self._keep(member, [one for one in (*self._heavier.get(member, ()), before) if one.weight > entry.weight])

    def _keep(self, member: str, heavier: list[Entry]) -> None:
        if heavier:
            self._heavier[member] = heavier[:_HEAVIER_MAX]
        else:
            self._heavier.pop(member, None)

    def expire(self, oldest_ms: int, entries_max: int) -> None:
        """See Window; a heavier one goes before its member."""
        super().expire(oldest_ms, entries_max)
        for member, heavier in list(self._heavier.items()):
            if heavier[0].at_ms < oldest_ms:
                self._keep(member, [one for one in heavier if one.at_ms >= oldest_ms])

    def drop(self, number: int) -> None:
        """Without the oldest `number`."""
        for member in list(islice(self._by_member, number)):
            del self._by_member[member]
            self._heavier.pop(member, None)

    @property
    def newest_ms(self) -> int:
        """Of what there was last, whether it counts still or not."""
        return next(reversed(self._by_member.values())).at_ms if self._by_member else self.judged_ms

    def members(self) -> Set[str]:
        """What the entries are about; as it is now."""
        return self._by_member.keys()


class Windows:
    """One window for each key. A span longer than an entry's age keeps it; ENTRIES_MAX and KEYS_MAX hold whatever
    comes. `once`: of each member the newest entry alone, so that whoever does ten things to each of many orders, or
    looks at ten papers of each, has room for them all."""

    def __init__(
        self, span_ms: int, *, entries_max: int = ENTRIES_MAX, keys_max: int = KEYS_MAX, once: bool = False
    ) -> None:
        self._span_ms = span_ms
        self._window = Latest if once else Window
        self._entries_max = entries_max
        self._keys_max = keys_max
        self._windows: dict[str, Window] = {}

    def __len__(self) -> int:
        return len(self._windows)

    def add(self, key: str, record: Record, member: str = "", weight: float = 1.0) -> Window:
        """The key's window, with this record in it and without what is too old."""
        window = self._windows.pop(key, None)
        if window is None:
            window = self._window()
            if len(self._windows) >= self._keys_max:
                del self._windows[next(iter(self._windows))]
        self._windows[key] = window  # last in the dict's order: heard of most lately
        if record.at_ms > window.judged_ms:
            window.append(Entry(record.at_ms, member, weight, record.reference, record.request_id, record.session_id))
        oldest_ms = record.at_ms - self._span_ms
        window.expire(oldest_ms, self._entries_max)
        self._let_go(oldest_ms)
        return window

    def _let_go(self, oldest_ms: int) -> None:
        """Drops keys of which nothing counts any more: most come once, and would be kept, and
        saved each minute, for ever."""
        for _ in range(_OVER_MAX):
            key, window = next(iter(self._windows.items()))
            if window.newest_ms >= oldest_ms:
                return
            del self._windows[key]

    def get(self, key: str, now_ms: int) -> Window:
        """The key's window as it is now."""
        window = self._windows.get(key)
        if window is None:
            return self._window()
        return self._window(entry for entry in window.kept if entry.at_ms >= now_ms - self._span_ms)

    def holds(self, key: str, member: str, now_ms: int) -> bool:
        """Is there an entry of the key about this member?"""
        window = self._windows.get(key)
        return window is not None and window.holds(member, now_ms - self._span_ms)

    def forget(self, key: str, member: str) -> None:
        """Drops what there is of the key about this member."""
        window = self._windows.get(key)
        if window is not None:
            window.forget(member)

    def judge(self, about: str, until_ms: int) -> None:
        """Somebody looked at what was up to then, under this key and under those that begin with it and a blank."""
        for key, window in self._windows.items():
            if key == about or key.startswith(f"{about} "):
                window.judge(until_ms)

    def dump(self) -> dict[str, KeptWindow]:
        """What is kept over a restart."""
        return {key: KeptWindow(window.kept, window.judged_ms) for key, window in self._windows.items()}

    def restore(self, kept: dict[str, KeptWindow]) -> None:
        """Takes over what `dump` gave."""
        self._windows = {key: self._window(window.entries, window.judged_ms) for key, window in kept.items()}
