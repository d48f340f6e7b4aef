"""A log whose answers a score decides, with the truth that a test gives it; every column has shape (n,)."""

from collections.abc import Callable

import numpy as np

from handrail.review.log.review_log import NO_VERDICT, RIGHT, WRONG, ReviewLog

LIMIT, AUDITED = 0.9, 0.4


def scored_week(
    week: int,
    wrong: Callable[[str], float],
    *,
    count: int = 400,
    topics: tuple[str, ...] = ("card", "other", "other"),
    policy: str = "p",
    maker: str = "m",
) -> ReviewLog:
    """Play a week in which answers of a score of 0.9 or more are passed; those of a seed are always the same.

    Args:
        week: which one, and the seed.
        wrong: P(wrong) of a topic for each unit of doubt; doubt is 0.1 on average.
        count: how many answers.
        topics: values of the fact `topic`, in turn.
        policy: digest of the policy.
        maker: who answered.
    """
    rng = np.random.default_rng(week)
    score = np.round(1.0 - rng.beta(1.0, 9.0, count), 4)
    topic = tuple(topics[place % len(topics)] for place in range(count))
    chance = np.array([wrong(one) for one in topic]) * (1.0 - score)
    is_passed = score >= LIMIT
    is_drawn = ~is_passed | (rng.random(count) < AUDITED)
    rules = tuple(() if passed else ("low-confidence",) for passed in is_passed)
    return ReviewLog(
        exchange=tuple(f"{week}-{place}" for place in range(count)),
        ticket=tuple("" if passed else f"t{week}-{place}" for place, passed in enumerate(is_passed)),
        at=(week * 7 + 7 * np.arange(count) / count) * 86_400.0,
        week=np.full(count, week),
        facts=tuple({"topic": one} for one in topic),
        rules=rules,
        triggers=tuple(tuple("low_confidence" for _ in fired) for fired in rules),
        is_held=~is_passed,
        is_passed=is_passed,
        is_blocked=np.zeros(count, dtype=np.bool_),
        score=score,
        is_scored=np.ones(count, dtype=np.bool_),
        probability=np.where(is_passed, AUDITED, 1.0),
        is_drawn=is_drawn,
        verdict=np.where(is_drawn, np.where(rng.random(count) < chance, WRONG, RIGHT), NO_VERDICT),
        reviewer=tuple("ann" if drawn else "" for drawn in is_drawn),
        seconds=np.full(count, 60.0),
        second=np.full(count, NO_VERDICT),
        policy=(policy,) * count,
        maker=(maker,) * count,
    )
