"""What happened lately under a key: an account, an address, an account and a noun. Bounded in entries, in keys and in time.

    Windows("refused by address", 10 min)   address ──▶ Window: (when, what, which line of the audit), oldest first

Time is that of the entries. A key of which everything is too old goes while others are added to; the key that was not heard of for longest gives way when there are too many.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from itertools import pairwise

import msgspec

from actors.anomalies.record import Record, Reference

ENTRIES_MAX = 400
KEYS_MAX = 50_000
NOT_JUDGED = -1
# Keys that are looked at for being over, with each record: more than one, so that they go faster than they come.
_OVER_MAX = 2


class Entry(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """`member`: what it was about; several entries may have the same."""

    at_ms: int
    member: str
    weight: float
    reference: Reference
    request_id: str


class KeptWindow(msgspec.Struct, array_like=True):
    """A window as it is kept over a restart."""

    entries: list[Entry] = []
    judged_ms: int = NOT_JUDGED


class Window:
    """The entries of one key, oldest first. Members and turns are kept count of: a machine writes thousands of lines a minute, and to look
    at them after each must cost the same however many there are. `judged_ms`: what is not later was judged by somebody, and does not count (UTC ms)."""

    __slots__ = ("_counts", "entries", "judged_ms", "turns")

    def __init__(self, entries: Iterable[Entry] = (), judged_ms: int = NOT_JUDGED) -> None:
        self.entries: list[Entry] = []
        self.judged_ms = judged_ms
        self.turns = 0
        """How often the member changed from one entry to the next."""
        self._counts: dict[str, int] = {}
        for entry in entries:
            self.append(entry)

    def __len__(self) -> int:
        return len(self.entries)

    def append(self, entry: Entry) -> None:
        """The newest."""
        entries, counts = self.entries, self._counts
        if entries and entries[-1].member != entry.member:
            self.turns += 1
        entries.append(entry)
        counts[entry.member] = counts.get(entry.member, 0) + 1

    def renew(self, entry: Entry) -> None:
        """The newest, in the place of what there is about the same member."""
        entries = self.entries
        if entries and entries[-1].member == entry.member:
            entries[-1] = entry
            return
        if entry.member in self._counts:
            others = [other for other in entries if other.member != entry.member]
            self.drop(len(entries))
            for other in others:
                self.append(other)
        self.append(entry)

    def drop(self, number: int) -> None:
        """Without the oldest `number`."""
        entries, counts = self.entries, self._counts
        for one, other in pairwise(entries[: number + 1]):
            self.turns -= one.member != other.member
        for entry in entries[:number]:
            left = counts[entry.member] - 1
            if left:
                counts[entry.member] = left
            else:
                del counts[entry.member]
        del entries[:number]

    def judge(self, until_ms: int) -> None:
        """What was up to then counts no more, nor what is told of that time later."""
        self.judged_ms = until_ms
        late = [entry for entry in self.entries if entry.at_ms > until_ms]
        self.drop(len(self.entries))
        for entry in late:
            self.append(entry)

    @property
    def newest_ms(self) -> int:
        """Of what there was last, whether it counts still or not."""
        return self.entries[-1].at_ms if self.entries else self.judged_ms

    def members(self) -> Set[str]:
        """What the entries are about, each once; as it is now."""
        return self._counts.keys()

    def weight(self) -> float:
        """The sum of all."""
        return sum(entry.weight for entry in self.entries)


class Windows:
    """One window for each key. A span longer than an entry's age keeps it; ENTRIES_MAX and KEYS_MAX hold whatever comes."""

    def __init__(self, span_ms: int, *, entries_max: int = ENTRIES_MAX, keys_max: int = KEYS_MAX) -> None:
        self._span_ms = span_ms
        self._entries_max = entries_max
        self._keys_max = keys_max
        self._windows: dict[str, Window] = {}

    def __len__(self) -> int:
        return len(self._windows)

    def add(self, key: str, record: Record, member: str = "", weight: float = 1.0, *, once: bool = False) -> Window:
        """The key's window, with this record in it and without what is too old. `once`: in the place of what there is about the same member, so that whoever does ten things to each of
        many orders, or looks at ten papers of each, has room for them all."""
        window = self._windows.pop(key, None)
        if window is None:
            window = Window()
            if len(self._windows) >= self._keys_max:
                del self._windows[next(iter(self._windows))]
        self._windows[key] = window  # last in the dict's order: heard of most lately
        entries = window.entries
        if record.at_ms > window.judged_ms:
            entry = Entry(record.at_ms, member, weight, record.reference, record.request_id)
            if once:
                window.renew(entry)
            else:
                window.append(entry)
        oldest_ms, stale = record.at_ms - self._span_ms, 0
        while stale < len(entries) and entries[stale].at_ms < oldest_ms:
            stale += 1
        stale = max(stale, len(entries) - self._entries_max)
        if stale:
            window.drop(stale)
        self._let_go(oldest_ms)
        return window

    def _let_go(self, oldest_ms: int) -> None:
        """Drops keys of which nothing counts any more: most come once, and would be kept, and saved each minute, for ever."""
        for _ in range(_OVER_MAX):
            key, window = next(iter(self._windows.items()))
            if window.newest_ms >= oldest_ms:
                return
            del self._windows[key]

    def get(self, key: str, now_ms: int) -> Window:
        """The key's window as it is now."""
        window = self._windows.get(key)
        if window is None:
            return Window()
        return Window(entry for entry in window.entries if entry.at_ms >= now_ms - self._span_ms)

    def judge(self, about: str, until_ms: int) -> None:
        """Somebody looked at what was up to then, under this key and under those that begin with it and a blank."""
        for key, window in self._windows.items():
            if key == about or key.startswith(f"{about} "):
                window.judge(until_ms)

    def dump(self) -> dict[str, KeptWindow]:
        """What is kept over a restart."""
        return {key: KeptWindow(window.entries, window.judged_ms) for key, window in self._windows.items()}

    def restore(self, kept: dict[str, KeptWindow]) -> None:
        """Takes over what `dump` gave."""
        self._windows = {key: Window(window.entries, window.judged_ms) for key, window in kept.items()}
