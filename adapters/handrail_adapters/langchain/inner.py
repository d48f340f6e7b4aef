"""Asks the inner model, hidden from the callbacks of the run that asks."""

from collections.abc import AsyncIterator, Iterator, Sequence
from functools import lru_cache
from typing import Any

from langchain_core.globals import get_llm_cache
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables.config import var_child_runnable_config

from handrail.records import Draft, Message
from handrail_adapters.langchain.messages import read_message, without_artifact, write_messages
from handrail_adapters.langchain.options import options_message, read_options, write_options
from handrail_adapters.langchain.results import drafts_of


class detached_run:  # noqa: N801 - reads as the statement that it is
    """Hide the present run, so that nothing inside the block inherits its callbacks and streams."""

    __slots__ = ("_token",)

    def __enter__(self) -> None:
        self._token = var_child_runnable_config.set(None)

    def __exit__(self, *_: object) -> None:
        var_child_runnable_config.reset(self._token)


class InnerModel:
    """One call of the inner model: the caller's messages and options, and what the guard read of them.

    Args:
        model: the model.
        messages: the caller's.
        stop: words at which the model stops.
        options: what else the model is called with.
        trusted: kinds of content that may go to the model unread.
        uses_cache: the model may look in LangChain's cache, and put its answers there as it wrote them.
    """

    def __init__(
        self,
        model: BaseChatModel,
        messages: list[BaseMessage],
        stop: list[str] | None,
        options: dict[str, Any],
        *,
        trusted: tuple[str, ...] = (),
        uses_cache: bool = False,
    ) -> None:
        self._model, self._messages, self._trusted = model, messages, trusted
        self._options, self._uses_cache = {"stop": stop, **options}, uses_cache
        self._said = read_options(options if stop is None else self._options)
        beside = options_message(self._said)
        self.read = (*beside, *(read_message(message, trusted=trusted) for message in messages))
        self._beside = len(beside)

    def upstream(self, call: Any) -> tuple[list[BaseMessage], dict[str, Any]]:
        """Return the messages and options that may go to the model."""
        kind = type(self._model)
        field = _naming_field(kind)
        call.asks(str(getattr(self._model, field)) if field else "", kind.__name__)
        sent, options = self._written(call.messages)
        if call.instruction is not None:
            sent = _instructed(sent, call.instruction)
        return sent, self._with_logprobs(options, wants=call.wants_logprobs)

    def _written(self, messages: Sequence[Message]) -> tuple[list[BaseMessage], dict[str, Any]]:
        if tuple(messages) == self.read:
            return [without_artifact(message) for message in self._messages], self._options
        beside, told = messages[: self._beside], messages[self._beside :]
        options = write_options(self._options, self._said, beside[0].text) if beside else self._options
        return write_messages(self._messages, told, trusted=self._trusted), options

    def _with_logprobs(self, options: dict[str, Any], *, wants: bool) -> dict[str, Any]:
        can = wants and "logprobs" in type(self._model).model_fields
        return {**options, "logprobs": True} if can else options

    def generate(self, call: Any) -> ChatResult:
        """Ask for whole answers."""
        messages, options = self.upstream(call)
        with detached_run():
            return self._ask(messages, options)

    async def agenerate(self, call: Any) -> ChatResult:
        """Ask for whole answers."""
        messages, options = self.upstream(call)
        with detached_run():
            return await self._aask(messages, options)

    def stream(self, call: Any) -> Iterator[ChatGenerationChunk]:
        """Ask for a stream; the present run is hidden only while the inner model is at work."""
        messages, options = self.upstream(call)
        if self._model.rate_limiter:
            self._model.rate_limiter.acquire(blocking=True)
        with detached_run():
            chunks = iter(self._model._stream(messages, **options))
        while True:
            with detached_run():
                chunk = next(chunks, None)
            if chunk is None:
                return
            yield chunk

    async def astream(self, call: Any) -> AsyncIterator[ChatGenerationChunk]:
        """Ask for a stream, as `stream` does."""
        messages, options = self.upstream(call)
        if self._model.rate_limiter:
            await self._model.rate_limiter.aacquire(blocking=True)
        with detached_run():
            chunks = aiter(self._model._astream(messages, **options))
        while True:
            with detached_run():
                chunk = await anext(chunks, None)
            if chunk is None:
                return
            yield chunk

    def again(self, need: Any) -> Sequence[Draft]:
        """Ask for more answers, or a question about the proposed one."""
        messages, options = self._repeated(need)
        with detached_run():
            results = [self._ask(messages, options) for _ in range(need.count)]
        return [draft for result in results for draft in drafts_of(result)]

    async def aagain(self, need: Any) -> Sequence[Draft]:
        """Ask for more answers, or a question about the proposed one."""
        messages, options = self._repeated(need)
        with detached_run():
            results = [await self._aask(messages, options) for _ in range(need.count)]
        return [draft for result in results for draft in drafts_of(result)]

    def _repeated(self, need: Any) -> tuple[list[BaseMessage], dict[str, Any]]:
        sent, options = self._written(need.messages)
        options = self._with_logprobs(options, wants=need.wants_logprobs)
        if "temperature" in type(self._model).model_fields:
            options = {**options, "temperature": need.temperature}
        if need.instruction is None:
            return sent, options
        without = ("tools", "tool_choice", "response_format")
        return [*sent, HumanMessage(need.instruction)], {k: v for k, v in options.items() if k not in without}

    def _ask(self, messages: list[BaseMessage], options: dict[str, Any]) -> ChatResult:
        if self._is_plain(options, is_async=False):
            return self._model._generate(messages, **options)
        return self.uncached()._generate_with_cache(messages, **options)

    async def _aask(self, messages: list[BaseMessage], options: dict[str, Any]) -> ChatResult:
        if self._is_plain(options, is_async=True):
            return await self._model._agenerate(messages, **options)
        return await self.uncached()._agenerate_with_cache(messages, **options)

    def uncached(self) -> BaseChatModel:
        """Return the model, without a cache unless it may use one."""
        return self._model if self._uses_cache else self._model.model_copy(update={"cache": False})

    def _is_plain(self, options: dict[str, Any], *, is_async: bool) -> bool:
        # What LangChain does around a model beside asking it; the guarded model does the rest itself.
        model, given = self._model, {name: value for name, value in options.items() if name != "stop"}
        has_cache = model.cache is not False and (model.cache is not None or get_llm_cache() is not None)
        return not ((has_cache and self._uses_cache) or model.rate_limiter) and not (
            streams(type(model), is_async=is_async) and model._should_stream(async_api=is_async, **given)
        )


@lru_cache(maxsize=256)
def streams(kind: type[BaseChatModel], *, is_async: bool) -> bool:
    """Tell whether a kind of model has a stream of its own, which LangChain may use for a whole answer."""
    has_sync = kind._stream is not BaseChatModel._stream
    return has_sync or (is_async and kind._astream is not BaseChatModel._astream)


@lru_cache(maxsize=256)
def _naming_field(kind: type[BaseChatModel]) -> str | None:
    return next((name for name in ("model_name", "model") if name in kind.model_fields), None)


def _instructed(messages: Sequence[BaseMessage], instruction: str) -> list[BaseMessage]:
    # Some providers take a system message only at the very beginning.
    first = messages[0] if messages else None
    if isinstance(first, SystemMessage) and isinstance(first.content, str):
        told = first.model_copy(update={"content": f"{first.content}\n\n{instruction}"})
        return [told, *messages[1:]]
    return [SystemMessage(instruction), *messages]
