"""Findings as changes of a policy that a person may accept: what, why, and what it is expected to do."""

import hashlib
import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from handrail.policy import Policy
from handrail.review.log_review import LogReview
from handrail.review.measure import share
from handrail.review.patches import NotPatchable, PolicyPatch, added, narrowed, proved, threshold_set
from handrail.review.proposal import Proposal, digest
from handrail.review.rule_search import NEEDLESS, Candidate
from handrail.review.score_limits import score_limits

LEAST_MOVE = 0.02
"""A threshold that would move by less is left as it is."""


def propose_patches(
    review: LogReview, policy: Policy, text: str, *, file: str, rows: Sequence[object] = (), weeks: int = 1
) -> tuple[Proposal, ...]:
    """Return what the log proved as changes of the policy in force.

    Args:
        review: the log, followed to its end.
        policy: the policy in force.
        text: its text.
        file: its name, for the diff.
        rows: past decisions, on which each change is tried.
        weeks: how many weeks these are of.
    """
    found = []
    for candidate in review.rules.found:
        rules = {rule.id for rule in policy.hand_offs if not rule.is_shadow}
        if candidate.kind == NEEDLESS and candidate.rule not in rules:
            continue
        try:
            after = _after(text, policy, candidate)
        except NotPatchable as error:
            found.append(_proposal(candidate, None, text, str(error), weeks))
            continue
        patch = proved(text, after, file=file, rows=rows, folder=Path(file).parent)
        found.append(_proposal(candidate, patch, text, "", weeks))
    return (*found, *_thresholds(review, policy, text, file=file, rows=rows))


def _thresholds(
    review: LogReview, policy: Policy, text: str, *, file: str, rows: Sequence[object]
) -> Iterator[Proposal]:
    """Yield the certified threshold as a change of each rule that holds confidence against a number."""
    certified = review.weeks[-1].threshold if review.weeks else math.inf
    if math.isinf(certified):
        return
    # Rounded up: a stricter threshold keeps the promise, too.
    threshold = math.ceil(certified * 1000) / 1000
    for limit in score_limits(policy):
        if abs(limit.limit - threshold) < LEAST_MOVE:
            continue
        with suppress(NotPatchable):
            after = threshold_set(text, limit.rule, limit.fact, threshold)
            patch = proved(text, after, file=file, rows=rows, folder=Path(file).parent)
            yield _threshold_proposal(limit.rule, f"{limit.limit:g}", threshold, patch, review)


def _threshold_proposal(
    rule: str, now: str, threshold: float, patch: PolicyPatch, review: LogReview
) -> Proposal:
    tried, settings = patch.tried, review.settings
    replayed = f"On past decisions {tried.newly} hand-offs more, {tried.no_longer} fewer." if tried else ""
    return Proposal(
        id=digest(f"{digest(patch.before)}|threshold|{rule}|{threshold}")[:8],
        kind="threshold",
        title=f"Set the threshold of {rule} to {threshold:.3f} (now {now})",
        why=(
            f"Certified with probability {1 - settings.delta:.0%}: of answers that a score decides at most "
            f"{settings.alpha:.0%} are then passed and wrong. The promise ends when the model changes."
        ),
        effect=f"At most {settings.alpha:.0%} of such answers are passed and wrong.",
        replay=replayed,
        diff=patch.diff,
        base=digest(patch.before),
        result=digest(patch.after),
        text=patch.after,
        tests=patch.tests,
        problems=patch.problems,
    )


def _after(text: str, policy: Policy, candidate: Candidate) -> str:
    if candidate.kind == NEEDLESS:
        return narrowed(text, candidate.rule, candidate.condition)
    name = f"found-{hashlib.sha256(str(candidate.condition).encode()).hexdigest()[:6]}"
    because = f"People found {candidate.bet.hits} of {candidate.bet.cases} such answers wrong."
    return added(text, name, candidate.condition, to=policy.if_unsure, because=because)


def _proposal(
    candidate: Candidate, patch: PolicyPatch | None, text: str, problem: str, weeks: int
) -> Proposal:
    seen = share(candidate.bet.hits, candidate.bet.cases)
    result = patch.after if patch is not None else ""
    return Proposal(
        id=digest(f"{digest(text)}|{candidate.kind}|{candidate.rule}|{candidate.condition}")[:8],
        kind=candidate.kind,
        title=_title(candidate),
        why=f"In weeks after it was first suspected, people changed {seen} of such cases.",
        effect=_effect(candidate, patch, weeks),
        replay=_replay(patch, weeks),
        diff=patch.diff if patch is not None else "",
        base=digest(text),
        result=digest(result) if result else "",
        text=result,
        tests=patch.tests if patch is not None else (),
        problems=patch.problems if patch is not None else (problem,),
        cases=tuple(candidate.cases),
    )


def _title(candidate: Candidate) -> str:
    if candidate.kind != NEEDLESS:
        return f"Hand off where {candidate.condition}"
    if not candidate.condition.tests:
        return f"Retire {candidate.rule} into shadow mode"
    return f"Let {candidate.rule} rest where {candidate.condition}"


def _effect(candidate: Candidate, patch: PolicyPatch | None, weeks: int) -> str:
    """Say what the change is expected to do each week, from the replay and the interval of the verdicts."""
    if patch is None or patch.tried is None:
        return ""
    seen = share(candidate.bet.hits, candidate.bet.cases)
    is_needless = candidate.kind == NEEDLESS
    weekly = (patch.tried.no_longer if is_needless else patch.tried.newly) / max(1, weeks)
    low, high = weekly * seen.low, weekly * seen.high
    if is_needless:
        return f"Of these hand-offs people would have changed {low:.1f} to {high:.1f} a week."
    return f"{low:.1f} to {high:.1f} wrong answers a week would have been seen."


def _replay(patch: PolicyPatch | None, weeks: int) -> str:
    if patch is None or patch.tried is None:
        return ""
    newly, fewer, span = patch.tried.newly, patch.tried.no_longer, max(1, weeks)
    parts = [
        f"{count} hand-offs {word} ({count / span:.0f} a week)"
        for count, word in ((fewer, "fewer"), (newly, "more"))
        if count
    ]
    return f"On past decisions {' and '.join(parts) or 'nothing changes'}."
