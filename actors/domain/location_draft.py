"""A location's books while a command is being decided: entries are tried on copies, so that each one sees those before
it, and a refusal leaves the location as it was."""

from __future__ import annotations

from copy import copy

from actors.domain.errors import Refused
from actors.domain.location_events import AsideState, Entry, LotOpened
from actors.domain.location_state import Counts, Location, Lot, Stock

ON_HAND_MAX = 1_000_000_000


class Draft:
    """`entries`: in order; `opened`: lots that were not here."""

    def __init__(self, location: Location) -> None:
        self.location = location
        self.entries: list[Entry] = []
        self.opened: list[LotOpened] = []
        self._stock: dict[str, Stock] = {}
        self._lots: dict[str, dict[str, Lot]] = {}
        self._contents: dict[str, dict[str, dict[str, int]]] = {}

    @property
    def touched(self) -> dict[str, Stock]:
        """The stock as it would be, of the SKUs that were asked for."""
        return self._stock

    def stock(self, sku: str) -> Stock:
        """As it would be now."""
        found = self._stock.get(sku)
        if found is None:
            known = self.location.stock.get(sku)
            found = self._stock[sku] = copy(known) if known is not None else Stock()
        return found

    def lots(self, sku: str) -> dict[str, Lot]:
        """The SKU's lots as they would be now; empty when it has none."""
        found = self._lots.get(sku)
        if found is None:
            found = self._lots[sku] = {name: copy(lot) for name, lot in self.location.lots.get(sku, {}).items()}
        return found

    def counts(self, sku: str, lot: str) -> Counts:
        """Of the lot, or of the SKU where it has none. Raises Refused `stock.lot_required`, `stock.lot_unknown`."""
        lots = self.lots(sku)
        if not lot:
            if lots:
                raise Refused("stock.lot_required", f"{sku} is kept by lot here: name the lot.", sku=sku)
            return self.stock(sku)
        if lot not in lots:
            raise Refused("stock.lot_unknown", f"There is no lot {lot} of {sku} here.", sku=sku, lot=lot)
        return lots[lot]

    def contents(self, sku: str, lot: str) -> dict[str, int]:
        """Units of the lot by bin as they would be now."""
        by_lot = self._contents.get(sku)
        if by_lot is None:
            # By lot once: there may be thousands, of goods with serial numbers.
            by_lot = self._contents[sku] = {}
            for (bin_id, of), units in self.location.contents.get(sku, {}).items():
                by_lot.setdefault(of, {})[bin_id] = units
        return by_lot.setdefault(lot, {})

    def unplaced(self, sku: str, lot: str) -> int:
        """Units on hand that lie in no bin."""
        return self.counts(sku, lot).on_hand - sum(self.contents(sku, lot).values())

    def open_lot(self, opened: LotOpened) -> None:
        """A lot that was not here. Raises Refused `stock.lot_not_kept` where there is stock without one."""
        if not self.lots(opened.sku) and self.stock(opened.sku).on_hand:
            units = self.stock(opened.sku).on_hand
            detail = f"{opened.sku} is not kept by lot here while {units} units without one are here."
            raise Refused("stock.lot_not_kept", detail, sku=opened.sku, on_hand=units)
        self.lots(opened.sku)[opened.lot] = Lot(expires_on=opened.expires_on, serial=opened.serial)
        self.opened.append(opened)

    def add(self, entry: Entry) -> None:
        """One more line. Raises Refused `stock.too_much`; that nothing gets negative is the caller's to see to."""
        stock = self.stock(entry.sku)
        apply(entry, stock)
        if stock.on_hand > ON_HAND_MAX:
            raise Refused("stock.too_much", f"More than {ON_HAND_MAX} units of {entry.sku}.", sku=entry.sku)
        if entry.lot:
            apply(entry, self.lots(entry.sku)[entry.lot])
        if entry.bin:
            contents = self.contents(entry.sku, entry.lot)
            contents[entry.bin] = contents.get(entry.bin, 0) + entry.bin_delta
        self.entries.append(entry)


def apply(entry: Entry, counts: Counts) -> None:
    """What the entry does to the counts of its SKU, or of its lot."""
    counts.on_hand += entry.on_hand
    counts.allocated += entry.allocated
    if entry.aside is not None:
        put_aside(entry.aside, counts)


def put_aside(aside: tuple[AsideState, int], counts: Counts) -> None:
    """Adds to the count of that state."""
    state, delta = aside
    if state == "reserved":
        counts.reserved += delta
    elif state == "damaged":
        counts.damaged += delta
    else:
        counts.quality_hold += delta
