"""A small policy, a store in a temporary folder and a clock that stands still."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from handrail import Guard
from handrail.guard import FactSource
from handrail.testing import FrozenClock
from support.scenes import PEOPLE, POLICY


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def make_guard(tmp_path: Path, clock: FrozenClock) -> Iterator[Callable[..., Guard]]:
    made: list[Guard] = []

    def make(policy: str = POLICY, facts: FactSource | None = None) -> Guard:
        (tmp_path / "policy.yaml").write_text(policy)
        (tmp_path / "people.yaml").write_text(PEOPLE)
        guard = Guard.from_policy(
            tmp_path / "policy.yaml",
            people=tmp_path / "people.yaml",
            store=f"sqlite:///{tmp_path}/handrail.db",
            facts=facts,
            clock=clock,
        )
        made.append(guard)
        return guard

    yield make
    for guard in made:
        guard.close()


@pytest.fixture
def guard(make_guard: Callable[..., Guard]) -> Guard:
    return make_guard()
