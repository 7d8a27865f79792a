"""How often signing in may be tried: by account and by address. Who guesses passwords is slowed down long before he is
right, and the costly hashes are kept for those who may try.

    what can be guessed, or costs a hash (passwords, codes)    counted before it is looked at, by address (before its body is read) and by whom it is for
    what proves itself (refresh tokens, tickets, secrets of    looked at first; if good, counted by whom it is of,
    256 bits, what a device signed)                            if not, by address
    a passkey of staff's without a password                    by address before it is looked at; if good, by whom it is of too
    a challenge for one                                        by address; on an enrolled device by that

An address is a building with hundreds of people and devices, and with whoever is in its guests' network. So each thing
that is tried has an address's tries of its own, and nobody who proves himself is held up by what others send
from there, or in his name. Of IPv6 an address is a /64, and who rents a server or a line is often given a /48 of them:
it has a count of its own, AROUND_TIMES as wide, for many honest people may be in one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple, Protocol

from actors.runtime.errors import JournalUnavailable
from serve.context import Scope, headers_of
from serve.problems import Problem

# Of an IPv6 address.
_HOST_BITS = 64
_LOOPBACK = frozenset({"127.0.0.1", "::1"})
_KEYS_MAX = 100_000
# What a /48 may do, as a multiple of what each of its /64s may.
AROUND_TIMES = 10


class Limit(NamedTuple):
    """So many tries a minute, and so many at once by somebody who has not tried for a while."""

    per_minute: int
    burst: int

    def around(self) -> Limit:
        """The same for all that is around an address."""
        return Limit(AROUND_TIMES * self.per_minute, AROUND_TIMES * self.burst)


# People mistype; ten failures lock the account anyway.
BY_ACCOUNT = Limit(10, 15)
# A store's staff signs in from one address when the shift begins. Of IPv6 a /64 is one (`network_of`), here and below.
BY_ADDRESS = Limit(60, 60)
# Of a machine that has proved itself, as below of a session: tokens are good for five minutes.
BY_CLIENT = Limit(30, 30)
BY_SESSION = Limit(10, 15)
# Codes that are asked for: a household or an office asks from one address; by whom they are for and the network that it
# comes from (`Desk.hold_codes`). That others don't fill a mailbox from many, the codes see to.
CODES_BY_ADDRESS = Limit(10, 20)
CODES_BY_PERSON = Limit(1, 3)
# Codes that are tried, and customers' passkeys, by order or customer and the network that it comes from
# (`Desk.hold_tries`): a code is worth nothing after a few tries anyway, from wherever they come.
# Claims of devices likewise.
TRIES_BY_PERSON = Limit(10, 15)
# What customers ask about their own data: an answer reads every order of theirs, and each request is work for somebody.
OWN_DATA_BY_PERSON = Limit(2, 10)

# Carts of a customer: more is somebody who keeps goods from others.
RESERVATIONS_BY_CUSTOMER = Limit(10, 30)
# Orders that a customer places himself: they take stock as carts do, for good, and nobody here sees that one is paid.
ORDERS_BY_CUSTOMER = Limit(2, 10)
# A try again comes within minutes. Who is that much later has his burst again, or makes more of it than people do; and
# a day of them would take more of Redis's memory than they are worth.
ONCE_MS = 3_600_000


class RateLimits(Protocol):
    """Counts tries for all replicas of a cell."""

    async def take(self, key: str, now_ms: int, per_minute: int, burst: int, once: str = "", once_ms: int = 0) -> int:
        """0: the try is counted and may be made; else after how many milliseconds one may be made. `once`: what is
        tried; the same again within `once_ms` may be made and is not counted. Raises JournalUnavailable."""


class MemoryRateLimits:
    """Counts in this process alone: for tests, and for an API without a cell."""

    def __init__(self) -> None:
        # Of what counts once: until when it is not counted again.
        self._due_ms: dict[str, int] = {}

    async def take(self, key: str, now_ms: int, per_minute: int, burst: int, once: str = "", once_ms: int = 0) -> int:
        """See RateLimits."""
        if once and self._due_ms.get(once, 0) > now_ms:
            return 0
        every_ms = 60_000 // per_minute
        # Later than a whole burst from now it is only when it was counted by a clock that was ahead.
        due = min(max(now_ms, self._due_ms.pop(key, 0)), now_ms + every_ms * burst)
        if len(self._due_ms) >= _KEYS_MAX:
            self._due_ms = {name: at for name, at in self._due_ms.items() if at > now_ms}
        waits = max(0, due - now_ms - every_ms * (burst - 1))
        self._due_ms[key] = due if waits else due + every_ms
        if once and not waits:
            self._due_ms[once] = now_ms + once_ms
        return waits


async def hold_to(limits: RateLimits, limit: Limit, kind: str, who: str, now_ms: int, once: str = "") -> None:
    """Counts a try. `once`: the command's id where a repeat is answered as the first call was, so that it takes nothing
    from anybody; it counts once. Raises Problem 429 with Retry-After, or 503 when tries can't be counted. Of `who` and
    `once` only digests are kept."""
    key = f"{kind}:{_digest(who)}"
    same = f"{key}:{_digest(once)}" if once else ""
    try:
        waits_ms = await limits.take(key, now_ms, limit.per_minute, limit.burst, same, ONCE_MS)
    except JournalUnavailable:
        detail = "How often this is tried can't be counted at the moment, so it is not done: try again."
        raise Problem("auth.uncounted", detail) from None
    if waits_ms:
        wait_s = -(-waits_ms // 1000)
        raise Problem(
            "auth.too_often", f"That was tried too often. Try again in {wait_s} s.", extra={"retry_after_s": wait_s},
            headers=((b"retry-after", b"%d" % wait_s),),
        )  # fmt: skip


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


class Routers:
    """Whose word says who calls: that of this machine, and of `networks` (CIDR), where the region's routers stand."""

    def __init__(self, networks: Sequence[str] = ()) -> None:
        self._networks = tuple(ip_network(network) for network in networks)

    def address_of(self, scope: Scope) -> str:
        """The caller's address. Behind a router of ours it is what the router says (one address in X-Forwarded-For);
        from elsewhere that header is anybody's word and does not count."""
        client = scope.get("client")
        peer = str(client[0]) if client else ""
        if peer and peer not in _LOOPBACK and not self._is_router(peer):
            return peer
        value = headers_of(scope).get(b"x-forwarded-for")
        if value is None:
            return peer
        return value.decode("latin-1").rpartition(",")[2].strip()[:64] or peer

    def network_of(self, scope: Scope) -> str:
        """What counts as one caller for a limit."""
        return network_of(self.address_of(scope))

    def around_of(self, scope: Scope) -> str:
        """What counts as one owner beside that: see `around`."""
        return around(self.address_of(scope))

    @staticmethod
    def is_from_here(scope: Scope) -> bool:
        """Is whoever opened the connection on this machine? Of a router's callers that says nothing."""
        client = scope.get("client")
        told = _parsed(str(client[0])) if client else None
        return told is not None and told.is_loopback

    def _is_router(self, peer: str) -> bool:
        if not self._networks:
            return False
        told = _parsed(peer)
        return told is not None and any(told in network for network in self._networks)


