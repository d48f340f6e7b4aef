"""Transactions on PostgreSQL begin with their first statement, whatever way it takes to the server."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from handrail.errors import StoreUnavailable
from handrail.store import SqlStore
from handrail.store.prepared import PreparedRow, UniqueViolation, run_together
from handrail.store.tickets.rows import _ROW, Move, load, move
from handrail.tickets.lifecycle import Verb
from support.stores import NOW, Sides, new_ticket, postgres_sides

pytestmark = pytest.mark.xdist_group("postgres")
ODD = "o'ther; SELECT %s --"
TENANT = text("SELECT current_setting('handrail.tenant')")
USE = text("INSERT INTO uses (tenant, ticket, round, kind, at) VALUES ('default', :ticket, 1, 'used', 1)")


@pytest.fixture(scope="module")
def sides() -> Iterator[Sides]:
    made = postgres_sides()
    yield made
    made.close()


def uses_of(store: SqlStore, ticket: str) -> int:
    with store.database.read("default") as conn:
        query = text("SELECT count(*) FROM uses WHERE ticket = :ticket")
        return int(conn.execute(query, {"ticket": ticket}).scalar_one())


@pytest.mark.parametrize("tenant", ["default", ODD, ""])
def test_the_tenant_is_named_before_the_first_statement(sides: Sides, tenant: str) -> None:
    with sides.app.database.read(tenant) as conn:
        assert conn.execute(TENANT).scalar_one() == tenant
    with sides.app.database.read(tenant) as conn:
        run_together(conn, [(_ROW, {"tenant": tenant, "ticket": ODD})])
        assert conn.execute(TENANT).scalar_one() == tenant


def test_a_row_of_another_tenant_stays_unseen_on_the_common_way(sides: Sides) -> None:
    ticket = new_ticket()
    sides.app.open(ticket)
    wanted = {"tenant": "default", "ticket": ticket.id}
    with sides.app.database.read(ODD) as conn:
        assert _ROW(conn, wanted).first() is None
    with sides.app.database.read("default") as conn:
        first, second = run_together(conn, [(_ROW, wanted), (_ROW, {**wanted, "ticket": ODD})])
        assert first.first().id == ticket.id
        assert second.first() is None


def test_what_a_failed_block_wrote_is_undone(sides: Sides) -> None:
    def fail() -> None:
        with sides.app.database.write("default") as conn:
            conn.execute(USE, {"ticket": "undone"})
            raise UniqueViolation

    with pytest.raises(UniqueViolation):
        fail()
    assert uses_of(sides.app, "undone") == 0


def test_a_block_without_statements_leaves_nothing_for_the_next(sides: Sides) -> None:
    with sides.app.database.write(ODD):
        pass
    with sides.app.database.read("default") as conn:
        assert conn.execute(TENANT).scalar_one() == "default"


def test_after_every_connection_was_cut_one_call_fails_and_the_next_goes_on(sides: Sides) -> None:
    ticket = new_ticket()
    sides.app.open(ticket)
    assert sides.logins is not None
    engine = create_engine(sides.logins.owner, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        conn.execute(text(f"{query} AND datname = current_database()"))
    engine.dispose()
    with pytest.raises(StoreUnavailable):
        sides.app.open(ticket)
    assert sides.app.open(ticket).ticket == ticket.id


def test_a_session_that_lost_the_statements_it_kept_fails_once_and_goes_on(sides: Sides) -> None:
    store = postgres_sides(sides.logins).app
    assert store.conversation("default", "lost").ticket is None
    with store.database.read("default") as conn:
        conn.execute(text("DEALLOCATE ALL"))
    with pytest.raises(StoreUnavailable, match="26000"):
        store.conversation("default", "lost")
    assert store.conversation("default", "lost").ticket is None
    ticket = new_ticket(conversation="lost")
    store.open(ticket)
    assert store.conversation("default", "lost").ticket == ticket.id
    store.close()


def test_two_steps_of_one_ticket_in_one_transaction_both_count(sides: Sides) -> None:
    sides.app.open(new_ticket("twice"))
    with sides.desk.write("default") as tx:
        once = move(tx, load(tx, "twice"), Move(verb=Verb.WARN, now=NOW, changes={"level": 1}))
        row: Any = PreparedRow(once)
        move(tx, row, Move(verb=Verb.WARN, now=NOW, changes={"warn_at": None}))
    view = sides.inbox.get("default", "twice")
    assert (view.version, view.level, view.warn_at) == (3, 1, None)
    assert [event.version for event in sides.inbox.history("default", "twice")] == [1, 2, 3]
