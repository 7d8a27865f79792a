"""From where somebody asks, as the audit keeps it in one field: a keyed digest of the address, and of IPv6
one of its network before it.

    IPv4    a-4f0c…             the address, which is its own network
    IPv6    a-91bb….27de…       its /64, and the address itself

Whoever has one address of a /64 has them all (RFC 4291, 2.5.1; RFC 8981 changes them by itself), so by a whole address
nobody is known again. Lines of before that have of IPv6 the digest of the address alone.
"""

from __future__ import annotations

_PREFIX = "a-"
_BETWEEN = "."


def joined(network: str, whole: str) -> str:
    """The field, of both digests: one of them where they are the same."""
    return network if network == whole else f"{network}{_BETWEEN}{whole.removeprefix(_PREFIX)}"


def network_in(field: str) -> str:
    """The digest of the network: what counts as one place."""
    return field.partition(_BETWEEN)[0]


def stands_as(field: str) -> tuple[str, ...]:
    """All that an address stands as: of IPv6 also what it was before networks were kept."""
    _, between, whole = field.partition(_BETWEEN)
    return (field, f"{_PREFIX}{whole}") if between else (field,)


def within(network: str) -> str:
    """How the addresses of a network begin."""
    return f"{network}{_BETWEEN}"
