"""Tries to sign in are counted over all processes of one store, by address and tenant; both stores."""

import multiprocessing
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from handrail.store import SqlStore, Trust, open_store
from support.stores import KEYS, NOW, SIGNER, Sides, postgres_database, postgres_sides, sqlite_sides

pytestmark = pytest.mark.xdist_group("postgres")
LIMIT = 6


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return postgres_database().inbox if request.param == "postgresql" else f"sqlite:///{tmp_path}/store.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def sides(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sides]:
    made = postgres_sides() if request.param == "postgresql" else sqlite_sides(tmp_path / "store.db")
    yield made
    made.close()


def opened(url: str) -> SqlStore:
    return open_store(url, allow_volatile=True, key_provider=KEYS, trust=Trust(signer=SIGNER))


def tries(url: str, count: int) -> int:
    """How many of these tries another process lets go on."""
    store = opened(url)
    try:
        waits = [store.take_sign_in("default", "10.0.0.7", per_minute=LIMIT, now=NOW) for _ in range(count)]
    finally:
        store.close()
    return waits.count(0)


def test_two_processes_at_once_let_as_many_go_on_as_one_would(url: str) -> None:
    opened(url).close()
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        done = pool.starmap(tries, [(url, LIMIT), (url, LIMIT)])
    assert sum(done) == LIMIT


def taken(sides: Sides, address: str = "10.0.0.7", *, tenant: str = "default", after_s: float = 0.0) -> int:
    now = NOW + timedelta(seconds=after_s)
    return sides.inbox.take_sign_in(tenant, address, per_minute=LIMIT, now=now)


def test_it_may_go_on_when_it_was_told_and_not_before(sides: Sides) -> None:
    assert [taken(sides) for _ in range(LIMIT + 2)] == [*[0] * LIMIT, 10, 10]
    assert taken(sides, after_s=9.5) == 1
    assert taken(sides, after_s=10) == 0
    assert taken(sides, after_s=10) == 10
    assert [taken(sides, after_s=70) for _ in range(LIMIT + 1)].count(0) == LIMIT


def test_each_address_and_each_tenant_is_counted_alone(sides: Sides) -> None:
    for _ in range(LIMIT):
        taken(sides)
    assert taken(sides) > 0
    assert taken(sides, "10.0.0.8") == taken(sides, tenant="other") == 0


def test_a_clock_that_went_far_ahead_locks_nobody_out(sides: Sides) -> None:
    for _ in range(LIMIT):
        taken(sides, after_s=86_400)
    assert taken(sides) == 0


def test_no_address_is_kept_in_clear_and_none_for_longer_than_it_counts(tmp_path: Path) -> None:
    sides = sqlite_sides(tmp_path / "store.db")
    taken(sides)
    taken(sides, "10.0.0.8", after_s=3600)
    with sides.inbox.read("default") as tx:
        rows = tx.conn.exec_driver_sql("SELECT client FROM sign_ins").scalars().all()
    sides.close()
    assert len(rows) == 1
    assert b"10.0.0." not in (tmp_path / "store.db").read_bytes()
