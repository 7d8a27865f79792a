"""What the index says of kits, against a plain, slow model; rows of one change come in any order."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from actors.domain import catalogue
from actors.domain.article import Details, encoded
from actors.domain.catalogue import DefineSkus, Said
from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.rows import LocationRow, SkuRow, StockRow
from serve.availability.index import AvailabilityIndex

CONTEXT = Context("us-catalogue", "command", 1_767_225_600_000)
PLACES = ("us-a", "us-b", "us-c")
SKUS = "ABCDE"


def stock_row(location_id: str, sku: str, units: int) -> StockRow:
    return StockRow(location_id, sku, units, 0, 0)


class Region:
    """The catalogue, stock as it was last told, and the index that is fed with both."""

    def __init__(self) -> None:
        self.index = AvailabilityIndex("us", 0, 0)
        self.index.rows(
            [LocationRow(name, 1, "warehouse", name, "", "US", n, 0, "UTC") for n, name in enumerate(PLACES)]
        )
        self.state: catalogue.Catalogue | None = None
        self.units: dict[tuple[str, str], int] = {}
        self.define(dict.fromkeys(SKUS, ()))

    def define(self, kits, shuffled=lambda rows: rows) -> None:
        said = [Said(sku, Details(kit=kit), ["kit"]) for sku, kit in kits.items()]
        command = DefineSkus([(sku, "") for sku in kits], said)
        try:
            events = catalogue.decide(self.state, command, CONTEXT).events
        except Refused:
            return
        for event in events:
            self.state = catalogue.evolve(self.state, event, CONTEXT)
        if events:
            self.index.rows(shuffled(catalogue.rows(self.state, 1, events, CONTEXT)))

    def put(self, location_id: str, sku: str, units: int) -> None:
        self.units[location_id, sku] = units
        self.index.rows([stock_row(location_id, sku, units)])

    def expected(self, sku: str) -> dict[str, int]:
        """Location → available, straight from the definition."""
        details = self.state.details.get(sku)
        parts = details.kit if details is not None and details.kit else ((sku, 1),)
        found = {at: min(self.units.get((at, part), 0) // each for part, each in parts) for at in PLACES}
        return {at: units for at, units in found.items() if units}

    def told(self, sku: str):
        return msgspec.json.decode(self.index.encoded(sku, self.index.places.seen_from(0, 0), 10))

    def check(self) -> None:
        for sku in SKUS:
            told, expected = self.told(sku), self.expected(sku)
            assert {at["location_id"]: at["available"] for at in told["locations"]} == expected
            assert told["available"] == sum(expected.values())


KITS = st.lists(st.tuples(st.sampled_from(SKUS), st.integers(1, 3)), max_size=3, unique_by=lambda part: part[0]).map(
    tuple
)
STOCK = st.tuples(st.sampled_from(PLACES), st.sampled_from(SKUS), st.integers(0, 7))
STEPS = st.lists(STOCK | st.dictionaries(st.sampled_from(SKUS), KITS, min_size=1, max_size=4), max_size=30)


@given(STEPS, st.data())
def test_a_kit_is_told_otherwise_than_its_parts_allow(steps, data):
    region = Region()
    for step in steps:
        region.index.keep(b"q", list(SKUS), b"made of all")
        kept = region.index.kept(b"q") is not None
        before = [region.expected(sku) for sku in SKUS]
        if isinstance(step, tuple):
            region.put(*step)
        else:
            region.define(step, lambda rows: data.draw(st.permutations(rows)))
        region.check()
        if kept and [region.expected(sku) for sku in SKUS] != before:
            assert region.index.kept(b"q") is None
        # Another replica that hears of all only now, in whatever order, tells the same.
        late = Region()
        late.state, late.units = region.state, region.units
        rows = [
            *catalogue.feed("us-catalogue", region.state, 1),
            *(stock_row(*key, n) for key, n in region.units.items()),
        ]
        late.index.rows(data.draw(st.permutations(rows)))
        late.check()


def test_stock_of_its_own_is_lost_or_offered_while_it_is_a_kit():
    region = Region()
    region.put("us-a", "A", 5)
    region.put("us-b", "B", 6)
    region.define({"A": (("B", 2),)})
    assert region.told("A")["available"] == 3
    region.put("us-a", "A", 4)
    assert region.told("A")["available"] == 3
    region.define({"A": ()})
    assert region.told("A")["available"] == 4


def test_what_is_no_kit_is_kept_with_more_than_its_description():
    index = AvailabilityIndex("us", 0, 0)
    index.rows([SkuRow("us-catalogue", f"s{n}", "", 1) for n in range(100)])
    assert not index._details
    index.rows([SkuRow("us-catalogue", "s1", "", 2, encoded(Details(weight_g=5)))])
    assert index.details("s1") == Details(weight_g=5)
    assert not index._stock
    index.rows([SkuRow("us-catalogue", "s1", "", 3)])
    assert not index._details


def test_a_kit_without_a_change_of_its_parts_is_made_anew():
    """Hosts feed all rows again whenever they like."""
    region = Region()
    region.define({"A": (("B", 2),)})
    region.put("us-a", "B", 4)
    stock = region.index._stock["A"]
    changes = stock.changes
    for _ in range(3):
        region.index.rows(catalogue.feed("us-catalogue", region.state, 9))
    assert stock.changes == changes
    assert len(region.index._stock["B"].kits) == 1


def test_a_kit_of_which_the_parts_are_exchanged_is_told_to_a_channel_as_it_was():
    region = Region()
    region.index.rows([StockRow("us-a", "A", 10, 0, 0, buffers="online:5"), stock_row("us-a", "B", 10)])
    region.define({"K": (("A", 1),)})
    seen = region.index.places.seen_from(0, 0)

    def told() -> int:
        return msgspec.json.decode(region.index.encoded("K", seen, 10, "online"))["available"]

    assert told() == 5
    region.index.keep(b"q", ["K"], b"five")
    region.define({"K": (("B", 1),)})
    assert told() == 10
    assert region.index.kept(b"q") is None
    region.define({"K": (("A", 1),)})
    assert told() == 5
