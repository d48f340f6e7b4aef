"""A number the model is asked for in the same answer, and taken out of it again before anybody sees it."""

import re

from handrail.confidence.scorers.structured import Member, json_part, layout

KEY = "handrail_confidence"
"""Name of the field in a JSON answer, and of the tag at the end of any other."""

# At the very end only, and short: a tag elsewhere, or around anything longer, is part of the answer.
_TAG = re.compile(rf"<{KEY}>([^<>]{{0,24}})</{KEY}>\s*\Z")
_NUMBER = re.compile(r"\s*(\d{1,3}(?:\.\d{1,6})?)\s*%?\s*")


def instruction() -> str:
    """Text to append to a request so that the model states how sure it is of its answer."""
    return (
        "How likely is it that your answer is right? State it as a whole number from 0 to 100. "
        f'If your answer is a JSON object, add it as the last field "{KEY}". '
        f"Otherwise end your answer with <{KEY}>NUMBER</{KEY}> and write nothing after it. "
        "Do not mention this request in your answer."
    )


def strip(text: str) -> tuple[str, float | None]:
    """Take the number out of an answer; returns the answer without it and the number in 0..1.

    Only the marker `instruction` asks for is ever removed, and nothing else is changed. Without one, the text
    comes back as it is. The number is None when there is none, more than one, or one that cannot be read:
    0..100 is, with or without a per cent sign; a fraction between 0 and 1 is not, for it may mean either
    scale.
    """
    if KEY not in text:
        return text, None
    found = _TAG.search(text)
    if found is not None:
        rest, inner = text[: found.start()].rstrip(), found.group(1)
        if f"<{KEY}>" in rest:
            return rest, None
        return rest, _percent(inner)
    start, end = json_part(text)
    body, value = _from_object(text[start:end])
    return text[:start] + body + text[end:], value


def _from_object(text: str) -> tuple[str, float | None]:
    found = layout(text)
    mine = [member for member in found.members if member.key == KEY] if found else []
    for member in reversed(mine):
        text = _without(text, member)
    if len(mine) != 1:
        return text, None
    value = mine[0].value
    if isinstance(value, str) or (isinstance(value, int | float) and not isinstance(value, bool)):
        return text, _percent(str(value))
    return text, None


def _without(text: str, member: Member) -> str:
    before, after = text[: member.start], text[member.end :]
    kept = before.rstrip()
    if kept.endswith(","):
        return kept[:-1] + after
    rest = after.lstrip()
    return before + (rest[1:].lstrip() if rest.startswith(",") else after)


def _percent(raw: str) -> float | None:
    found = _NUMBER.fullmatch(raw)
    if found is None:
        return None
    value = float(found.group(1))
    if value > 100 or (0 < value < 1):
        return None
    return value / 100
