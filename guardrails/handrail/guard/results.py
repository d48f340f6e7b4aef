"""What a guarded function gave, read whole: a draft for the judge, and the value as the caller may have it.

Every leaf of a result stands in one *document*: text after text, a value behind its key. So a number is
judged beside the word that says what it is, and a finding in the document is masked in the leaves that it
lies over, be it two of them. The chunks of a stream are one result: the pieces at one place of its chunks are
one text, each choice apart.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

from handrail.errors import CheckFailed
from handrail.guard.call import Call
from handrail.records import Answer, Draft
from handrail.text.composites import KEY
from handrail.text.values import CannotHold, Leaf, LeafKind, Path, read, rewrite, runs


@runtime_checkable
class Model(Protocol):
    """A pydantic model, from whichever package."""

    def model_dump(self) -> dict[str, Any]:
        """Return the fields as plain data."""


@dataclass(frozen=True, slots=True)
class Part:
    """One leaf in a document: of which of several values, and where it stands."""

    value: int
    leaf: Leaf
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Document:
    """Everything that some values hold, as one text.

    `unreadable` are the codes of what could not be read.
    """

    text: str
    parts: tuple[Part, ...]
    unreadable: tuple[str, ...]

    @property
    def joined(self) -> tuple[str, ...]:
        """The texts that a reader may take for one, each without what lies between its parts."""
        leaves = [part.leaf for part in self.parts]
        return tuple("".join(leaves[index].text for index in run) for run in runs(leaves))

    @property
    def fixed(self) -> tuple[tuple[int, int], ...]:
        """Spans that cannot hold a mask: numbers, keys and the like."""
        return tuple((part.start, part.end) for part in self.parts if not part.leaf.holds_mask)


def document_of(values: Sequence[object], *, chunks: int = 0) -> Document:
    """Read values that belong together into one document; pure.

    Args:
        values: the values.
        chunks: how many of them, from the first on, are pieces of one stream: texts at the same place of
            these go on from one to the next.
    """
    rows: list[list[tuple[int, Leaf]]] = []
    places: dict[object, list[tuple[int, Leaf]]] = {}
    unreadable: dict[str, None] = {}
    for index, value in enumerate(values):
        reading = read(value)
        unreadable.update(dict.fromkeys(one.why for one in reading.unreadable))
        choices = _choices(reading.leaves) if index < chunks else {}
        for leaf in reading.leaves:
            # Keys and numbers of one chunk do not continue those of the chunk before.
            is_piece = index < chunks and leaf.holds_mask
            place = (leaf.path, _choice(leaf.path, choices)) if is_piece else (leaf.path, index)
            if place not in places:
                places[place] = []
                rows.append(places[place])
            places[place].append((index, leaf))
    return _laid_out(rows, tuple(unreadable))


def draft_of(result: object) -> Draft:
    """Read what a guarded function returned: a text, an `Answer`, a provider's object, or any other value."""
    if type(result) is str:
        return Draft(text=result)
    if type(result) is Answer:
        return Draft(text=result.text, logprobs=result.logprobs)
    document = document_of([result])
    known = _known(result)
    if known is None:
        return _draft(document)
    before = len(known.answer) + 1
    fixed = tuple((start + before, end + before) for start, end in document.fixed)
    asides = (document.text, *document.joined)
    return replace(known, asides=asides, unreadable=document.unreadable, fixed=fixed)


def draft_of_chunks(chunks: Sequence[object], value: object = None) -> Draft:
    """Read a stream that was held, with what the generator returned."""
    return _draft(document_of([*chunks, value], chunks=len(chunks)))


def redacted_results(call: Call, values: Sequence[object], *, chunks: int = 0) -> list[Any]:
    """Values that were judged together as the caller may have them, each of its own type; see `document_of`.

    Raises:
        CheckFailed: something is masked inside a value that cannot be rebuilt.
    """
    if len(values) == 1 and type(values[0]) is str:
        return [call.redact_answer(values[0])]
    if len(values) == 1 and type(values[0]) is Answer:
        text = call.redact_answer(values[0].text)
        return [values[0] if text == values[0].text else Answer(text=text)]
    document = document_of(values, chunks=chunks)
    texts = call.redact_parts(document.text, [(part.start, part.end) for part in document.parts])
    for run in runs([part.leaf for part in document.parts]):
        ends = list(itertools.accumulate(len(texts[index]) for index in run))
        joined = "".join(texts[index] for index in run)
        spans = list(zip([0, *ends[:-1]], ends, strict=True))
        for index, text in zip(run, call.redact_parts(joined, spans), strict=True):
            texts[index] = text
    changes: list[dict[Path, str]] = [{} for _ in values]
    for part, text in zip(document.parts, texts, strict=True):
        if text != part.leaf.text:
            changes[part.value][part.leaf.path] = text
    try:
        return [rewrite(value, new) for value, new in zip(values, changes, strict=True)]
    except CannotHold as error:
        raise CheckFailed("redaction", exchange=call.exchange, why=str(error)) from None


def _draft(document: Document) -> Draft:
    return Draft(
        text=document.text, asides=document.joined, unreadable=document.unreadable, fixed=document.fixed
    )


def _known(result: object) -> Draft | None:
    """Read what is known of a provider's object: its answer, its calls, its log-probabilities."""
    if not isinstance(result, Model) or isinstance(result, type):
        return None
    from handrail.wire import chat
    from handrail.wire.logprobs import read_logprobs

    data = result.model_dump()
    if not isinstance(data, Mapping):
        return None
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


def _laid_out(rows: Iterable[Sequence[tuple[int, Leaf]]], unreadable: tuple[str, ...]) -> Document:
    pieces: list[str] = []
    parts: list[Part] = []
    at, gap = 0, ""
    for row in rows:
        pieces.append(gap)
        at += len(gap)
        for value, leaf in row:
            pieces.append(leaf.text)
            parts.append(Part(value, leaf, at, at + len(leaf.text)))
            at += len(leaf.text)
        gap = ": " if row[-1][1].kind is LeafKind.KEY else "\n"
    return Document("".join(pieces), tuple(parts), unreadable)


def _choices(leaves: Sequence[Leaf]) -> dict[Path, str]:
    """Return the `index` that stands beside other fields, by the path of what holds it."""
    return {
        leaf.path[:-1]: leaf.text
        for leaf in leaves
        if leaf.path
        and leaf.path[-1] == "index"
        and leaf.kind is LeafKind.NUMBER
        and KEY not in leaf.path[-2:]
    }


def _choice(path: Path, choices: Mapping[Path, str]) -> tuple[str, ...]:
    return tuple(choices[path[:n]] for n in range(len(path)) if path[:n] in choices) if choices else ()
