"""A chat model behind the guard: nobody sees any of its answer before it was judged."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableBinding, RunnableConfig
from pydantic import ConfigDict, PrivateAttr, SkipValidation, model_validator

from handrail.errors import ConfigError
from handrail.guard.context import through
from handrail_adapters.langchain.batch import Begun, aask_together, ask_together, bound_of, has_own_batch
from handrail_adapters.langchain.inner import InnerModel, streams
from handrail_adapters.langchain.results import IncrementalChunks, ResultWriter, usage_in
from handrail_adapters.langchain.structured import GuardedStructured, guarded_steps

if TYPE_CHECKING:
    from handrail.guard import Call


class GuardedChatModel(BaseChatModel):
    """A LangChain chat model whose every answer passes a guard, whole and streamed, sync and async.

    Callbacks, traces and event streams see what was released and nothing else: the inner model is asked
    without them, and callbacks set on it are moved out here. A hand-off is an `AIMessage` with the notice as
    its text; `get_handoff(message)` reads it. With structured output, where no message is returned,
    `HandoffRequired` is raised.

    Args:
        inner: the model that is asked.
        guard: decides.
        trusted: kinds of content that may go to the model unread: `image`, `audio`, `file`, `video`.
        exchange: gives the exchange an id of its own; the same id never opens two tickets.
        inner_cache: let the inner model use LangChain's cache (its own, or that of `set_llm_cache`). The
            cache then holds prompts as they were sent and answers as the model wrote them, before anything
            was masked or withheld, for everybody who shares it. Each answer from it is judged again.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    inner: SkipValidation[BaseChatModel]
    guard: SkipValidation[Any]
    trusted: tuple[str, ...] = ()
    exchange: SkipValidation[Callable[[Sequence[BaseMessage]], str | None]] | None = None
    inner_cache: bool = False
    # A cached answer would be released without being judged.
    cache: Any = False
    # The input of a batch that this copy of the model stands for.
    _begun: Begun | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _take_over(self) -> "GuardedChatModel":
        if isinstance(self.inner, GuardedChatModel):
            raise ConfigError("this model is guarded already")
        if not isinstance(self.inner, BaseChatModel):
            raise ConfigError("only a chat model can be guarded; bind tools and retries outside the guard")
        for name in ("callbacks", "tags", "metadata", "verbose", "output_version", "disable_streaming"):
            setattr(self, name, getattr(self.inner, name))
        return self

    @property
    def _llm_type(self) -> str:
        return self.inner._llm_type

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return dict(self.inner._identifying_params)

    @property
    def model_name(self) -> str | None:
        """Name of the model that is asked, where it has one."""
        return getattr(self.inner, "model_name", None) or getattr(self.inner, "model", None)

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> Any:
        return self.inner._get_ls_params(stop=stop, **kwargs)

    def _resolve_model_profile(self) -> Any:
        return self.inner._resolve_model_profile()

    def _combine_llm_outputs(self, llm_outputs: list[Any]) -> dict[str, Any]:
        return dict(self.inner._combine_llm_outputs(llm_outputs))

    def get_token_ids(self, text: str) -> list[int]:
        """Return the inner model's token ids of a text."""
        return self.inner.get_token_ids(text)

    def get_num_tokens_from_messages(self, messages: list[BaseMessage], tools: Any = None) -> int:
        """Return the inner model's count of tokens."""
        return self.inner.get_num_tokens_from_messages(messages, tools)

    def _should_stream(self, *, async_api: bool, **kwargs: Any) -> bool:
        if self._begun is not None or not streams(type(self.inner), is_async=async_api):
            return False
        return super()._should_stream(async_api=async_api, **kwargs)

    def _should_use_protocol_streaming(self, *, async_api: bool, **kwargs: Any) -> bool:
        if self._begun is not None or not streams(type(self.inner), is_async=async_api):
            return False
        return super()._should_use_protocol_streaming(async_api=async_api, **kwargs)

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: Any = None, **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Bind tools as the inner model does; the result is guarded."""
        choice = {} if tool_choice is None else {"tool_choice": tool_choice}
        bound = self._around(self.inner.bind_tools(tools, **choice, **kwargs))
        return cast("Runnable[LanguageModelInput, AIMessage]", bound)

    def with_structured_output(
        self, schema: Any, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[LanguageModelInput, Any]:
        """Return structured output as the inner model does.

        A hand-off raises `HandoffRequired` (also from `with_retry` and `with_fallbacks` of the result); with
        `include_raw` it is the raw message instead, and nothing is parsed.
        """
        steps = self.inner.with_structured_output(schema, include_raw=include_raw, **kwargs)
        return GuardedStructured(steps=guarded_steps(steps, self._around, include_raw=include_raw))

    def _around(self, bound: Runnable[Any, Any]) -> Runnable[Any, Any]:
        """Return what an inner model made of itself, with the guard around the model."""
        if isinstance(bound, RunnableBinding):
            return bound.model_copy(update={"bound": self._around(bound.bound)})
        if isinstance(bound, BaseChatModel):
            return self.model_copy(update={"inner": bound})
        raise ConfigError(f"cannot guard a {type(bound).__name__} that the model made of itself")

    def batch(
        self,
        inputs: list[LanguageModelInput],
        config: RunnableConfig | list[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> list[AIMessage]:
        """Answer several inputs; a model with a batch of its own is asked for them together."""
        if len(inputs) < 2 or not has_own_batch(self.inner, is_async=False):
            return super().batch(inputs, config, return_exceptions=return_exceptions, **kwargs)
        options = {name: value for name, value in kwargs.items() if name != "stop"}
        begun = [self._begin(self._messages(one), kwargs.get("stop"), options) for one in inputs]
        ask_together(begun, bound_of(config))
        pairs = list(zip(begun, inputs, strict=True))
        return _Answers(self).batch(pairs, config, return_exceptions=return_exceptions, **kwargs)

    async def abatch(
        self,
        inputs: list[LanguageModelInput],
        config: RunnableConfig | list[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> list[AIMessage]:
        """Answer several inputs, as `batch` does."""
        if len(inputs) < 2 or not has_own_batch(self.inner, is_async=True):
            return await super().abatch(inputs, config, return_exceptions=return_exceptions, **kwargs)
        options = {name: value for name, value in kwargs.items() if name != "stop"}
        begun = [await self._abegin(self._messages(one), kwargs.get("stop"), options) for one in inputs]
        await aask_together(begun, bound_of(config))
        pairs = list(zip(begun, inputs, strict=True))
        return await _Answers(self).abatch(pairs, config, return_exceptions=return_exceptions, **kwargs)

    def _messages(self, given: LanguageModelInput) -> list[BaseMessage]:
        return self._convert_input(given).to_messages()

    def answering(self, begun: Begun) -> "GuardedChatModel":
        """Return a copy of this model that answers one input of a batch, for which was asked already."""
        model = self.model_copy()
        model._begun = begun
        return model

    def _begin(self, messages: list[BaseMessage], stop: list[str] | None, options: dict[str, Any]) -> Begun:
        inner, writer = self._asked(messages, stop, options), ResultWriter(self.inner, options, self.trusted)
        with through("langchain"):
            call = self.guard.begin(inner.read, exchange=self._exchange(messages))
        return Begun(call=call, inner=inner, writer=writer)

    async def _abegin(
        self, messages: list[BaseMessage], stop: list[str] | None, options: dict[str, Any]
    ) -> Begun:
        inner, writer = self._asked(messages, stop, options), ResultWriter(self.inner, options, self.trusted)
        with through("langchain"):
            call = await self.guard.abegin(inner.read, exchange=self._exchange(messages))
        return Begun(call=call, inner=inner, writer=writer)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        begun = self._begun or self._begin(messages, stop, kwargs)
        call, inner, writer = begun.call, begun.inner, begun.writer
        if call.outcome is not None:
            return writer.withheld(call.outcome)
        result = begun.taken() or inner.generate(call)
        drafts = writer.read(result)
        call.used(usage_in(result.generations))
        outcome = call.finish(drafts, ask=inner.again)
        return writer.result(result, drafts, outcome, wanted_logprobs=call.wants_logprobs)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        begun = self._begun or await self._abegin(messages, stop, kwargs)
        call, inner, writer = begun.call, begun.inner, begun.writer
        if call.outcome is not None:
            return writer.withheld(call.outcome)
        result = begun.taken() or await inner.agenerate(call)
        drafts = writer.read(result)
        call.used(usage_in(result.generations))
        outcome = await call.afinish(drafts, ask=inner.aagain)
        return writer.result(result, drafts, outcome, wanted_logprobs=call.wants_logprobs)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        begun = self._begin(messages, stop, kwargs)
        call, inner, writer = begun.call, begun.inner, begun.writer
        if call.outcome is not None:
            yield writer.withheld_chunk(call.outcome)
            return
        pieces = self._pieces(call, writer)
        for chunk in inner.stream(call):
            yield from pieces.take(chunk)
        drafts = writer.read_chunks(pieces.chunks)
        yield from pieces.rest(writer, drafts, call.finish(drafts, ask=inner.again))

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        begun = await self._abegin(messages, stop, kwargs)
        call, inner, writer = begun.call, begun.inner, begun.writer
        if call.outcome is not None:
            yield writer.withheld_chunk(call.outcome)
            return
        pieces = self._pieces(call, writer)
        async for chunk in inner.astream(call):
            for ready in pieces.take(chunk):
                yield ready
        drafts = writer.read_chunks(pieces.chunks)
        for ready in pieces.rest(writer, drafts, await call.afinish(drafts, ask=inner.aagain)):
            yield ready

    def _pieces(self, call: "Call", writer: ResultWriter) -> IncrementalChunks:
        releases = self.guard.policy.stream == "release"
        strips = writer.strips(wanted_logprobs=call.wants_logprobs)
        return IncrementalChunks(call.stream if releases else None, strips=strips)

    def _asked(
        self, messages: list[BaseMessage], stop: list[str] | None, options: dict[str, Any]
    ) -> InnerModel:
        return InnerModel(
            self.inner, messages, stop, options, trusted=self.trusted, uses_cache=self.inner_cache
        )

    def _exchange(self, messages: Sequence[BaseMessage]) -> str | None:
        return self.exchange(messages) if self.exchange is not None else None


class _Answers(Runnable[tuple[Begun, LanguageModelInput], AIMessage]):
    """Answers the inputs of a batch, each as a run of its own, once the model was asked for all of them."""

    def __init__(self, model: GuardedChatModel) -> None:
        self._model = model

    def invoke(
        self,
        input: tuple[Begun, LanguageModelInput],  # noqa: A002 - the name that LangChain gives it
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> AIMessage:
        begun, given = input
        return self._model.answering(begun).invoke(given, config, **kwargs)

    async def ainvoke(
        self,
        input: tuple[Begun, LanguageModelInput],  # noqa: A002 - the name that LangChain gives it
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> AIMessage:
        begun, given = input
        return await self._model.answering(begun).ainvoke(given, config, **kwargs)
