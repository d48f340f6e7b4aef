"""What an outcome leaves behind: a decision on record, and a customer who can name their ticket."""

import json
from pathlib import Path

from sqlalchemy import select

from handrail import Guard
from handrail.records import Draft, Message, Speaker
from handrail.store.tables import audit
from handrail.tickets.reference import reference_of
from support.shop_guard import POLICY, shop_guard
from support.stores import sqlite_sides

ASKED = (Message(speaker=Speaker.USER, text="Where is my parcel?"),)
WANTS_PERSON = (Message(speaker=Speaker.USER, text="I want to talk to a human."),)


def answered(guard: Guard, exchange: str) -> None:
    outcome = guard.begin(ASKED, exchange=exchange).finish([Draft(text="It comes on Friday.")])
    assert outcome.is_released


def recorded(folder: Path) -> set[str]:
    """The exchanges on record, as another process sees them."""
    sides = sqlite_sides(folder / "handrail.db")
    with sides.admin.read("default") as tx:
        rows = list(tx.conn.execute(select(audit.c.data).where(audit.c.kind.like("decision.%"))))
    sides.close()
    return {json.loads(row.data)["exchange"] for row in rows}


def test_a_durable_log_holds_each_answer_the_moment_it_is_released(tmp_path: Path) -> None:
    with shop_guard(tmp_path, POLICY.replace("owner:", "log: durable\nowner:", 1)) as guard:
        for number in range(5):
            answered(guard, f"e{number}")
            assert f"e{number}" in recorded(tmp_path)


def test_a_batched_log_holds_every_answer_once_it_is_flushed(tmp_path: Path) -> None:
    with shop_guard(tmp_path) as guard:
        for number in range(5):
            answered(guard, f"e{number}")
        guard.store.flush()  # type: ignore[attr-defined]
        assert recorded(tmp_path) >= {f"e{number}" for number in range(5)}


def test_a_customer_is_told_the_reference_that_people_say_and_never_the_id(tmp_path: Path) -> None:
    with shop_guard(tmp_path) as guard, guard.context(customer="carla", conversation="c-1"):
        notices = []
        for number in range(2):
            outcome = guard.begin(WANTS_PERSON, exchange=f"exchange-{number}").outcome
            assert outcome is not None
            notices.append(outcome.notice)
        assert [reference_of("default", "exchange-0") in notice for notice in notices] == [True, True]
        assert not any("exchange-0" in notice for notice in notices)
