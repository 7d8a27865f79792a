"""All nouns that the runtime keeps alive. A new one is a file beside this, a line here, and what the audit
says of it in `acts.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from actors.domain.account import ACCOUNT
from actors.domain.acts import ACTS
from actors.domain.alert import ALERT
from actors.domain.approval import APPROVAL
from actors.domain.breach import BREACH
from actors.domain.catalogue import CATALOGUE
from actors.domain.claim import CLAIM
from actors.domain.client import CLIENT
from actors.domain.collection import COLLECTION
from actors.domain.consent import CONSENT
from actors.domain.count import COUNT
from actors.domain.customer import CUSTOMER
from actors.domain.data_key import DATA_KEY
from actors.domain.device import DEVICE
from actors.domain.floor import FLOOR
from actors.domain.guest import GUEST
from actors.domain.inbound import INBOUND
from actors.domain.kind import Kind
from actors.domain.location import LOCATION
from actors.domain.manifest import MANIFEST
from actors.domain.notice import NOTICE
from actors.domain.order import ORDER
from actors.domain.privacy_request import PRIVACY_REQUEST
from actors.domain.reservation import RESERVATION
from actors.domain.revocations import REVOCATIONS
from actors.domain.shipment import SHIPMENT
from actors.domain.simulations import SIMULATIONS
from actors.domain.sourcing_policies import SOURCING_POLICIES
from actors.domain.sscc_series import SSCC_SERIES
from actors.domain.trail import TRAIL
from actors.domain.transfer import TRANSFER

_NOUNS = (
    ORDER, RESERVATION, LOCATION, CATALOGUE, CLAIM, ACCOUNT, CLIENT, REVOCATIONS, TRAIL, CUSTOMER, GUEST, NOTICE, ALERT,
    APPROVAL, DATA_KEY, DEVICE, BREACH, PRIVACY_REQUEST, CONSENT, TRANSFER, COUNT, INBOUND, FLOOR, COLLECTION,
    SOURCING_POLICIES, SHIPMENT, MANIFEST, SSCC_SERIES, SIMULATIONS,
)  # fmt: skip
KINDS: Mapping[str, Kind] = {noun.name: replace(noun, act=ACTS.get(noun.name)) for noun in _NOUNS}
