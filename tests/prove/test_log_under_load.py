"""The batched log keeps its stated window beside busy threads, and a killed process loses no more than it."""

import functools
from collections.abc import Callable
from pathlib import Path

import pytest
from benchmarks.log_load import Load, killed_under

from handrail.store.audit.log import LOSS_WINDOW_S, PATIENCE_S
from support.stores import KEYS, Sides, postgres_database, postgres_sides, sqlite_sides

# What is measured here is time, and the tests of other processes would take it away.
pytestmark = [pytest.mark.alone, pytest.mark.xdist_group("postgres")]

Opener = Callable[[], Sides]
LOADS = [
    pytest.param(Load(threads=1), id="1 thread"),
    pytest.param(Load(threads=4), id="4 threads"),
    pytest.param(Load(threads=8), id="8 threads"),
    pytest.param(Load(tasks=200), id="200 tasks"),
    pytest.param(Load(threads=1, spinning=3, pause_s=0.005), id="beside 3 spinning threads"),
]


@pytest.fixture(params=["sqlite", "postgresql"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    """How each process opens the store for itself."""
    if request.param == "postgresql":
        return functools.partial(postgres_sides, postgres_database())
    sqlite_sides(tmp_path / "store.db", key_provider=KEYS).close()
    return functools.partial(sqlite_sides, tmp_path / "store.db", key_provider=KEYS)


@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize(
    "kills", [pytest.param(3, id="short"), pytest.param(20, id="long", marks=pytest.mark.slow)]
)
def test_no_exchange_fails_and_a_kill_loses_no_more_than_the_stated_window(
    kills: int, load: Load, opener: Opener
) -> None:
    losses = [killed_under(lambda: opener().app, load, after_s=0.5 + kill / kills) for kill in range(kills)]
    assert all(loss.released for loss in losses)
    assert sum(loss.failed for loss in losses) == 0
    # How long the machine may keep a process from its work is no promise of ours: the stated window is for
    # the long proof and for `benchmarks.log`, and the short one bounds what a caller's patience bounds.
    bound_s = LOSS_WINDOW_S if kills == 20 else PATIENCE_S
    assert max(loss.lost_s for loss in losses) <= bound_s
    assert max(loss.longest_wait_s for loss in losses) <= bound_s
    sides = opener()
    assert sides.admin.verify().is_intact
    sides.close()
