"""How many people a role needs so that its tickets are decided in time."""

import heapq
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import cycle

import numpy as np

from handrail.policy import Policy, RolePlan
from handrail.review.changes.proposal import Grounds, Proposal, note
from handrail.review.figures.measure import share
from handrail.review.log.review_log import NO_VERDICT, ReviewLog

FEWEST = 20
LATE = 0.05
"""The share of tickets that may be late."""
MOST = 40
"""More people than this are not counted out."""
RESAMPLED = 400
DAY_S = 86_400.0


def proposed_staffing(log: ReviewLog, policy: Policy) -> Iterator[Proposal]:
    """Yield a note for each role that decides too late: how many people would not have, with an interval.

    Late is what nobody decided, and what went on to the backup by the clock; what people gave to another role
    is not. The tickets are gone through once more as they came, with one person, two and so on, until so few
    would have been late; a ticket takes as long as it took, and one that the role did not decide as long as
    one of the slower half of the others, since being slow is one cause of being late. The interval is the
    bootstrap's over days. Where no number is enough, the time is too short.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for place in np.flatnonzero(log.is_held):
        places[log.role[place]].append(int(place))
    for role, mine in places.items():
        plan = policy.roles.get(role)
        own = {p: log.seconds[p] for p in mine if log.decided_by[p] == role and np.isfinite(log.seconds[p])}
        if plan is None or plan.answer_within is None or len(mine) < FEWEST or len(own) < FEWEST // 2:
            continue
        missed = [p for p in mine if log.verdict[p] == NO_VERDICT or log.is_escalated[p]]
        late = share(len(missed), len(mine))
        if late.low <= LATE:
            continue
        others = cycle(sorted(own.values())[len(own) // 2 :])
        took = [float(own[p] if p in own else next(others)) for p in mine]
        needed = _people(plan, log.at[mine].tolist(), took)
        within = plan.answer_within.total_seconds()
        yield note(
            Grounds(
                kind="staffing",
                title=f"Have {_counted(needed[1])} as {role} in busy hours ({needed[0]} to {needed[2]})"
                if needed
                else f"Allow {role} more than {within / 60:.0f} min",
                why=(
                    f"It did not decide {late} of its tickets in time. One takes {np.mean(took) / 60:.1f} min"
                    f" of reading, and {within / 60:.0f} min are allowed."
                ),
                effect=f"Of the tickets as they came {1 - LATE:.0%} are then decided in time."
                if needed
                else "However many people there are, too many tickets take longer than is allowed.",
                suggestion="More people, longer hours, another backup, or a longer answer_within.",
                tickets=log.tickets(missed),
                about=role,
                worth=late.count / max(1, len(np.unique(log.week))),
            )
        )


def _counted(people: int) -> str:
    return "1 person" if people == 1 else f"{people} people"


def _people(plan: RolePlan, moments: Sequence[float], took: Sequence[float]) -> tuple[int, ...]:
    """Return how many people are enough, with the bounds of a 95 % interval around it; empty for never."""
    day = np.asarray(moments) // DAY_S
    days, place = np.unique(day, return_inverse=True)
    late = np.array(
        [
            np.bincount(place, weights=late_with(people, plan, moments, took), minlength=len(days))
            for people in range(1, MOST + 1)
        ]
    )
    size = np.bincount(place, minlength=len(days))
    # The same days are drawn at every look, so that a note does not change by itself.
    drawn = np.random.default_rng(0).integers(len(days), size=(RESAMPLED, len(days)))
    enough = late[:, drawn].sum(axis=2) <= LATE * size[drawn].sum(axis=1)
    needed = np.where(enough.any(axis=0), enough.argmax(axis=0) + 1, MOST)
    in_all = late.sum(axis=1) <= LATE * size.sum()
    if not in_all.any():
        return ()
    middle = int(in_all.argmax()) + 1
    low, high = (int(bound) for bound in np.quantile(needed, (0.025, 0.975), method="nearest"))
    return min(low, middle), middle, max(high, middle)


def late_with(people: int, plan: RolePlan, moments: Sequence[float], took: Sequence[float]) -> np.ndarray:
    """Return which tickets are late with so many people, who take them in turn; pure.

    As the desk's timers have it, a ticket goes on to the backup if nobody has taken it after half of the time
    or decided it after all of it.

    Args:
        people: how many.
        plan: the role, with `answer_within`.
        moments: seconds at which tickets come, rising; shape (n,).
        took: seconds that each takes; shape (n,).
    """
    assert plan.answer_within is not None
    within = plan.answer_within.total_seconds()
    patience = within if plan.backup is None else within / 2
    free = [float("-inf")] * people
    late = np.zeros(len(moments), dtype=np.bool_)
    for place, (at, seconds) in enumerate(zip(moments, took, strict=True)):
        start = max(at, free[0])
        if start - at > patience:
            late[place] = True
            continue
        end = min(start + seconds, at + within)
        late[place] = start + seconds > at + within
        heapq.heapreplace(free, end)
    return late
