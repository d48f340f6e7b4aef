"""A log as the review's statistics read it: each decision with what people said of it later."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, tzinfo
from typing import Any, Final

import numpy as np

from handrail.confidence.calibration.fit.arrays import Flags, Floats
from handrail.policy.runtime.log_row import ESCALATED, EXPIRED, RESOLVED, SAMPLED, TAKEN, LogRow
from handrail.policy.runtime.record import read_fact
from handrail.records import FactValue, Trigger
from handrail.review.log.log_rows import (
    NO_DECISION,
    READING_FLOOR,
    by_time,
    hand_off_reasons,
    has_lapsed,
    is_hand_off,
    number_of,
    proposes,
)

NO_VERDICT, RIGHT, WRONG = -1, 0, 1
READING_FLOOR_S: Final = READING_FLOOR.total_seconds()
_WRONG: Final = frozenset({"edit", "reject", "answer", "revise", "agree_edit", "wrong"})
_RIGHT: Final = frozenset({"approve", "right"})
_SEEN_RIGHT: Final = _RIGHT | {"agree"}
_FIRST_MONDAY: Final = date(1969, 12, 29).toordinal()
_NO_FACTS: Final[Mapping[str, FactValue]] = {}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReviewLog:
    """Decisions in the order of their time; arrays have shape (n,).

    `ticket` is that of a hand-off, empty for what was passed. `week` counts calendar weeks. `rules` are those
    that handed off, the one that the ticket names first, none where the answer went out. `is_blocked`: it
    would not go out whatever people say. `is_proposed`: it holds an answer or a call that people can approve.
    `is_escalated`: its time ran out and it went on to another role. `is_scored`: it has a score and the
    chance `probability` with which it was drawn (1 for what was handed off). `verdict` is `NO_VERDICT`,
    `RIGHT` or `WRONG`: of a ticket, whether people changed anything or sent it back.
    `role` got it, `decided_by` is the role in which that verdict was given; `customer` and `grant` are
    hashes.
    `policy` is the digest of the policy that decided, `maker` the model that answered and the method by
    which its confidence was measured.
    `reviewer` and `seconds` (not a number where nobody saw when it was taken) are those of that verdict,
    `second` is what another person said of the same case, `NO_VERDICT` where nobody else did.
    """

    exchange: tuple[str, ...] = ()
    ticket: tuple[str, ...] = ()
    at: Floats = field(default_factory=lambda: np.zeros(0))
    week: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    facts: tuple[Mapping[str, FactValue], ...] = ()
    rules: tuple[tuple[str, ...], ...] = ()
    triggers: tuple[tuple[str, ...], ...] = ()
    is_held: Flags = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    is_passed: Flags = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    is_blocked: Flags = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    is_proposed: Flags = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    is_escalated: Flags = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    score: Floats = field(default_factory=lambda: np.zeros(0))
    is_scored: Flags = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    probability: Floats = field(default_factory=lambda: np.zeros(0))
    is_drawn: Flags = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    verdict: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    reviewer: tuple[str, ...] = ()
    seconds: Floats = field(default_factory=lambda: np.zeros(0))
    second: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    role: tuple[str, ...] = ()
    decided_by: tuple[str, ...] = ()
    customer: tuple[str, ...] = ()
    grant: tuple[str, ...] = ()
    policy: tuple[str, ...] = ()
    maker: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.exchange)

    @property
    def is_read(self) -> Flags:
        """Whether there is a verdict on what was proposed, and somebody had the time to reach it."""
        timely = (self.verdict != NO_VERDICT) & ~(self.seconds < READING_FLOOR_S)
        return np.asarray(timely & self.is_proposed if len(self.is_proposed) else timely, dtype=np.bool_)

    @property
    def stratum(self) -> tuple[str, ...]:
        """What cases are compared within: the first rule that held one, empty for what was passed."""
        return tuple(rules[0] if rules else "" for rules in self.rules)

    @property
    def is_unsure_only(self) -> Flags:
        """Whether it was handed off for its low confidence and for nothing else."""
        low = str(Trigger.LOW_CONFIDENCE)
        return np.array([bool(t) and set(t) == {low} for t in self.triggers], dtype=np.bool_)

    @property
    def is_by_score(self) -> Flags:
        """Whether a score alone decides: it was passed, or handed off for its low confidence only."""
        scored = self.is_scored & np.isfinite(self.score)
        return np.asarray(scored & (self.is_passed | self.is_unsure_only), dtype=np.bool_)

    def tickets(self, places: Flags | Sequence[int]) -> tuple[str, ...]:
        """Return the tickets at some places, each once."""
        chosen = np.asarray(places)
        found = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen
        return tuple(dict.fromkeys(self.ticket[int(place)] for place in found if self.ticket[int(place)]))

    def taken(self, places: Flags) -> "ReviewLog":
        """Return the decisions at some places; a column that nobody gave stays empty."""
        found = [int(place) for place in np.flatnonzero(places)]
        columns: dict[str, Any] = {}
        for name in self.__slots__:
            values = getattr(self, name)
            if not len(values):
                continue
            if isinstance(values, np.ndarray):
                columns[name] = values[np.array(found, dtype=np.intp)]
            else:
                columns[name] = tuple(values[place] for place in found)
        return ReviewLog(**columns)

    def of_week(self, week: int) -> "ReviewLog":
        """Return one week's decisions."""
        return self.taken(self.week == week)


def joined(parts: Sequence[ReviewLog]) -> ReviewLog:
    """Return several logs as one, in their order; pure."""
    columns: dict[str, Any] = {}
    for name in ReviewLog.__slots__:
        values = [getattr(part, name) for part in parts]
        if values and isinstance(values[0], np.ndarray):
            columns[name] = np.concatenate(values)
        else:
            columns[name] = tuple(each for one in values for each in one)
    return ReviewLog(**columns)


