"""Keeps the reason that a rule gives in step with its numbers: a moved limit is moved in `because`, too.

`source` is a quotation of the written policy and is never changed; that it names the old number is said.
"""

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from handrail.errors import PolicyError
from handrail.policy.file.document import Document
from handrail.signals.language import language_of
from handrail.text.numbers import number_at, tokens_of

_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_SIZE = re.compile(r"(?<![\w.\"])(\d+(?:\.\d+)?|\.\d+)(?:\s+(?!and\b|or\b|in\b|is\b|not\b)[A-Za-z]+)?")
_PERCENT = (("%",), ("percent",), ("per", "cent"))
_COMMA, _POINT = re.compile(r"\d,\d{1,2}(?!\d)"), re.compile(r"\d\.\d{1,2}(?!\d)|\d,\d{3}(?!\d)")
_WITH_COMMA = frozenset({"de", "es", "fr"})
"""Languages that write a comma before tenths."""
_VAGUE = frozenset({"one", "a", "an"})
"""Words that are a number in one sentence and an article or a person in the next."""


@dataclass(frozen=True, slots=True)
class _Mention:
    """A number in a sentence: its value, what it is written as, and whether as so many per cent."""

    value: Decimal
    text: str
    start: int
    is_percent: bool

    def is_of(self, value: Decimal) -> bool:
        """Tell whether it names a value."""
        return self.value == (value * 100 if self.is_percent else value)

    def written(self, value: Decimal, *, has_comma: bool) -> str:
        """Return another value as this one is written; `has_comma`: its sentence puts one before tenths."""
        size = value * 100 if self.is_percent else value
        if has_comma:
            return f"{size.normalize():f}".replace(".", ",")
        return f"{size.normalize():,f}" if "," in self.text else f"{size.normalize():f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Move:
    """A number of a condition and its new one; `is_all`: it does not stand there unmoved as well."""

    was: Decimal
    now: Decimal
    is_all: bool


def with_reasons(before: str, after: str) -> tuple[str, tuple[str, ...]]:
    """Return a changed policy's text with the moved numbers in its reasons, and what a person must look at.

    A number is replaced where the reason names it exactly once, in digits or in words. Pure.
    """
    remarks: list[str] = []
    with suppress(PolicyError):
        old, new = (_rules(Document(text, "policy")) for text in (before, after))
        for name in [one for one in new if one in old]:
            moves = list(_moves(str(old[name].get("when")), str(new[name].get("when"))))
            if moves and old[name].get("because") == new[name].get("because"):
                after, looks = _followed(after, name, moves)
                remarks += looks
            remarks += _quoted(name, str(new[name].get("source", "")), moves)
    return after, tuple(remarks)


def _quoted(rule: str, source: str, moves: Sequence[_Move]) -> Iterator[str]:
    named = list(_mentions(source))
    for move in moves:
        if any(one.is_of(move.was) for one in named):
            yield f"`source` of {rule} is a quotation and stays as it is; it still names {move.was:f}."


def _rules(document: Document) -> Mapping[str, Mapping[str, Any]]:
    rules = document.value.get("hand_offs") if isinstance(document.value, dict) else None
    return {str(one["id"]): one for one in rules or () if isinstance(one, dict) and "id" in one}


def _moves(before: str, after: str) -> Iterator[_Move]:
    """Yield the numbers of a condition that were moved, where nothing else of it was changed."""
    was, now = (_QUOTED.sub("''", " ".join(text.split())) for text in (before, after))
    if _SIZE.sub("#", was) != _SIZE.sub("#", now):
        return
    old, new = ([Decimal(match[1]) for match in _SIZE.finditer(text)] for text in (was, now))
    pairs = list(zip(old, new, strict=True))
    for one, other in dict.fromkeys(pairs):
        if one != other:
            yield _Move(was=one, now=other, is_all=all(b == other for a, b in pairs if a == one))


def _followed(text: str, rule: str, moves: Sequence[_Move]) -> tuple[str, list[str]]:
    """Return the text with moved numbers in a rule's reason, and what to look at where that is not sure."""
    document = Document(text, "policy")
    reason = str(_rules(document)[rule].get("because", ""))
    named = list(_mentions(reason))
    looks, sure = [], []
    has_comma = _has_decimal_comma(reason)
    for move in moves:
        mine = [one for one in named if one.is_of(move.was)]
        if len(mine) == 1 and move.is_all and mine[0].text.lower() not in _VAGUE:
            sure.append((mine[0], move))
        elif mine:
            looks.append(_look(rule, move))
    # From the last one on, so that the places of the earlier ones stay what they are.
    for mention, move in sorted(sure, key=lambda one: -one[0].start):
        changed = _replaced(text, rule, mention, mention.written(move.now, has_comma=has_comma))
        looks += [] if changed else [_look(rule, move)]
        text = changed or text
    return text, looks


def _has_decimal_comma(sentence: str) -> bool:
    if _POINT.search(sentence):
        return False
    return bool(_COMMA.search(sentence)) or language_of(sentence) in _WITH_COMMA


def _look(rule: str, move: _Move) -> str:
    return f"Look at `because` of {rule}: it names {move.was:f}, which is {move.now:f} now."


def _replaced(text: str, rule: str, mention: _Mention, written: str) -> str:
    """Return the text with one number of a reason replaced and nothing else; empty where that cannot be."""
    document = Document(text, "policy")
    place = list(_rules(document)).index(rule)
    expected = copy.deepcopy(document.value)
    reason = str(expected["hand_offs"][place]["because"])
    end = mention.start + len(mention.text)
    expected["hand_offs"][place]["because"] = f"{reason[: mention.start]}{written}{reason[end:]}"
    begin = _offset(text, document, ("hand_offs", place, "because"))
    # Escapes and folded lines make it longer than it reads.
    until = begin + 2 * len(reason) + 200
    for found in re.finditer(re.escape(mention.text), text[begin:until]):
        at = begin + found.start()
        changed = f"{text[:at]}{written}{text[at + len(mention.text) :]}"
        with suppress(PolicyError):
            if Document(changed, "policy").value == expected:
                return changed
    return ""


def _offset(text: str, document: Document, path: tuple[str | int, ...]) -> int:
    at = document.position(path)
    return sum(len(line) for line in text.splitlines(keepends=True)[: at.line - 1]) + at.column - 1


def _mentions(sentence: str) -> Iterator[_Mention]:
    """Yield the numbers of a sentence, in digits or in words."""
    tokens, at = tokens_of(sentence), 0
    while at < len(tokens):
        read = number_at(tokens, at)
        if read is None:
            at += 1
            continue
        start, end = tokens[at].start, tokens[read.after - 1].end
        after = tuple(token.low for token in tokens[read.after : read.after + 2])
        yield _Mention(
            value=read.amount,
            text=sentence[start:end],
            start=start,
            is_percent=any(after[: len(words)] == words for words in _PERCENT),
        )
        at = read.after
