"""Doubles for tests, ours and yours: a clock that stands still, a model that says what you wrote."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from handrail.errors import AnswerBlocked, HandoffRequired
from handrail.records import Answer, Handoff, Trigger


@dataclass(slots=True)
class FrozenClock:
    """A clock that moves only when it is told to."""

    at: datetime = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def advance(self, **by: float) -> datetime:
        """Move on by `timedelta(**by)` and return the new moment."""
        self.at += timedelta(**by)
        return self.at


@dataclass(slots=True)
class ScriptedModel:
    """A model that gives the answers it was given, in order, and remembers what it was asked.

    The last answer is repeated. An exception among the answers is raised.
    """

    answers: Sequence[str | Answer | Exception]
    asked: list[str] = field(default_factory=list)

    def __call__(self, prompt: str) -> str | Answer:
        self.asked.append(prompt)
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def answer(self, prompt: str) -> str | Answer:
        """Answer as a coroutine."""
        return self(prompt)

    def stream(self, prompt: str) -> Iterator[str]:
        """Answer character by character."""
        answer = self(prompt)
        yield from answer if isinstance(answer, str) else answer.text


def assert_handed_off(
    call: Callable[[], object], *, to: str | None = None, trigger: Trigger | str | None = None
) -> Handoff:
    """Assert that a call hands off, to a role and for a reason where these are given.

    Raises:
        AssertionError: it did not; the message says what happened instead.
    """
    try:
        answer = call()
    except HandoffRequired as handed:
        handoff = handed.handoff
    except AnswerBlocked as blocked:
        raise AssertionError(f"blocked instead of handed off: {blocked}") from blocked
    else:
        if not isinstance(answer, Handoff):
            raise AssertionError("the call was answered, not handed off")
        handoff = answer
    if to is not None and handoff.role != to:
        raise AssertionError(f"handed off to {handoff.role}, not to {to}")
    triggers: Iterable[str] = [found.value for found in handoff.triggers]
    if trigger is not None and str(trigger) not in triggers:
        raise AssertionError(f"handed off because of {', '.join(triggers)}, not {trigger}")
    return handoff
