"""Confidence field by field: the value spans of a JSON text aligned to tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from handrail.confidence.alignment import Aligned
from handrail.confidence.json_spans import Leaf, Step, json_part, leaves, path_name
from handrail.confidence.sequences import total_logprob

_DEEPEST = 32


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


def choices_of(schema: object) -> dict[str, tuple[str, ...]]:
    """Read the fixed choices of a JSON schema's fields, by name as `field_scores` takes them.

    Follows `properties` and `items`; references and alternatives are left alone.
    """
    found: dict[str, tuple[str, ...]] = {}
    _collect(schema, "", found, 0)
    return found


def _collect(schema: object, name: str, found: dict[str, tuple[str, ...]], depth: int) -> None:
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return
    options = schema.get("enum")
    if name and isinstance(options, list) and all(isinstance(option, str) for option in options):
        found[name.removeprefix(".")] = tuple(options)
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        for key, inner in properties.items():
            _collect(inner, f"{name}.{key}", found, depth + 1)
    _collect(schema.get("items"), f"{name}[]", found, depth + 1)


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
