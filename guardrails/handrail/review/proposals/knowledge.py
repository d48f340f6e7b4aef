"""What the assistant does not know: facts that could not be had, and what people answer themselves."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from scipy.stats import binom, hypergeom

from handrail.records import Unknown
from handrail.review.changes.proposal import Grounds, Proposal, note
from handrail.review.figures.measure import share
from handrail.review.log.cases import ReviewCase, TicketEnding
from handrail.review.log.review_log import ReviewLog

FEWEST, LEVEL = 3, 0.01
OUTAGES = 0.1
"""What is missing in fewer of the decisions that read it is now and then out of reach, and no gap."""
_WORD = re.compile(r"[^\W\d_]{4,}")
_BY_HAND = (TicketEnding.ANSWERED, TicketEnding.EDITED)


def proposed_knowledge(cases: Sequence[ReviewCase], log: ReviewLog, *, weeks: int) -> Iterator[Proposal]:
    """Yield notes on gaps of knowledge, from the tickets and the log of the same weeks."""
    yield from _unknown_facts(cases, log, weeks)
    yield from _topics(cases, weeks)


def _unknown_facts(cases: Sequence[ReviewCase], log: ReviewLog, weeks: int) -> Iterator[Proposal]:
    """Yield a note for each fact that opens tickets since more than a tenth of decisions lack it."""
    without: dict[str, list[ReviewCase]] = defaultdict(list)
    for case in cases:
        for name in case.unknown:
            without[name].append(case)
    for name, mine in without.items():
        asked = [facts[name] for facts in log.facts if name in facts]
        missing = sum(isinstance(value, Unknown) for value in asked)
        chance = float(binom.sf(missing - 1, len(asked), OUTAGES)) * len(without)
        if len(mine) < FEWEST or chance > LEVEL:
            continue
        found = share(len(mine), len(cases))
        yield note(
            Grounds(
                kind="knowledge",
                title=f"Let {name} be known",
                why=f"It was missing in {share(missing, len(asked))} decisions that read it; "
                f"{len(mine)} tickets came of it.",
                effect=_a_week(found.low, found.high, len(cases), weeks, "tickets"),
                suggestion="Name a source for the fact, or say in the policy what holds while it is missing.",
                tickets=tuple(case.id for case in mine),
                about=name,
                worth=len(mine) / max(1, weeks),
            )
        )


def _topics(cases: Sequence[ReviewCase], weeks: int) -> Iterator[Proposal]:
    """Yield a note for each word that stands in tickets which people answer themselves more than in others.

    How likely so many are by chance is hypergeometric (Fisher's exact test), times the words that were tried.
    """
    answers = [case for case in cases if case.is_decided and not case.tool and case.wanted]
    by_hand = {case.id for case in answers if case.ending in _BY_HAND}
    words = {case.id: {word.lower() for word in _WORD.findall(case.wanted)} for case in answers}
    often = Counter(word for found in words.values() for word in found)
    tried = [word for word, count in often.items() if count >= FEWEST]
    told: set[str] = set()
    for word in sorted(tried, key=lambda each: (-often[each], each)):
        mine = [case.id for case in answers if word in words[case.id]]
        hits = [name for name in mine if name in by_hand]
        chance = float(hypergeom.sf(len(hits) - 1, len(answers), len(by_hand), len(mine))) * len(tried)
        if len(hits) < FEWEST or chance > LEVEL or set(hits) <= told:
            continue
        told |= set(hits)
        found = share(len(hits), len(mine))
        yield note(
            Grounds(
                kind="knowledge",
                title=f"Teach the assistant about “{word}”",
                why=f"People wrote or changed the answer in {found} tickets with this word.",
                effect=_a_week(found.low, found.high, len(mine), weeks, "answers by hand"),
                suggestion="Put what they answered where the assistant looks things up.",
                tickets=tuple(hits),
                worth=len(hits) / max(1, weeks),
            )
        )


def _a_week(low: float, high: float, count: int, weeks: int, what: str) -> str:
    span = max(1, weeks)
    return f"{low * count / span:.1f} to {high * count / span:.1f} {what} a week fewer."
