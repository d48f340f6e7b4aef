"""What a guarded call asks for while it is decided, and the two drivers that answer it.

The steps of a call are a generator: it yields a *need*, is sent the answer, and returns its result. So the
course of a call is written once and does no input or output of its own. `run` answers each need with a plain
call and `arun` by awaiting; nothing else in handrail steps such a generator.
"""

from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from handrail.confidence.cascade import SampleRequest
from handrail.records import Context, Evidence
from handrail.text.foreign import contained
from handrail.tickets.ports import ConversationState, ConversationStatus, LedgerQuery

WITH_A_PERSON = (ConversationState.PENDING, ConversationState.HUMAN)
"""States of a conversation in which the assistant sends nothing but a fixed notice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedConversation:
    """Who speaks in this conversation? Answer: `ConversationStatus`."""

    tenant: str
    conversation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedHistory:
    """What are these sums and counts over past actions? Answer: mapping of fact name to value."""

    queries: tuple[LedgerQuery, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedFacts:
    """What does the caller know of these facts? Answer: mapping of name to raw value; missing is unknown."""

    names: tuple[str, ...]
    evidence: Evidence


Need: TypeAlias = NeedConversation | NeedHistory | NeedFacts | SampleRequest

T = TypeVar("T")
NeedT = TypeVar("NeedT")
Steps: TypeAlias = Generator[Need, Any, T]


def conversation_status(context: Context) -> Steps[ConversationStatus]:
    """Ask who speaks in a caller's conversation; the assistant does where none is named."""
    if context.conversation is None:
        return ConversationStatus()
    status: ConversationStatus = yield NeedConversation(
        tenant=context.tenant, conversation=context.conversation
    )
    return status


def run(steps: Generator[NeedT, Any, T], answer: Callable[[NeedT], object]) -> T:
    """Run steps to their result, answering every need on the way.

    An error that `answer` raises is raised here; the steps go no further.
    """
    reply: object = None
    while True:
        taken = step(steps, reply)
        if isinstance(taken, Returned):
            result: T = taken.value
            return result
        reply = answered(taken, answer)


@dataclass(frozen=True, slots=True)
class Returned(Generic[T]):
    """The result of steps that have come to their end."""

    value: T


def step(steps: Generator[NeedT, Any, T], reply: object) -> NeedT | Returned[T]:
    """Take steps up to their next need, or to their result.

    Steps run registered code such as analyzers; what would end a task around them becomes a RuntimeError.
    """
    try:
        return steps.send(reply)
    except StopIteration as stop:
        return Returned(stop.value)
    except BaseException as error:
        outer = contained(error, "a step was taken")
        if outer is error:
            raise
        raise outer from error


class Stepper(Protocol):
    """Takes steps somewhere else than in the event loop's thread, as `step` does."""

    async def __call__(self, steps: Generator[NeedT, Any, T], reply: object, /) -> NeedT | Returned[T]:
        """Take steps up to their next need, or to their result."""


async def arun(
    steps: Generator[NeedT, Any, T],
    answer: Callable[[NeedT], Awaitable[object]],
    *,
    stepper: Stepper | None = None,
    is_long: Callable[[object], bool] | None = None,
) -> T:
    """Run steps to their result as `run` does, awaiting each answer.

    Args:
        steps: what is run.
        answer: answers a need.
        stepper: takes steps that are long, so that the event loop is not held up; None takes them here.
        is_long: with a stepper, tells by an answer whether the step that it leads to is long; None for all.
    """
    reply: object = None
    while True:
        if stepper is None or (is_long is not None and not is_long(reply)):
            taken = step(steps, reply)
        else:
            taken = await stepper(steps, reply)
        if isinstance(taken, Returned):
            result: T = taken.value
            return result
        reply = await answered(taken, answer)


def answered(need: NeedT, answer: Callable[[NeedT], T]) -> T:
    """Answer one need; what would end a generator or a task around it becomes a RuntimeError.

    What answers in a thread goes through here as well: no future can carry a StopIteration, and a
    cancellation that the answer itself raises is none of the caller's.
    """
    try:
        return answer(need)
    except BaseException as error:
        outer = contained(error, "a need was answered")
        if outer is error:
            raise
        raise outer from error
