"""The data keys of this cell's customers, opened and kept in memory for a while.

    of_person ─▶ kept? ─▶ read model ─▶ none, or the store is away: a new one, an entity `data_key`, durable before it is used
    unseal    ─▶ kept? ─▶ the entity tells the wrapped key ─▶ the region's key opens it (`port.py`)
                                                           └▶ unasked? its person's other keys are asked for restrictions

A key that was destroyed or restricted is forgotten here within two seconds: the list of revocations says so. One that
nobody tells of any more, because this replica hears nothing, is asked for again after KEEP_S.

A key that was made while the store was away may be a restricted person's: what it seals is withheld until the store has
answered. Whichever replica opens it first from then on settles it, for all and for good; until then each of them looks
again after AWAY_S.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from typing import Literal, TypeVar

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from actors.domain.audit import Who
from actors.domain.data_key import (
    TOLD_MS,
    UNASKED,
    DataKeyView,
    KeepKey,
    RewrapKey,
    SettleKey,
    ViewKey,
    WrappedKey,
    changed_key,
)
from actors.domain.ids import data_key_id
from actors.domain.rows import DataKeyRow
from actors.runtime.errors import StoreUnavailable
from actors.runtime.ports import Clock
from actors.runtime.read_model import ReadModel
from actors.runtime.wire import OK
from serve.gateway import Gateway
from serve.identity.keyring import KeyringWatch
from serve.identity.sealing import name_digest
from serve.keys import envelope
from serve.keys.port import KeyUnavailable, KeyUnusable, RegionKey
from serve.problems import Problem, of_refusal
from serve.replies import body_of

KEY_BYTES = 32
KEPT_MAX = 50_000
# Shorter than the revocations tell of a change.
KEEP_S = 600.0
assert KEEP_S * 1000 < TOLD_MS
# How long an order waits for the store to tell whether its customer has a key, and how long the store is
# not asked again after that; nor is a key of which it could not be asked.
LOOK_UP_S = 0.5
AWAY_S = 5.0
_UNREADABLE = "keys.unreadable"
_decode_wrapped = msgspec.json.Decoder(WrappedKey).decode
_decode_view = msgspec.json.Decoder(DataKeyView).decode
_T = TypeVar("_T")
# What became of a key that was to be wrapped anew; "unneeded": it is destroyed, or was wrapped so already.
Rewrapping = Literal["done", "unneeded", "unreadable"]
log = logging.getLogger("ocefs.keys")


class Erased(Exception):
    """The key was destroyed: what it sealed is gone for good."""


class DataKey:
    """An opened key. `restricted`: what it seals is to be withheld (GDPR Art. 18), or nobody knows yet."""

    __slots__ = ("cipher", "key_id", "restricted", "until_s")

    def __init__(self, key_id: str, key: bytes, restricted: bool, until_s: float) -> None:
        self.key_id = key_id
        self.cipher = AESGCM(key)
        self.restricted = restricted
        self.until_s = until_s

    def __repr__(self) -> str:
        return f"<DataKey {self.key_id}>"


class DataKeys:
    """Of one replica."""

    def __init__(
        self, region: str, gateway: Gateway, read_model: ReadModel, region_key: RegionKey, watch: KeyringWatch, clock: Clock
    ) -> None:  # fmt: skip
        self._region = region
        self._gateway = gateway
        self._read_model = read_model
        self.region_key = region_key
        self._watch = watch
        self._clock = clock
        self._opened: OrderedDict[str, DataKey] = OrderedDict()
        self._persons: OrderedDict[str, str] = OrderedDict()
        # Many may ask at once for what one call brings.
        self._asked: dict[str, asyncio.Task[DataKey]] = {}
        # How often any key has changed: what was asked for before the last change is used, but not kept.
        self._changes = 0
        self._store_away_until = 0.0

    # --- digests: how somebody is found again whose name stands nowhere
    def digest(self, kind: str, text: str) -> str:
        """See `name_digest`: without the cell's lookup key nobody can try out what the text was."""
        return name_digest(self._watch.current(self._clock.monotonic()), kind, text)

    # --- sealing
    async def seal(self, person: str, plain: bytes, place: str, cause: str) -> bytes:
        """Seals for a person (`digest("person", …)`), under a key of theirs. Raises Problem 503."""
        key = await self.of_person(person, cause)
        return envelope.seal(key.cipher, key.key_id, plain, place)

    async def seal_beside(self, sealed: bytes, plain: bytes, place: str, cause: str) -> bytes:
        """Seals under the same key as something that is sealed already. Raises Erased, Problem 503."""
        return await self.seal_under(_key_of(sealed), plain, place, cause)

    async def seal_under(self, key_id: str, plain: bytes, place: str, cause: str) -> bytes:
        """Seals under the key of that id. Raises Erased, Problem 503."""
        key = await self.opened(key_id, cause)
        return envelope.seal(key.cipher, key.key_id, plain, place)

    async def unseal(self, sealed: bytes, place: str, cause: str) -> tuple[bytes, bool]:
        """(what was sealed, is it restricted?). Raises Erased, Problem 503."""
        key = await self.opened(_key_of(sealed), cause)
        try:
            return envelope.unseal(key.cipher, sealed, place), key.restricted
        except KeyUnusable as fault:
            raise _unreadable(key.key_id, place, fault) from None

    async def of_person(self, person: str, cause: str) -> DataKey:
        """A key that is in use; a new one if there is none, or none is known while the store is
        away. Raises Problem 503."""
        key_id = self._persons.get(person)
        kept = self._kept(key_id) if key_id is not None else None
        if kept is not None:
            return kept
        return await self._once(f"person {person}", lambda: self._find_or_make(person, cause))

    async def opened(self, key_id: str, cause: str) -> DataKey:
        """The key of that id. Raises Erased, Problem 503."""
        kept = self._kept(key_id)
        if kept is not None:
            return kept
        return await self._once(key_id, lambda: self._fetch(key_id, cause))

    # --- by whoever looks after keys
    async def wrapping(self) -> str:
        """What wraps at this moment. Raises Problem 503."""
        await self._by_region(self.region_key.learn())
        return self.region_key.wrapping()

    async def rewrap(self, key_id: str, cause: str, who: Who | None) -> Rewrapping:
        """Wraps the key by what wraps now. Raises Problem 503."""
        reply = await self._gateway.view("data_key", key_id, ViewKey(), cause=cause)
        told = _decode_wrapped(body_of(reply))
        if told.status == "destroyed" or told.wrapping == self.region_key.wrapping():
            return "unneeded"
        try:
            key = await self._by_region(self.region_key.unwrap(told.wrapped, told.wrapping, place_of_key(key_id)))
        except Problem as problem:
            if problem.code != _UNREADABLE:
                raise
            return "unreadable"
        wrapped, wrapping = await self._by_region(self.region_key.wrap(key, place_of_key(key_id)))
        command = RewrapKey(wrapped, wrapping, told.wrapping)
        body_of(
            await self._gateway.ask(
                "data_key", key_id, command, command_id=secrets.token_hex(16), digest=0, cause=cause, who=who
            )
        )
        return "done"

    # --- what this replica keeps
    def _kept(self, key_id: str) -> DataKey | None:
        kept = self._opened.get(key_id)
        if kept is None or self._clock.monotonic() >= kept.until_s:
            return None
        self._opened.move_to_end(key_id)
        return kept

    def _keep(
        self, key_id: str, key: bytes, asked_at_change: int, *, restricted: bool, for_s: float = KEEP_S
    ) -> DataKey:
        opened = DataKey(key_id, key, restricted, self._clock.monotonic() + for_s)
        if asked_at_change == self._changes:
            _put(self._opened, key_id, opened)
        return opened

    def changed(self, entry: str) -> None:
        """A listener of the revocations: the key that the entry is about is asked for anew."""
        key_id = changed_key(entry)
        if key_id:
            self._changes += 1
            self._opened.pop(key_id, None)
            self._asked.pop(key_id, None)

    async def _once(self, name: str, work: Callable[[], Awaitable[DataKey]]) -> DataKey:
        """The one call under way of that name; it goes on when whoever began it gives up."""
        task = self._asked.get(name)
        if task is None:
            task = self._asked[name] = asyncio.ensure_future(work())

            def over(done: asyncio.Task[DataKey]) -> None:
                if self._asked.get(name) is done:
                    del self._asked[name]
                if not done.cancelled():
                    done.exception()  # somebody waits for it, or nobody does

            task.add_done_callback(over)
        return await asyncio.shield(task)

    # --- where keys come from
    async def _find_or_make(self, person: str, cause: str) -> DataKey:
        rows = await self._listed(person)
        if rows is None:
            last = self._persons.get(person)
            key_ids = [] if last is None else [last]
        else:
            key_ids = [row.key_id for row in reversed(rows) if row.status == "in_use"]
        for key_id in key_ids:
            try:
                return self._remembered(person, await self.opened(key_id, cause))
            except Erased:
                continue  # just now
        return self._remembered(person, await self._make(person, cause, unasked=rows is None))

    async def _listed(self, person: str) -> list[DataKeyRow] | None:
        """The person's keys as the store knows them; None while it is away or slow: an order does not wait for it."""
        now = self._clock.monotonic()
        if now < self._store_away_until:
            return None
        try:
            async with asyncio.timeout(LOOK_UP_S):
                return await self._read_model.data_keys(person)
        except (StoreUnavailable, TimeoutError):
            self._store_away_until = now + AWAY_S
            return None

    def _remembered(self, person: str, key: DataKey) -> DataKey:
        _put(self._persons, person, key.key_id)
        return key

    async def _make(self, person: str, cause: str, *, unasked: bool) -> DataKey:
        key_id, key = data_key_id(self._region, secrets.token_bytes(16)), secrets.token_bytes(KEY_BYTES)
        wrapped, wrapping = await self._by_region(self.region_key.wrap(key, place_of_key(key_id)))
        changes = self._changes
        reply = await self._gateway.ask(
            "data_key",
            key_id,
            KeepKey(person, wrapped, wrapping, unasked),
            command_id=key_id,
            digest=0,
            creates=True,
            cause=cause,
        )
        if reply.status != OK:
            raise of_refusal(reply)
        restricted = _decode_view(reply.body).restricted
        return self._keep(key_id, key, changes, restricted=restricted, for_s=AWAY_S if unasked else KEEP_S)

    async def _fetch(self, key_id: str, cause: str) -> DataKey:
        changes = self._changes
        reply = await self._gateway.view("data_key", key_id, ViewKey(), cause=cause)
        if reply.status != OK:
            problem = of_refusal(reply)
            if problem.code == "data_key.unknown":
                raise _unreadable(key_id, "", problem)
            raise problem
        told = _decode_wrapped(reply.body)
        if told.status == "destroyed":
            raise Erased
        key = await self._by_region(self.region_key.unwrap(told.wrapped, told.wrapping, place_of_key(key_id)))
        if UNASKED not in told.requests:
            return self._keep(key_id, key, changes, restricted=told.restricted)
        settled = await self._settled(key_id, told, cause)
        if settled is None:
            return self._keep(key_id, key, changes, restricted=True, for_s=AWAY_S)
        return self._keep(key_id, key, changes, restricted=settled)

    async def _settled(self, key_id: str, told: WrappedKey, cause: str) -> bool | None:
        """Is what an unasked key seals restricted, now that the person's other keys can be asked? It takes over what
        restricts them. None: that can't be known yet, and the key stays unasked: so it is, too, when a restriction was
        lifted since it was `told`, which may be among those that are taken over."""
        rows = await self._listed(told.person)
        if rows is None:
            return None
        others = [row.key_id for row in rows if row.status == "in_use" and row.key_id != key_id]
        requests = await self._restricting(others, cause)
        if requests is None:
            return None
        command = SettleKey(requests, told.changes)
        reply = await self._gateway.ask(
            "data_key", key_id, command, command_id=secrets.token_hex(16), digest=0, cause=cause
        )
        settled = _decode_view(reply.body) if reply.status == OK else None
        return None if settled is None or settled.unasked else settled.restricted

    async def _restricting(self, key_ids: Iterable[str], cause: str) -> list[str] | None:
        """The requests that restrict these keys; None where one does not answer. The store is behind; a
        key itself knows."""
        requests: dict[str, None] = {}
        for key_id in key_ids:
            reply = await self._gateway.view("data_key", key_id, ViewKey(), cause=cause)
            if reply.status != OK:
                return None
            requests |= dict.fromkeys(_decode_wrapped(reply.body).requests)
        return list(requests)

    async def _by_region(self, asked: Awaitable[_T]) -> _T:
        try:
            return await asked
        except KeyUnavailable as away:
            log.warning("keys.region_key_away", extra={"problem": str(away)})
            raise Problem("keys.unavailable", "The region's key can't be reached at this moment.") from None
        except KeyUnusable as fault:
            raise _unreadable("", "", fault) from None


def _key_of(sealed: bytes) -> str:
    try:
        return envelope.key_of(sealed)
    except KeyUnusable as fault:
        raise _unreadable("", "", fault) from None


def _unreadable(key_id: str, place: str, fault: Exception) -> Problem:
    """Told to operations in full; callers hear that it can't be read, not why."""
    log.error("keys.unreadable", extra={"key_id": key_id, "place": place, "problem": str(fault)})
    return Problem(_UNREADABLE, "What is sealed here can't be opened with the keys that this cell has.")


def place_of_key(key_id: str) -> str:
    """What a wrapped data key is bound to."""
    return f"data-key:{key_id}"


def _put(kept: OrderedDict[str, _T], name: str, value: _T) -> None:
    kept[name] = value
    kept.move_to_end(name)
    if len(kept) > KEPT_MAX:
        kept.popitem(last=False)
