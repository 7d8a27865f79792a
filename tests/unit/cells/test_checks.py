"""What stands in the way of a start is told before anything is started, with the next step."""

import os
import socket
import tomllib

import msgspec
import pytest

from cells import checks
from cells.config import PROJECT
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


def test_files_that_a_container_has_read_count_as_memory_that_nobody_gives_back(tmp_path):
    for name, text in {
        "memory.max": "1000000000\n",
        "memory.current": "900000000\n",
        "memory.stat": "anon 1\ninactive_file 600000000\n",
    }.items():
        (tmp_path / name).write_text(text)
    assert checks._available_mb(_meminfo(tmp_path, 10_000), tmp_path) == 700_000_000 // 1024 // 1024
    (tmp_path / "memory.max").write_text("max\n")
    assert checks._available_mb(_meminfo(tmp_path, 10_000), tmp_path) == 10_000


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
        monkeypatch.setattr(checks, "can_listen", lambda host, asked, taken=port: asked != taken)
        with pytest.raises(PortTaken, match=f"{key} in config/regions/us.toml"):
            checks.check_ports(RegionConfig())


@pytest.mark.parametrize("found", [(3, 10), (3, 14), (4, 0)])
def test_a_python_that_does_not_fit_goes_on_until_it_breaks(found):
    with pytest.raises(CellError, match=rf"Python {found[0]}\.{found[1]}; 3\.11 to 3\.13 is needed"):
        checks.check_python(found)


@pytest.mark.parametrize("found", [(3, 11), (3, 13)])
def test_a_python_that_fits_is_refused(found):
    checks.check_python(found)


def test_a_python_is_taken_that_the_package_refuses():
    wanted = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert wanted == f">={'.'.join(map(str, checks.PYTHON_MIN))},<{'.'.join(map(str, checks.PYTHON_END))}"
