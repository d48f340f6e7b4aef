"""How many people a role needs so that what comes within one deadline is read within it."""

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from scipy.stats import binom

from handrail.policy import Policy
from handrail.review.measure import share
from handrail.review.policy_in_force import Grounds, note
from handrail.review.proposal import Proposal
from handrail.review.review_log import NO_VERDICT, ReviewLog

FEWEST = 20
BUSY = 0.95
"""The share of moments that staffing is to be enough for."""
LATE = 0.05


def proposed_staffing(log: ReviewLog, policy: Policy) -> Iterator[Proposal]:
    """Yield a note for each role that decides too late: load against deadline, with a 95 % interval.

    The load is what comes in within one `answer_within` after a ticket. Its 95 % quantile over all tickets is
    taken with the interval of order statistics, which holds for every distribution; times the mean reading
    time, over the deadline, it is the number of people who have to be there.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for place in np.flatnonzero(log.is_held):
        places[log.role[place]].append(int(place))
    for role, mine in places.items():
        plan = policy.roles.get(role)
        seconds = log.seconds[mine]
        timed = seconds[np.isfinite(seconds)]
        if plan is None or plan.answer_within is None or len(mine) < FEWEST or len(timed) < FEWEST // 2:
            continue
        late = share(int((log.verdict[mine] == NO_VERDICT).sum()), len(mine))
        if late.low <= LATE:
            continue
        within = plan.answer_within.total_seconds()
        each = float(timed.mean())
        need = [max(1, math.ceil(count * each / within)) for count in _busy(log.at[mine], within)]
        yield note(
            Grounds(
                kind="staffing",
                title=f"Have {need[1]} people as {role} in busy hours ({need[0]} to {need[2]})",
                why=(
                    f"Nobody decided {late} of its tickets. One takes {each / 60:.1f} min of reading, and "
                    f"{within / 60:.0f} min are allowed."
                ),
                effect=f"In {BUSY:.0%} of all moments what comes in is then read in time.",
                suggestion="More people, longer hours, another backup, or a longer answer_within.",
                tickets=log.tickets([p for p in mine if log.verdict[p] == NO_VERDICT]),
                about=role,
                worth=late.count / max(1, len(np.unique(log.week))),
            )
        )


def _busy(moments: np.ndarray, within: float) -> tuple[int, int, int]:
    """Return how many tickets come within a span: the quantile between its lower and its upper bound."""
    at: Sequence[float] = sorted(moments.tolist())
    counts = sorted(bisect_left(at, moment + within) - place for place, moment in enumerate(at))
    last = len(counts) - 1
    ranks = (binom.ppf(0.025, len(counts), BUSY), BUSY * len(counts), binom.ppf(0.975, len(counts), BUSY))
    low, middle, high = (counts[min(last, max(0, math.ceil(rank) - 1))] for rank in ranks)
    return low, middle, high
