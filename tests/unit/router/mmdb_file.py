"""Writes small address databases in MaxMind's format (version 2.0), so that tests need no foreign file.

Follows the published specification: a binary tree of 24-bit records over IPv6 (IPv4 lies in ::/96), 16 zero bytes,
the data section, the metadata after its marker.
"""

import ipaddress
import struct
from collections.abc import Mapping
from pathlib import Path


class _Unsigned32(int):
    pass


def _encoded(value: object) -> bytes:
    match value:
        case str():
            raw = value.encode()
            assert len(raw) < 29
            return bytes([2 << 5 | len(raw)]) + raw
        case _Unsigned32():
            return bytes([6 << 5 | 4]) + struct.pack(">I", value)
        case int() if value < 1 << 16:
            return bytes([5 << 5 | 2]) + struct.pack(">H", value)
        case int():
            return bytes([8, 9 - 7]) + struct.pack(">Q", value)
        case dict():
            return bytes([7 << 5 | len(value)]) + b"".join(_encoded(k) + _encoded(v) for k, v in value.items())
        case list():
            return bytes([len(value), 11 - 7]) + b"".join(map(_encoded, value))
    raise TypeError(value)


def write_mmdb(file: Path, records: Mapping[str, object]) -> None:
    """Write `records` (network → record) as a database."""
    tree: list[list[int | None]] = [[None, None]]
    data, leaves = b"", {}
    for number, (text, record) in enumerate(records.items()):
        network = ipaddress.ip_network(text)
        value, length = int(network.network_address), network.prefixlen + (96 if network.version == 4 else 0)
        node = 0
        for depth in range(length - 1):
            bit = value >> (127 - depth) & 1
            if tree[node][bit] is None:
                tree.append([None, None])
                tree[node][bit] = len(tree) - 1
            node = tree[node][bit] or 0
        leaf = -1 - number
        tree[node][value >> (128 - length) & 1] = leaf
        leaves[leaf] = len(data)
        data += _encoded(record)

    def pointer(record: int | None) -> bytes:
        if record is None:
            record = len(tree)
        elif record < 0:
            record = len(tree) + 16 + leaves[record]
        return struct.pack(">I", record)[1:]

    metadata = {
        "node_count": _Unsigned32(len(tree)),
        "record_size": 24,
        "ip_version": 6,
        "database_type": "Test-Country",
        "languages": ["en"],
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "build_epoch": 1_700_000_000,
        "description": {"en": "test"},
    }
    nodes = b"".join(pointer(left) + pointer(right) for left, right in tree)
    fresh = file.with_suffix(".new")
    fresh.write_bytes(nodes + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + _encoded(metadata))
    fresh.replace(file)
