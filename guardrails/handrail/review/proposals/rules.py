"""Rules to narrow, retire, add or take off trial, from what the search of the log found."""

import hashlib
from collections.abc import Iterator

from handrail.policy import Policy
from handrail.review.changes.patches import NotPatchable, PolicyPatch, added, narrowed, retired, threshold_set
from handrail.review.changes.policy_in_force import PolicyInForce
from handrail.review.changes.proposal import Grounds, Proposal
from handrail.review.evidence.candidate import NEEDLESS, TRIAL, Candidate
from handrail.review.evidence.log_review import LogReview
from handrail.review.evidence.rule_search import LIKELY
from handrail.review.evidence.score_limits import ScoreLimit, whole_limits
from handrail.review.figures.measure import Share, share

END_TRIAL = "end_trial"


def proposed_rules(review: LogReview, now: PolicyInForce) -> Iterator[Proposal]:
    """Yield what is proved, what is likely, and trials that people's verdicts do not bear out."""
    in_force = {rule.id for rule in now.policy.hand_offs if not rule.is_shadow}
    for candidate in (*review.rules.found, *review.rules.likely):
        if candidate.kind == NEEDLESS and candidate.rule not in in_force:
            continue
        try:
            patch = now.tried(changed_text(now.text, now.policy, candidate))
        except NotPatchable as error:
            yield now.by_hand(_grounds(candidate, None, now.weeks), str(error))
            continue
        if patch.after != patch.before:
            yield now.change(_grounds(candidate, patch, now.weeks), patch)
    for rule in review.rules.failed_trials:
        if rule in in_force:
            why = "Of what it handed off since, people changed less than a look is worth."
            grounds = Grounds(kind=END_TRIAL, title=f"End the trial of {rule}", why=why, about=rule)
            yield now.change(grounds, now.tried(retired(now.text, rule)))


def changed_text(text: str, policy: Policy, candidate: Candidate) -> str:
    """Return a policy's text as a finding asks for; pure.

    Raises:
        NotPatchable: a program cannot change it.
    """
    if candidate.kind == NEEDLESS:
        return narrowed(text, candidate.rule, candidate.condition)
    limit = _limit_of(policy, candidate)
    if limit is not None:
        return threshold_set(text, limit.rule, limit.fact, candidate.condition.tests[0].size)
    name = hashlib.sha256(str(candidate.condition).encode()).hexdigest()[:6]
    if any(rule.id in (f"{TRIAL}{name}", f"found-{name}") for rule in policy.hand_offs):
        return text
    if candidate.found is None:
        name = f"{TRIAL}{name}"
        because = f"On trial: people found {candidate.seen[0]} of {candidate.seen[1]} such answers wrong."
    else:
        name = f"found-{name}"
        because = f"People found {candidate.bet.hits} of {candidate.bet.cases} such answers wrong."
    return added(text, name, candidate.condition, to=policy.if_unsure, because=because)


def _limit_of(policy: Policy, candidate: Candidate) -> ScoreLimit | None:
    """Return the limit of confidence that would stop what is missed, if it were higher."""
    tests = candidate.condition.tests
    if len(tests) != 1 or tests[0].operator != "<=":
        return None
    limits = (limit for limit in whole_limits(policy) if limit.fact == tests[0].fact)
    return next((limit for limit in limits if limit.limit < tests[0].size), None)


def _seen(candidate: Candidate) -> Share:
    if candidate.found is None and candidate.kind != NEEDLESS:
        return share(*candidate.seen)
    return share(candidate.bet.hits, candidate.bet.cases)


def _grounds(candidate: Candidate, patch: PolicyPatch | None, weeks: int) -> Grounds:
    seen = _seen(candidate)
    why = f"In weeks after it was first suspected, people changed {seen} of such cases."
    if candidate.found is None and candidate.kind == NEEDLESS:
        why += f" Likely, and not proved: by chance alone one in {LIKELY:.0f} such findings is wrong."
    elif candidate.found is None:
        why = (
            f"People found {seen} of such answers wrong. Suspected, and not proved: the rule is on trial, "
            "and the review says when verdicts speak against it."
        )
    return Grounds(
        kind=candidate.kind if candidate.found is not None else f"likely_{candidate.kind}",
        title=_title(candidate),
        why=why,
        effect=_effect(candidate, patch, weeks),
        cases=tuple(candidate.cases),
        tickets=tuple(candidate.tickets),
        about=candidate.rule,
        wrong=_wrong(candidate, seen),
    )


def _wrong(candidate: Candidate, seen: Share) -> float:
    """Return which share is wrong; of what is only likely, the bound that speaks against the change."""
    if candidate.found is None:
        return seen.high if candidate.kind == NEEDLESS else seen.low
    return seen.value or 0.0


def _title(candidate: Candidate) -> str:
    if candidate.kind != NEEDLESS:
        return (
            f"{'Hand off' if candidate.found is not None else 'Try to hand off'} where {candidate.condition}"
        )
    if not candidate.condition.tests:
        return f"Retire {candidate.rule} into shadow mode"
    return f"Let {candidate.rule} rest where {candidate.condition}"


def _effect(candidate: Candidate, patch: PolicyPatch | None, weeks: int) -> str:
    """Say what the change is expected to do each week, from the replay and the interval of the verdicts."""
    if patch is None or patch.tried is None:
        return ""
    seen = _seen(candidate)
    is_needless = candidate.kind == NEEDLESS
    weekly = (patch.tried.no_longer if is_needless else patch.tried.newly) / max(1, weeks)
    low, high = weekly * seen.low, weekly * seen.high
    if is_needless:
        return f"Of these hand-offs people would have changed {low:.1f} to {high:.1f} a week."
    return f"{low:.1f} to {high:.1f} wrong answers a week would have been seen."
