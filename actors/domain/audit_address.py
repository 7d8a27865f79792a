"""From where somebody asks, as the audit keeps it in one field: a keyed digest of the address, and of IPv6
those of its networks with it.

    IPv4    a-4f0c…                 the address, which is its own network
    IPv6    a-91bb….27de….60f2…     its /64, the address itself, and its /48

Whoever has one address of a /64 has them all (RFC 4291, 2.5.1; RFC 8981 changes them by itself), so by a whole address
nobody is known again; and one owner may well have all of a /48 (RFC 6177, 2). Lines of before have of IPv6 no /48, and
the oldest have the digest of the address alone.
"""

from __future__ import annotations

_PREFIX = "a-"
_BETWEEN = "."


def joined(network: str, whole: str, around: str) -> str:
    """The field, of the three digests."""
    return _BETWEEN.join((network, whole.removeprefix(_PREFIX), around.removeprefix(_PREFIX)))


def network_in(field: str) -> str:
    """The digest of the network: what counts as one place."""
    return field.partition(_BETWEEN)[0]


def around_in(field: str) -> str:
    """The digest of what one owner may have all of; of IPv4, and of lines of before, that of the network."""
    parts = field.split(_BETWEEN)
    return f"{_PREFIX}{parts[2]}" if len(parts) > 2 else parts[0]


def stands_as(field: str) -> tuple[str, ...]:
    """All that an address stands as: of IPv6 also what it was before its networks were kept."""
    network, *more = field.split(_BETWEEN)
    before = [_BETWEEN.join((network, more[0]))] if len(more) > 1 else []
    return (field, *before, *(f"{_PREFIX}{whole}" for whole in more[:1]))


def within(network: str) -> str:
    """How the addresses of a network begin."""
    return f"{network}{_BETWEEN}"
