"""Structured output behind the guard: a hand-off passes parsers, retries and fallbacks; it is raised last."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import (
    Runnable,
    RunnableBinding,
    RunnableConfig,
    RunnableParallel,
    RunnableSequence,
)

from handrail.errors import AnswerBlocked, ConfigError, HandoffRequired
from handrail_adapters.langchain.messages import get_block, get_handoff

Around = Callable[[Runnable[Any, Any]], Runnable[Any, Any]]


@dataclass(frozen=True, slots=True)
class Withheld:
    """What flows through a chain in place of an answer."""

    error: HandoffRequired | AnswerBlocked


def guarded_steps(steps: Runnable[Any, Any], around: Around, *, include_raw: bool) -> Runnable[Any, Any]:
    """Return a model's structured output chain with the guard around its model.

    Raises:
        ConfigError: the chain has a shape in which the model cannot be found.
    """
    if not isinstance(steps, RunnableSequence):
        raise ConfigError(f"cannot guard structured output that is a {type(steps).__name__}")
    first, *others = steps.steps
    guarded = _with_model(first, around)
    if include_raw:
        return RunnableSequence(guarded, *others)
    return RunnableSequence(guarded, *[UnlessWithheld(inner=step) for step in others])


def _with_model(step: Runnable[Any, Any], around: Around) -> Runnable[Any, Any]:
    if isinstance(step, RunnableParallel):
        return RunnableParallel({name: _with_model(s, around) for name, s in step.steps__.items()})
    if isinstance(step, (RunnableBinding, BaseChatModel)):
        return around(step)
    raise ConfigError(f"cannot find the model in a {type(step).__name__}")


def _withheld(value: object) -> Withheld | None:
    if isinstance(value, Withheld):
        return value
    if (handoff := get_handoff(value)) is not None:
        return Withheld(HandoffRequired(handoff))
    blocked = get_block(value)
    return Withheld(AnswerBlocked(blocked)) if blocked is not None else None


class UnlessWithheld(Runnable[Any, Any]):
    """A step that lets a hand-off pass by and does its work on anything else."""

    def __init__(self, inner: Runnable[Any, Any]) -> None:
        self.inner = inner

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002
        """Do the step."""
        return _withheld(input) or self.inner.invoke(input, config, **kwargs)

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002
        """Do the step."""
        return _withheld(input) or await self.inner.ainvoke(input, config, **kwargs)

    def transform(
        self,
        input: Iterator[Any],  # noqa: A002
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Iterator[Any]:
        """Do the step on a stream; a hand-off is its first chunk."""
        for first in input:
            if (found := _withheld(first)) is not None:
                yield found
                return
            yield from self.inner.transform(chain([first], input), config, **kwargs)

    async def atransform(
        self,
        input: AsyncIterator[Any],  # noqa: A002
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[Any]:
        """Do the step on a stream; a hand-off is its first chunk."""
        async for first in input:
            if (found := _withheld(first)) is not None:
                yield found
                return
            async for piece in self.inner.atransform(_chained(first, input), config, **kwargs):
                yield piece


async def _chained(first: Any, rest: AsyncIterator[Any]) -> AsyncIterator[Any]:
    yield first
    async for item in rest:
        yield item


class GuardedStructured(Runnable[Any, Any]):
    """A chain that returns structured output. A hand-off raises `HandoffRequired`, outside every retry."""

    def __init__(self, steps: Runnable[Any, Any]) -> None:
        self.steps = steps

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002
        """Return the parsed answer.

        Raises:
            HandoffRequired: a person must decide.
            AnswerBlocked: the policy forbids it.
        """
        return _raised(self.steps.invoke(input, config, **kwargs))

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002
        """Return the parsed answer, as `invoke` does."""
        return _raised(await self.steps.ainvoke(input, config, **kwargs))

    def stream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Any]:  # noqa: A002
        """Stream the parsed answer; raises as `invoke` does, before anything was yielded."""
        for piece in self.steps.stream(input, config, **kwargs):
            yield _raised(piece)

    async def astream(
        self,
        input: Any,  # noqa: A002
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[Any]:
        """Stream the parsed answer, as `stream` does."""
        async for piece in self.steps.astream(input, config, **kwargs):
            yield _raised(piece)

    def with_retry(self, **kwargs: Any) -> "GuardedStructured":
        """Retry on errors; a hand-off is not an error and is never retried."""
        return GuardedStructured(self.steps.with_retry(**kwargs))

    def with_fallbacks(self, fallbacks: Any, **kwargs: Any) -> "GuardedStructured":  # type: ignore[override]
        """Fall back on errors; a hand-off is not an error and no fallback replaces it."""
        return GuardedStructured(self.steps.with_fallbacks(fallbacks, **kwargs))


def _raised(value: Any) -> Any:
    if isinstance(value, Withheld):
        raise value.error
    return value
