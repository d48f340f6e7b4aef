"""Grants worth giving, where one customer's cases stay unchanged, and worth ending.

The policy has no word for grants: these are notes.
"""

from collections import defaultdict
from collections.abc import Iterator

from scipy.stats import binom

from handrail.review.measure import share
from handrail.review.policy_in_force import Grounds, note
from handrail.review.proposal import Proposal
from handrail.review.review_log import RIGHT, WRONG, ReviewLog
from handrail.review.rule_search import SEARCHED, Costs

LEVEL = 0.05
"""Chance, over all that were looked at, of a proposal where people pay after all (or do not)."""
SHOWN = 8


def proposed_grants(log: ReviewLog, costs: Costs, *, weeks: int) -> Iterator[Proposal]:
    """Yield notes on the grants that a log speaks for and against."""
    yield from _to_give(log, costs, weeks)
    yield from _to_end(log, costs, weeks)


def _to_give(log: ReviewLog, costs: Costs, weeks: int) -> Iterator[Proposal]:
    """Only rules about high stakes can be lifted by a grant."""
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, (rules, triggers) in enumerate(zip(log.rules, log.triggers, strict=True)):
        is_decided = log.verdict[place] >= RIGHT and not log.is_blocked[place]
        if len(rules) == 1 and triggers == SEARCHED and log.customer[place] and is_decided:
            groups[rules[0], log.customer[place]].append(place)
    for (rule, customer), places in groups.items():
        changed = int((log.verdict[places] == WRONG).sum())
        if float(binom.cdf(changed, len(places), costs.break_even)) * len(groups) > LEVEL:
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


def _to_end(log: ReviewLog, costs: Costs, weeks: int) -> Iterator[Proposal]:
    groups: dict[str, list[int]] = defaultdict(list)
    for place, grant in enumerate(log.grant):
        if grant and log.verdict[place] >= RIGHT:
            groups[grant].append(place)
    for grant, places in groups.items():
        wrong = int((log.verdict[places] == WRONG).sum())
        if float(binom.sf(wrong - 1, len(places), costs.break_even)) * len(groups) > LEVEL:
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
