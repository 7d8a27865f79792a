"""What auditors look for, as it stands in lines; what can stand in none is refused: no lines at all would look
as if nothing had been done.

subject, device    ids of this cell
location_id        likewise
entity_id          likewise, of any kind
since, until       the first is earlier
text               has a letter or a digit: signs are no words, and what has none is found in no line
address            in the clear, or a /64 of IPv6 ──▶ its keyed digest
behalf             a customer's reference in the clear ──▶ its keyed digest; or a digest as a line has it
"""

from __future__ import annotations

import re

from actors.domain.ids import ANY_PATTERN, DEVICE_PATTERN, LOCATION_PATTERN, is_of
from actors.domain.times import DAY_MS
from actors.runtime.audit_lines import Filter
from serve.audit.who import DIGEST_CHARS, address_digest, pseudonym
from serve.identity.keyring import Keyring
from serve.identity.limits import is_address, network_named
from serve.problems import parameter_problem

# A device or a customer has no index. Lines of so many days can be read one by one, those of months can't.
UNINDEXED_DAYS_MAX = 7
_DIGEST = re.compile(rf"[a-z]-[0-9a-f]{{{DIGEST_CHARS}}}")


def check_ids(wanted: Filter, region: str) -> None:
    """Raises Problem 422 for a subject, device, location or entity that is nobody's and nothing's
    id here: a login, a name."""
    if wanted.subject and not is_of(wanted.subject, ANY_PATTERN, region):
        raise parameter_problem(
            "subject",
            f"Not an id, e.g. {region}-acct-… or {region}-client-erp-bridge; of whose login it is, tells POST /v1/account-searches.",
        )
    if wanted.entity_id and not is_of(wanted.entity_id, ANY_PATTERN, region):
        raise parameter_problem(
            "entity_id",
            f"Not an id, e.g. {region}-acct-… or {region}-wh-seattle; an account's, by its login, tells POST /v1/account-searches.",
        )
    if wanted.location_id and not is_of(wanted.location_id, LOCATION_PATTERN, region):
        raise parameter_problem("location_id", f"Not an id, e.g. {region}-wh-seattle.")
    if wanted.device and not is_of(wanted.device, DEVICE_PATTERN, region):
        raise parameter_problem("device", f"Not an enrolled device's id, {region}-device-…")


def check_words(wanted: Filter) -> None:
    """Raises Problem 422 for a text in which there is nothing to look for."""
    if wanted.text and not any(map(str.isalnum, wanted.text)):
        raise parameter_problem("text", "There is no word in it: words have letters or digits.")


def check_span(wanted: Filter) -> None:
    """Raises Problem 422 for a time that ends before it begins, or as it does."""
    if wanted.since_ms is not None and wanted.until_ms is not None and wanted.until_ms <= wanted.since_ms:
        raise parameter_problem("until", "It has to be later than `since`: no line would be meant.")


def check_small(wanted: Filter, now_ms: int) -> None:
    """Raises Problem 422 where a device or a customer would be looked for in all lines that there are."""
    found_by = (wanted.subject, wanted.entity_id, wanted.action, wanted.location_id, wanted.address, wanted.text)
    unindexed = "device" if wanted.device else "behalf" if wanted.behalf else ""
    if not unindexed or any(found_by):
        return
    until_ms = now_ms if wanted.until_ms is None else wanted.until_ms
    if wanted.since_ms is None or until_ms - wanted.since_ms > UNINDEXED_DAYS_MAX * DAY_MS:
        others = "`subject`, `entity_id`, `action`, `location_id`, `address`, `text`"
        raise parameter_problem(
            unindexed,
            f"By this alone only {UNINDEXED_DAYS_MAX} days are searched: give `since` and `until`, or one of {others}.",
        )


def sought_address(keys: Keyring, sought: str) -> str:
    """An address that somebody looks for, or a /64 of IPv6. Raises Problem 422 for what is none, and for another
    network: of these there is no digest."""
    network = network_named(sought) if "/" in sought else None
    if network is not None:
        return pseudonym(keys, "address", network)
    if not is_address(sought):
        raise parameter_problem(
            "address", "An address is looked for whole, or as a /64 of IPv6, e.g. 2001:db8:1:2::/64."
        )
    return address_digest(keys, sought)


def sought_behalf(keys: Keyring, sought: str) -> str:
    """Whose data it was. Raises Problem 422 for an e-mail address, which would stay in logs and
    histories as a part of the URL."""
    if _DIGEST.fullmatch(sought):
        return sought
    if "@" in sought:
        raise parameter_problem(
            "behalf", "A customer's reference, or the digest that stands in a line; no e-mail address."
        )
    return pseudonym(keys, "customer", sought)
