"""An id in a path finds its cell whatever else a request says: the router has to know all nouns whose ids name a region."""

from router.config import RouterConfig, load
from serve.permissions import NEEDS

# `/v1/devices/claim` stands where an id does; passkeys are of the caller's account, whose token says the region; a SKU is the same everywhere.
BY_OTHER_RULES = {"devices", "passkeys", "skus", "inventory"}


def nouns() -> set[str]:
    parts = [template.split("/") for _, template in NEEDS]
    return {part[2] for part in parts if len(part) > 3 and part[3].startswith("{")}


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
