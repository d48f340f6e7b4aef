"""Killed processes, races, one limit under fire, databases that fill up: nothing is lost or done twice."""

import functools
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from handrail.errors import StoreUnavailable
from handrail.records import Money
from handrail.store import Spool
from handrail.tickets.lifecycle import State
from handrail.tickets.ports import LedgerEntry, LedgerQuery
from support.chaos import (
    FORK,
    Scene,
    begins,
    broken_promises,
    decides,
    raced,
    rampage,
    settle_down,
)
from support.stores import (
    KEYS,
    NOW,
    Sides,
    actor,
    new_ticket,
    postgres_database,
    postgres_sides,
    sqlite_sides,
)

pytestmark = pytest.mark.xdist_group("postgres")

RACES = [pytest.param(25, id="short"), pytest.param(500, id="long", marks=pytest.mark.slow)]
Opener = Callable[[], Sides]
Record = Callable[[str, object], None]


@pytest.fixture(params=["sqlite", "postgresql"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    """How each process opens the store for itself."""
    if request.param == "postgresql":
        return functools.partial(postgres_sides, postgres_database())
    sqlite_sides(tmp_path / "store.db", key_provider=KEYS).close()
    return functools.partial(sqlite_sides, tmp_path / "store.db", key_provider=KEYS)


@pytest.mark.parametrize(
    ("wanted", "tickets"),
    [pytest.param(8, 100, id="short"), pytest.param(120, 2200, id="long", marks=pytest.mark.slow)],
)
def test_killed_processes_lose_nothing_and_do_nothing_twice(
    wanted: int, tickets: int, opener: Opener, tmp_path: Path, record_property: Record
) -> None:
    scene = Scene(sides=opener, folder=tmp_path, keys=KEYS)
    kills = rampage(scene, kills=wanted, tickets=tickets, seed=wanted)
    settle_down(scene)
    broken = broken_promises(scene)
    record_property("kills", kills)
    record_property("broken", len(broken))
    assert broken == []
    assert kills >= wanted
    assert len(scene.lines("effects")) > 0


def _race(
    opener: Opener, attempt: Callable[[Sides, str], bool], names: list[str], barrier: Any, queue: Any
) -> None:
    sides, wins = opener(), []
    for name in names:
        barrier.wait()
        wins.append(attempt(sides, name))
    sides.close()
    queue.put(wins)


@pytest.mark.parametrize("tickets", RACES)
def test_of_racing_deciders_and_of_racing_appliers_exactly_one_wins(
    tickets: int, opener: Opener, record_property: Record
) -> None:
    sides, names = opener(), []
    for _ in range(tickets):
        ticket = new_ticket()
        sides.app.open(ticket)
        sides.inbox.claim("default", ticket.id, actor())
        names.append(ticket.id)
    sides.close()
    for attempt in (decides, begins):
        barrier = FORK.Barrier(4)
        worker = functools.partial(_race, opener, attempt, names, barrier)
        wins = raced([worker] * 4)
        winners = [sum(row) for row in zip(*wins, strict=True)]
        record_property("races", len(winners))
        record_property("broken", sum(count != 1 for count in winners))
        assert winners == [1] * len(names)


def _spend(opener: Opener, index: int, limit: int, queue: Any) -> None:
    sides, spent = opener(), 0
    query = LedgerQuery(
        fact="f",
        kind="sum",
        tenant="default",
        tool="refund",
        amount="amount",
        per="customer",
        key="one",
        since=NOW - timedelta(days=30),
    )
    for number in range(40):
        total = sides.app.totals([query])["f"]
        amount = total.amount if isinstance(total, Money) else Decimal(0)
        if amount + 10 > limit:
            break
        entry = LedgerEntry(
            id=f"{index}-{number}",
            tenant="default",
            tool="refund",
            at=NOW,
            customer="one",
            amounts={"amount": Money(amount=Decimal(10), currency="USD")},
        )
        spent += sides.app.reserve(entry, {query: total})
    sides.close()
    queue.put(spent)


def test_thirty_two_processes_never_pass_one_limit_together(opener: Opener, record_property: Record) -> None:
    spent = raced([functools.partial(_spend, opener, index, 200) for index in range(32)])
    record_property("spenders", len(spent))
    record_property("broken", int(sum(spent) > 20))
    assert sum(spent) <= 20
    assert sum(spent) >= 10


def _forked(sides: Sides, name: str, queue: Any) -> None:
    sides.app.open(new_ticket(name))
    queue.put(sides.app.conversation("default", "none").state)


def test_a_store_opened_before_a_fork_serves_parent_and_children(opener: Opener) -> None:
    sides = opener()
    sides.app.open(new_ticket("before"))
    raced([functools.partial(_forked, sides, f"child-{index}") for index in range(6)])
    sides.app.open(new_ticket("after"))
    names = {row.id for row in sides.inbox.list("default").rows}
    assert names == {"before", "after", *(f"child-{index}" for index in range(6))}
    assert sides.admin.verify().is_intact
    sides.close()


def _pragma(sides: Sides, statement: str) -> None:
    with sides.app.database.write() as conn:
        conn.exec_driver_sql(statement)


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        ("PRAGMA max_page_count = 1", "PRAGMA max_page_count = 1000000"),
        ("PRAGMA query_only = ON", "PRAGMA query_only = OFF"),
    ],
    ids=["disk full", "read-only"],
)
def test_a_store_that_refuses_to_write_leads_to_the_spool_and_back(
    broken: str, mended: str, tmp_path: Path
) -> None:
    sides = sqlite_sides(tmp_path / "store.db", key_provider=KEYS)
    spool = Spool(tmp_path / "spool", KEYS)
    sides.app.open(new_ticket("first"))
    _pragma(sides, broken)
    tickets = [new_ticket(f"t{number}") for number in range(40)]
    for ticket in tickets:
        try:
            sides.app.open(ticket)
        except StoreUnavailable:
            spool.put(ticket)
    assert spool.waiting() > 0
    with sides.app.database.read() as conn:
        conn.exec_driver_sql(mended)
    assert spool.drain(sides.app).opened > 0
    assert spool.waiting() == 0
    assert sides.inbox.counts("default") == {State.READY: 41}
    assert sides.admin.verify().is_intact
    sides.close()


def test_a_clock_that_steps_back_and_forth_approves_nothing(opener: Opener) -> None:
    sides = opener()
    ticket = new_ticket()
    sides.app.open(ticket)
    for days in (3, -400, 40, -1, 4000, 0):
        sides.desk.sweep(NOW + timedelta(days=days))
        sides.desk.recover(NOW + timedelta(days=days))
    view = sides.inbox.get("default", ticket.id)
    assert view.state is State.EXPIRED
    assert not begins(sides, ticket.id)
    sides.close()
