"""What a test or a benchmark starts must find its port free: once in some hundred runs one did not."""

import os
import socket
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from cells.config import CONFIG_FOLDER, load_all
from cells.ports import ray_ports
from perf import ports
from perf.chaos.own_cell import SPAN_RAY, SPANS

PROJECT = Path(__file__).parents[3]


def _elsewhere(code: str) -> str:
    """What another process prints."""
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_drawn_port_is_one_that_the_system_gives_to_a_connection_or_that_a_cell_takes():
    drawn = set(ports.DRAWN)
    assert max(drawn) < 32_768, "ports above are handed out by Linux for outgoing connections"
    for config in load_all(folder=CONFIG_FOLDER):
        assert drawn.isdisjoint([*ray_ports(config).all(), config.api.port, config.api.serve_port])
    for base in SPANS:
        assert drawn.isdisjoint(range(base, base + SPAN_RAY + 3))
    assert all(second - first >= SPAN_RAY + 3 for first, second in pairwise(SPANS))


# Four of these, beside those that anybody else draws; the process' number keeps two runs apart.
APART = range(9_000, 9_400)


@pytest.fixture
def four(monkeypatch):
    """Only these may be drawn, and they are free."""
    monkeypatch.setattr(ports, "_claims", [])
    turn = os.getpid() * 4 % len(APART)
    for start in [*APART[turn::4], *APART[:turn:4]]:
        span = range(start, start + 4)
        monkeypatch.setattr(ports, "DRAWN", span)
        # Who holds the port before them has all four to himself, also against another run.
        with socket.socket(type=socket.SOCK_DGRAM) as guard:
            try:
                guard.bind(("127.0.0.1", 60_000 + start - APART.start))
            except OSError:
                continue
            if not all(_is_free(kind, port) for port in span for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)):
                continue
            yield span
            break
    for claim in ports._claims:
        claim.close()


def _is_free(kind: socket.SocketKind, port: int) -> bool:
    with socket.socket(type=kind) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def test_a_port_is_drawn_twice_before_its_server_listens(four):
    assert sorted([*ports.free_ports(1), *ports.free_ports(3)]) == list(four)
    with pytest.raises(OSError, match="is free; end another run first"):
        ports.free_ports(1)


def test_another_process_draws_the_same_port(four):
    (mine,) = ports.free_ports(1)
    code = f"from perf import ports; ports.DRAWN = range({four.start}, {four.stop}); print(*ports.free_ports(3))"
    assert sorted([mine, *map(int, _elsewhere(code).split())]) == list(four)
    assert sorted([mine, *ports.free_ports(3)]) == list(four), "what another process had is lost with it"


def test_a_port_is_drawn_that_somebody_listens_on(four):
    with socket.create_server(("127.0.0.1", four[1])):
        assert four[1] not in ports.free_ports(3)


def test_a_drawn_port_can_not_be_listened_on(four):
    for port in ports.free_ports(4):
        socket.create_server(("127.0.0.1", port)).close()
