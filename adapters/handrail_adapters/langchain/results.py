"""What a judged answer looks like as LangChain results and chunks, whole or in pieces."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.outputs.chat_generation import merge_chat_generation_chunks

from handrail.guard import Outcome
from handrail.http.incremental import GAP, ReleaseQueue
from handrail.pipeline.stream import StreamRelease
from handrail.records import Draft, FaultKind
from handrail.wire.tools import schemas_of, with_schemas
from handrail_adapters.langchain.answers import read_draft, said, write_beside, write_draft
from handrail_adapters.langchain.fields import Json, without_logprobs
from handrail_adapters.langchain.messages import notice_fields


def drafts_of(result: ChatResult, *, trusted: Sequence[str] = ()) -> list[Draft]:
    """Return one draft per generation; what stands beside all of them is judged with the first."""
    return [
        read_draft(generation.message, _beside(generation, None if index else result), trusted=trusted)
        for index, generation in enumerate(result.generations)
    ]


def _beside(generation: ChatGeneration, result: ChatResult | None = None) -> Json:
    """Return what stands beside a message: in its generation and, for the first, in the whole result."""
    found: Json = {}
    if generation.generation_info:
        found["info"] = generation.generation_info
    if generation.text != generation.message.content and generation.text != _text_of(generation.message):
        found["text"] = generation.text
    if result is not None and result.llm_output:
        found["output"] = result.llm_output
    return found


def _of_chunks(chunks: Sequence[ChatGenerationChunk]) -> Json:
    """Return what chunks hold that is no part of the message they add up to."""
    found: list[Json] = []
    for chunk in chunks:
        lost = {
            **(chunk.message.model_extra or {}),
            **({"name": chunk.message.name} if chunk.message.name else {}),
        }
        if chunk.text != chunk.message.content and chunk.text != _text_of(chunk.message):
            lost["text"] = chunk.text
        found += [lost] if lost else []
    return {"chunks": found} if found else {}


def _text_of(message: BaseMessage) -> str:
    """Return the text that LangChain derives from a message."""
    return ChatGeneration(message=message).text


class ResultWriter:
    """Turns outcomes into results for one call, given the model and the options it was called with."""

    def __init__(self, inner: Any, options: dict[str, Any], trusted: Sequence[str] = ()) -> None:
        self._inner, self._options, self._trusted = inner, options, trusted

    def strips(self, *, wanted_logprobs: bool) -> bool:
        """True when log-probabilities came because the policy wanted them, and the caller had not asked."""
        if not wanted_logprobs:
            return False
        return not self._options.get("logprobs", getattr(self._inner, "logprobs", None))

    @property
    def _is_structured(self) -> bool:
        return bool(self._options.get("response_format") or self._options.get("ls_structured_output_format"))

    def _notice(self, outcome: Outcome) -> dict[str, Any]:
        return notice_fields(
            outcome.notice, outcome.handoff, outcome.decision, is_structured=self._is_structured
        )

    def withheld(self, outcome: Outcome, like: Sequence[ChatGeneration] = ()) -> ChatResult:
        """Return the notice, as often as there were answers."""
        fields = self._notice(outcome)
        messages = [AIMessage(**fields, **_usage(generation.message)) for generation in like] or [
            AIMessage(**fields)
        ]
        return ChatResult(generations=[ChatGeneration(message=message) for message in messages])

    def withheld_chunk(
        self, outcome: Outcome, like: ChatGenerationChunk | None = None, *, before: str = ""
    ) -> ChatGenerationChunk:
        """Return the notice as a chunk; `before` separates it from what was shown already."""
        fields = self._notice(outcome)
        fields["content"] = before + fields["content"]
        usage = _usage(like.message) if like is not None else {}
        return ChatGenerationChunk(message=AIMessageChunk(**fields, **usage))

    def result(
        self, result: ChatResult, drafts: Sequence[Draft], outcome: Outcome, *, wanted_logprobs: bool
    ) -> ChatResult:
        """Return what may be released of a result."""
        if not outcome.is_released:
            return self.withheld(outcome, result.generations)
        strips = self.strips(wanted_logprobs=wanted_logprobs)
        pairs = list(zip(drafts, outcome.drafts, strict=True))
        if not strips and all(said(before) == said(after) for before, after in pairs):
            return result
        generations, output = [], result.llm_output
        for index, generation in enumerate(result.generations):
            before, after = pairs[index]
            beside = write_beside(_beside(generation, None if index else result), before, after)
            output = output if index else beside.get("output", output)
            message = write_draft(generation.message, before, after)
            drops = strips or message.text != generation.message.text
            generations.append(_generation(generation, message, beside, drops_logprobs=drops))
        return result.model_copy(update={"generations": generations, "llm_output": output})

    def read(self, result: ChatResult) -> list[Draft]:
        """Return one draft per generation."""
        return list(with_schemas(drafts_of(result, trusted=self._trusted), schemas_of(self._options)))

    def read_chunks(self, chunks: Sequence[ChatGenerationChunk]) -> list[Draft]:
        """Return the draft that chunks add up to."""
        whole = merge_chat_generation_chunks(list(chunks))
        if whole is None:
            return [Draft(fault=FaultKind.EMPTY)]
        beside = {**_beside(whole), **_of_chunks(chunks)}
        drafts = [read_draft(whole.message, beside, trusted=self._trusted)]
        return list(with_schemas(drafts, schemas_of(self._options)))


def usage_in(generations: Sequence[ChatGeneration]) -> object:
    """Return what the provider states that an answer used, None where it says nothing."""
    return getattr(generations[0].message, "usage_metadata", None) if generations else None


def _usage(message: BaseMessage) -> dict[str, Any]:
    usage = getattr(message, "usage_metadata", None)
    if not usage:
        return {}
    counts = {name: usage.get(name) for name in ("input_tokens", "output_tokens", "total_tokens")}
    return {"usage_metadata": {name: n if isinstance(n, int) else 0 for name, n in counts.items()}}


def _generation(generation: Any, message: BaseMessage, beside: Json, *, drops_logprobs: bool) -> Any:
    """Return a generation with another message, and what may stand beside it."""
    info = beside.get("info", generation.generation_info)
    if drops_logprobs:
        about = without_logprobs(message.response_metadata)
        message = message.model_copy(update={"response_metadata": about})
        info = without_logprobs(info) if info else info
    update = {"message": message, "generation_info": info, "text": _text_of(message)}
    return generation.model_copy(update=update)


class IncrementalChunks:
    """The chunks of one answer: collected for the judgement, and given as far as that is safe.

    Args:
        new_release: makes what says how much may be shown; None holds everything to its end.
        strips: log-probabilities come that the caller had not asked for.
    """

    def __init__(self, new_release: Callable[[], StreamRelease] | None, *, strips: bool) -> None:
        self.chunks: list[ChatGenerationChunk] = []
        self._strips = strips
        self._queue = ReleaseQueue[ChatGenerationChunk](new_release) if new_release is not None else None

    def take(self, chunk: ChatGenerationChunk) -> Iterator[ChatGenerationChunk]:
        """Take a chunk; yield what may be shown by now."""
        self.chunks.append(chunk)
        if self._queue is None:
            return
        text = chunk.message.text if _is_plain(chunk) else None
        self._queue.put(chunk, None if text is None else [(0, text)] if text else [])
        yield from map(self._given, self._queue.ready())

    def rest(
        self, writer: ResultWriter, drafts: Sequence[Draft], outcome: Outcome
    ) -> Iterator[ChatGenerationChunk]:
        """Yield what is left once the whole was judged."""
        whole = merge_chat_generation_chunks(list(self.chunks))
        shown, left = ("", self.chunks) if self._queue is None else (self._queue.shown(), self._queue.rest())
        if not outcome.is_released:
            yield writer.withheld_chunk(outcome, whole, before=GAP if shown else "")
        elif whole is None or not outcome.drafts or said(outcome.drafts[0]) == said(drafts[0]):
            yield from map(self._given, left)
        else:
            before, after = drafts[0], outcome.drafts[0]
            message = write_draft(whole.message, before, after)
            beside = write_beside(_beside(whole), before, after)
            drops = self._strips or message.text != whole.message.text
            if isinstance(message.content, str):
                message = message.model_copy(update={"content": message.content[len(shown) :]})
            yield _generation(whole, message, beside, drops_logprobs=drops or bool(shown))

    def _given(self, chunk: ChatGenerationChunk) -> ChatGenerationChunk:
        if not self._strips:
            return chunk
        given: ChatGenerationChunk = _generation(chunk, chunk.message, {}, drops_logprobs=True)
        return given


def _is_plain(chunk: ChatGenerationChunk) -> bool:
    """True for a chunk that is text and nothing else."""
    message = chunk.message
    if not isinstance(message, AIMessageChunk) or not isinstance(message.content, str):
        return False
    if message.tool_call_chunks or message.tool_calls or message.invalid_tool_calls:
        return False
    if not (_holds_more(message) or chunk.generation_info):
        return chunk.text == message.content
    draft = read_draft(message, _beside(chunk))
    return not (draft.asides or draft.refusal or draft.unreadable)


def _holds_more(message: AIMessageChunk) -> bool:
    return bool(
        message.additional_kwargs
        or message.response_metadata
        or message.usage_metadata
        or message.name
        or message.model_extra
    )