@dataclass(slots=True, kw_only=True)
class _Said:
    verdict: int
    reviewer: str
    seconds: float
    role: str


def review_log(rows: Iterable[LogRow], zone: tzinfo = UTC) -> ReviewLog:
    """Read the rows of a log; pure. A row whose time cannot be read is left out. Weeks are those of a zone.

    What people said of a ticket is joined to the decision that opened it, the last word counting. An exchange
    that was decided more than once counts as it was first decided.
    """
    decisions: dict[str, tuple[float, LogRow]] = {}
    said: dict[str, _Said] = {}
    heard: dict[str, dict[str, int]] = defaultdict(dict)
    taken: dict[tuple[str, str], float] = {}
    escalated: set[str] = set()
    for moment, row in by_time(rows):
        at, key = moment.timestamp(), row.ticket or row.exchange
        if not key:
            continue
        if row.is_decision:
            decisions.setdefault(key, (at, row))
        elif row.outcome == TAKEN:
            # Who looks again, or loads the page anew, began to read when they first saw it.
            taken.setdefault((key, row.reviewer), at)
        elif row.outcome == ESCALATED:
            escalated.add(key)
        elif row.outcome in (RESOLVED, SAMPLED) and row.verdict in _WRONG | _SEEN_RIGHT:
            verdict = WRONG if row.verdict in _WRONG else RIGHT
            heard[key][row.reviewer] = verdict
            if row.verdict.startswith("agree"):
                # Others must agree too: it stays open until the last of them has said so.
                continue
            seconds = at - taken.get((key, row.reviewer), math.nan)
            said[key] = _Said(verdict=verdict, reviewer=row.reviewer, seconds=seconds, role=row.role)
        elif has_lapsed(row):
            continue
        elif row.outcome == EXPIRED or (row.outcome == RESOLVED and row.verdict in NO_DECISION):
            said.pop(key, None)
    ordered = sorted(decisions.items(), key=lambda item: (item[1][0], item[0]))
    week = _weeks([at for _, (at, _) in ordered], zone)
    return replace(_columns(ordered, said, heard, escalated), week=week)


def _columns(
    ordered: Sequence[tuple[str, tuple[float, LogRow]]],
    said: Mapping[str, _Said],
    heard: Mapping[str, Mapping[str, int]],
    escalated: Set[str],
) -> ReviewLog:
    rows = [row for _, (_, row) in ordered]
    at = np.array([at for _, (at, _) in ordered], dtype=np.float64)
    verdicts = [said.get(key) for key, _ in ordered]
    held = [hand_off_reasons(row) for row in rows]
    return ReviewLog(
        exchange=tuple(row.exchange for row in rows),
        ticket=tuple(row.ticket for row in rows),
        at=at,
        facts=tuple(_facts(row) for row in rows),
        rules=tuple(tuple(str(reason.get("rule", "")) for reason in reasons) for reasons in held),
        triggers=tuple(tuple(str(reason.get("trigger", "")) for reason in reasons) for reasons in held),
        is_held=np.array([is_hand_off(row) for row in rows], dtype=np.bool_),
        is_passed=np.array([row.effect in ("pass", "redact") for row in rows], dtype=np.bool_),
        is_blocked=np.array([row.effect == "block" for row in rows], dtype=np.bool_),
        is_proposed=np.array([proposes(row) for row in rows], dtype=np.bool_),
        is_escalated=np.array([key in escalated for key, _ in ordered], dtype=np.bool_),
        score=np.array([number_of(row.scored.get("score")) for row in rows], dtype=np.float64),
        is_scored=np.array([bool(row.scored) for row in rows], dtype=np.bool_),
        probability=np.array(
            [number_of(row.scored.get("audit_probability")) for row in rows], dtype=np.float64
        ),
        is_drawn=np.array([bool(row.scored.get("audited")) for row in rows], dtype=np.bool_),
        verdict=np.array([one.verdict if one else NO_VERDICT for one in verdicts], dtype=np.int64),
        reviewer=tuple(one.reviewer if one else "" for one in verdicts),
        seconds=np.array([one.seconds if one else math.nan for one in verdicts], dtype=np.float64),
        second=np.array(
            [_second(heard.get(key, {}), one) for (key, _), one in zip(ordered, verdicts, strict=True)],
            dtype=np.int64,
        ),
        role=tuple(row.role for row in rows),
        decided_by=tuple(one.role if one else "" for one in verdicts),
        customer=tuple(row.customer for row in rows),
        grant=tuple(row.grant for row in rows),
        policy=tuple(row.policy for row in rows),
        maker=tuple(_maker(row) for row in rows),
    )


def _weeks(at: Sequence[float], zone: tzinfo) -> np.ndarray:
    """Return the weeks of moments, from Monday to Monday at midnight in a zone, counted from 1970."""
    days = [datetime.fromtimestamp(one, zone).toordinal() - _FIRST_MONDAY for one in at]
    return np.array(days, dtype=np.int64) // 7


def _maker(row: LogRow) -> str:
    """Return who answered and how its confidence was measured, empty where there is no score."""
    if not row.scored:
        return ""
    return f"{row.scored.get('model') or row.model}|{row.scored.get('method', '')}"


def _second(heard: Mapping[str, int], said: _Said | None) -> int:
    if said is None:
        return NO_VERDICT
    others = [verdict for reviewer, verdict in heard.items() if reviewer != said.reviewer]
    return others[-1] if others else NO_VERDICT


def _facts(row: LogRow) -> Mapping[str, FactValue]:
    if not row.facts:
        return _NO_FACTS
    return {name: read_fact(value) for name, value in row.facts.items() if isinstance(value, Mapping)}
