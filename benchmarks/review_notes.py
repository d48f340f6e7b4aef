"""Quarters in which something is wrong that stands in no policy's text: does the review say so, and when.

Called by `python -m benchmarks.review`. In half of the quarters nothing of the kind is planted. A note is so
where most of its tickets show what was planted; any other note is false.

Effects are fixed: 90 % of a rule's tickets are passed on; one person misses 15 % of a role's tickets in an
ordinary week; false alarms are 4 % of the traffic, a customer whose cases need nobody 3 %, one whose grant
lets wrong ones pass 5 %; 90 % of the corrections of a kind of case are one edit; a fact is never known; a
topic is 3 % of the traffic, and 80 % of its corrections are answers of people's own. Everywhere one exchange
in a hundred lacks some fact by chance, and in a third of the quarters two of nine people only click.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from benchmarks.review_log import COSTS, log_of

from handrail.review.changes.policy_in_force import PolicyInForce
from handrail.review.changes.proposal import Proposal
from handrail.review.evidence.log_review import LogReview, LogSettings
from handrail.review.log.review_log import ReviewLog, joined
from handrail.review.proposals.proposing import propose_notes
from handrail.review.proposals.roles import proposed_roles
from handrail.testing.plants import plant
from handrail.testing.quarter import Quarter, QuarterSettings
from handrail.testing.simulated_people import staff
from handrail.testing.traffic_plants import (
    BAD_GRANT,
    DETECTOR,
    FACT,
    GRANT,
    PROMPT,
    ROLE,
    STAFFING,
    TOPIC,
)

WEEKS = 13
AUDIT_RATE = 0.2
OUTAGES = 0.01
POLICIES = ("support", "banking", "clinic")
TOGETHER = ((ROLE, DETECTOR, FACT, PROMPT), (STAFFING, GRANT, BAD_GRANT, TOPIC))
"""What is planted in one quarter: kinds that do not touch each other's cases."""
SAID_BY = {
    "role": (ROLE,),
    "staffing": (STAFFING,),
    "detector": (DETECTOR,),
    "grant": (GRANT, BAD_GRANT),
    "prompt": (PROMPT,),
    "knowledge": (FACT, TOPIC),
}
"""Which kinds of proposals say what was planted."""
KINDS = tuple(kind for kinds in TOGETHER for kind in kinds)


@dataclass(slots=True, kw_only=True)
class Noted:
    """What a quarter's notes said, against its truth. Weeks count from 0; None where nothing was said."""

    is_planted: bool
    found: dict[str, int | None] = field(default_factory=dict)
    false: list[str] = field(default_factory=list)


def note_quarter(seed: int) -> Noted:
    """Play a quarter and hold every note of its weekly reviews against what is so."""
    is_planted = seed % 2 == 0
    kinds = TOGETHER[seed // 2 % len(TOGETHER)] if is_planted else ()
    settings = QuarterSettings(
        seed=20_000 + seed,
        weeks=WEEKS,
        outages=OUTAGES,
        people=staff(honest=6, stampers=2 if seed % 3 == 0 else 0),
    )
    quarter = Quarter(plant(POLICIES[seed // 4 % len(POLICIES)], kinds), settings)
    noted = Noted(is_planted=is_planted, found=dict.fromkeys(kinds))
    review = LogReview(LogSettings.of(quarter.policy, costs=COSTS))
    shown: dict[str, str] = {}
    logs: list[ReviewLog] = []
    told: set[str] = set()
    for week in range(WEEKS):
        played = quarter.play(audit_rate=AUDIT_RATE)
        shown.update(zip(played.truth.exchanges, played.truth.planted, strict=True))
        logs.append(log_of(played.records))
        review.readers.take(logs[-1])
        history = joined(logs)
        notes = propose_notes(logs[-1], review, quarter.policy, history=history, cases=quarter.cases(played))
        for one in (*_of_roles(quarter, history, noted), *notes):
            _hold(noted, one, shown, week, told)
    return noted


def _of_roles(quarter: Quarter, history: ReviewLog, noted: Noted) -> Iterator[Proposal]:
    """Yield the changes of roles; each is tried by check, so that one that was found is not made again."""
    if noted.found.get(ROLE) is None:
        now = PolicyInForce(policy=quarter.policy, text=quarter.planted.text, file="planted.yaml")
        yield from proposed_roles(history, now)


def _hold(noted: Noted, one: Proposal, shown: Mapping[str, str], week: int, told: set[str]) -> None:
    """Hold a note against what its tickets show."""
    evidence = one.tickets or one.cases
    kinds = Counter(kind for name in evidence for kind in shown.get(name, "").split())
    for kind, count in kinds.items():
        if count > len(evidence) / 2 and kind in SAID_BY[one.kind]:
            if noted.found[kind] is None:
                noted.found[kind] = week
            return
    if one.title not in told:
        told.add(one.title)
        noted.false.append(f"{one.kind}: {one.title}")


def note_figures(noted: Sequence[Noted]) -> dict[str, float]:
    """Return the share of what was planted that was said, and of quarters in which something false was."""
    by_kind = {
        f"planted_{kind}_noted": _share(one.found[kind] is not None for one in noted if kind in one.found)
        for kind in KINDS
    }
    return {
        **by_kind,
        "planted_note_found": min(by_kind.values()),
        "false_notes": _share(bool(one.false) for one in noted if not one.is_planted),
        "false_notes_beside_plants": _share(bool(one.false) for one in noted if one.is_planted),
    }


def print_notes(noted: Sequence[Noted]) -> None:
    """Print found-curves by week, and what was false."""
    print(f"{len(noted)} quarters with notes; share said by the end of week")
    print(f"{'':24}" + "".join(f"{week + 1:6}" for week in range(WEEKS)))
    for kind in KINDS:
        weeks = [one.found[kind] for one in noted if kind in one.found]
        by_week = [np.mean([w is not None and w <= week for w in weeks]) for week in range(WEEKS)]
        print(f"{kind:24}" + "".join(f"{share:6.2f}" for share in by_week) + f"   n={len(weeks)}")
    for words, times in Counter(word for one in noted for word in one.false).most_common(12):
        print(f"  false: {words} ({times})")


def _share(values: Iterable[bool]) -> float:
    found = list(values)
    return round(float(np.mean(found)), 4) if found else 0.0
