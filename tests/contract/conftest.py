"""Guards of open values, and stores whose sides share one clock, for the tests that play on them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from handrail.service import TicketService
from support.open_world_runs import Guards, guards_in
from support.reviewers import Hands, service_over
from support.stores import Sides, postgres_sides, sqlite_sides


@pytest.fixture(scope="module")
def guards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guards]:
    with guards_in(tmp_path_factory.mktemp("guards")) as made:
        yield made


def timed(sides: Sides, clock: Hands) -> Sides:
    for side in (sides.app, sides.inbox, sides.desk, sides.admin):
        side._clock = clock
    return sides


@pytest.fixture(scope="module")
def postgres() -> Iterator[Sides]:
    made = postgres_sides()
    yield made
    made.close()


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture(params=["sqlite", "postgresql"])
def sides(request: pytest.FixtureRequest, tmp_path: Path, clock: Hands) -> Iterator[Sides]:
    if request.param == "postgresql":
        yield timed(request.getfixturevalue("postgres"), clock)
        return
    made = sqlite_sides(tmp_path / "store.db")
    yield timed(made, clock)
    made.close()


@pytest.fixture
def service(sides: Sides, clock: Hands) -> TicketService:
    return service_over(sides.inbox, clock)
