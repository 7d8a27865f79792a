"""What callers send of goods, checked and in base units."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from actors.domain.inbound_commands import (
    AnnouncedLine,
    AnnouncedPackage,
    PackedGoods,
    ReceivedGoods,
    ReceivedPackage,
)
from serve.catalogue.known import Catalogue
from serve.inbounds.schemas import NewInboundLine, NewInboundPackage, NewInboundReceipt
from serve.locations.calls import LocationCalls, line_value
from serve.receiving.lines import PackedLine, ReceivedLine, base_units, check_no_kit, day_or_none, units_of


class GoodsCheck:
    """Checks SKUs, currencies, units, lots and serial numbers. All raise Problem 422 with the place."""

    def __init__(self, locations: LocationCalls) -> None:
        self._locations = locations

    async def announced(self, lines: Sequence[NewInboundLine], cause: str) -> list[AnnouncedLine]:
        """Lines of the purchase order."""
        for position, line in enumerate(lines):
            self._locations.check_value(line.unit_value, position)
        await self._locations.known.require([line.sku for line in lines], "/lines/{}/sku", cause)

        def counted(catalogue: Catalogue) -> list[int]:
            for position, line in enumerate(lines):
                check_no_kit(catalogue.details(line.sku), line.sku, f"/lines/{position}")
            return [
                base_units(catalogue.details(line.sku), line.quantity, line.unit, f"/lines/{position}")
                for position, line in enumerate(lines)
            ]

        units = await self._locations.known.judged(counted, [line.sku for line in lines], cause)
        return [
            AnnouncedLine(line.line, line.sku, n, line_value(line.unit_value))
            for line, n in zip(lines, units, strict=True)
        ]

    async def _units(self, lines: Sequence[PackedLine], places: Sequence[str], cause: str) -> list[int]:
        def counted(catalogue: Catalogue) -> list[int]:
            return units_of(catalogue, lines, places.__getitem__)

        return await self._locations.known.judged(counted, [line.sku for line in lines], cause)

    async def packed(self, packages: Sequence[NewInboundPackage], cause: str) -> list[AnnouncedPackage]:
        """What is announced by package: of what is kept by lot or serial number these have to be known, as the
        package may come just so."""
        for at, package in enumerate(packages):
            await self._locations.known.require(
                [line.sku for line in package.lines], f"/packages/{at}/lines/{{}}/sku", cause
            )
        places = [f"/packages/{at}/lines/{n}" for at, package in enumerate(packages) for n in range(len(package.lines))]
        lines = [line for package in packages for line in package.lines]
        counted = await self._units(lines, places, cause)
        goods = iter(
            PackedGoods(line.sku, units, line.lot, day_or_none(line.expires_on), line.serials)
            for line, units in zip(lines, counted, strict=True)
        )
        return [AnnouncedPackage(package.sscc, [next(goods) for _ in package.lines]) for package in packages]

    async def received(self, sent: NewInboundReceipt, cause: str) -> tuple[list[ReceivedPackage], list[ReceivedGoods]]:
        """Packages and lines that came."""
        inside = [package.lines or [] for package in sent.packages]
        places = [f"/packages/{at}/lines/{n}" for at, lines in enumerate(inside) for n in range(len(lines))]
        places += [f"/lines/{n}" for n in range(len(sent.lines))]
        for at, packed in enumerate(inside):
            await self._locations.known.require([line.sku for line in packed], f"/packages/{at}/lines/{{}}/sku", cause)
        await self._locations.known.require([line.sku for line in sent.lines], "/lines/{}/sku", cause)
        lines: list[ReceivedLine] = [*chain.from_iterable(inside), *sent.lines]
        counted = await self._units(lines, places, cause)
        goods = iter(_goods(line, units) for line, units in zip(lines, counted, strict=True))
        packages = [
            ReceivedPackage(
                package.sscc, None if package.lines is None else [next(goods) for _ in package.lines], package.bin
            )
            for package in sent.packages
        ]
        return packages, list(goods)


def _goods(line: ReceivedLine, units: int) -> ReceivedGoods:
    expires_on = day_or_none(line.expires_on)
    return ReceivedGoods(line.sku, units, line.condition, line.lot, expires_on, line.bin, line.serials)
