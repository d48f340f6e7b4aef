"""What a guarded function gave, read whole: a draft for the judge, and the value as the caller may have it.

Every leaf of a result stands in one document, in which all of it is judged together; a finding is masked in
the leaves that it lies over, be it two of them. The chunks of a stream are one result: the pieces at one
place of its chunks are one text, each choice apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from handrail.errors import CheckFailed
from handrail.pipeline.withhold import WriteParts
from handrail.records import Answer, Draft
from handrail.text.composites import dumped
from handrail.text.documents import Document, document_of
from handrail.text.values import CannotHold, Path, rewrite


class Results:
    """What one call gave. `values` are, after `write`, as the caller may have them.

    Args:
        values: the result; of a generator its chunks and what it returned.
        chunks: how many of the values, from the first on, are pieces of one stream.
    """

    __slots__ = ("_chunks", "values")

    def __init__(self, values: Sequence[Any], *, chunks: int = 0) -> None:
        self.values, self._chunks = list(values), chunks

    def draft(self) -> Draft:
        """Return what is to be judged."""
        return draft_of_results(self.values, chunks=self._chunks)

    def write(self, parts: WriteParts) -> None:
        """Put the released texts into the values.

        Raises:
            CheckFailed: something is masked inside a value that cannot be rebuilt.
        """
        self.values = rewritten(parts, self.values, chunks=self._chunks)


def draft_of(result: object) -> Draft:
    """Read what a guarded function returned: a text, an `Answer`, a provider's object, or any other value."""
    return draft_of_results([result])


def draft_of_results(values: Sequence[object], *, chunks: int = 0) -> Draft:
    """Read values that are judged together; see `document_of`."""
    if len(values) == 1 and not chunks:
        result = values[0]
        if type(result) is str:
            return Draft(text=result)
        if type(result) is Answer:
            return Draft(text=result.text, logprobs=result.logprobs)
        known = _known(result)
        if known is not None:
            document = document_of(values)
            before = len(known.answer) + 1
            return replace(
                known,
                asides=(document.text,),
                unreadable=document.unreadable,
                fixed=tuple((start + before, end + before) for start, end in document.fixed),
                runs=tuple(
                    tuple((start + before, end + before) for start, end in run) for run in document.runs
                ),
            )
    document = document_of(values, chunks=chunks)
    return Draft(text=document.text, unreadable=document.unreadable, fixed=document.fixed, runs=document.runs)


def rewritten(parts: WriteParts, values: Sequence[Any], *, chunks: int = 0) -> list[Any]:
    """Return values that were judged together as the caller may have them, each of its own type.

    Args:
        parts: writes some parts of one text as the caller may have them.
        values: the values; see `document_of`.
        chunks: how many of them are pieces of one stream.

    Raises:
        CheckFailed: something is masked inside a value that cannot be rebuilt.
    """
    if len(values) == 1 and type(values[0]) is str:
        return parts(values[0], [(0, len(values[0]))], ())
    if len(values) == 1 and type(values[0]) is Answer:
        before = values[0].text
        (text,) = parts(before, [(0, len(before))], ())
        return [values[0] if text == before else Answer(text=text)]
    document = document_of(values, chunks=chunks)
    texts = parts(document.text, [(part.start, part.end) for part in document.parts], document.runs)
    return _with_texts(values, document, texts)


def _with_texts(values: Sequence[Any], document: Document, texts: Sequence[str]) -> list[Any]:
    changes: list[dict[Path, str]] = [{} for _ in values]
    for part, text in zip(document.parts, texts, strict=True):
        if text != part.leaf.text:
            changes[part.value][part.leaf.path] = text
    try:
        return [rewrite(value, new) for value, new in zip(values, changes, strict=True)]
    except CannotHold as error:
        raise CheckFailed("redaction", why=str(error)) from None


def _known(result: object) -> Draft | None:
    """Read what is known of a provider's object: its answer, its calls, its log-probabilities."""
    data = dumped(result)
    if data is None:
        return None
    from handrail.wire import chat
    from handrail.wire.logprobs import read_logprobs

    choices = data.get("choices")
    if isinstance(choices, list) and choices and all(_is_choice(choice) for choice in choices):
        drafts = chat.read_response(data)
        if len(drafts) == 1:
            return drafts[0]
        calls = tuple(call for draft in drafts for call in draft.tool_calls)
        return Draft(text="\n".join(draft.answer for draft in drafts), tool_calls=calls)
    content, metadata = data.get("content"), data.get("response_metadata")
    if not isinstance(content, str) or not isinstance(metadata, Mapping):
        return None
    logprobs = metadata.get("logprobs")
    tokens = read_logprobs(logprobs.get("content")) if isinstance(logprobs, Mapping) else None
    return Draft(text=content, logprobs=tokens)


def _is_choice(choice: object) -> bool:
    return isinstance(choice, Mapping) and isinstance(choice.get("message"), Mapping)
