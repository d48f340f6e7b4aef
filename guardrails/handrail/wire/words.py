"""The words of JSON data laid out as one text to be judged, and judged text put back into their places."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from handrail.errors import CheckFailed
from handrail.records import Draft, Message, Speaker, ToolCall
from handrail.text.json_data import MAY_BE_JSON
from handrail.text.values import Leaf, Path, read
from handrail.wire.objects import SEPARATOR, changed, fixed_spans, runs_of, spans_of
from handrail.wire.structure import Words

Changes = dict[Path, str]


def joined(leaves: Sequence[Leaf]) -> str:
    """Return texts as one that `parted` takes apart again."""
    return SEPARATOR.join(leaf.text for leaf in leaves)


def parted(text: str, count: int) -> list[str]:
    """Take a text apart that was joined from as many.

    If it no longer comes apart so, all of it is the first and the others are empty: what was withheld stays
    withheld.
    """
    texts = text.split(SEPARATOR)
    return texts if len(texts) == count else [text, *[""] * (count - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerWords:
    """What one answer says: its text, its refusal and all else, each as leaves of one value."""

    texts: tuple[Leaf, ...] = ()
    refusals: tuple[Leaf, ...] = ()
    beside: tuple[Leaf, ...] = ()
    unreadable: tuple[str, ...] = ()

    def draft(self, **more: Any) -> Draft:
        """Return the draft that is judged; `more` are its other fields."""
        text, refusal = joined(self.texts), joined(self.refusals)
        draft = Draft(
            text=text,
            refusal=refusal or None,
            asides=tuple(leaf.text for leaf in self.beside),
            unreadable=self.unreadable,
            **more,
        )
        leaves = [*self.texts, *self.refusals, *self.beside]
        if len(leaves) == 1 and leaves[0].holds_mask:
            return draft
        answer, gap = len(draft.answer), len(SEPARATOR)
        places = [
            *spans_of(_texts(self.texts), gap=gap),
            *spans_of(_texts(self.refusals), at=answer - len(refusal), gap=gap),
            *spans_of(_texts(self.beside), at=answer + 1),
        ]
        return replace(draft, fixed=fixed_spans(leaves, places), runs=runs_of(leaves, places))

    def changes(self, before: Draft, after: Draft) -> Changes:
        """Return what changes of the value when another draft stands in place of the one that was read."""
        changes: Changes = {}
        for leaves, old, new in (
            (self.texts, before.text, after.text),
            (self.refusals, before.refusal or "", after.refusal or ""),
        ):
            if old != new and not leaves:
                raise CheckFailed("wire", why="changed text has no place to go")
            if old != new:
                changes |= _changed(leaves, parted(new, len(leaves)))
        return changes | _changed(self.beside, after.asides[: len(self.beside)])


def _texts(leaves: Iterable[Leaf]) -> list[str]:
    return [leaf.text for leaf in leaves]


def _changed(leaves: Sequence[Leaf], texts: Sequence[str]) -> Changes:
    pairs = zip(leaves, texts, strict=True)
    return {leaf.path: text for leaf, text in pairs if text != leaf.text}


def with_echoes(draft: Draft, replaced: Iterable[str], echoes: Iterable[str] = ()) -> Draft:
    """Return the draft of a stream with what its events said beside the whole that they add up to.

    Args:
        draft: of the whole.
        replaced: what a rewritten stream no longer holds.
        echoes: what it holds in another form, so that a mask cannot stand there.
    """
    known = {draft.text, draft.refusal, *draft.asides}
    loose = [text for text in dict.fromkeys(replaced) if text and text not in known]
    held = [text for text in dict.fromkeys(echoes) if text and text not in known]
    if not loose and not held:
        return draft
    # The runs are counted in what the draft itself told, which stays at its place.
    new = replace(draft, asides=(*draft.asides, *loose, *held))
    at, fixed = len(new.told) - sum(len(text) + 1 for text in held) + 1, []
    for text in held:
        fixed.append((at, at + len(text)))
        at += len(text) + 1
    return replace(new, fixed=(*draft.fixed, *fixed))


def message_of(
    words: Words,
    speaker: Speaker,
    *,
    name: str | None = None,
    calls: tuple[ToolCall, ...] = (),
    call_id: str | None = None,
) -> Message:
    """Return the message that says these words."""
    leaves = message_leaves(words)
    places = spans_of(_texts(leaves), gap=len(SEPARATOR))
    return Message(
        speaker=speaker,
        text=joined(leaves),
        name=name,
        tool_calls=calls,
        tool_call_id=call_id,
        unreadable=tuple(sorted(words.unreadable)),
        fixed=fixed_spans(leaves, places),
        runs=runs_of(leaves, places),
    )


def message_leaves(words: Words) -> list[Leaf]:
    """Return the texts of a message: a single one as it stands, of several those that are JSON decoded."""
    if len(words.leaves) == 1:
        return words.leaves
    return [inner for leaf in words.leaves for inner in _decoded(leaf)]


def _decoded(leaf: Leaf) -> list[Leaf]:
    if not leaf.holds_mask or leaf.text[:1] not in MAY_BE_JSON:
        return [leaf]
    return [Leaf((*leaf.path, *inner.path), inner.text, inner.kind) for inner in read(leaf.text).leaves]


def with_words(value: Any, words: Words, text: str) -> Any:
    """Return a value with another text in place of the words that `message_of` read from it.

    If the text no longer comes apart, it stands in the first place that can hold words, and the others are
    emptied: what was withheld stays withheld.
    """
    leaves, texts = message_leaves(words), text.split(SEPARATOR)
    if len(texts) == len(leaves):
        return changed(value, _changed(leaves, texts))
    leaves = [leaf for leaf in leaves if leaf.holds_mask]
    if not leaves:
        raise CheckFailed("wire", why="changed text has no place to go")
    return changed(value, _changed(leaves, parted(text, len(leaves))))
