"""What stands in the way of a start is told before anything is started, with the next step."""

import os
import socket

import msgspec
import pytest

from cells import checks
from cells.errors import CellError, MemoryTooLow, PortTaken
from cells.settings import Api, Ray, RegionConfig


def _config(**ray) -> RegionConfig:
    return msgspec.structs.replace(RegionConfig(), ray=Ray(**ray))


def _meminfo(tmp_path, available_mb: int):
    file = tmp_path / "meminfo"
    file.write_text(f"MemTotal:       99999999 kB\nMemFree:  1 kB\nMemAvailable:   {available_mb * 1024} kB\n")
    return file


def test_too_little_memory_is_found_out_by_the_kernel(tmp_path):
    with pytest.raises(MemoryTooLow) as caught:
        checks.check_memory([_config(memory_min_mb=900), _config(memory_min_mb=900)], _meminfo(tmp_path, 1000))
    assert "1000 MB" in caught.value.problem
    assert "1800 MB" in caught.value.problem
    assert "REGIONS=us" in caught.value.next_step


def test_enough_memory_is_refused_or_an_unknown_machine(tmp_path):
    checks.check_memory([_config(memory_min_mb=10)], _meminfo(tmp_path, 11))
    checks.check_memory([_config(memory_min_mb=10**9)], tmp_path / "there is no such file")


def test_a_taken_port_is_not_told_with_the_process_that_has_it(free_port):
    with socket.socket() as other:
        other.bind(("127.0.0.1", free_port))
        other.listen()
        config = msgspec.structs.replace(RegionConfig(), api=Api(port=free_port))
        with pytest.raises(PortTaken) as caught:
            checks.check_ports(config)
    assert f"port {free_port} of 127.0.0.1" in caught.value.problem
    assert f"process {os.getpid()}" in caught.value.problem
    assert "api.port in config/regions/us.toml" in caught.value.next_step


def test_a_taken_port_of_ray_names_no_key(monkeypatch):
    # Nobody has these ports, so that each would be waited for like one whose process is dying.
    monkeypatch.setattr(checks, "_DYING_S", 0.0)
    for port, key in ((8121, "ray.dashboard_port"), (21_005, "ray.port_base")):
        monkeypatch.setattr(checks, "_can_listen", lambda host, asked, taken=port: asked != taken)
        with pytest.raises(PortTaken, match=f"{key} in config/regions/us.toml"):
            checks.check_ports(RegionConfig())


def test_an_old_python_goes_on_until_it_breaks():
    with pytest.raises(CellError, match=r"Python 3\.10"):
        checks.check_python((3, 10))
    checks.check_python((3, 11))
