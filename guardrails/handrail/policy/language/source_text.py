"""Reads the sources of facts as `from:` writes them."""

import re
from collections.abc import Sequence

from handrail.policy.language.sources import (
    ARGUMENTS,
    FIXED,
    ConfidenceOf,
    ContextField,
    Source,
    ToolArgument,
    ToolResult,
)

_INDEX = re.compile(r"\[([0-9]{1,9})\]")


def parse_source(text: str) -> Source | None:
    """Read a source that needs no further keys; None if the text is not one.

    `issue_refund.args.items[0].amount` is `issue_refund.args.items.0.amount`.
    """
    if text in FIXED:
        return FIXED[text]
    tool, is_argument, place = text.partition(ARGUMENTS)
    if is_argument and tool.strip() and tool != "tool":
        inner = tuple(_INDEX.sub(r".\1", place).split("."))
        return ToolArgument(of=((tool, inner),)) if all(inner) else None
    match _INDEX.sub(r".\1", text).split("."):
        case ["tool", "args", *path] if path and all(path):
            return ToolArgument(path=tuple(path))
        case ["tool", "result", tool, *path] if tool and path and all(path):
            return ToolResult(tool=tool, path=tuple(path))
        case ["confidence", "of", *path] if path and all(path):
            return ConfidenceOf(name=".".join(path))
        case ["context", name] if name:
            return ContextField(name=name)
    return None


def parse_sources(texts: Sequence[str]) -> Source | None:
    """Read a list of arguments of several tools as one source; None if it is not one."""
    found = [parse_source(text) for text in texts]
    places = [place for one in found if isinstance(one, ToolArgument) for place in one.of]
    is_whole = len(places) == len(texts) and len({tool for tool, _ in places}) == len(places)
    return ToolArgument(of=tuple(places)) if places and is_whole else None
