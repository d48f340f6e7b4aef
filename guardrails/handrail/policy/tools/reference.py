"""The reference page of the policy format, written from the code that reads it."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from handrail.policy.analyse.remarks import CODES
from handrail.policy.file import schema as shape
from handrail.policy.file.build import DEFAULTS, FIELDS
from handrail.policy.file.build_facts import GIVEN_VALUES
from handrail.policy.file.read import MAX_BYTES
from handrail.policy.language import sources
from handrail.policy.language.ast import MAX_DEPTH, MAX_LENGTH, MAX_NODES
from handrail.policy.language.facts import ORDERED, UNITS, Kind
from handrail.policy.language.grammar import GRAMMAR, OPERATORS
from handrail.records import Effect, Severity, SignalKind, Stage, Trigger

PARTS: Mapping[str, type[BaseModel]] = {
    "The file": shape.PolicyShape,
    "roles: one role": shape.RoleShape,
    "facts: one fact": shape.FactShape,
    "hand_offs: one rule": shape.HandOffShape,
    "decisions: one decision": shape.DecisionShape,
    "decisions: one answer": shape.AnswerShape,
    "decisions: one rule": shape.BusinessRuleShape,
    "on_conflict": shape.ConflictShape,
    "known_conflicts: one entry": shape.KnownConflictShape,
    "always, impossible: one statement": shape.StatementShape,
    "scan": shape.ScanShape,
    "scan: one entity": shape.EntityShape,
    "signals: one signal or topic": shape.SignalShape,
    "scan: one denied text": shape.DeniedShape,
    "tests: one test": shape.CaseShape,
    "tests: expect": shape.ExpectShape,
}

EXAMPLES: Mapping[Kind, str] = {
    Kind.YES_NO: "`yes`, `no`, `true`, `false`",
    Kind.NUMBER: "`0.7`, `-3`",
    Kind.WHOLE: "`3`",
    Kind.MONEY: "`200 USD`",
    Kind.DURATION: "`30 days`",
    Kind.TIME: "`22:00`",
    Kind.DATE: "`2026-12-31`",
    Kind.PERCENT: "`20%`, `20 percent`, `20`",
    Kind.WEEKDAY: '`"monday"`',
    Kind.ONE_OF: '`"gold"`',
    Kind.TEXT: '`"anything"`',
    Kind.SET: 'asked with `has "item"`',
}


def reference() -> str:
    """Return the reference page as Markdown; pure."""
    parts = (_opening(), _keys(), _types(), _sources(), _language(), _outcomes(), _notices(), _remarks())
    return "\n".join(line for part in parts for line in part).rstrip() + "\n"


def _opening() -> Iterator[str]:
    yield "# Policy file reference"
    yield ""
    yield "<!-- Written by `handrail policy reference`; do not edit. -->"
    yield ""
    yield from _prose(
        "A policy is one YAML file. Keys that are not listed here are errors, and so are duplicate keys,"
        f" anchors, aliases and tags. A file has at most {MAX_BYTES:,} bytes. Every error names file, line"
        " and column."
    )
    yield ""
    yield from _prose(
        "**Stable:** every key, type, operator and source on this page, and what a policy decides. **May"
        " change in a minor release:** new keys and sources, and new remarks of `handrail policy check`."
        " **Deprecation:** a key that is to go keeps its meaning for at least one minor release, and"
        " `policy check` says what takes its place."
    )
    yield ""


def _prose(text: str) -> list[str]:
    return textwrap.wrap(text, width=110, break_long_words=False, break_on_hyphens=False)


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _keys() -> Iterator[str]:
    for title, model in PARTS.items():
        yield f"## {title}"
        yield ""
        yield f"{(model.__doc__ or '').strip()}"
        yield ""
        yield "| key | value | default | meaning |"
        yield "|---|---|---|---|"
        for name, field in model.model_fields.items():
            default = (
                "required" if field.is_required() else _shown(field.get_default(call_default_factory=True))
            )
            meaning = (field.description or "").replace("|", "\\|")
            yield f"| `{field.alias or name}` | {_kind(field.annotation)} | {default} | {meaning} |"
        yield ""


def _kind(annotation: Any) -> str:
    if annotation is None or annotation is type(None):
        return ""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        title = next((title for title, model in PARTS.items() if model is annotation), annotation.__name__)
        return f"*{title}*"
    if isinstance(annotation, type) and issubclass(annotation, Kind | Effect | Severity | Trigger | Stage):
        return " \\| ".join(f"`{value}`" for value in annotation)
    inner = [part for part in get_args(annotation) if part is not type(None)]
    origin = get_origin(annotation)
    if origin is dict:
        return f"mapping to {_kind(inner[-1])}"
    if origin is list:
        return f"list of {_kind(inner[0])}"
    if inner and all(isinstance(part, str) for part in inner):
        return " \\| ".join(f"`{part}`" for part in inner)
    if inner and origin is not None and str(origin).endswith("Annotated'>"):
        return _kind(inner[0])
    if inner:
        kinds = [_kind(part) for part in inner if isinstance(part, type) or get_origin(part) is not None]
        return " or ".join(dict.fromkeys(kind for kind in kinds if kind))
    names = {"str": "text", "bool": "`true` or `false`", "int": "whole number", "Decimal": "number"}
    return names.get(getattr(annotation, "__name__", ""), "anything")


def _shown(default: object) -> str:
    if default is None or default in ("", [], {}) or isinstance(default, BaseModel):
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _types() -> Iterator[str]:
    yield "## Types of facts"
    yield ""
    yield "| type | written | compared by |"
    yield "|---|---|---|"
    for kind in Kind:
        compared = "`== != < <= > >=`" if kind in ORDERED else "`== !=`, `in [..]`"
        if kind is Kind.SET:
            compared = "`has`"
        elif kind is Kind.YES_NO:
            compared = "itself, `== !=`"
        yield f"| {kind} | {EXAMPLES[kind]} | {compared} |"
    yield ""
    yield from _prose(
        f"Units of durations: {', '.join(f'{unit}s' for unit in UNITS)}. Amounts of two currencies do not"
        " compare: the comparison is unknown. A fact that is missing, or whose raw value does not fit its"
        " declaration, is unknown. Negative amounts, exponents, NaN and more decimals than a currency has do"
        " not fit."
    )
    yield ""


def _sources() -> Iterator[str]:
    yield "## Sources of facts"
    yield ""
    yield from _prose(
        "A fact whose name is itself a source needs no `from:`. Any other fact without `from:` is asked from"
        " the caller's fact source by its name."
    )
    yield ""
    yield "| `from:` | exists from | meaning |"
    yield "|---|---|---|"
    for source in (*get_args(sources.Source),):
        words, _, meaning = " ".join((source.__doc__ or "").split()).partition(": ")
        values = GIVEN_VALUES.get(source)
        said = f"{meaning} Values: {_listed(values)}." if values else meaning
        if source is sources.SignalSeen:
            said = f"{meaning} Kinds: {_listed(SignalKind)}."
        stage = source.stage if isinstance(source.stage, Stage) else "that of the later fact"
        yield f"| {words} | {stage} | {said or ''} |".replace("|`", "| `")
    yield ""


def _language() -> Iterator[str]:
    yield "## Expressions"
    yield ""
    yield from _prose(
        "Three-valued: true, false, unknown. `not` of unknown is unknown; `and` is false if any part is;"
        " `or` is true if any part is true. There are no functions and no loops. An expression has at most"
        f" {MAX_LENGTH:,} characters, {MAX_DEPTH} levels and {MAX_NODES} parts."
    )
    yield ""
    yield "| form | use |"
    yield "|---|---|"
    for form, use in OPERATORS:
        escaped = form.replace("|", "\\|")
        yield f"| `{escaped}` | {use.replace('|', chr(92) + '|')} |"
    yield ""
    yield "The grammar (lark, LALR):"
    yield ""
    yield "```lark"
    yield GRAMMAR.strip()
    yield "```"
    yield ""


def _outcomes() -> Iterator[str]:
    yield "## Effects, triggers, stages"
    yield ""
    yield from _prose(
        f"Effects, from mild to strict: {_listed(Effect)}. The strictest wins. Triggers: {_listed(Trigger)}."
        f" Severities: {_listed(Severity)}; the most severe rule owns the ticket, the first in the file among"
        " equals; the other roles must agree too."
    )
    yield ""
    yield from _prose(
        f"Stages: {_listed(Stage)}. A rule's stage is the latest among the facts it reads. At its stage a"
        " rule is always evaluated; later it is evaluated again where every fact it reads is at hand, and"
        " before its stage it applies if it is certainly true, whatever the facts still to come. What a tool"
        " returned is judged by the rules that read it alone: the action is done by then."
    )
    yield ""
    yield from _prose(
        "In a decision `live(r)` is `true(r) and no live rule overrides r`. Two live rules with different"
        " answers are a conflict and go to `on_conflict`; a rule that may be live and would answer otherwise"
        " goes to `if_unsure`; no live rule is a gap and goes to `if_unsure`. Overrides must not form a"
        " circle. An unknown `applies_when` goes to `if_unsure`, too."
    )
    yield ""


def _notices() -> Iterator[str]:
    yield "## Notices"
    yield ""
    yield f"May hold {', '.join(f'`{{{field}}}`' for field in FIELDS)}."
    yield ""
    yield "| notice | default |"
    yield "|---|---|"
    for name, text in DEFAULTS.items():
        yield f"| `{name}` | {text} |"
    yield ""


def _remarks() -> Iterator[str]:
    yield "## What `handrail policy check` says"
    yield ""
    yield "| code | level | meaning |"
    yield "|---|---|---|"
    for code, (level, words) in CODES.items():
        yield f"| `{code}` | {level} | {words} |"
