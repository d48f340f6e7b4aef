"""More than twenty ways to fake or alter a decision with the application's SQL rights: found, none runs.

The forger knows every table, holds the application's login and even its data keys; what they lack is the
inbox's signing key.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from handrail.errors import TicketError
from handrail.records import Context
from handrail.store.audit.chain import append
from handrail.store.crypto.signing import new_signer
from handrail.store.tables import micros, resolutions
from handrail.tickets.ports import Settlement
from handrail.tickets.resolution import Resolution
from handrail.tickets.ticket import Verdict
from support.stores import NOW, Sides, actor, new_ticket, postgres_sides

pytestmark = pytest.mark.xdist_group("postgres")


@pytest.fixture
def sides() -> Iterator[Sides]:
    # Each forgery in a database of its own: what one altered stays altered for `verify`.
    made = postgres_sides()
    yield made
    made.close()


class Forger:
    """A victim ticket that waits for its role, another that was approved and used, and the app's login."""

    def __init__(self, sides: Sides) -> None:
        self.sides = sides
        self.engine = create_engine(sides.url)
        self.victim, self.rejected, self.done, self.withdrawn = (self._opened() for _ in range(4))
        self._decided(self.rejected, Verdict.REJECT)
        self._decided(self.done, Verdict.APPROVE)
        self.genuine = self._row(self.done)
        self._decided(self.withdrawn, Verdict.APPROVE)
        sides.app.withdraw(Context(customer=f"customer-{self.withdrawn}"), self.withdrawn)
        sides.app.begin("default", self.done, now=NOW)
        sides.app.finish("default", self.done, Settlement.DONE, now=NOW)
        self.standing = self.looked()

    def looked(self) -> list[object]:
        """What stands in every table that says what may run."""
        with self.sides.admin.database.read("default") as conn:
            names = ("tickets", "decisions", "uses", "ledger", "audit", "policy_changes")
            return [sorted(map(repr, conn.execute(text(f"SELECT * FROM {name}")))) for name in names]

    def _opened(self) -> str:
        ticket = new_ticket()
        self.sides.app.open(ticket)
        return ticket.id

    def _decided(self, ticket: str, verdict: Verdict) -> None:
        self.sides.inbox.claim("default", ticket, actor())
        self.sides.inbox.resolve("default", ticket, Resolution(verdict=verdict), actor())

    def _row(self, ticket: str) -> dict[str, Any]:
        with self.sides.inbox.read("default") as tx:
            found = tx.conn.execute(resolutions.select().where(resolutions.c.ticket == ticket)).one()
        return dict(found._mapping)

    def sql(self, statement: str, **values: Any) -> None:
        """Run a statement as the application, in the tenant's name."""
        with self.engine.begin() as conn:
            self.within(conn)
            conn.execute(text(statement), values)

    def within(self, conn: Connection) -> None:
        conn.execute(text("SELECT set_config('handrail.tenant', 'default', true)"))

    def insert(self, **changes: Any) -> None:
        """Insert a decision made from a genuine one."""
        with self.engine.begin() as conn:
            self.within(conn)
            conn.execute(resolutions.insert().values(**{**self.genuine, **changes}))

    def state(self, ticket: str, state: str, **more: Any) -> None:
        """Set a ticket's state, past the life-cycle table."""
        extra = "".join(f", {name} = :{name}" for name in more)
        self.sql(
            f"UPDATE tickets SET state = :state, is_open = false{extra} WHERE id = :id",
            state=state,
            id=ticket,
            **more,
        )


def _signed_by_another(forger: Forger) -> None:
    row = {**forger.genuine, "id": "forged", "ticket": forger.victim, "idempotency_key": "f"}
    forger.insert(**{**row, "signature": new_signer().sign(row)})


def _grant_to_self(forger: Forger) -> None:
    forger.sql("GRANT INSERT ON decisions TO CURRENT_USER")


def _fake_history(forger: Forger) -> None:
    from handrail.store.audit.chain import Event

    event = Event(tenant="default", kind="ticket.approve", at=NOW, ticket=forger.victim, version=2)
    with forger.engine.begin() as conn:
        forger.within(conn)
        append(conn, [event])
    forger.state(forger.victim, "decided", version=2)


