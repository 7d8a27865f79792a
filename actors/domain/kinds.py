"""All nouns that the runtime keeps alive. A new one is a file beside this and a line here."""

from __future__ import annotations

from collections.abc import Mapping

from actors.domain.account import ACCOUNT
from actors.domain.catalogue import CATALOGUE
from actors.domain.claim import CLAIM
from actors.domain.client import CLIENT
from actors.domain.kind import Kind
from actors.domain.location import LOCATION
from actors.domain.order import ORDER
from actors.domain.revocations import REVOCATIONS

KINDS: Mapping[str, Kind] = {
    kind.name: kind for kind in (ORDER, LOCATION, CATALOGUE, CLAIM, ACCOUNT, CLIENT, REVOCATIONS)
}
