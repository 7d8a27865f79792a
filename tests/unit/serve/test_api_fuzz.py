"""Schemathesis against the OpenAPI: whatever is sent, the answer is one that the document tells of, and never a 500.

In process, over the real domain, and always the same cases. Half of the valid ones are aimed at an order, a place and
SKUs that exist, so that they reach the actors.
"""

import asyncio
import atexit
import random
import shutil
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    missing_required_header,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from serve.identity.keyring import create
from tests.unit.serve.small_cell import SETTINGS, SKUS, Cell, furnish

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance, negative_data_rejection, missing_required_header, unsupported_method,
    allow_header_conformance,
]  # fmt: skip
EXAMPLES = 6
_random = random.Random(20260301)
_played: set[str] = set()


async def _furnished() -> tuple[Cell, str]:
    # Live streams end at once: a test of a stream waits for its end.
    # With keys, so that signing in is there; with identity off, so that everything is reached.
    folder = Path(tempfile.mkdtemp(prefix="ocefs-fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # of a whole run's cell: it holds private keys
    keyring = folder / "keys" / "keyring.json"
    create(keyring, 1)
    cell = Cell(msgspec.structs.replace(SETTINGS, live_max_s=0.0, keyring=str(keyring)))
    await furnish(cell)
    return cell, (await cell.placed(("A1", 2)))["order_id"]


CELL, ORDER_ID = asyncio.run(_furnished())
BEFORE = {key: version for key, (_, version) in CELL.gateway.entities.items()}
schema = schemathesis.openapi.from_asgi(
    "/openapi.json",
    CELL.app,
    config=SchemathesisConfig(
        projects=ProjectsConfig(
            default=ProjectConfig(
                generation=GenerationConfig(max_examples=EXAMPLES, deterministic=True, database="none")
            )
        )
    ),
)


def aim(case: Case) -> None:
    """Puts what exists into a valid case."""
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE or _random.random() < 0.5:
        return
    parameters = case.path_parameters
    if "order_id" in parameters:
        parameters["order_id"] = ORDER_ID
    if "location_id" in parameters:
        parameters["location_id"] = "us-wh-seattle"
    _put_skus(case.body)
    _put_skus(case.query)


def _put_skus(value: Any) -> None:
    if isinstance(value, list):
        for part in value:
            _put_skus(part)
    elif isinstance(value, dict):
        for name, part in value.items():
            if name == "sku":
                value[name] = [_random.choice(SKUS)] if isinstance(part, list) else _random.choice(SKUS)
            elif name == "order_id":
                value[name] = ORDER_ID
            elif name == "country":
                value[name] = "US"
            elif name == "currency":
                value[name] = "USD"
            else:
                _put_skus(part)


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_one_that_the_document_tells_of(case: Case) -> None:
    aim(case)
    _played.add(case.operation.label)
    answer = case.call()
    # Bodies of many are answered item by item: a bad item is no reason to reject the whole. And too large a body is
    # rejected, though the check does not know it.
    accepted = case.path == "/v1/order-updates" or answer.status_code == 413
    case.validate_response(answer, checks=CHECKS, excluded_checks=[negative_data_rejection] if accepted else [])


def test_the_cases_reached_the_actors() -> None:
    """Runs last: a fuzz that only ever meets refusals would show nothing."""
    if not _played:
        pytest.skip("no case was played: it looks at what the cases of this run did")
    changed = {
        kind for (kind, name), (_, version) in CELL.gateway.entities.items() if BEFORE.get((kind, name)) != version
    }
    assert "order" in changed
    assert len(changed) >= 6, changed
