"""A certificate that was renewed is never shown: the router takes it for the one that it has."""

import subprocess
from pathlib import Path

import msgspec
import pytest

from cells.certs import make, pair_of, router_holder
from cells.errors import StepFailed
from router import process
from router.config import RouterConfig
from router.state import Changes, Plan, RouterFolder

CONFIG = RouterConfig(tls="required", tls_name="shop.example")


@pytest.fixture
def router(tmp_path: Path) -> RouterFolder:
    return RouterFolder(tmp_path)


def test_a_certificate_that_haproxy_was_not_started_with_counts_as_shown(
    router: RouterFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan(CONFIG, ())
    make(router.home, [router_holder(CONFIG.host, CONFIG.tls_name)])
    assert process.certificate_changed(router, plan)

    def refuses(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "no")

    with monkeypatch.context() as patch:
        patch.setattr(process, "files", lambda *_, **__: {})
        patch.setattr("router.process.subprocess.run", refuses)
        with pytest.raises(StepFailed):
            process.render(router, plan, Changes(), 100)
    # It lies where HAProxy reads it, and nobody has.
    assert router.places.certificate.exists()
    assert process.certificate_changed(router, plan)


def test_a_certificate_that_callers_are_shown_is_taken_for_a_new_one(router: RouterFolder) -> None:
    plan = Plan(CONFIG, ())
    make(router.home, [router_holder(CONFIG.host, CONFIG.tls_name)])
    pair = pair_of(router.home, "router")
    together = pair.certificate.read_bytes() + b"\n" + pair.key.read_bytes()
    router.create()
    router.save(msgspec.structs.replace(router.state(), certificate=process.digest(together)))
    assert not process.certificate_changed(router, plan)
    assert not process.certificate_changed(router, Plan(RouterConfig(), ()))
