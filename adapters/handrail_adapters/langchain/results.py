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
from handrail_adapters.langchain.messages import (
    beside_slots,
    notice_fields,
    read_draft,
    view_of,
    without_logprobs,
    write_draft,
)


def read_generations(generations: Sequence[ChatGeneration]) -> list[Draft]:
    """Return one draft per generation."""
    return [read_draft(generation.message, generation.generation_info) for generation in generations]


class ResultWriter:
    """Turns outcomes into results for one call, given the model and the options it was called with."""

    def __init__(self, inner: Any, options: dict[str, Any]) -> None:
        self._inner, self._options = inner, options

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
        if not strips and list(outcome.drafts) == list(drafts):
            return result
        generations = []
        for generation, before, after in zip(result.generations, drafts, outcome.drafts, strict=True):
            message = write_draft(generation.message, before, after)
            if strips or after.text != before.text:
                generations.append(stripped(generation, message))
            elif message is not generation.message:
                generations.append(generation.model_copy(update={"message": message}))
            else:
                generations.append(generation)
        return result.model_copy(update={"generations": generations})

    def read_chunks(self, chunks: Sequence[ChatGenerationChunk]) -> list[Draft]:
        """Return the draft that chunks add up to."""
        whole = merge_chat_generation_chunks(list(chunks))
        if whole is None:
            return [Draft(fault=FaultKind.EMPTY)]
        return [read_draft(whole.message, whole.generation_info)]


def said(draft: Draft) -> tuple[object, ...]:
    """Return what a draft says."""
    return (draft.text, draft.asides, draft.tool_calls, draft.refusal)


def _usage(message: BaseMessage) -> dict[str, Any]:
    usage = getattr(message, "usage_metadata", None)
    return {"usage_metadata": usage} if usage else {}


def stripped(generation: Any, message: BaseMessage) -> Any:
    """Return a generation with another message, and without log-probabilities."""
    info = generation.generation_info
    about = without_logprobs(message.response_metadata)
    update = {
        "message": message.model_copy(update={"response_metadata": about}),
        "generation_info": without_logprobs(info) if info else info,
        "text": message.text if isinstance(message.content, str) else generation.text,
    }
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
            message = write_draft(whole.message, drafts[0], outcome.drafts[0])
            if isinstance(message.content, str):
                message = message.model_copy(update={"content": message.content[len(shown) :]})
            yield stripped(whole, message)

    def _given(self, chunk: ChatGenerationChunk) -> ChatGenerationChunk:
        if not self._strips:
            return chunk
        given: ChatGenerationChunk = stripped(chunk, chunk.message)
        return given


def _is_plain(chunk: ChatGenerationChunk) -> bool:
    """True for a chunk that is text and nothing else."""
    message = chunk.message
    if not isinstance(message, AIMessageChunk) or not isinstance(message.content, str):
        return False
    return not (message.tool_call_chunks or message.additional_kwargs or beside_slots(view_of(message)))
