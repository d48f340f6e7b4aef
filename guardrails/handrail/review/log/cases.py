"""The tickets of a period as a review reads them: masked, and reduced to what can be counted."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from heapq import nlargest
from typing import Final, Protocol

from handrail.pipeline.decoded import hide_decoded, scan_leaves
from handrail.records import Money, Trigger
from handrail.review.log.log_rows import READING_FLOOR
from handrail.scan import Scanner, redact
from handrail.store.tickets.listing import Filter
from handrail.text.json_data import json_segments, leaves, written
from handrail.text.printable import printable, printable_json
from handrail.tickets.lifecycle import UNDECIDED, State
from handrail.tickets.ports import Attempt, ResolutionView
from handrail.tickets.resolution import Page, TicketEvent, TicketRow
from handrail.tickets.ticket import ResolutionRecord, Ticket, TicketView


class TicketEnding(StrEnum):
    """How a ticket ended, as a reviewer would say it."""

    APPROVED = "approved unchanged"
    EDITED = "edited"
    REJECTED = "rejected"
    ANSWERED = "answered"
    REVISED = "sent back to the assistant"
    LAPSED = "decided but not carried out"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"
    DUPLICATE = "duplicate"
    OPEN = "open"


DECIDED = (
    TicketEnding.APPROVED,
    TicketEnding.EDITED,
    TicketEnding.REJECTED,
    TicketEnding.ANSWERED,
    TicketEnding.REVISED,
)
"""Endings that a person brought about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPeriod:
    """The time a review covers: tickets opened from `since` on and before `until`; both have a time zone."""

    since: datetime
    until: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.since <= moment < self.until

    def __str__(self) -> str:
        return f"{self.since:%Y-%m-%d} to {self.until:%Y-%m-%d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewCase:
    """One ticket as a review sees it; every text is masked.

    `proposed` and `resolved` are what the assistant wanted and what the person decided: JSON arguments of
    `tool`, or an answer's text where `tool` is empty. `parameters` is the JSON schema of these arguments,
    empty where the ticket holds none. `unknown` names facts that could not be had. `proposes`: there is an
    action or an answer that people can approve. `reading` is the time from taking it to the verdict, None
    where nobody saw when it was taken. `has_lapsed`: what was decided was not carried out in time; `ending`
    is the verdict still.
    """

    id: str
    created_at: datetime
    role: str
    trigger: Trigger
    ending: TicketEnding
    rules: tuple[str, ...] = ()
    because: str = ""
    unknown: tuple[str, ...] = ()
    decided_at: datetime | None = None
    decide_by: datetime | None = None
    wanted: str = ""
    tool: str = ""
    parameters: str = ""
    proposed: str = ""
    resolved: str = ""
    reason: str = ""
    confidence: float | None = None
    amounts: Mapping[str, Money] = field(default_factory=dict)
    lines: tuple[tuple[str, str], ...] = ()
    attempts: int = 0
    policy: str = ""
    proposes: bool = True
    reading: timedelta | None = None
    has_lapsed: bool = False

    @property
    def rule(self) -> str:
        """The rule that brought it to people: the first of those that fired."""
        return self.rules[0] if self.rules else str(self.trigger)

    @property
    def is_decided(self) -> bool:
        """True when a person decided."""
        return self.ending in DECIDED

    @property
    def is_read(self) -> bool:
        """True when a person decided on what was proposed, and had the time to read it."""
        is_fast = self.reading is not None and self.reading < READING_FLOOR
        return self.is_decided and self.proposes and not is_fast

    @property
    def took(self) -> timedelta | None:
        """Time from opening to the decision, None while nobody has decided."""
        return self.decided_at - self.created_at if self.decided_at and self.is_decided else None

    @property
    def is_late(self) -> bool:
        """True when the decision came after its deadline, or never."""
        if self.ending is TicketEnding.EXPIRED:
            return True
        return bool(self.decide_by and self.decided_at and self.decided_at > self.decide_by)

    def is_overdue(self, now: datetime) -> bool:
        """Tell whether it is open past its deadline."""
        return self.ending is TicketEnding.OPEN and self.decide_by is not None and self.decide_by < now


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedValue:
    """One value that a person changed: where, from what, to what (texts; empty for absent)."""

    path: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.path}: {self.before or '(nothing)'} → {self.after or '(nothing)'}"


