"""Client address → region, from an address database in MaxMind's format.

The whole database is walked once, and what the router doesn't need is dropped: networks keep only their region, those
of countries that no region serves are left out, and neighbours of one region are joined. HAProxy then looks an
address up in a prefix tree, without the database.
"""

import hashlib
import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import maxminddb

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class AddressDatabaseError(Exception):
    """The address database can't be read, or is none; the message says which file and what would be right."""


def country_of(record: object) -> str | None:
    """The ISO country of a record, or None.

    Databases differ: `country.iso_code` (MaxMind), `country_code`, or `country` as two letters (other publishers).
    """
    if not isinstance(record, Mapping):
        return None
    country = record.get("country")
    found = country.get("iso_code") if isinstance(country, Mapping) else record.get("country_code") or country
    return found.upper() if isinstance(found, str) and len(found) == 2 else None


class _Block(NamedTuple):
    """A network as numbers: databases have millions, and `ipaddress` arithmetic would take minutes."""

    region: str
    bits: int  # of an address: 32 or 128
    first: int
    prefix: int


def joined(networks: Iterable[tuple[Network, str]]) -> Iterator[tuple[Network, str]]:
    """Join neighbours of the same region; `networks` must come in address order, without overlap, as databases do.

    Keeps a stack: two halves of one network with the same region become that network, again and again. Each block on
    it is the beginning of the other half of the one below, so there is at most one per prefix length.
    """
    stack: list[_Block] = []
    for network, region in networks:
        stack.append(_Block(region, network.max_prefixlen, int(network.network_address), network.prefixlen))
        while len(stack) > 1 and (whole := _whole(stack[-2], stack[-1])):
            stack[-2:] = [whole]
        if len(stack) > 1 and not _begins_other_half(stack[-2], stack[-1]):
            yield from map(_network, stack[:-1])
            del stack[:-1]
    yield from map(_network, stack)


def _whole(left: _Block, right: _Block) -> _Block | None:
    if left.prefix != right.prefix or not _begins_other_half(left, right):
        return None
    return left._replace(prefix=left.prefix - 1)


def _begins_other_half(left: _Block, right: _Block) -> bool:
    size = 1 << (left.bits - left.prefix)
    return (
        left.region == right.region
        and left.bits == right.bits
        and left.prefix <= right.prefix
        and not left.first & size
        and right.first == left.first + size
    )


def _network(block: _Block) -> tuple[Network, str]:
    kind = ipaddress.IPv4Network if block.bits == 32 else ipaddress.IPv6Network
    return kind((block.first, block.prefix)), block.region


def networks(file: Path, region_of: Mapping[str, str]) -> Iterator[tuple[Network, str]]:
    """The networks of a database whose country some region serves, joined. Raises `AddressDatabaseError`."""
    try:
        with maxminddb.open_database(file) as database:
            served = (
                (network, region_of[country])
                for network, record in database
                if (country := country_of(record)) in region_of and country is not None
            )
            yield from joined(served)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        raise AddressDatabaseError(f"{file}: not a readable address database (MaxMind format): {error}") from error


def fingerprint(file: Path, region_of: Mapping[str, str]) -> str:
    """Changes when the database or the countries change. Raises `AddressDatabaseError` when there is no such file."""
    try:
        stat = file.stat()
    except OSError as error:
        raise AddressDatabaseError(f"{file}: {error.strerror}; correct router.mmdb or make it empty") from error
    text = f"{file} {stat.st_size} {stat.st_mtime_ns} {sorted(region_of.items())}"
    return hashlib.sha256(text.encode()).hexdigest()


def address_map(file: Path, region_of: Mapping[str, str]) -> Iterator[str]:
    """The lines of HAProxy's map, the first one a comment with the fingerprint. Raises `AddressDatabaseError`."""
    yield f"# {fingerprint(file, region_of)}\n"
    for network, region in networks(file, region_of):
        yield f"{network} {region}\n"
