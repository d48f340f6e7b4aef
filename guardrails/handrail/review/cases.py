"""What a review looks at: one closed or open ticket, reduced to what can be counted and learned from."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from handrail.records import Money, Trigger


class Ending(StrEnum):
    """How a ticket ended, as a reviewer would say it."""

    APPROVED = "approved unchanged"
    EDITED = "edited"
    REJECTED = "rejected"
    ANSWERED = "answered"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    OPEN = "open"


DECIDED = (Ending.APPROVED, Ending.EDITED, Ending.REJECTED, Ending.ANSWERED)
"""Endings that a person brought about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """The time a review covers: tickets opened from `since` on and before `until`; both have a time zone."""

    since: datetime
    until: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.since <= moment < self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One ticket as a review sees it; every text is masked.

    `proposed` and `resolved` are what the assistant wanted and what the person decided: JSON arguments of
    `tool`, or an answer's text where `tool` is empty. `unknown` names facts that could not be had.
    """

    id: str
    created_at: datetime
    role: str
    trigger: Trigger
    ending: Ending
    rules: tuple[str, ...] = ()
    because: str = ""
    unknown: tuple[str, ...] = ()
    decided_at: datetime | None = None
    decide_by: datetime | None = None
    wanted: str = ""
    tool: str = ""
    proposed: str = ""
    resolved: str = ""
    reason: str = ""
    confidence: float | None = None
    amounts: Mapping[str, Money] = field(default_factory=dict)
    lines: tuple[tuple[str, str], ...] = ()
    attempts: int = 0
    policy: str = ""

    @property
    def rule(self) -> str:
        """The rule that brought it to people: the first of those that fired."""
        return self.rules[0] if self.rules else str(self.trigger)

    @property
    def is_decided(self) -> bool:
        """True when a person decided."""
        return self.ending in DECIDED

    @property
    def took(self) -> timedelta | None:
        """Time from opening to the decision, None while nobody has decided."""
        return self.decided_at - self.created_at if self.decided_at and self.is_decided else None

    @property
    def is_late(self) -> bool:
        """True when the decision came after its deadline, or never."""
        if self.ending is Ending.EXPIRED:
            return True
        return bool(self.decide_by and self.decided_at and self.decided_at > self.decide_by)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One value that a person changed: where, from what, to what (texts; empty for absent)."""

    path: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.path}: {self.before or '(nothing)'} → {self.after or '(nothing)'}"


def changes(case: Case) -> tuple[Change, ...]:
    """Return what a person changed in the action or the answer, if anything; pure."""
    if case.ending not in (Ending.EDITED, Ending.ANSWERED) or not case.resolved:
        return ()
    if not case.tool:
        before, after = case.proposed.strip(), case.resolved.strip()
        return (Change(path="answer", before=before, after=after),) if before != after else ()
    before_values, after_values = _flat(case.proposed), _flat(case.resolved)
    paths = dict.fromkeys([*before_values, *after_values])
    return tuple(
        Change(path=path, before=before_values.get(path, ""), after=after_values.get(path, ""))
        for path in paths
        if before_values.get(path, "") != after_values.get(path, "")
    )


def _flat(text: str) -> Mapping[str, str]:
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return {"": text}
    return dict(_leaves(value, ""))


def _leaves(value: object, path: str) -> Iterator[tuple[str, str]]:
    match value:
        case dict():
            for key, item in value.items():
                yield from _leaves(item, f"{path}.{key}" if path else str(key))
        case list():
            for index, item in enumerate(value):
                yield from _leaves(item, f"{path}[{index}]")
        case str():
            yield path, value
        case _:
            yield path, json.dumps(value)