ANSWER: Final = "answer"
"""Where the value stands that a person changed in an answer."""


def changes(case: ReviewCase) -> tuple[ChangedValue, ...]:
    """Return what a person changed in the action or the answer, if anything; pure.

    Who answers in place of an action changes none of its arguments, and where nothing was proposed there is
    nothing to change.
    """
    endings = (TicketEnding.EDITED,) if case.tool else (TicketEnding.EDITED, TicketEnding.ANSWERED)
    if case.ending not in endings or not case.resolved:
        return ()
    if not case.tool:
        before, after = case.proposed.strip(), case.resolved.strip()
        is_changed = bool(before) and before != after
        return (ChangedValue(path=ANSWER, before=before, after=after),) if is_changed else ()
    before_values, after_values = _flat(case.proposed), _flat(case.resolved)
    paths = dict.fromkeys([*before_values, *after_values])
    return tuple(
        ChangedValue(path=path, before=before_values.get(path, ""), after=after_values.get(path, ""))
        for path in paths
        if before_values.get(path, "") != after_values.get(path, "")
    )


def _flat(text: str) -> Mapping[str, str]:
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return {"": text}
    return {
        written(path): leaf if isinstance(leaf, str) else json.dumps(leaf) for path, leaf in leaves(value)
    }


PAGE = 200
_BY_STATE = {
    State.EXPIRED: TicketEnding.EXPIRED,
    State.CANCELLED: TicketEnding.CANCELLED,
    State.WITHDRAWN: TicketEnding.WITHDRAWN,
    State.DUPLICATE: TicketEnding.DUPLICATE,
    State.REJECTED: TicketEnding.REJECTED,
}
_BY_VERDICT = {
    "approve": TicketEnding.APPROVED,
    "edit": TicketEnding.EDITED,
    "reject": TicketEnding.REJECTED,
    "answer": TicketEnding.ANSWERED,
    "revise": TicketEnding.REVISED,
    "expired": TicketEnding.EXPIRED,
    "cancelled": TicketEnding.CANCELLED,
    "withdrawn": TicketEnding.WITHDRAWN,
}


