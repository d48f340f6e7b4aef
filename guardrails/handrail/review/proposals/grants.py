"""Grants worth giving, where one customer's cases stay unchanged, and worth ending.

The policy has no word for grants: these are notes.
"""

import math
from collections import defaultdict
from collections.abc import Iterator

from handrail.review.changes.proposal import Grounds, Proposal, note
from handrail.review.evidence.bets import ShareBet
from handrail.review.evidence.candidate import SEARCHED
from handrail.review.evidence.costs import Costs
from handrail.review.figures.measure import share
from handrail.review.log.review_log import RIGHT, WRONG, ReviewLog

LEVEL = 0.05
"""Chance, over all customers (or grants) and looks, of a note where people pay after all (or do not)."""
FEWEST = 10
"""Cases that a customer needs before any test: of fewer nothing can be proved, and each test weakens all."""
SHOWN = 8


def proposed_grants(
    log: ReviewLog, costs: Costs, *, weeks: int, since: float = -math.inf
) -> Iterator[Proposal]:
    """Yield notes on the grants that a log speaks for and against.

    Args:
        log: the decisions of some weeks.
        costs: what a wrong answer and a person's look cost.
        weeks: how many weeks these are.
        since: nothing is said of customers and grants that were not met from then on.
    """
    yield from _to_give(log, costs, weeks, since)
    yield from _to_end(log, costs, weeks, since)


def _to_give(log: ReviewLog, costs: Costs, weeks: int, since: float) -> Iterator[Proposal]:
    """Only rules about high stakes can be lifted by a grant."""
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, (rules, triggers) in enumerate(zip(log.rules, log.triggers, strict=True)):
        is_decided = log.verdict[place] >= RIGHT and not log.is_blocked[place]
        if len(rules) == 1 and triggers == SEARCHED and log.customer[place] and is_decided:
            groups[rules[0], log.customer[place]].append(place)
    tried = {key: places for key, places in groups.items() if len(places) >= FEWEST}
    for (rule, customer), places in tried.items():
        changed = int((log.verdict[places] == WRONG).sum())
        bet = ShareBet(bound=costs.break_even, is_below=True)
        bet.take(changed, len(places))
        if not bet.is_won(LEVEL / len(tried)) or log.at[places[-1]] < since:
            continue
        found = share(changed, len(places))
        yield note(
            Grounds(
                kind="grant",
                title=f"Give customer {customer[:SHOWN]} a grant under {rule}",
                why=f"People changed {found} of this customer's cases under that rule.",
                effect=f"{len(places) / max(1, weeks):.1f} hand-offs a week fewer.",
                suggestion="Grant it for a time and up to an amount; its uses stay on record and are drawn.",
                tickets=log.tickets(places),
                worth=len(places) / max(1, weeks) * (1.0 - changed / len(places) * costs.missed),
            )
        )


def _to_end(log: ReviewLog, costs: Costs, weeks: int, since: float) -> Iterator[Proposal]:
    groups: dict[str, list[int]] = defaultdict(list)
    for place, grant in enumerate(log.grant):
        if grant and log.verdict[place] >= RIGHT:
            groups[grant].append(place)
    for grant, places in groups.items():
        wrong = int((log.verdict[places] == WRONG).sum())
        bet = ShareBet(bound=costs.break_even, is_below=False)
        bet.take(wrong, len(places))
        if not bet.is_won(LEVEL / len(groups)) or log.at[places[-1]] < since:
            continue
        yield note(
            Grounds(
                kind="grant",
                title=f"End grant {grant[:SHOWN]}",
                why=f"People found {share(wrong, len(places))} of its passes wrong.",
                effect="Its cases would go to people again.",
                suggestion="Withdraw it, or narrow what it covers.",
                cases=tuple(log.exchange[place] for place in places),
                worth=len(places) / max(1, weeks) * (wrong / len(places) * costs.missed - 1.0),
            )
        )
