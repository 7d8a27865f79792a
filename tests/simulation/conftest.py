from collections.abc import Iterator

import pytest

from tests.simulation.runs import Finished, Runs


@pytest.fixture(scope="session")
def runs(request: pytest.FixtureRequest) -> Iterator[Runs]:
    """Those of all tests that were chosen: while one test waits for its run, the others' go on."""
    runs = Runs(mark.args for item in request.session.items for mark in item.iter_markers("simulates"))
    yield runs
    runs.close()


@pytest.fixture
def done(request: pytest.FixtureRequest, runs: Runs) -> Finished:
    """The run that the test's mark `simulates` names, at its end."""
    mark = request.node.get_closest_marker("simulates")
    assert mark is not None, "which run? @pytest.mark.simulates(*arguments)"
    return runs.finished(mark.args)
