"""An id in a path finds its cell whatever else a request says: the router has to know all nouns
whose ids name a region."""

import itertools

from router.config import RouterConfig, load
from serve.endpoint_needs import NEEDS

# `/v1/devices/claim` stands where an id does; passkeys are of the caller's account, whose token says the region; a SKU
# is the same everywhere. Customers' are of the customer, whose token says it too; a policy is named by its channel.
BY_OTHER_RULES = {
    "devices", "passkeys", "skus", "inventory", "customers/me/passkeys", "customers/me/privacy-requests", "sourcing/policies",
}  # fmt: skip


def nouns() -> set[str]:
    """What stands before the first id of a path, if that may be one of a region: of one part, or of two."""
    parts = [template.split("/")[2:] for _, template in NEEDS if "{" in template]
    before = ([*itertools.takewhile(lambda part: not part.startswith("{"), path)] for path in parts)
    return {"/".join(words) for words in before}


def test_ids_of_a_noun_go_to_the_default_region() -> None:
    assert nouns() - BY_OTHER_RULES == set(RouterConfig().id_nouns)
    assert load().id_nouns == RouterConfig().id_nouns


def test_a_word_in_the_place_of_an_id_is_taken_for_a_region() -> None:
    words = {
        template.split("/")[2]
        for _, template in NEEDS
        if len(template.split("/")) > 3 and "{" not in template.split("/")[3]
    }
    assert not words & set(RouterConfig().id_nouns)
