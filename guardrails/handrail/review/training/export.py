"""What people decided as training and evaluation data: consented, scanned, without copies, and split.

Three forms. `sft`: OpenAI's fine-tuning chat format, where people approved, edited or answered. `preference`:
OpenAI's preference format (DPO), where they put something else in place of what was proposed. `eval`: samples
as Inspect reads them (`input`, `target`, `id`, `metadata`), also what must not come.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, cast

from handrail.pipeline.decoded import hide_decoded, scan_leaves
from handrail.records import Finding
from handrail.review.log.cases import ReviewCase, TicketEnding, changes
from handrail.scan import Scanner, redact
from handrail.scan.catalogue import shipped
from handrail.scan.spec import TOPICS
from handrail.text.json_data import leaves, mapped

TEST_SHARE = 0.2
_LABEL = re.compile(r"\[([A-Z][A-Z0-9_]*)\]")
_TYPES = frozenset(spec.type for spec in shipped())
_SPEAKERS = ("system", "user", "assistant")
_OTHERWISE = (TicketEnding.EDITED, TicketEnding.ANSWERED)
_GIVEN = (TicketEnding.APPROVED, *_OTHERWISE)
_NO_ANSWER = "without an answer or action"


class Form(StrEnum):
    """What the data is for."""

    SFT = "sft"
    PREFERENCE = "preference"
    EVAL = "eval"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """That a conversation may be used: where this is said, and since when.

    One that `is_for_all` counts for tickets opened from its day on, one for a single ticket for that ticket.
    """

    source: str
    given: date
    is_for_all: bool = False

    def covers(self, case: ReviewCase) -> bool:
        """Tell whether it counts for a ticket."""
        return not self.is_for_all or case.created_at.date() >= self.given


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingExample:
    """One example as JSON data, with the part of the split that its conversation belongs to."""

    data: Mapping[str, Any]
    split: str
    consent: Consent


@dataclass(slots=True, kw_only=True)
class TrainingSet:
    """Examples, and what became of every ticket that gave none: counts by reason.

    `masked` counts by type what was masked in the examples now, `labels` what had been masked before.
    """

    form: Form
    examples: list[TrainingExample] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    masked: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)

    def of(self, split: str) -> list[TrainingExample]:
        """Return the examples of one part of the split."""
        return [one for one in self.examples if one.split == split]


class FindingSurvives(ValueError):
    """A value that should have been masked is still in an example; names its type and nothing of it."""


def training_set(
    cases: Iterable[ReviewCase],
    form: Form,
    scanner: Scanner,
    *,
    consent: Callable[[str], Consent | None],
    conversation: Callable[[str], str],
) -> TrainingSet:
    """Make a training set of decided tickets.

    Args:
        cases: the tickets, masked as a review reads them; they are scanned once more.
        form: what the data is for.
        scanner: finds what may not leave.
        consent: the consent for a ticket, None without one.
        conversation: what stands for a ticket's conversation; all its tickets fall on one side of the split.

    Raises:
        FindingSurvives: masking left something behind, so nothing may be written.
    """
    made = TrainingSet(form=form)
    seen: set[str] = set()
    for case in cases:
        given = consent(case.id)
        if given is None:
            made.left_out["no consent"] += 1
            continue
        if not given.covers(case):
            made.left_out["opened before the consent"] += 1
            continue
        raw = _SHAPES[form](case)
        if isinstance(raw, str):
            made.left_out[raw] += 1
            continue
        masked: Counter[str] = Counter()
        data = _scrubbed(raw, scanner, masked)
        if any(map(scanner_types(scanner), _joinings(data))):
            # What stands in two messages and is a value only together can be masked in neither.
            made.left_out["a value over several messages"] += 1
            continue
        key = _same_as(data)
        if key in seen:
            made.left_out["a copy"] += 1
            continue
        seen.add(key)
        check(data, scanner)
        split = split_of(conversation(case.id) or case.id)
        made.masked += masked
        made.labels += _labels(raw)
        made.examples.append(TrainingExample(data=data, split=split, consent=given))
    return made


def split_of(conversation: str) -> str:
    """Return the part of the split that a conversation belongs to, always the same; pure."""
    place = int.from_bytes(hashlib.sha256(conversation.encode()).digest()[:6]) / 2**48
    return "test" if place < TEST_SHARE else "train"


def check(data: Mapping[str, Any], scanner: Scanner) -> None:
    """Look once more through every text, key and number of an example.

    Raises:
        FindingSurvives: something is left that should have been masked.
    """
    find = scanner_types(scanner)
    for path, leaf in leaves(data):
        for text in (*(str(step) for step in path if isinstance(step, str)), _text(leaf)):
            left = find(text)
            if left:
                raise FindingSurvives(f"{', '.join(sorted(left))} left after masking; nothing was written")


def scanner_types(scanner: Scanner) -> Callable[[str], frozenset[str]]:
    """Return what tells which types of values, topics left out, a text holds."""

    def types(text: str) -> frozenset[str]:
        return frozenset(f.type for f in _values(scanner, text))

    return types


def _values(scanner: Scanner, text: str) -> list[Finding]:
    """Return what is found, topics left out, and labels that stand where a value was masked."""
    return [
        found
        for found in scan_leaves(scanner, text)
        if found.type not in TOPICS and not _is_label(text[found.start : found.end])
    ]


def _is_label(text: str) -> bool:
    rest = _LABEL.sub(lambda match: "" if match[1].lower() in _TYPES else match[0], text)
    return rest != text and not any(character.isalnum() for character in rest)


def _labels(data: Mapping[str, Any]) -> Counter[str]:
    """Count by type the labels that stand where something was masked."""
    texts = (_text(leaf) for _, leaf in leaves(data))
    found = (name.lower() for text in texts for name in _LABEL.findall(text))
    return Counter(name for name in found if name in _TYPES)


def _scrubbed(raw: Mapping[str, Any], scanner: Scanner, masked: Counter[str]) -> Mapping[str, Any]:
    def clean(text: str) -> str:
        for _ in range(3):
            found = _values(scanner, text)
            if not found:
                break
            masked.update(f.type for f in found)
            text = hide_decoded(text, found, redact)
        return text

    def leaf(_: object, value: object) -> object:
        if isinstance(value, str):
            return clean(value)
        if isinstance(value, bool) or value is None:
            return value
        said = clean(str(value))
        return value if said == str(value) else said

    return cast("Mapping[str, Any]", mapped(raw, leaf, key=clean))


def _json(text: str) -> object:
    if text[:1] not in ("{", "["):
        return None
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found


def _text(leaf: object) -> str:
    return leaf if isinstance(leaf, str) else "" if leaf is None or isinstance(leaf, bool) else str(leaf)


def _joinings(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the texts of an example read as one, as they stand and glued."""
    texts = [_text(leaf) for path, leaf in leaves(data) if path and path[-1] == "content"]
    return (" ".join(texts), "".join(texts))


