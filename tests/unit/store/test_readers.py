import multiprocessing
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from handrail.errors import StoreUnavailable
from handrail.store.readers import MOST_IDLE
from handrail.tickets.ports import ConversationState
from support.stores import Sides, new_ticket, sqlite_sides

FORK = multiprocessing.get_context("fork")


@pytest.fixture
def sides(tmp_path: Path) -> Sides:
    sides = sqlite_sides(tmp_path / "store.db")
    sides.app.open(new_ticket("t1", conversation="talk"))
    return sides


def state(sides: Sides, conversation: str = "talk") -> ConversationState:
    return sides.app.conversation("default", conversation).state


def test_threads_that_ask_at_once_get_their_own_answers_and_few_connections_are_kept(sides: Sides) -> None:
    with ThreadPoolExecutor(3 * MOST_IDLE) as threads:
        found = list(threads.map(lambda n: state(sides, "talk" if n % 2 else f"other {n}"), range(400)))
    assert found == [ConversationState.AI, ConversationState.PENDING] * 200
    assert len(sides.app.database._readers._idle) <= MOST_IDLE
    sides.close()


def test_a_question_that_fails_says_so_and_the_next_one_is_answered(sides: Sides, tmp_path: Path) -> None:
    assert state(sides) is ConversationState.PENDING
    with sqlite3.connect(tmp_path / "store.db") as file:
        file.execute("ALTER TABLE tickets RENAME TO away")
    with pytest.raises(StoreUnavailable):
        state(sides)
    with sqlite3.connect(tmp_path / "store.db") as file:
        file.execute("ALTER TABLE away RENAME TO tickets")
    assert state(sides) is ConversationState.PENDING
    sides.close()


def test_a_child_of_a_fork_asks_by_a_connection_of_its_own(sides: Sides) -> None:
    assert state(sides) is ConversationState.PENDING
    ours = {id(driver) for _, driver in sides.app.database._readers._idle}
    answers = FORK.SimpleQueue()

    def child() -> None:
        seen = state(sides)
        answers.put((seen, any(id(driver) in ours for _, driver in sides.app.database._readers._idle)))

    process = FORK.Process(target=child)
    process.start()
    assert answers.get() == (ConversationState.PENDING, False)
    process.join()
    assert state(sides) is ConversationState.PENDING
    sides.close()