def _both(*steps: Callable[[Forger], None]) -> Callable[[Forger], None]:
    def run(forger: Forger) -> None:
        for step in steps:
            try:
                step(forger)
            except SQLAlchemyError:
                continue

    return run


AGREED = '[["finance_lead", "fay", "finance_lead"]]'
WAYS: dict[str, tuple[str, Callable[[Forger], None]]] = {
    "set the state to decided": ("victim", lambda f: f.state(f.victim, "decided")),
    "insert a copy of another ticket's decision": (
        "victim",
        _both(
            lambda f: f.insert(id="x1", ticket=f.victim, idempotency_key="x1"),
            lambda f: f.state(f.victim, "decided"),
        ),
    ),
    "insert a decision without a signature": (
        "victim",
        _both(
            lambda f: f.insert(id="x2", ticket=f.victim, signature=None, idempotency_key="x2"),
            lambda f: f.state(f.victim, "decided"),
        ),
    ),
    "insert a decision signed by one's own key": (
        "victim",
        _both(_signed_by_another, lambda f: f.state(f.victim, "decided")),
    ),
    "move another ticket's decision": (
        "victim",
        _both(
            lambda f: f.sql("UPDATE decisions SET ticket = :v WHERE ticket = :d", v=f.victim, d=f.done),
            lambda f: f.state(f.victim, "decided"),
        ),
    ),
    "turn a rejection into an approval": (
        "rejected",
        _both(
            lambda f: f.sql("UPDATE decisions SET verdict = 'approve' WHERE ticket = :r", r=f.rejected),
            lambda f: f.state(f.rejected, "decided"),
        ),
    ),
    "set a rejected ticket to decided": ("rejected", lambda f: f.state(f.rejected, "decided")),
    "set a used ticket back to decided": ("done", lambda f: f.state(f.done, "decided")),
    "take the use back": (
        "done",
        _both(
            lambda f: f.sql("DELETE FROM uses WHERE ticket = :d", d=f.done),
            lambda f: f.state(f.done, "decided"),
        ),
    ),
    "rename the use": (
        "done",
        _both(
            lambda f: f.sql("UPDATE uses SET round = 9 WHERE ticket = :d", d=f.done),
            lambda f: f.state(f.done, "decided"),
        ),
    ),
    "count the round on": ("done", lambda f: f.state(f.done, "decided", round=2)),
    "change the digest of a used ticket": ("done", lambda f: f.state(f.done, "decided", digest="00" * 32)),
    "put another ticket's content in": (
        "victim",
        _both(
            lambda f: f.sql(
                "UPDATE tickets SET sealed = (SELECT sealed FROM tickets WHERE id = :d) WHERE id = :v",
                d=f.done,
                v=f.victim,
            ),
            lambda f: f.state(f.victim, "decided"),
        ),
    ),
    "prolong an expired decision": (
        "done",
        _both(
            lambda f: f.sql("UPDATE decisions SET expires_at = expires_at + 1 WHERE ticket = :d", d=f.done),
            lambda f: f.state(f.done, "decided"),
        ),
    ),
    "write a decision through a view of one's own": (
        "victim",
        _both(
            lambda f: f.sql("CREATE TEMP VIEW mine AS SELECT * FROM decisions"),
            lambda f: f.sql("INSERT INTO mine SELECT * FROM decisions"),
            lambda f: f.state(f.victim, "decided"),
        ),
    ),
    "grant oneself the right": ("victim", _both(_grant_to_self, lambda f: f.state(f.victim, "decided"))),
    "take the inbox's role": (
        "victim",
        _both(lambda f: f.sql("SET ROLE handrail_inbox"), lambda f: f.state(f.victim, "decided")),
    ),
    "turn row-level security off": (
        "victim",
        _both(
            lambda f: f.sql("ALTER TABLE decisions DISABLE ROW LEVEL SECURITY"),
            lambda f: f.state(f.victim, "decided"),
        ),
    ),
    "write the steps of an approval into the audit log": ("victim", _fake_history),
    "link a ticket to one that was approved": (
        "victim",
        lambda f: f.sql("UPDATE tickets SET duplicate_of = :d WHERE id = :v", d=f.done, v=f.victim),
    ),
    "revive an approval that the customer withdrew": (
        "withdrawn",
        lambda f: f.state(f.withdrawn, "decided"),
    ),
    "revive a withdrawn approval and take its end back": (
        "withdrawn",
        _both(
            lambda f: f.sql("DELETE FROM uses WHERE ticket = :w", w=f.withdrawn),
            lambda f: f.state(f.withdrawn, "decided"),
        ),
    ),
    "say that every role has agreed": (
        "victim",
        lambda f: f.state(
            f.victim, "decided", agreed='[["finance_lead", "fay", "finance_lead"]]', waiting_for="[]"
        ),
    ),
}


