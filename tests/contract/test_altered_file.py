"""Ways to alter what authorises in a SQLite file, by somebody without a key: each is found, nothing runs.

The forger writes any row they like and makes the chain fit again; what they lack is the key file.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from handrail.errors import CheckFailed, TicketError
from handrail.records import Context
from handrail.store.audit.chain import FIELDS, entry_hash, genesis
from handrail.store.tables import micros
from handrail.tickets.ports import Approval, Settlement
from handrail.tickets.resolution import Resolution
from handrail.tickets.ticket import Verdict
from support.stores import NOW, Sides, actor, new_ticket, sqlite_sides

LATER = NOW + timedelta(days=3)
APPROVE = Resolution(verdict=Verdict.APPROVE)


class Forger:
    """A store with a ticket of each fate, and a hand in its file."""

    def __init__(self, path: Path) -> None:
        self.path, self.sides = path, sqlite_sides(path)
        opened = (
            "waiting",
            "both",
            "rejected",
            "used",
            "cancelled",
            "approved",
            "lapsed",
            "expired",
            "other",
            "withdrawn",
        )
        for name in opened:
            more = ("legal_lead",) if name == "both" else ()
            self.sides.app.open(new_ticket(name, co_approvers=more, arguments=f'{{"order": "{name}"}}'))
        for name in ("both", "used", "cancelled", "approved", "lapsed", "withdrawn"):
            self.decide(name, APPROVE)
        self.decide("rejected", Resolution(verdict=Verdict.REJECT))
        self.sides.app.begin("default", "used", now=NOW)
        self.sides.app.finish("default", "used", Settlement.DONE, now=NOW)
        self.sides.inbox.cancel("default", "cancelled", by="c", why="withdrawn", now=NOW)
        self.sides.app.withdraw(Context(customer="customer-withdrawn"), "withdrawn")

    def pass_time(self) -> None:
        """Let everything run out that can."""
        self.sides.desk.sweep(LATER)
        self.sides.desk.sweep(LATER)

    def decide(self, name: str, resolution: Resolution, person: str = "fay") -> None:
        self.sides.inbox.claim("default", name, actor(person))
        self.sides.inbox.resolve("default", name, resolution, actor(person))

    def sql(self, statement: str, *values: object) -> None:
        """Alter the file, then make its chains fit again."""
        conn = sqlite3.connect(self.path)
        conn.execute(statement, values)
        _rewrite_chains(conn)
        conn.commit()
        conn.close()

    def set(self, table: str, name: str, **columns: object) -> None:
        key = {"tickets": "id", "ledger": "id"}.get(table, "ticket")
        changes = ", ".join(f"{column} = ?" for column in columns)
        self.sql(f"UPDATE {table} SET {changes} WHERE {key} = ?", *columns.values(), name)

    def run(self, name: str) -> Approval:
        """Try to carry an action out."""
        return self.sides.app.begin("default", name, now=NOW + timedelta(minutes=2))


def _rewrite_chains(conn: sqlite3.Connection) -> None:
    """Number and hash all entries anew, writer by writer, and write the ends that they now have."""
    conn.row_factory = sqlite3.Row
    writers = [row[0] for row in conn.execute("SELECT DISTINCT writer FROM audit")]
    for writer in writers:
        found = conn.execute("SELECT * FROM audit WHERE writer = ? ORDER BY seq", (writer,)).fetchall()
        rows = [dict(row) for row in found]
        conn.execute("DELETE FROM audit WHERE writer = ?", (writer,))
        previous = genesis(writer)
        for number, row in enumerate(rows, 1):
            row |= {"seq": number, "prev": previous}
            previous = row["hash"] = entry_hash(row)
            marks = ", ".join("?" * (len(FIELDS) + 1))
            conn.execute(
                f"INSERT INTO audit ({', '.join(FIELDS)}, hash) VALUES ({marks})",
                [row[name] for name in (*FIELDS, "hash")],
            )
        conn.execute(
            "UPDATE audit_heads SET seq = ?, hash = ? WHERE writer = ?", (len(rows), previous, writer)
        )


def _approve_rejected(forger: Forger) -> None:
    forger.set("decisions", "rejected", verdict="approve")
    forger.set("tickets", "rejected", state="decided")


def _rewrite_rejection(forger: Forger) -> None:
    _approve_rejected(forger)
    forger.sql(
        "UPDATE audit SET kind = 'ticket.approve', data = replace(replace(data, 'reject', 'approve'), "
        "'rejected', 'decided') WHERE ticket = 'rejected' AND kind = 'ticket.reject'"
    )


def _without_macs(forger: Forger) -> None:
    _rewrite_rejection(forger)
    for table in ("tickets", "decisions", "ledger", "audit_heads"):
        forger.sql(f"UPDATE {table} SET mac = NULL")


def _copied(forger: Forger) -> None:
    forger.sql(
        "INSERT INTO decisions SELECT tenant, 'forged', 'waiting', round, turn, verdict, is_final, person, "
        "role, slot, agreed, digest, content_sha256, decided_at, expires_at, 'forged', content, key_id, "
        "signature, mac, undone_at "
        "FROM decisions WHERE ticket = 'approved'"
    )
    forger.set("tickets", "waiting", state="decided", is_open=0)


def _moved(forger: Forger) -> None:
    forger.set("decisions", "approved", ticket="waiting")
    forger.set("tickets", "waiting", state="decided", is_open=0)


def _revived(forger: Forger) -> None:
    forger.set("tickets", "cancelled", state="decided", version=3)
    forger.sql("DELETE FROM audit WHERE ticket = 'cancelled' AND kind = 'ticket.cancel'")


def _unwithdrawn(forger: Forger) -> None:
    forger.set("tickets", "withdrawn", state="decided", version=3)
    forger.sql("DELETE FROM uses WHERE ticket = 'withdrawn'")
    forger.sql("DELETE FROM audit WHERE ticket = 'withdrawn' AND kind = 'ticket.withdraw'")


def _linked(forger: Forger) -> None:
    forger.set("tickets", "waiting", state="duplicate", is_open=0, duplicate_of="approved")


def _used_again(forger: Forger) -> None:
    forger.set("tickets", "used", state="decided", version=3)
    forger.sql("DELETE FROM uses")
    forger.sql("DELETE FROM audit WHERE ticket = 'used' AND version > 3")


def _prolonged(forger: Forger) -> None:
    forger.pass_time()
    forger.set("decisions", "lapsed", expires_at=micros(LATER + timedelta(days=9)))
    forger.set("tickets", "lapsed", state="decided", version=3)


def _reopened(forger: Forger) -> None:
    forger.pass_time()
    forger.set("tickets", "expired", state="ready", is_open=1, decide_by=micros(LATER + timedelta(days=9)))


def _one_seat(forger: Forger) -> None:
    forger.set("decisions", "both", is_final=1)
    forger.set("tickets", "both", state="decided", is_open=0, waiting_for="[]")


def _other_action(forger: Forger) -> None:
    forger.sql("UPDATE decisions SET digest = (SELECT digest FROM tickets WHERE id = 'other') "
               "WHERE ticket = 'approved'")  # fmt: skip
    forger.sql("UPDATE tickets SET digest = (SELECT digest FROM tickets WHERE id = 'other') "
               "WHERE id = 'approved'")  # fmt: skip


def _other_content(forger: Forger) -> None:
    for part in ("content", "sealed"):
        forger.sql(f"UPDATE tickets SET {part} = (SELECT {part} FROM tickets WHERE id = 'other') "
                   "WHERE id = 'approved'")  # fmt: skip


def _no_rejection(forger: Forger) -> None:
    forger.sql("DELETE FROM decisions WHERE ticket = 'rejected'")
    forger.sql("DELETE FROM audit WHERE ticket = 'rejected' AND version > 1")
    forger.set("tickets", "rejected", state="ready", is_open=1, version=1, claimed_by=None, closed_at=None)


WAYS: dict[str, tuple[str, Callable[[Forger], None]]] = {
    "a state": ("waiting", lambda f: f.set("tickets", "waiting", state="decided", is_open=0)),
    "a verdict": ("rejected", _approve_rejected),
    "a verdict and its entry, the chain rewritten": ("rejected", _rewrite_rejection),
    "the same, with every keyed hash emptied": ("rejected", _without_macs),
    "a resolution copied to another ticket": ("waiting", _copied),
    "a resolution moved to another ticket": ("waiting", _moved),
    "a cancelled approval revived": ("cancelled", _revived),
    "a withdrawn approval revived": ("withdrawn", _unwithdrawn),
    "a ticket linked to an approved one": ("waiting", _linked),
    "a used approval made unused": ("used", _used_again),
    "an expiry put off": ("lapsed", _prolonged),
    "a deadline put off": ("expired", _reopened),
    "a rejection made never to have been": ("rejected", _no_rejection),
    "a seat taken away": ("both", _one_seat),
    "the digest of another action": ("approved", _other_action),
    "the content of another ticket": ("approved", _other_content),
    "the person": ("approved", lambda f: f.set("decisions", "approved", person="finn")),
    "the role": ("approved", lambda f: f.set("decisions", "approved", role="process_owner")),
    "the slot": ("approved", lambda f: f.set("decisions", "approved", slot="legal_lead")),
    "who agreed": (
        "approved",
        lambda f: f.set("decisions", "approved", agreed='[["legal_lead", "lea", "legal_lead"]]'),
    ),
    "the round": ("approved", lambda f: f.set("decisions", "approved", round=2)),
    "the moment of deciding": (
        "approved",
        lambda f: f.set("decisions", "approved", decided_at=micros(LATER)),
    ),
    "a resolution without its entry": (
        "approved",
        lambda f: f.sql("DELETE FROM audit WHERE ticket = 'approved' AND kind = 'ticket.approve'"),
    ),
    "a resolution whose entry names another person": (
        "approved",
        lambda f: f.sql("UPDATE audit SET actor = 'finn' WHERE ticket = 'approved' AND version = 3"),
    ),
    "the role that is asked": ("waiting", lambda f: f.set("tickets", "waiting", role="queue_manager")),
    "who has claimed it": ("waiting", lambda f: f.set("tickets", "waiting", claimed_by="finn")),
}

SPENDING: dict[str, Callable[[Forger], None]] = {
    "an amount": lambda f: f.sql(
        "UPDATE ledger SET amounts = replace(amounts, '640', '1') WHERE id = 'used'"
    ),
    "whose it was": lambda f: f.sql("UPDATE ledger SET customer = 'x' WHERE id = 'used'"),
    "a state": lambda f: f.sql("UPDATE ledger SET state = 'released' WHERE id = 'used'"),
    "an entry left out": lambda f: f.sql("DELETE FROM ledger WHERE id = 'used'"),
    "a moment": lambda f: f.sql("UPDATE ledger SET at = 0 WHERE id = 'used'"),
    "an entry and its record left out": lambda f: (
        f.sql("DELETE FROM ledger WHERE id = 'used'"),
        f.sql("DELETE FROM audit WHERE kind LIKE 'ledger.%' AND data LIKE '%used%'"),
    )[0],
    "a use left out": lambda f: f.sql("DELETE FROM uses"),
    "the beginning of a chain cut off": lambda f: f.sql(
        "UPDATE audit_heads SET floor_seq = 2, floor_hash = "
        "(SELECT hash FROM audit WHERE audit.writer = audit_heads.writer AND audit.seq = 2)"
    ),
}


@pytest.fixture
def forger(tmp_path: Path) -> Iterator[Forger]:
    made = Forger(tmp_path / "store.db")
    yield made
    made.sides.close()


def _tried(sides: Sides, name: str, forger: Forger) -> str:
    """Decide the ticket if it can be decided, then carry it out; returns what came of it."""
    with suppress(TicketError, CheckFailed):
        forger.decide(name, APPROVE)
    try:
        forger.run(name)
    except (TicketError, CheckFailed) as error:
        return type(error).__name__
    return "ran"


@pytest.mark.parametrize("way", WAYS)
def test_what_was_altered_in_the_file_is_found_and_does_not_run(way: str, forger: Forger) -> None:
    name, alter = WAYS[way]
    alter(forger)
    assert _tried(forger.sides, name, forger) != "ran"
    assert not forger.sides.admin.verify().is_intact


@pytest.mark.parametrize("way", SPENDING)
def test_what_was_altered_of_past_spending_is_found(way: str, forger: Forger) -> None:
    SPENDING[way](forger)
    assert not forger.sides.admin.verify().is_intact


def test_without_a_forger_everything_is_found_intact_and_runs(forger: Forger) -> None:
    conn = sqlite3.connect(forger.path)
    _rewrite_chains(conn)
    conn.commit()
    conn.close()
    assert forger.sides.admin.verify().is_intact
    assert _tried(forger.sides, "waiting", forger) == "ran"
    assert _tried(forger.sides, "approved", forger) == "ran"
    assert _tried(forger.sides, "rejected", forger) == "NotAllowed"
    assert forger.sides.admin.verify().is_intact


def test_what_was_undone_cannot_be_put_back_in_the_file(forger: Forger) -> None:
    later = Resolution(verdict=Verdict.APPROVE, takes_effect_in=timedelta(seconds=5))
    forger.decide("waiting", later)
    forger.sides.inbox.undo("default", "waiting", actor())
    forger.sql("UPDATE decisions SET undone_at = NULL WHERE ticket = 'waiting'")
    forger.set("tickets", "waiting", state="resolved", lease_until=1)
    assert forger.sides.desk.sweep(NOW + timedelta(minutes=2)) == {}
    assert not forger.sides.admin.verify().is_intact
