"""Who comes to a world besides the clients, of whom there are some in each: worlds take turns, by their seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from tests.simulation.carriers import Carrier
from tests.simulation.cashiers import Cashier
from tests.simulation.clients import Client
from tests.simulation.collectors import Collector, StorePicker
from tests.simulation.counters import Counter
from tests.simulation.managers import Manager
from tests.simulation.packers import Packer
from tests.simulation.patients import Patient
from tests.simulation.pickers import Picker
from tests.simulation.planners import Planner
from tests.simulation.receivers import Delivery, Receiver
from tests.simulation.shoppers import Shopper
from tests.simulation.stockkeepers import Stockkeeper
from tests.simulation.supporters import Supporter


def _managers(world) -> list[Client]:
    waiting: list[str] = []
    begun: list[tuple[str, str]] = []
    managers = [Manager(world, f"m{n}", f"manager {world.seed} {n}", 12, waiting) for n in range(3)]
    managers += [Cashier(world, f"q{n}", f"cashier {world.seed} {n}", 24, waiting) for n in range(2)]
    return [*managers, *(Planner(world, f"a{n}", f"planner {world.seed} {n}", 12, begun) for n in range(2))]


def _stockkeepers(world) -> list[Client]:
    return [Stockkeeper(world, f"k{n}", f"keeper {world.seed} {n}", 24) for n in range(2)]


def _shoppers(world) -> list[Client]:
    carts: list[tuple[str, list[tuple[str, int]]]] = []
    return [Shopper(world, f"s{n}", f"shopper {world.seed} {n}", 16, carts) for n in range(3)]


def _carriers(world) -> list[Client]:
    transfers: dict[str, list[str]] = {}
    return [Carrier(world, f"t{n}", f"carrier {world.seed} {n}", 20, transfers) for n in range(3)]


def _collectors(world) -> list[Client]:
    collectors: list[Client] = [Collector(world, f"g{n}", f"collector {world.seed} {n}", 45) for n in range(3)]
    if world.seed // len(CASTS) % 2:
        # The store's floor runs.
        collectors += [StorePicker(world, f"f{n}", f"store picker {world.seed} {n}", 30) for n in range(2)]
    return collectors


def _counters(world) -> list[Client]:
    counts: list[str] = []
    return [Counter(world, f"n{n}", f"counter {world.seed} {n}", 30, counts) for n in range(3)]


def _receivers(world) -> list[Client]:
    inbounds: dict[str, Delivery] = {}
    return [Receiver(world, f"r{n}", f"receiver {world.seed} {n}", 20, inbounds) for n in range(3)]


def _pickers(world) -> list[Client]:
    return [Picker(world, f"p{n}", f"picker {world.seed} {n}", 28) for n in range(3)]


def _supporters(world) -> list[Client]:
    known: dict[str, int] = {}
    return [Supporter(world, f"u{n}", f"supporter {world.seed} {n}", 28, known) for n in range(3)]


def _patients(world) -> list[Client]:
    return [Patient(world, f"w{n}", f"patient {world.seed} {n}", 24) for n in range(3)]


def _packers(world) -> list[Client]:
    names: list[str] = []
    late: list[tuple[str, msgspec.Struct]] = []
    return [Packer(world, f"x{n}", f"packer {world.seed} {n}", 30, names, late) for n in range(3)]


def _nobody(world) -> list[Client]:
    return []


CASTS: Sequence[Callable[..., list[Client]]] = (
    _managers, _stockkeepers, _shoppers, _carriers, _counters, _receivers, _pickers, _nobody, _supporters, _patients, _packers, _collectors,
)  # fmt: skip


def cast_of(world) -> list[Client]:
    """Those of this world."""
    return CASTS[world.seed % len(CASTS)](world)
