"""Passkeys over every store: each person's own, used once each time, and out of the application's reach."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from handrail.errors import NotPermitted, StoreUnavailable
from handrail.service.passkeys import MOST, Passkeys
from support.reviewers import Hands, reviewer
from support.stores import Sides, postgres_sides, sqlite_sides

pytestmark = pytest.mark.xdist_group("postgres")


@pytest.fixture(scope="module")
def postgres() -> Iterator[Sides]:
    sides = postgres_sides()
    yield sides
    sides.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def sides(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sides]:
    if request.param == "postgresql":
        yield request.getfixturevalue("postgres")
        return
    made = sqlite_sides(tmp_path / "store.db")
    yield made
    made.close()


def added(sides: Sides, person: str, name: str, tenant: str = "default") -> Passkeys:
    passkeys = Passkeys(sides.inbox, Hands())
    passkeys.add(reviewer(person, tenant=tenant), id=name, public_key="pk", uses=0, name="laptop")
    return passkeys


def test_a_person_has_their_own_and_nobody_elses(sides: Sides) -> None:
    passkeys = added(sides, "fay", "own-1")
    added(sides, "finn", "own-2")
    added(sides, "fay", "own-3", tenant="other")
    assert "own-1" in {one.id for one in passkeys.of(reviewer("fay"))}
    assert not {"own-2", "own-3"} & {one.id for one in passkeys.of(reviewer("fay"))}


def test_a_use_counts_once(sides: Sides) -> None:
    passkeys = added(sides, "lea", "use-1")
    (key,) = passkeys.of(reviewer("lea"))
    passkeys.used(reviewer("lea"), key, 1)
    assert passkeys.of(reviewer("lea"))[0].uses == 1
    with pytest.raises(NotPermitted):
        passkeys.used(reviewer("lea"), key, 1)


def test_it_is_removed_by_its_person_only(sides: Sides) -> None:
    passkeys = added(sides, "quin", "gone-1")
    assert not passkeys.remove(reviewer("fay"), "gone-1")
    assert passkeys.remove(reviewer("quin"), "gone-1")
    assert passkeys.of(reviewer("quin")) == ()


def test_the_application_neither_reads_nor_adds_any(sides: Sides) -> None:
    added(sides, "pat", "apart-1")
    if sides.app is sides.inbox:
        pytest.skip("SQLite is one trust domain")
    with pytest.raises(StoreUnavailable):
        Passkeys(sides.app, Hands()).of(reviewer("pat"))
    with pytest.raises(StoreUnavailable):
        added_by = Passkeys(sides.app, Hands())
        added_by.add(reviewer("pat"), id="apart-2", public_key="pk", uses=0, name="x")


def test_an_altered_row_is_no_passkey(tmp_path: Path) -> None:
    sides = sqlite_sides(tmp_path / "store.db")
    passkeys = added(sides, "fay", "row-1")
    with sides.inbox.write("default") as tx:
        tx.conn.exec_driver_sql("UPDATE passkeys SET public_key = 'mine'")
    with pytest.raises(StoreUnavailable):
        passkeys.of(reviewer("fay"))
    sides.close()


def test_there_is_an_end_to_how_many(tmp_path: Path) -> None:
    sides = sqlite_sides(tmp_path / "store.db")
    for number in range(MOST):
        added(sides, "fay", f"many-{number}")
    with pytest.raises(Exception, match="at most"):
        added(sides, "fay", "many-more")
    sides.close()
