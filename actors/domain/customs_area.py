"""Whether a parcel leaves the customs territory, so that it has to be declared.

Source: Regulation (EU) 952/2013, Art. 4: the member states are one customs territory. Parts of them that are not (the
Canaries, Åland, …) have a declaration all the same, which who packs asks for.
"""

from __future__ import annotations

EU = frozenset(
    {
        "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT",
        "RO", "SE", "SI", "SK",
    }
)  # fmt: skip


def leaves(sender_country: str, recipient_country: str) -> bool:
    """Is it declared to customs? Countries: ISO 3166-1 alpha-2."""
    return sender_country != recipient_country and not {sender_country, recipient_country} <= EU