def test_there_are_twenty_ways_and_more() -> None:
    assert len(WAYS) == 23


@pytest.mark.parametrize("way", WAYS)
def test_a_forged_decision_never_runs(way: str, sides: Sides) -> None:
    forger = Forger(sides)
    target, attack = WAYS[way]
    # Where the database refuses at once, that is as good as any.
    with suppress(SQLAlchemyError):
        attack(forger)
    before, after = forger.standing, forger.looked()
    assert before == after or not sides.admin.verify().is_intact
    ticket = getattr(forger, target)
    with pytest.raises(TicketError):
        sides.app.approved("default", ticket)
    with pytest.raises(TicketError):
        sides.app.begin("default", ticket, now=NOW + timedelta(minutes=1))
    forger.engine.dispose()


def test_the_application_cannot_decide_even_through_the_library(sides: Sides) -> None:
    from handrail.errors import ConfigError, StoreUnavailable

    ticket = new_ticket()
    sides.app.open(ticket)
    with pytest.raises(StoreUnavailable):
        sides.app.claim("default", ticket.id, actor())
    sides.inbox.claim("default", ticket.id, actor())
    with pytest.raises((ConfigError, StoreUnavailable)):
        sides.app.resolve("default", ticket.id, Resolution(verdict=Verdict.APPROVE), actor())


def test_a_genuine_decision_does_run(sides: Sides) -> None:
    ticket = new_ticket()
    sides.app.open(ticket)
    sides.inbox.claim("default", ticket.id, actor())
    sides.inbox.resolve("default", ticket.id, Resolution(verdict=Verdict.APPROVE), actor())
    assert sides.app.begin("default", ticket.id, now=NOW).tool == "issue_refund"


def test_no_tenant_reads_anothers_rows_whatever_it_asks(sides: Sides) -> None:
    ticket = new_ticket(tenant="other")
    sides.app.open(ticket)
    engine = create_engine(sides.url)
    with engine.begin() as conn:
        conn.execute(text("SELECT set_config('handrail.tenant', 'default', true)"))
        for table in ("tickets", "attempts", "decisions", "uses", "ledger", "audit"):
            assert conn.execute(text(f"SELECT * FROM {table} WHERE tenant = 'other'")).all() == []
        conn.execute(text("SELECT set_config('handrail.tenant', 'other', true)"))
        assert len(conn.execute(text("SELECT * FROM tickets WHERE tenant = 'other'")).all()) >= 1
    engine.dispose()


def test_an_expired_decision_stays_expired_when_its_row_is_altered_as_owner(sides: Sides) -> None:
    """Even the owner of the tables cannot alter a decision unseen: the signature covers every column."""
    ticket = new_ticket()
    sides.app.open(ticket)
    sides.inbox.claim("default", ticket.id, actor())
    short = Resolution(verdict=Verdict.APPROVE, valid_for=timedelta(minutes=1))
    sides.inbox.resolve("default", ticket.id, short, actor())
    assert sides.logins is not None
    engine = create_engine(sides.logins.owner)
    with engine.begin() as conn:
        later = micros(NOW + timedelta(days=3))
        statement = text("UPDATE decisions SET expires_at = :later WHERE ticket = :ticket")
        conn.execute(statement, {"later": later, "ticket": ticket.id})
    engine.dispose()
    with pytest.raises(TicketError, match="altered"):
        sides.app.begin("default", ticket.id, now=NOW + timedelta(days=1))
