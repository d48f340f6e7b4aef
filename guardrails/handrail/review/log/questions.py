"""Whether a reviewer asked for what the ticket in front of them already held. Pure."""

import json
import re

from handrail.review.log.cases import ReviewCase
from handrail.text.json_data import leaves

_QUESTION = re.compile(r"[^.!?\n·]*\?")
_WORD = re.compile(r"[^\W\d_]{2,}")
_GENERAL = frozenset({"args", "the", "and", "for", "what", "name", "type", "value", "data", "text", "tool"})
"""Words of a field's name that say nothing of what it holds."""


def asked_for_held(case: ReviewCase) -> tuple[str, ...]:
    """Return the fields of a ticket that hold a value and that its reviewer asked for by their names; pure.

    A field is asked for by a question that has all the words of its name: `order.id` or `orderId` by "Which
    order id is it?". Empty fields are not held. What is asked for in other words is not counted, so this is
    a lower bound.
    """
    questions = [frozenset(_words(found)) for found in _QUESTION.findall(case.reason)]
    if not questions:
        return ()
    return tuple(
        name
        for name in dict.fromkeys(_held(case))
        if (words := _words(name) - _GENERAL) and any(words <= asked for asked in questions)
    )


def _held(case: ReviewCase) -> list[str]:
    """Return the names of the fields that hold something."""
    try:
        value = json.loads(case.proposed) if case.tool and case.proposed else {}
    except ValueError:
        value = {}
    held = [str(path[-1]) for path, leaf in leaves(value) if path and leaf not in (None, "")]
    return [*held, *case.amounts]


def _words(text: str) -> frozenset[str]:
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).replace("_", " ").replace(".", " ")
    return frozenset(word.lower() for word in _WORD.findall(apart))
