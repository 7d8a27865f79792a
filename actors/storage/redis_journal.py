"""The journal on Redis streams: one stream a shard, fenced by epoch and position in one Lua call.

    ocefs:{us}:state          hash    shard → "epoch last", last being a position; one for all shards, so that a batch reads and
                                      writes it once
    ocefs:{us}:turns:7        stream  entry `<position>-0`, field `turns`: MessagePack of list[Turn]
    ocefs:{us}:marks:7:49210  string  fingerprints appended in that hour (hours since 1970), 8 bytes each, little endian
    ocefs:{us}:pair           string  the id that the store has too, see `continuity.py`

The braces put all keys of a cell into one slot, so that a Redis Cluster takes the call too. An entry is acknowledged
when Redis has it on disk: `appendfsync always`, which `verify` checks.
"""

from __future__ import annotations

import asyncio
import re
import struct
import sys
import time
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from hashlib import sha1
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from actors.domain.times import HOUR_MS
from actors.runtime.errors import Fenced, JournalFull, JournalLost, JournalUnavailable
from actors.runtime.ports import Append
from actors.runtime.wire import Turn
from actors.storage.redis_line import RedisLine, is_for_want_of_memory, is_of_a_replica

# One shard's entry may not be larger; Redis itself ends at 512 MB for one value.
ENTRY_BYTES_MAX = 128 * 1024 * 1024
# Appends of one call beyond this go in further round trips: the script holds Redis up while it copies.
ROUND_TRIP_BYTES = 16 * 1024 * 1024
ROUND_TRIP_SHARDS = 1024  # Lua takes at most some 8,000 values at once
READ_ENTRIES = 256
READ_BYTES = 8 * 1024 * 1024
CONNECTIONS_MAX = 8
VERSION_MIN = (6, 2)
_HOUR_S = 3_600

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Turn]).decode


class JournalUnsafe(Exception):
    """This Redis would acknowledge what is not yet on disk, or is too old to say."""


class Reached(NamedTuple):
    """Of a shard: its owner's epoch; the oldest position that the stream still has (the next one, where it has none)
    and the last that is known, 0 for none."""

    epoch: int
    first: int
    last: int


def pair_key(cell: str) -> str:
    """Under which a cell's journal keeps to which store it belongs."""
    return f"ocefs:{{{cell}}}:pair"


def _position(entry_id: bytes) -> int:
    return int(entry_id.split(b"-")[0])


class RedisJournal:
    """`Journal` (see `actors/runtime/ports.py`) on Redis 6.2 or newer.

    Args:
        url: `redis://`, `rediss://` or `unix://` URL, or the path of a unix socket.
        cell: the region's name; keeps the keys of cells apart that share a Redis.
        remember_hours: fingerprints are kept at least that long.
        timeout_s: of each round trip, after which its connection is dropped, so that a late answer is never taken for
            another's; and of the wait for a connection.
        ours: the Redis runs for us alone: `verify` insists on its settings. A managed one may hide them.
        store_id: gives the id of the store that this journal belongs to (`continuity.py`), "" for none. Asked when
            shards are opened, once; with one, a Redis that lost its data meanwhile is noticed.
    """

    def __init__(
        self, url: str | Path, cell: str, *, remember_hours: int = 24, timeout_s: float = 5.0, ours: bool = True,
        store_id: Callable[[], Awaitable[str]] | None = None,
    ) -> None:  # fmt: skip
        address = f"unix://{url}" if str(url).startswith("/") else str(url)
        # No retries: an append that is sent again by the driver would find itself done, and be refused.
        # No time of the driver's: to send within one it calls `asyncio.wait_for`, which before Python 3.12 swallows a
        # cancellation that comes when the command is just out: a loop that is ended would go on for ever.
        pool = ConnectionPool.from_url(
            address, protocol=2, socket_timeout=None, socket_connect_timeout=timeout_s, retry=Retry(NoBackoff(), 0),
            max_connections=CONNECTIONS_MAX,
        )  # fmt: skip
        self._pool: Redis = Redis.from_pool(pool)
        # A takeover reads many shards at once: they wait for a connection instead of failing for want of one.
        self._turns = asyncio.Semaphore(CONNECTIONS_MAX)
        self._timeout_s = timeout_s
        self._line = RedisLine(address, timeout_s)
        # Beside appends: whose a shard is must not wait for what is written meanwhile.
        self._asking = RedisLine(address, timeout_s)
        self._cell = cell
        self._keys = f"ocefs:{{{cell}}}"
        self._state = f"{self._keys}:state"
        self._names: dict[int, tuple[str, str]] = {}
        self._ours = ours
        self._store_id = store_id
        self._told_id: str | None = None if store_id else ""
        self._remember_hours = remember_hours
        # An hour more because a bucket expires from its beginning, one more for clocks that differ.
        self._bucket_ttl_s = (remember_hours + 2) * _HOUR_S
        self._append_script = Path(__file__).with_name("append.lua").read_bytes()
        # Under which Redis keeps the script.
        self._append_digest = sha1(self._append_script, usedforsecurity=False).hexdigest()
        known = Path(__file__).with_name("known.lua").read_text()
        self._open_script = known + Path(__file__).with_name("open.lua").read_text()
        self._ends_script = known + Path(__file__).with_name("ends.lua").read_text()
        self._pair_script = Path(__file__).with_name("pair.lua").read_text()

    async def close(self) -> None:
        """Gives the connections back."""
        await self._line.close()
        await self._asking.close()
        await self._pool.aclose()

    async def verify(self) -> None:
        """Checks once, at start, that what Redis acknowledges is on disk and stays there.

        Raises JournalUnsafe: it is older than VERSION_MIN, its settings say otherwise, or (for one of ours) can't be
        read. Raises JournalUnavailable.
        """
        async with self._redis() as redis:
            # Told also where settings are hidden.
            told = await redis.info()
        version, policy = _text(told.get("redis_version")), _text(told.get("maxmemory_policy"))
        if tuple(map(int, re.findall(r"\d+", version)[:2])) < VERSION_MIN:
            raise JournalUnsafe(
                f"Redis is {version or 'of no version'}, must be {'.'.join(map(str, VERSION_MIN))} or newer."
            )
        if policy not in ("", "noeviction"):
            raise JournalUnsafe(
                f"Redis would forget what it acknowledged: maxmemory-policy is {policy!r}, must be 'noeviction'."
            )
        wanted = {"appendonly": "yes", "appendfsync": "always", "no-appendfsync-on-rewrite": "no"}
        try:
            found: dict[str, str] = {}
            for name in wanted:
                async with self._turn() as redis:
                    found.update({_text(key): _text(value) for key, value in (await redis.config_get(name)).items()})
        except (OSError, TimeoutError, RedisError) as fault:
            if "unknown command" not in str(fault).lower() and "NOPERM" not in str(fault):
                raise JournalUnavailable(f"Redis: {fault}") from fault
            if self._ours:
                raise JournalUnsafe(
                    "Redis hides its settings (CONFIG GET), so its durability can't be checked."
                ) from fault
            return
        wrong = [
            f"{name} is {found.get(name)!r}, must be {value!r}"
            for name, value in wanted.items()
            if found.get(name) != value
        ]
        if wrong:
            raise JournalUnsafe(f"Redis would acknowledge what is not on disk: {'; '.join(wrong)}.")

    async def append(self, appends: Sequence[Append]) -> list[int]:
        """See `Journal.append`. More than ROUND_TRIP_BYTES or ROUND_TRIP_SHARDS take several round trips.

        Raises ValueError: an entry is larger than ENTRY_BYTES_MAX (of the whole call nothing was written).
        """
        bodies = [_encode(one.turns) for one in appends]
        for one, body in zip(appends, bodies, strict=True):
            if len(body) > ENTRY_BYTES_MAX:
                raise ValueError(f"an entry of shard {one.shard} has {len(body)} bytes, at most are {ENTRY_BYTES_MAX}")
        refused: list[int] = []
        first, size = 0, 0
        for number, body in enumerate(bodies):
            if size and (size + len(body) > ROUND_TRIP_BYTES or number - first >= ROUND_TRIP_SHARDS):
                refused += await self._append_some(appends[first:number], bodies[first:number])
                first, size = number, 0
            size += len(body)
        if first < len(bodies):
            refused += await self._append_some(appends[first:], bodies[first:])
        return refused

    async def _append_some(self, appends: Sequence[Append], bodies: Sequence[bytes]) -> list[int]:
        keys = [self._state]
        values: list[Any] = [self._bucket_ttl_s]
        for one, body in zip(appends, bodies, strict=True):
            turns, shard, epoch, position = one.turns, one.shard, one.epoch, one.position
            hour = turns[-1].at_ms // HOUR_MS if turns else 0
            stream, buckets = self._keys_of(shard)
            keys += (stream, f"{buckets}{hour}")
            marks = struct.pack(f"<{len(turns)}Q", *[turn.fingerprint for turn in turns])
            values += (shard, f"{epoch} {position - 1}", f"{epoch} {position}", f"{position}-0", body, marks)
        call = (b"EVALSHA", self._append_digest, len(keys), *keys, *values)
        async with self._answering():
            try:
                refused = await self._line.call(call)
            except NoScriptError:  # a Redis that was started anew; nothing was done
                async with self._turn() as redis:
                    await redis.script_load(self._append_script)
                refused = await self._line.call(call)
        return [appends[number - 1].shard for number in refused]

    def _keys_of(self, shard: int) -> tuple[str, str]:
        """A shard's stream, and the beginning of its buckets' names."""
        names = self._names.get(shard)
        if names is None:
            keys = self._keys
            names = self._names[shard] = (f"{keys}:turns:{shard}", f"{keys}:marks:{shard}:")
        return names

    async def open(self, shards: Mapping[int, tuple[int, int]]) -> None:
        """See `Journal.open`. Raises what `store_id` raises."""
        if self._told_id is None:
            assert self._store_id is not None
            self._told_id = await self._store_id()
        numbers = list(shards)
        values: list[Any] = [self._told_id, *(value for shard in numbers for value in (shard, *shards[shard]))]
        keys = [self._state, pair_key(self._cell), *(self._keys_of(shard)[0] for shard in numbers)]
        async with self._redis() as redis:
            refused: Any = await redis.eval(self._open_script, len(keys), *keys, *values)
        if refused == -1:
            raise JournalLost(
                "Redis was emptied, is another cell's or an older copy: what was acknowledged last is not in it. "
                "Bring it back as it was, soon, and keep this one: hosts that have not opened a shard since go on with it, "
                "and what was acknowledged since is in no other. See deploy/releases.md"
            )
        if refused:
            raise Fenced(numbers[number - 1] for number in refused)

    async def superseded(self, epochs: Mapping[int, int]) -> list[int]:
        """See `Journal.superseded`."""
        if not epochs:
            return []
        async with self._answering():
            found = await self._asking.call((b"HMGET", self._state, *epochs))
        return [
            shard for (shard, epoch), known in zip(epochs.items(), found, strict=True)
            if known is None or int(known.split()[0]) != epoch
        ]  # fmt: skip

    async def read(self, shard: int, after: int) -> list[tuple[int, list[Turn]]]:
        """See `Journal.read`. Read in pages of about READ_BYTES, so that no answer gets huge."""
        entries: list[tuple[int, list[Turn]]] = []
        count = 1  # how large the entries are shows with the first
        while True:
            start = f"{entries[-1][0] + 1 if entries else after + 1}-0"
            async with self._redis() as redis:
                # Without decode_responses everything is bytes; the driver's annotations allow for more.
                page: Any = await redis.xrange(f"{self._keys}:turns:{shard}", min=start, count=count)
            entries += [(_position(entry_id), _decode(fields[b"turns"])) for entry_id, fields in page]
            if len(page) < count:
                return entries
            mean = 1 + sum(len(fields[b"turns"]) for _, fields in page) // len(page)
            count = max(1, min(READ_ENTRIES, count * 4, READ_BYTES // mean))
            await asyncio.sleep(0)  # a long tail is decoded in slices; others want the loop too

    async def last(self, shards: Sequence[int]) -> dict[int, int]:
        """See `Journal.last`."""
        if not shards:
            return {}
        async with self._redis() as redis:
            found: Any = await redis.hmget(self._state, [str(shard) for shard in shards])
        return {shard: int(known.split()[1]) if known else 0 for shard, known in zip(shards, found, strict=True)}

    async def reached(self, shards: Sequence[int]) -> dict[int, Reached]:
        """How far each shard is, as `open` will find it: also of those that this journal has not opened yet. Raises
        JournalUnavailable."""
        found = {}
        # Each by itself: Redis does nothing else while it copies an entry for the script.
        for shard in shards:
            keys = self._state, self._keys_of(shard)[0]
            async with self._redis() as redis:
                epoch, first, last = await redis.eval(self._ends_script, 2, *keys, str(shard))
            found[shard] = Reached(int(epoch), int(first) if first else int(last) + 1, int(last))
        return found

    async def paired(self) -> str:
        """What `pair` has written; "" for nothing. Raises JournalUnavailable."""
        async with self._redis() as redis:
            found: Any = await redis.get(pair_key(self._cell))
        return found.decode() if found else ""

    async def pair(self, pair_id: str) -> None:
        """This journal belongs to the store that has the same. Raises JournalUnavailable."""
        async with self._redis() as redis:
            await redis.eval(self._pair_script, 2, self._state, pair_key(self._cell), pair_id)

    async def fingerprints(self, shard: int, since_ms: int) -> Sequence[int]:
        """See `Journal.fingerprints`. What is older than `remember_hours` may be gone."""
        now_hour = int(time.time()) // _HOUR_S
        # One hour more at both ends: a turn's time is its host's, and a little before its append.
        first = max(since_ms // HOUR_MS - 1, now_hour - self._remember_hours - 2)
        marks: array[int] = array("Q")
        names = [f"{self._keys}:marks:{shard}:{hour}" for hour in range(first, now_hour + 2)]
        async with self._redis() as redis:
            buckets: Any = await redis.mget(names)
        for bucket in buckets:
            if bucket:
                marks.frombytes(bucket)
        if sys.byteorder == "big":
            marks.byteswap()
        return marks

    async def trim(self, marks: Mapping[int, int]) -> None:
        """See `Journal.trim`."""
        async with self._redis() as redis, redis.pipeline(transaction=False) as pipe:
            for shard, position in marks.items():
                pipe.execute_command("XTRIM", f"{self._keys}:turns:{shard}", "MINID", "=", f"{position + 1}-0")
            await pipe.execute()

    async def ping(self) -> None:
        """See `Journal.ping`."""
        async with self._redis() as redis:
            await redis.ping()

    async def fullness(self) -> float:
        """See `Journal.fullness`: of `maxmemory`."""
        async with self._redis() as redis:
            memory = await redis.info("memory")
        limit = int(memory.get("maxmemory", 0))
        return int(memory.get("used_memory", 0)) / limit if limit else 0.0

    @asynccontextmanager
    async def _redis(self) -> AsyncIterator[Redis]:
        """For one call. Raises JournalUnavailable, from the call, too."""
        async with self._answering(), self._turn() as redis:
            yield redis

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[Redis]:
        """As `_redis`, but what goes wrong is told as the driver does."""
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._turns.acquire()
        except TimeoutError:
            raise TimeoutError(f"no connection became free within {self._timeout_s:g} s") from None
        try:
            async with asyncio.timeout(self._timeout_s) as limit:
                yield self._pool
        except TimeoutError:
            if limit.expired():  # asyncio's says nothing
                raise TimeoutError(f"no answer within {self._timeout_s:g} s") from None
            raise
        finally:
            self._turns.release()

    @asynccontextmanager
    async def _answering(self) -> AsyncIterator[None]:
        """Whatever keeps Redis from answering is one fault; the driver has dropped a connection
        that timed out or broke."""
        try:
            yield
        except (OSError, TimeoutError, RedisError) as fault:
            if is_of_a_replica(fault):
                await self._leave()
            kind = JournalFull if is_for_want_of_memory(fault) else JournalUnavailable
            raise kind(f"Redis: {fault}") from fault

    async def _leave(self) -> None:
        """It is a replica by now, whose answers may be old as well: who is the primary shows when connecting anew."""
        await self._line.leave()
        await self._asking.leave()
        await self._pool.connection_pool.disconnect()


def _text(value: bytes | str | None) -> str:
    return value.decode() if isinstance(value, bytes) else value or ""
