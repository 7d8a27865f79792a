"""Client address → region, from an address database in MaxMind's format.

The whole database is walked once, and what the router doesn't need is dropped: networks keep only their region, those
of countries that no region serves are left out, and neighbours of one region are joined. HAProxy then looks an
address up in a prefix tree, without the database.
"""

import hashlib
import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

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


def joined(networks: Iterable[tuple[Network, str]]) -> Iterator[tuple[Network, str]]:
    """Join neighbours of the same region; `networks` must come in address order, without overlap, as databases do.

    Keeps a stack: two halves of one network with the same region become that network, again and again. The stack
    holds at most one network per prefix length that may still grow.
    """
    stack: list[tuple[Network, str]] = []
    for network, region in networks:
        stack.append((network, region))
        while len(stack) > 1 and (whole := _whole(stack[-2], stack[-1])):
            stack[-2:] = [whole]
        while len(stack) > 1 and not _may_grow(stack[0], stack[-1]):
            yield stack.pop(0)
    yield from stack


def _whole(left: tuple[Network, str], right: tuple[Network, str]) -> tuple[Network, str] | None:
    (one, region), (other, other_region) = left, right
    if region != other_region or one.version != other.version or one.prefixlen != other.prefixlen or not one.prefixlen:
        return None
    above = one.supernet()
    return (above, region) if one != other and above == other.supernet() else None


def _may_grow(first: tuple[Network, str], last: tuple[Network, str]) -> bool:
    """Whether what comes after `last` can still be the other half of `first`."""
    network, after = first[0], last[0]
    if network.version != after.version or not network.prefixlen:
        return False
    above = network.supernet()
    return above.network_address == network.network_address and int(after.network_address) <= int(
        above.broadcast_address
    )


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
