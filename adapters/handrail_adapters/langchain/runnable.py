"""Any runnable that makes text, guarded as a whole: its input and all of its output."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any

from langchain_core.runnables import Runnable, RunnableConfig

from handrail.records import Handoff
from handrail_adapters.langchain.inner import detached_run

if TYPE_CHECKING:
    from handrail.guard import Guard


class GuardedRunnable(Runnable[Any, Any]):
    """A runnable behind the guard. Runs inside it are not seen by callbacks, traces or event streams.

    Prefer `GuardedChatModel` where there is a model: this one judges whatever is in any input, option and
    output, as `guard` does for a function, and knows neither tool calls nor log-probabilities.

    Args:
        inner: the runnable.
        guard: decides.
        on_handoff: maps a `Handoff` to an output in place of raising `HandoffRequired`.
    """

    def __init__(
        self,
        inner: Runnable[Any, Any],
        guard: "Guard",
        *,
        on_handoff: Callable[[Handoff], object] | None = None,
    ) -> None:
        self.inner, self.guard, self.on_handoff = inner, guard, on_handoff

    def _guarded(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        guarded: Callable[..., Any] = self.guard(on_handoff=self.on_handoff)(fn)
        return guarded

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002
        """Return the output.

        Raises:
            HandoffRequired: a person must decide, and nothing maps that to an output.
        """

        def run(given: Any, **options: Any) -> Any:
            with detached_run():
                return self.inner.invoke(given, _quiet(config), **options)

        return self._guarded(run)(input, **kwargs)

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002
        """Return the output, as `invoke` does."""

        async def run(given: Any, **options: Any) -> Any:
            with detached_run():
                return await self.inner.ainvoke(given, _quiet(config), **options)

        return await self._guarded(run)(input, **kwargs)

    def stream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Any]:  # noqa: A002
        """Stream the output once all of it was judged."""

        def run(given: Any, **options: Any) -> Iterator[Any]:
            with detached_run():
                pieces = list(self.inner.stream(given, _quiet(config), **options))
            yield from pieces

        yield from self._guarded(run)(input, **kwargs)

    async def astream(
        self,
        input: Any,  # noqa: A002
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[Any]:
        """Stream the output once all of it was judged."""

        async def run(given: Any, **options: Any) -> AsyncIterator[Any]:
            with detached_run():
                pieces = [piece async for piece in self.inner.astream(given, _quiet(config), **options)]
            for piece in pieces:
                yield piece

        async for piece in self._guarded(run)(input, **kwargs):
            yield piece


def _quiet(config: RunnableConfig | None) -> RunnableConfig:
    quiet: RunnableConfig = {**(config or {}), "callbacks": []}
    return quiet
