"""Agreement of several samples on the parsed answer, not on its wording."""

import json
import re
import unicodedata
from collections.abc import Callable, Hashable, Sequence
from decimal import Decimal
from typing import TypeAlias

from handrail.records import Draft

Parse: TypeAlias = Callable[[Draft], Hashable | None]
"""Reads the answer out of a draft, in a form in which equal answers are equal; None if there is none."""

# Marks between digits (1.5, 10:30) and signs that change the meaning (minus, per cent, currency) stay.
_MARKS = re.compile(r"""(?<!\d)[.,;:!?"'()\[\]*_`#]+|[.,;:!?"'()\[\]*_`#]+(?!\d)""")
_NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?")
_LONGEST_NUMBER = 60


def agreement(answer: Draft, samples: Sequence[Draft], *, parse: Parse | None = None) -> float | None:
    """Share of further samples that give the same answer, in 0..1.

    (1/(K-1)) * sum over k of [parse(y_k) == parse(y)] with K = 1 + len(samples). A sample that cannot be read
    disagrees. Pure.

    Args:
        answer: the draft in question.
        samples: further drafts for the same request, drawn at temperature 0.7 or above.
        parse: the task's own reading of an answer; `parsed` if not given.

    Returns:
        None without samples, and when the answer itself cannot be read.
    """
    read = parse or parsed
    mine = read(answer)
    if mine is None or not samples:
        return None
    return sum(read(sample) == mine for sample in samples) / len(samples)


def parsed(draft: Draft) -> Hashable | None:
    """Read an answer: its tool calls if it proposes any, its JSON value, its number, or its bare words.

    JSON is compared as a value (key order and spacing do not count, 1.0 equals 1), words without case, marks
    and spacing. None for a fault, a refusal or an empty answer.
    """
    if draft.fault is not None or draft.refusal:
        return None
    if draft.tool_calls:
        return tuple(sorted((call.name, _canonical(call.arguments)) for call in draft.tool_calls))
    return _canonical(draft.text) or None


def _canonical(text: str) -> str:
    stripped = text.strip()
    if stripped[:1] in ("{", "["):
        try:
            value = json.loads(stripped, parse_float=Decimal, parse_int=Decimal)
        except (ValueError, RecursionError):
            pass
        else:
            return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain)
    bare = stripped.rstrip(".")
    if len(bare) <= _LONGEST_NUMBER and _NUMBER.fullmatch(bare):
        return _plain(Decimal(bare.replace(",", "")))
    words = _MARKS.sub(" ", unicodedata.normalize("NFKC", stripped).casefold())
    return " ".join(words.split())


def _plain(number: object) -> str:
    assert isinstance(number, Decimal)
    if not number.is_finite() or abs(number.adjusted()) > _LONGEST_NUMBER:
        return str(number)
    plain = format(number, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain
