"""What stands in texts that people judged one way: chosen in some weeks, held against later ones. Pure.

Whatever is tried later gets less of the level (see `evidence`): where nothing is so, anything at all is
proposed with at most the level's chance. A customer counts once for a feature: who writes the same ten times
is one voice, and what few people write is not shown to anybody.
"""

import math
from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from handrail.review.evidence.bets import ShareBet, level_of
from handrail.review.log.cases import ReviewCase
from handrail.review.log.review_log import ReviewLog

LEVEL = 0.05
FEWEST = 3
"""Customers in whose texts a feature is a hit before it is suspected."""
SUBJECTS = 5
"""Customers in whose texts a feature is a hit before it is shown."""
MOST_NEW = 3
"""Features that are suspected in one week."""
RARE, TIMES = 1 / 3, 1.25

Feature = TypeVar("Feature", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedText(Generic[Feature]):
    """A text that somebody judged: its ticket, week and customer, and by feature whether it is a hit."""

    ticket: str
    week: int
    subject: str
    hits: Mapping[Feature, bool]


@dataclass(slots=True, kw_only=True)
class Suspect(Generic[Feature]):
    """A feature, the bet on it since it was suspected, and its place among all suspects."""

    feature: Feature
    place: int
    bet: ShareBet
    best: float = 0.0
    tickets: list[str] = field(default_factory=list)

    @property
    def is_proved(self) -> bool:
        """True when the bet has once won what its place asks for."""
        return self.best >= -math.log(level_of(self.place, LEVEL))


def weeks_of(texts: Sequence[JudgedText[Feature]]) -> int:
    """Return how many weeks texts are of, from the first to the last; one where there are none; pure."""
    weeks = [text.week for text in texts]
    return max(weeks) - min(weeks) + 1 if weeks else 1


def without_text(log: ReviewLog, texts: Sequence[ReviewCase]) -> str:
    """Say how many tickets of the same weeks could not be looked at; pure."""
    known = {case.id for case in texts}
    weeks = [int(week) for ticket, week in zip(log.ticket, log.week, strict=True) if ticket in known]
    gone = {
        ticket
        for ticket, week in zip(log.ticket, log.week, strict=True)
        if ticket and ticket not in known and weeks and week >= min(weeks)
    }
    if not gone:
        return ""
    return f"; {len(gone)} more {'ticket has' if len(gone) == 1 else 'tickets have'} no text to look at"


@dataclass(slots=True)
class _Seen:
    cases: int = 0
    hits: list[str] = field(default_factory=list)
    subjects: set[str] = field(default_factory=set)


def proved(
    texts: Sequence[JudgedText[Feature]], *, least: float | None = None
) -> Iterator[tuple[Suspect[Feature], int]]:
    """Yield each feature whose texts are hits clearly more often than a bound, with all its texts.

    Args:
        texts: in any order; those without a customer count for nothing.
        least: the bound; by default a third, or `TIMES` the share among all texts so far if that is more.
    """
    by_week: dict[int, list[JudgedText[Feature]]] = defaultdict(list)
    for text in texts:
        if text.subject:
            by_week[text.week].append(text)
    seen: dict[Feature, _Seen] = defaultdict(_Seen)
    suspects: dict[Feature, Suspect[Feature]] = {}
    judged = [0, 0]
    for week in sorted(by_week):
        taken = _take(by_week[week], seen, judged)
        for feature, suspect in suspects.items():
            hits, cases = taken.get(feature, (0, 0))
            suspect.bet.take(hits, cases)
            suspect.best = max(suspect.best, suspect.bet.log_wealth)
        bound = least if least is not None else max(RARE, TIMES * judged[0] / max(1, judged[1]))
        for feature in _suspicious(seen, suspects, bound):
            bet = ShareBet(bound=bound, is_below=False)
            suspects[feature] = Suspect(feature=feature, place=len(suspects) + 1, bet=bet)
    for feature, suspect in suspects.items():
        if suspect.is_proved and len(seen[feature].hits) >= SUBJECTS:
            suspect.tickets = seen[feature].hits
            yield suspect, seen[feature].cases


def _take(
    texts: Sequence[JudgedText[Feature]], seen: dict[Feature, _Seen], judged: list[int]
) -> Mapping[Feature, tuple[int, int]]:
    """Count a week's texts; returns hits and texts of the week by feature."""
    taken: dict[Feature, tuple[int, int]] = {}
    for text in texts:
        judged[0] += any(text.hits.values())
        judged[1] += 1
        for feature, is_hit in text.hits.items():
            known = seen[feature]
            if text.subject in known.subjects:
                continue
            known.subjects.add(text.subject)
            known.cases += 1
            if is_hit:
                known.hits.append(text.ticket)
            hits, cases = taken.get(feature, (0, 0))
            taken[feature] = (hits + is_hit, cases + 1)
    return taken


def _suspicious(
    seen: Mapping[Feature, _Seen], suspects: Mapping[Feature, object], bound: float
) -> list[Feature]:
    """Return what is suspected from now on; of features that stand in the same texts the longest only."""
    if bound >= 1.0:
        return []
    known = {tuple(seen[feature].hits) for feature in suspects}
    chosen: dict[tuple[str, ...], Feature] = {}
    for feature in sorted(seen, key=lambda each: (-len(str(each)), str(each))):
        found = seen[feature]
        hits = tuple(found.hits)
        if len(hits) >= FEWEST and len(hits) > bound * found.cases and hits not in known:
            chosen.setdefault(hits, feature)
    ranked = sorted(chosen.values(), key=lambda each: (seen[each].cases - len(seen[each].hits), str(each)))
    return [each for each in ranked if each not in suspects][:MOST_NEW]
