"""The store is gone or damaged: nothing is released, nothing is lost, and the next start drains the spool."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from handrail import CheckFailed, Guard, HandoffRequired
from handrail.errors import StoreUnavailable
from handrail.store import Filter
from handrail.testing import FrozenClock
from support.scenes import KEY, PEOPLE, POLICY


@pytest.fixture
def start(tmp_path: Path) -> Callable[[], Guard]:
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "people.yaml").write_text(PEOPLE)

    def started() -> Guard:
        return Guard.from_policy(
            tmp_path / "policy.yaml",
            people=tmp_path / "people.yaml",
            store=f"sqlite:///{tmp_path}/handrail.db",
            clock=FrozenClock(),
        )

    return started


def broken(path: Path) -> None:
    """Make every table disappear, as a damaged or replaced file would."""
    with sqlite3.connect(path) as database:
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        database.execute("PRAGMA foreign_keys = OFF")
        for name in names:
            if not name.startswith("sqlite_"):
                database.execute(f'ALTER TABLE "{name}" RENAME TO "gone_{name}"')
    database.close()


def mended(path: Path) -> None:
    with sqlite3.connect(path) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE name LIKE 'gone_%'").fetchall():
            database.execute(f'ALTER TABLE "{name}" RENAME TO "{name.removeprefix("gone_")}"')
    database.close()


def test_a_case_that_could_not_be_stored_is_drained_at_the_next_start(
    start: Callable[[], Guard], tmp_path: Path
) -> None:
    guard = start()
    leak = guard(lambda question: f"the key is {KEY}")
    broken(tmp_path / "handrail.db")
    with guard.context(customer="c1", conversation="v1"), pytest.raises(HandoffRequired) as raised:
        leak("what is the key?")
    assert raised.value.handoff.spooled
    spooled = b"".join(p.read_bytes() for p in (tmp_path / "handrail.db.spool").rglob("*") if p.is_file())
    assert KEY.encode() not in spooled
    assert b"what is the key" not in spooled
    guard.close()
    mended(tmp_path / "handrail.db")

    again = start()
    rows = again.store.list("default", Filter()).rows
    assert [row.id for row in rows] == [raised.value.handoff.ticket]
    again.close()


def test_no_action_runs_while_its_limit_cannot_be_read(start: Callable[[], Guard], tmp_path: Path) -> None:
    guard = start()
    ran: list[int] = []

    @guard.tool
    def issue_refund(amount: int) -> None:
        ran.append(amount)

    broken(tmp_path / "handrail.db")
    with guard.context(customer="c1"), pytest.raises((HandoffRequired, CheckFailed)):
        issue_refund(5)
    assert ran == []
    guard.close()


def test_a_disk_that_refuses_the_spool_too_is_an_error_not_an_answer(
    start: Callable[[], Guard], tmp_path: Path
) -> None:
    guard = start()
    broken(tmp_path / "handrail.db")
    (tmp_path / "handrail.db.spool").write_text("a file where the folder should be")
    with guard.context(conversation="v1"), pytest.raises(StoreUnavailable) as raised:
        guard(lambda question: f"the key is {KEY}")("what is the key?")
    assert KEY not in str(raised.value)
    guard.close()


def test_a_clean_answer_needs_no_store_outside_a_conversation(
    start: Callable[[], Guard], tmp_path: Path
) -> None:
    guard = start()
    broken(tmp_path / "handrail.db")
    assert guard(lambda question: "We open at nine.")("When do you open?") == "We open at nine."
    mended(tmp_path / "handrail.db")
    guard.close()


def test_inside_a_conversation_nothing_is_said_while_nobody_knows_who_speaks(
    start: Callable[[], Guard], tmp_path: Path
) -> None:
    guard = start()
    broken(tmp_path / "handrail.db")
    with guard.context(conversation="v1"), pytest.raises(HandoffRequired) as raised:
        guard(lambda question: "We open at nine.")("When do you open?")
    assert raised.value.handoff.role == "queue_manager"
    guard.close()