class TicketReader(Protocol):
    """What a review needs of a store; reading only."""

    def list(self, tenant: str, wanted: Filter | None = None) -> Page:
        """Return one page of tickets, without content."""

    def get(self, tenant: str, ticket: str) -> TicketView:
        """Return a ticket, masked, with where it stands."""

    def attempts(self, tenant: str, ticket: str) -> tuple[Attempt, ...]:
        """Return what joined a ticket."""

    def history(self, tenant: str, ticket: str) -> tuple[TicketEvent, ...]:
        """Return a ticket's recorded events."""

    def resolution(self, tenant: str, ticket: str) -> ResolutionView | None:
        """Return what was decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collector:
    """Collects one tenant's cases. What people wrote is scanned and masked as conversations are."""

    source: TicketReader
    tenant: str
    scanner: Scanner

    def cases(self, period: ReviewPeriod) -> Iterator[ReviewCase]:
        """Yield the tickets that were opened in a period; erased ones are left out."""
        return self._read(row for state in State for row in self._rows(state, period))

    def newest(self, period: ReviewPeriod, most: int) -> Iterator[ReviewCase]:
        """Yield the newest tickets of a period, so many at most; erased ones are left out."""
        rows = [row for state in State for row in self._rows(state, period)]
        return self._read(nlargest(max(0, most), rows, key=lambda row: (row.created_at, row.id)))

    def _read(self, rows: Iterable[TicketRow]) -> Iterator[ReviewCase]:
        for row in rows:
            view = self.source.get(self.tenant, row.id)
            if view.ticket is not None:
                yield self._case(view, view.ticket)

    def _rows(self, state: State, period: ReviewPeriod) -> Iterator[TicketRow]:
        cursor: str | None = None
        while True:
            page = self.source.list(self.tenant, Filter(state=state, is_real=True, limit=PAGE, cursor=cursor))
            for row in page.rows:
                if row.created_at >= period.until:
                    return
                if row.created_at in period:
                    yield row
            cursor = page.cursor
            if cursor is None:
                return

    def _case(self, view: TicketView, ticket: Ticket) -> ReviewCase:
        history = self.source.history(self.tenant, ticket.id)
        is_lapsed = view.state is State.EXPIRED and any(one.kind == _LAPSE for one in history)
        has_lapsed = is_lapsed and view.resolution is not None
        resolution = view.resolution if has_lapsed else self.source.resolution(self.tenant, ticket.id)
        action, fired = ticket.action, [rule for rule in ticket.policy.rules if rule.effect != "pass"]
        words = [text for text in (_code(history), *_said(resolution)) if text]
        return ReviewCase(
            id=ticket.id,
            created_at=ticket.created_at,
            role=ticket.role,
            trigger=ticket.trigger,
            ending=_ending(State.DECIDED if has_lapsed else view.state, resolution),
            proposes=bool(action or ticket.done or ticket.draft_answer.strip()),
            reading=_reading(history),
            has_lapsed=has_lapsed,
            rules=tuple(dict.fromkeys([ticket.reason_code, *(rule.rule for rule in fired)])),
            because="; ".join(dict.fromkeys(rule.because for rule in fired if rule.because)),
            unknown=tuple(dict.fromkeys(printable(name) for rule in fired for name in rule.unknown)),
            decided_at=resolution.decided_at if resolution else None,
            decide_by=ticket.decide_by,
            wanted=printable(ticket.wanted),
            tool=printable(action.tool) if action else "",
            parameters=printable_json(action.parameters) if action else "",
            proposed=self._read_as_json(action.arguments if action else ticket.draft_answer),
            resolved=self._masked(_resolved(resolution)),
            reason=self._masked(" · ".join(dict.fromkeys(words))),
            confidence=ticket.confidence.score if ticket.confidence else None,
            amounts=_money(ticket),
            lines=tuple((line.speaker, self._read_as_json(line.text)) for line in ticket.lines),
            attempts=len(self.source.attempts(self.tenant, ticket.id)),
            policy=f"{ticket.policy.name} {ticket.policy.version}",
        )

    def _masked(self, text: str) -> str:
        return printable_json(hide_decoded(text, scan_leaves(self.scanner, text), redact)) if text else ""

    def _read_as_json(self, text: str) -> str:
        """Return a text that its ticket has masked; JSON in it is masked leaf by leaf as well."""
        return self._masked(text) if json_segments(text) else printable(text)


_LAPSE: Final = "ticket.lapse"
_CLAIM: Final = "ticket.claim"
_VERDICTS: Final = frozenset({"ticket.approve", "ticket.reject", "ticket.answer", "ticket.revise"})


def _code(history: Iterable[TicketEvent]) -> str:
    """The reason code of the last decision, empty where nobody gave one."""
    codes = [str(one.data["reason"]) for one in history if one.data.get("reason")]
    return codes[-1] if codes else ""


def _reading(history: Iterable[TicketEvent]) -> timedelta | None:
    """The time from taking a ticket to the last verdict on it."""
    taken: dict[str, datetime] = {}
    found = None
    for event in history:
        if event.kind == _CLAIM:
            taken.setdefault(event.actor, event.at)
        elif event.kind in _VERDICTS:
            found = event.at - taken[event.actor] if event.actor in taken else None
    return found


def _resolved(resolution: ResolutionView | ResolutionRecord | None) -> str:
    """What was decided; arguments that were never carried out are not told."""
    if isinstance(resolution, ResolutionView):
        return resolution.arguments or resolution.answer
    return resolution.answer if resolution is not None else ""


def _ending(state: State, resolution: ResolutionView | ResolutionRecord | None) -> TicketEnding:
    if state in UNDECIDED:
        return TicketEnding.OPEN
    if state in _BY_STATE:
        return _BY_STATE[state]
    return _BY_VERDICT[resolution.verdict] if resolution else TicketEnding.OPEN


def _said(resolution: ResolutionView | ResolutionRecord | None) -> tuple[str, ...]:
    return (resolution.message_to_agent, resolution.message_to_user) if resolution else ()


def _money(ticket: Ticket) -> dict[str, Money]:
    facts = ticket.action.amounts if ticket.action else {}
    values = {name: fact.fact() for name, fact in facts.items()}
    return {name: value for name, value in values.items() if isinstance(value, Money)}
