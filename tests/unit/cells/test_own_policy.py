"""A region's own sourcing policy: what is wrong in it is told with its key, when the cell starts."""

import pytest

from cells.config import load_region
from cells.errors import ConfigError
from cells.own_policy import own_policy


def policy(folder, text):
    (folder / "us.toml").write_text(text, encoding="utf-8")
    return own_policy(load_region("us", folder))


def test_a_region_without_one_has_one(tmp_path):
    assert policy(tmp_path, "") is None
    assert policy(tmp_path, "[sourcing]\n") is None


def test_what_stands_there_is_not_what_holds(tmp_path):
    text = """
    [region]
    currencies = ["CAD", "USD"]
    [sourcing]
    version = 4
    [sourcing.limits]
    places = 2
    by_value = [{ below_minor = 2_000, places = 1 }]
    [[sourcing.carriers]]
    name = "post"
    zones = [{ to_km = 300, parcel_minor = 500, per_kg_minor = 50, days = 2 }]
    """
    found = policy(tmp_path, text)
    assert (found.version, found.currency, found.limits.places) == (4, "CAD", 2)
    assert [carrier.name for carrier in found.carriers] == ["post"]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[sourcing.limits]\nplaces = 9\n", "limits.places"),
        ("[sourcing.rules]\nship_from_stores = true\n", "ship_from_stores"),
        ("[sourcing]\nzones = []\n", "sourcing.zones"),
        ("[sourcing]\ncarriers = []\n", "carriers is empty"),
        ('[sourcing]\ncurrency = "EUR"\n', "sourcing.currency is EUR"),
        ('[sourcing]\ncurrency = "euro"\n', "sourcing.currency"),
        ("[sourcing]\nversion = 0\n", "sourcing.version"),
    ],
)
def test_a_policy_that_can_not_be_starts_a_cell(tmp_path, text, where):
    with pytest.raises(ConfigError) as refused:
        policy(tmp_path, text)
    assert where in str(refused.value)