def network_of(address: str) -> str:
    """An IPv4 address, or the /64 of an IPv6 one. Whoever has an address there has all 2^64 of them (RFC 4291, 2.5.1;
    RFC 8981 changes them by itself), and could try from each. What is no address stays as it is."""
    told = _parsed(address)
    if told is None:
        return address
    if told.version == 4:
        return str(told)
    return str(IPv6Network((int(told) >> _HOST_BITS << _HOST_BITS, 128 - _HOST_BITS)))


def is_address(text: str) -> bool:
    """Is it an IP address, in any spelling?"""
    return _parsed(text) is not None


def network_around(address: str) -> str:
    """What one owner may well have all of: the /48 of an IPv6 address (RFC 6177, 2), and the /16 of an IPv4 one. What
    is no address stays as it is."""
    told = _parsed(address)
    if told is None:
        return address
    if told.version == 4:
        return str(IPv4Network((int(told), 16), strict=False))
    return str(IPv6Network((int(told), 48), strict=False))


def around(address: str) -> str:
    """The /48 of an IPv6 address; "" for an IPv4 one, around which others live, and for what is no address."""
    told = _parsed(address)
    return network_around(address) if told is not None and told.version == 6 else ""


def network_named(text: str) -> str | None:
    """A /64 that somebody names as one (`2001:db8:1:2::/64`), in the spelling of
    `network_of`; None for what is none."""
    try:
        named = IPv6Network(text, strict=False)
    except ValueError:
        return None
    return str(named) if named.prefixlen == 128 - _HOST_BITS else None


def same_for_all(address: str) -> str:
    """The one spelling of an address: IPv6 has many (RFC 5952), and a socket for both kinds another one of IPv4. What
    is no address stays as it is."""
    told = _parsed(address)
    return address if told is None else str(told)


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    """Without the spelling that a socket for both kinds gives to IPv4; None for what is no address."""
    try:
        told = ip_address(address)
    except ValueError:
        return None
    return (told.ipv4_mapped or told) if told.version == 6 else told
