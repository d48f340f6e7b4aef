"""What another process hands off or decides is seen at the next message of the conversation."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from handrail.tickets.ports import ConversationState
from handrail.tickets.resolution import Resolution
from handrail.tickets.ticket import Verdict
from support.stores import (
    Logins,
    Sides,
    actor,
    new_ticket,
    postgres_database,
    postgres_sides,
    sqlite_sides,
)

pytestmark = pytest.mark.xdist_group("postgres")
Where = Path | Logins


def opened(where: Where) -> Sides:
    return sqlite_sides(where) if isinstance(where, Path) else postgres_sides(where)


def hand_off(where: Where) -> None:
    sides = opened(where)
    sides.app.open(new_ticket("t1", conversation="talk"))
    sides.close()


def take_over(where: Where) -> None:
    sides = opened(where)
    sides.inbox.take_over("default", "t1", actor())
    sides.close()


def reject(where: Where) -> None:
    sides = opened(where)
    sides.inbox.resolve("default", "t1", Resolution(verdict=Verdict.REJECT), actor())
    sides.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Where:
    return tmp_path / "store.db" if request.param == "sqlite" else postgres_database()


def test_a_hand_off_by_another_process_is_seen_at_the_next_message(where: Where) -> None:
    sides = opened(where)

    def state() -> ConversationState:
        return sides.app.conversation("default", "talk").state

    steps: list[tuple[Callable[[Where], None], ConversationState]] = [
        (hand_off, ConversationState.PENDING),
        (take_over, ConversationState.HUMAN),
        (reject, ConversationState.RETURNED),
    ]
    assert [state(), state()] == [ConversationState.AI] * 2
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as elsewhere:
        for step, becomes in steps:
            elsewhere.submit(step, where).result(timeout=60)
            assert [state(), state()] == [becomes] * 2
    sides.close()
