"""How tests of open values are drawn: how many examples, under which policies, with which guards."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from handrail import Guard
from support.open_world import guard_of

EXAMPLES = pytest.mark.parametrize(
    "examples", [pytest.param(100, id="few"), pytest.param(2000, id="many", marks=pytest.mark.slow)]
)
EFFECTS = ("hand_off", "redact")
Guards = Callable[[str], Guard]
CheckT = TypeVar("CheckT", bound=Callable[..., None])


@contextmanager
def guards_in(folder: Path) -> Iterator[Guards]:
    """Make guards as they are asked for, by what they do: `hand_off` or `redact`, `results`, `release`."""
    made: dict[str, Guard] = {}

    def of(kind: str) -> Guard:
        if kind not in made:
            made[kind] = guard_of(
                folder / kind,
                kind.split()[0],
                judges_results="results" in kind,
                more="stream: release" if "release" in kind else "stream: hold",
            )
        return made[kind]

    yield of
    for guard in made.values():
        guard.close()


def quickly(examples: int) -> Callable[[CheckT], CheckT]:
    """Draw so many examples; they are drawn small, so nothing is shrunk."""
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def drawn(examples: int, holds: Callable[..., None], *strategies: st.SearchStrategy[Any]) -> None:
    """Check what must hold for many examples of some strategies."""

    @quickly(examples)
    @given(st.tuples(*strategies))
    def check(values: tuple[Any, ...]) -> None:
        holds(*values)

    check()