def _same_as(data: Mapping[str, Any]) -> str:
    texts = [
        " ".join(_text(leaf).casefold().split()) for path, leaf in leaves(data) if "metadata" not in path
    ]
    return hashlib.sha256("\0".join(texts[1:] if "id" in data else texts).encode()).hexdigest()


def _messages(case: ReviewCase) -> list[dict[str, Any]]:
    """Return what was said, up to the last word of the customer."""
    said = [
        {"role": speaker, "content": text}
        for speaker, text in case.lines
        if speaker in _SPEAKERS and text.strip()
    ]
    while said and said[-1]["role"] == "assistant":
        said.pop()
    return said


def _answer(case: ReviewCase, text: str) -> dict[str, Any]:
    if not case.tool:
        return {"role": "assistant", "content": text}
    call = {"id": "call_1", "type": "function", "function": {"name": case.tool, "arguments": text or "{}"}}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def _tools(case: ReviewCase) -> dict[str, Any]:
    if not case.tool:
        return {}
    schema = _json(case.parameters)
    parameters = schema if isinstance(schema, dict) else {"type": "object", "properties": {}}
    return {"tools": [{"type": "function", "function": {"name": case.tool, "parameters": parameters}}]}


def _lacks(case: ReviewCase, form: Form, endings: Iterable[TicketEnding]) -> str:
    """Say what a ticket lacks for any example of a form; empty where nothing is."""
    if not case.is_decided:
        return "not decided"
    if case.ending not in endings:
        return f"{case.ending}: nothing that {form} is made of"
    return "" if _messages(case) else "without words of the customer"


def _sft(case: ReviewCase) -> Mapping[str, Any] | str:
    text = case.proposed if case.ending is TicketEnding.APPROVED else case.resolved
    lacks = _lacks(case, Form.SFT, _GIVEN) or ("" if text.strip() else _NO_ANSWER)
    if lacks:
        return lacks
    # An answer in place of an action is words.
    answer = _answer(case, text) if _is_action(case, text) else {"role": "assistant", "content": text}
    return {"messages": [*_messages(case), answer], **(_tools(case) if "tool_calls" in answer else {})}


def _is_action(case: ReviewCase, text: str) -> bool:
    return bool(case.tool) and isinstance(_json(text), dict)


def _preference(case: ReviewCase) -> Mapping[str, Any] | str:
    is_other = case.resolved.strip() and (changes(case) or case.ending is TicketEnding.ANSWERED)
    lacks = _lacks(case, Form.PREFERENCE, _OTHERWISE) or ("" if case.proposed.strip() else _NO_ANSWER)
    if lacks or not is_other:
        return lacks or "edited, but nothing was changed"
    better = (
        _answer(case, case.resolved)
        if _is_action(case, case.resolved)
        else {"role": "assistant", "content": case.resolved}
    )
    return {
        "input": {"messages": _messages(case), **_tools(case)},
        "preferred_output": [better],
        "non_preferred_output": [_answer(case, case.proposed)],
    }


def _eval(case: ReviewCase) -> Mapping[str, Any] | str:
    is_rejected = case.ending is TicketEnding.REJECTED
    target = case.proposed if is_rejected or case.ending is TicketEnding.APPROVED else case.resolved
    endings = (*_GIVEN, TicketEnding.REJECTED)
    lacks = _lacks(case, Form.EVAL, endings) or ("" if target.strip() else _NO_ANSWER)
    if lacks:
        return lacks
    about = {
        "tool": case.tool,
        "trigger": str(case.trigger),
        "rules": list(case.rules),
        "must_not": is_rejected,
    }
    return {"id": case.id, "input": _messages(case), "target": target, "metadata": about}


_SHAPES: Mapping[Form, Callable[[ReviewCase], Mapping[str, Any] | str]] = {
    Form.SFT: _sft,
    Form.PREFERENCE: _preference,
    Form.EVAL: _eval,
}


def as_trl(pair: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a preference pair as TRL reads it: prompt, chosen, rejected and, of a call, tools; pure."""
    given = pair["input"]
    found = {
        "prompt": given["messages"],
        "chosen": pair["preferred_output"],
        "rejected": pair["non_preferred_output"],
    }
    return found | ({"tools": given["tools"]} if "tools" in given else {})
