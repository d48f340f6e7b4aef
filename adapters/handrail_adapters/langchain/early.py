"""A LangChain stream released chunk by chunk, as far as no rule could take a chunk back."""

from collections.abc import Iterator, Sequence

from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.outputs.chat_generation import merge_chat_generation_chunks

from handrail.records import Draft
from handrail.wire.early import GAP, CutterLike
from handrail.wire.provider import OutcomeLike
from handrail_adapters.langchain.blocks import beside_slots, view_of
from handrail_adapters.langchain.judged import Judged, stripped, told
from handrail_adapters.langchain.messages import write_draft


class EarlyChunks:
    """Collects the chunks of one answer and lets go of them, in order, as the cutter allows.

    Args:
        cutter: says how much may be shown.
        strips: the caller had not asked for log-probabilities that come.
    """

    def __init__(self, cutter: CutterLike, *, strips: bool) -> None:
        self.chunks: list[ChatGenerationChunk] = []
        self._cutter, self._strips = cutter, strips
        self._waiting: list[tuple[ChatGenerationChunk, int]] = []
        self._shown, self._fed, self._is_holding = "", 0, False

    def take(self, chunk: ChatGenerationChunk) -> Iterator[ChatGenerationChunk]:
        """Take a chunk; yield what may be shown by now."""
        self.chunks.append(chunk)
        self._is_holding = self._is_holding or not _is_plain(chunk)
        self._waiting.append((chunk, -1 if self._is_holding else self._number(chunk)))
        while self._waiting and 0 <= self._waiting[0][1] <= self._cutter.released:
            ready, _ = self._waiting.pop(0)
            self._shown += ready.message.text
            yield self._given(ready)

    def _number(self, chunk: ChatGenerationChunk) -> int:
        """Return how many fed chunks must be released for this one to go."""
        if chunk.message.text:
            self._fed += 1
            self._cutter.feed(chunk.message.text)
        return self._fed

    def rest(
        self, judged: Judged, drafts: Sequence[Draft], outcome: OutcomeLike
    ) -> Iterator[ChatGenerationChunk]:
        """Yield what is left once the whole was judged."""
        whole = merge_chat_generation_chunks(list(self.chunks))
        if not outcome.is_released:
            yield judged.withheld_chunk(outcome, whole, before=GAP if self._shown else "")
        elif whole is None or told(outcome.drafts[0]) == told(drafts[0]):
            yield from (self._given(chunk) for chunk, _ in self._waiting)
        else:
            message = write_draft(whole.message, drafts[0], outcome.drafts[0])
            if isinstance(message.content, str):
                message = message.model_copy(update={"content": message.content[len(self._shown) :]})
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
