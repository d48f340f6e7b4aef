"""Confidence in structured output, value by value: fields of a JSON answer and arguments of a tool call."""

import itertools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from handrail.confidence.scorers.logprobs import Aligned, is_logprob, offsets_of, total_logprob
from handrail.records import Draft, TokenLogprob, ToolCall

Step: TypeAlias = str | int

_SPACES = frozenset(" \t\n\r")
_SPACE = re.compile(r"[ \t\n\r]*")
_FENCE = "```"
_DEEPEST = 64


def _refuse(name: str) -> object:
    raise ValueError(name)


_SCALAR = json.JSONDecoder(parse_constant=_refuse)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A string, number, boolean or null of a JSON text.

    `start` and `end` (exclusive, in characters) are the value's own, without the quotes of a string.
    """

    path: tuple[Step, ...]
    start: int
    end: int
    value: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member of the outermost object, from the key's quote to the value's end; `value` of a leaf only."""

    key: str
    start: int
    end: int
    value: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Everything that was found, in order of the text."""

    leaves: tuple[Leaf, ...]
    members: tuple[Member, ...]


def layout(text: str) -> Layout | None:
    """Find the values of a text that is one JSON value, white space around it allowed; None if it is not.

    Values nested deeper than 64 levels make it None too: nothing is said about what was not read.
    """
    walk = _Walk(text)
    try:
        end = walk.value(walk.skip(0), ())
        if walk.skip(end) != len(text):
            return None
    except (ValueError, IndexError):
        return None
    return Layout(leaves=tuple(walk.leaves), members=tuple(walk.members))


def json_part(text: str) -> tuple[int, int]:
    """Start and end of what a code fence around the whole text holds; of the whole text if there is none."""
    bare = text.strip()
    first_line = bare.find("\n")
    if first_line < 0 or len(bare) < first_line + len(_FENCE) or not bare.endswith(_FENCE):
        return 0, len(text)
    if bare[:first_line].rstrip().casefold() not in (_FENCE, f"{_FENCE}json"):
        return 0, len(text)
    lead = len(text) - len(text.lstrip())
    inside = bare[first_line + 1 : -len(_FENCE)].rstrip()
    return lead + first_line + 1, lead + first_line + 1 + len(inside)


def path_name(path: tuple[Step, ...]) -> str:
    """A path as people write it: `order.items[0].sku`."""
    parts = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in path]
    return "".join(parts).removeprefix(".")


def leaves(text: str) -> tuple[Leaf, ...] | None:
    """Leaves of a JSON text, None if it is not one."""
    found = layout(text)
    return None if found is None else found.leaves


class _Walk:
    def __init__(self, text: str) -> None:
        self.text = text
        self.leaves: list[Leaf] = []
        self.members: list[Member] = []

    def skip(self, at: int) -> int:
        if self.text[at : at + 1] not in _SPACES:
            return at
        found = _SPACE.match(self.text, at)
        assert found is not None
        return found.end()

    def value(self, at: int, path: tuple[Step, ...]) -> int:
        if len(path) > _DEEPEST:
            raise ValueError("nested too deep")
        first = self.text[at]
        if first == "{":
            return self._object(at + 1, path)
        if first == "[":
            return self._array(at + 1, path)
        value, end = _SCALAR.raw_decode(self.text, at)
        if first == '"':
            self.leaves.append(Leaf(path=path, start=at + 1, end=end - 1, value=value))
        else:
            self.leaves.append(Leaf(path=path, start=at, end=end, value=value))
        return end

    def _object(self, at: int, path: tuple[Step, ...]) -> int:
        at = self.skip(at)
        if self.text[at] == "}":
            return at + 1
        while True:
            key_at = at
            if self.text[at] != '"':
                raise ValueError("no key")
            key, at = _SCALAR.raw_decode(self.text, at)
            at = self.skip(at)
            if self.text[at] != ":":
                raise ValueError("no colon")
            seen = len(self.leaves)
            at = self.value(self.skip(at + 1), (*path, key))
            if not path:
                is_leaf = len(self.leaves) > seen and self.leaves[seen].path == (key,)
                value = self.leaves[seen].value if is_leaf else None
                self.members.append(Member(key=key, start=key_at, end=at, value=value))
            at = self.skip(at)
            if self.text[at] == "}":
                return at + 1
            if self.text[at] != ",":
                raise ValueError("no comma")
            at = self.skip(at + 1)

    def _array(self, at: int, path: tuple[Step, ...]) -> int:
        at = self.skip(at)
        if self.text[at] == "]":
            return at + 1
        for index in itertools.count():
            at = self.skip(self.value(at, (*path, index)))
            if self.text[at] == "]":
                return at + 1
            if self.text[at] != ",":
                raise ValueError("no comma")
            at = self.skip(at + 1)
        raise AssertionError


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldScore:
    """One value of a structured answer: its span in characters and its log-probability in nats (<= 0)."""

    path: tuple[Step, ...]
    start: int
    end: int
    logprob: float

    @property
    def name(self) -> str:
        """The field as people write it: `order.items[0].sku`."""
        return path_name(self.path)


def field_scores(
    aligned: Aligned, *, choices: Mapping[str, Sequence[str]] | None = None
) -> tuple[FieldScore, ...] | None:
    """Score every value of an answer that is JSON: sum of l_t over the tokens of the value.

    Quotes, braces and keys are left out. Of a field with fixed choices only the tokens up to the point where
    its value differs from every other choice count: what follows is forced. A token that a value shares with
    punctuation or with the next value counts for the value too.

    Args:
        aligned: the answer's tokens.
        choices: for a field, by name without list positions (`items[].size`), the strings it may hold.

    Returns:
        One score a value, in order of the text; None if the text is not JSON or holds no value.
    """
    start, end = json_part(aligned.text)
    found = leaves(aligned.text[start:end])
    if not found:
        return None
    return tuple(_scored(aligned, leaf, start, choices or {}) for leaf in found)


def weakest(scores: Sequence[FieldScore]) -> FieldScore:
    """The value a person should look at first: the least likely one, the first of equals."""
    return min(scores, key=lambda score: score.logprob)


def _scored(aligned: Aligned, leaf: Leaf, at: int, choices: Mapping[str, Sequence[str]]) -> FieldScore:
    start, end = at + leaf.start, at + leaf.end
    options = choices.get(_pattern(leaf)) if choices else None
    if options and isinstance(leaf.value, str) and aligned.text[start:end] == leaf.value:
        end = start + _telling_length(leaf.value, options)
    # An empty string has no character of its own; the quotes around it are what the model chose.
    tokens = aligned.within(start, end) or aligned.within(start - 1, end + 1)
    return FieldScore(path=leaf.path, start=at + leaf.start, end=at + leaf.end, logprob=total_logprob(tokens))


def _pattern(leaf: Leaf) -> str:
    parts = ["[]" if isinstance(step, int) else f".{step}" for step in leaf.path]
    return "".join(parts).removeprefix(".")


def _telling_length(value: str, options: Sequence[str]) -> int:
    others = [option for option in options if option != value]
    for length in range(1, len(value)):
        if not any(other.startswith(value[:length]) for other in others):
            return length
    return len(value)


def argument_scores(tokens: Sequence[TokenLogprob], call: ToolCall) -> tuple[FieldScore, ...] | None:
    """Score every argument of a call: sum of l_t over the tokens of its value, in nats.

    Most providers give log-probabilities for the answer's text only, some for all that was generated. None
    where the arguments do not occur among the tokens, word for word and once, or are not JSON.
    """
    said = b"".join(token.data for token in tokens)
    wanted = call.arguments.encode("utf-8", "surrogatepass")
    at = said.find(wanted) if wanted else -1
    if at < 0 or said.find(wanted, at + 1) >= 0:
        return None
    ends = list(itertools.accumulate(len(token.data) for token in tokens))
    kept = [
        index
        for index, end in enumerate(ends)
        if end > at and end - len(tokens[index].data) < at + len(wanted)
    ]
    if not all(is_logprob(tokens[index].logprob) for index in kept):
        return None
    aligned = Aligned(
        tokens=tuple(tokens[index] for index in kept),
        starts=tuple(ends[index] - len(tokens[index].data) - at for index in kept),
        offsets=offsets_of(call.arguments),
        text=call.arguments,
    )
    return field_scores(aligned)


def argument_logprob(draft: Draft) -> float | None:
    """Log-probability of the least likely argument of all proposed calls; None if a call has no score."""
    if not draft.logprobs or not draft.tool_calls:
        return None
    weakest_of = []
    for call in draft.tool_calls:
        scores = argument_scores(draft.logprobs, call)
        if not scores:
            return None
        weakest_of.append(weakest(scores).logprob)
    return min(weakest_of)
