"""From the text of a `when:` to its checked logical form."""

from collections.abc import Mapping
from typing import Any

from handrail.policy.check_types import formula_of
from handrail.policy.facts import FactDeclaration
from handrail.policy.grammar import parser
from handrail.policy.logic import Formula
from handrail.policy.tree import MAX_LENGTH, ExpressionError, Node

RESERVED = frozenset(
    ["and", "or", "not", "in", "has", "is", "missing", "known", "yes", "no", "true", "false"]
)


def read_expression(text: str, facts: Mapping[str, FactDeclaration]) -> Formula:
    """Parse and check one expression.

    Raises:
        ExpressionError: with the offset of what is wrong.
    """
    return formula_of(parse(text), facts)


def parse(text: str) -> Node:
    """Parse one expression; nothing is evaluated.

    Raises:
        ExpressionError: it is too long, too deep, or not in the language.
    """
    from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken, VisitError

    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"longer than {MAX_LENGTH} characters", MAX_LENGTH)
    try:
        node: Node = parser().parse(text)  # type: ignore[assignment]
    except UnexpectedToken as error:
        at = len(text) if error.token.type == "$END" else (error.token.start_pos or 0)
        raise ExpressionError(_unexpected(text, at), at) from None
    except UnexpectedCharacters as error:
        stopped: Any = error.pos_in_stream
        at = int(stopped)
        raise ExpressionError(_unexpected(text, at), at) from None
    except UnexpectedInput:
        raise ExpressionError("this is no expression", 0) from None
    except VisitError as error:
        if isinstance(error.orig_exc, ExpressionError):
            raise error.orig_exc from None
        raise
    return node


def with_caret(problem: str, text: str, at: int) -> str:
    """Return the problem with the line of the expression it lies in and a caret under it; pure."""
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    line = text[start : end if end >= 0 else len(text)]
    column = at - start
    if len(line) > 100:
        cut = max(0, column - 50)
        line, column = line[cut : cut + 100], column - cut
    return f"{problem}\n    {line.rstrip()}\n    {' ' * column}^"


def _unexpected(text: str, at: int) -> str:
    rest = text[at:].lstrip()
    if not rest:
        return "the expression ends too early"
    if rest.startswith("=") and not rest.startswith("=="):
        return "write '==' to compare"
    if rest.startswith("("):
        return "there are no functions; what needs computing is a declared fact"
    if rest[0] in "\"'":
        return "a text that is not closed" if rest.count(rest[0]) == 1 else "a text is not expected here"
    word = rest.split(None, 1)[0][:30]
    return f"'{word}' is not expected here"
