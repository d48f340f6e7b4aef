"""Findings as changes of a policy that a person may accept: what, why, and what it is expected to do."""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from handrail.bulk.whole import whole
from handrail.errors import ConfigError
from handrail.policy import Policy
from handrail.policy.language.ir import Order, atoms
from handrail.policy.language.sources import ConfidenceValue
from handrail.review.log_review import LogReview
from handrail.review.measure import share
from handrail.review.patches import NotPatchable, PolicyPatch, added, narrowed, proved, threshold_set
from handrail.review.rule_search import NEEDLESS, Candidate

FILE = "proposals.json"
LEAST_MOVE = 0.02
"""A threshold that would move by less is left as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchProposal:
    """A change of a policy that waits for somebody to accept it.

    `base` and `result` are digests (SHA-256) of the policy's text before and after; `cases` are the
    exchanges whose verdicts proved the finding. A proposal with `problems` cannot be accepted.
    """

    id: str
    kind: str
    title: str
    why: str
    effect: str
    diff: str
    base: str
    result: str
    text: str
    tests: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()

    @property
    def is_ready(self) -> bool:
        """True when check, tests and the replay have nothing against it."""
        return not self.problems and bool(self.text)


def digest(text: str) -> str:
    """Return the digest by which a policy's text is known; pure."""
    return hashlib.sha256(text.encode()).hexdigest()


def propose_patches(
    review: LogReview, policy: Policy, text: str, *, file: str, rows: Sequence[object] = (), weeks: int = 1
) -> tuple[PatchProposal, ...]:
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
) -> Iterator[PatchProposal]:
    """Yield the certified threshold as a change of each rule that holds confidence against a number."""
    certified = review.weeks[-1].threshold if review.weeks else math.inf
    if math.isinf(certified):
        return
    # Rounded up: a stricter threshold keeps the promise, too.
    threshold = math.ceil(certified * 1000) / 1000
    for rule in policy.hand_offs:
        for atom in atoms(rule.when.formula):
            is_score = isinstance(atom, Order) and isinstance(policy.facts[atom.fact].source, ConfidenceValue)
            if not isinstance(atom, Order) or not is_score or atom.operator != "<" or rule.is_shadow:
                continue
            if abs(float(str(atom.bound)) - threshold) < LEAST_MOVE:
                continue
            with suppress(NotPatchable):
                after = threshold_set(text, rule.id, atom.fact, threshold)
                patch = proved(text, after, file=file, rows=rows, folder=Path(file).parent)
                yield _threshold_proposal(rule.id, str(atom.bound), threshold, patch, review)


def _threshold_proposal(
    rule: str, now: str, threshold: float, patch: PolicyPatch, review: LogReview
) -> PatchProposal:
    tried, settings = patch.tried, review.settings
    replayed = f"On past decisions {tried.newly} hand-offs more, {tried.no_longer} fewer." if tried else ""
    return PatchProposal(
        id=digest(f"{digest(patch.before)}|threshold|{rule}|{threshold}")[:8],
        kind="threshold",
        title=f"Set the threshold of {rule} to {threshold:.3f} (now {now})",
        why=(
            f"Certified with probability {1 - settings.delta:.0%}: of answers that a score decides at most "
            f"{settings.alpha:.0%} are then passed and wrong. The promise ends when the model changes."
        ),
        effect=replayed,
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
) -> PatchProposal:
    seen = share(candidate.bet.hits, candidate.bet.cases)
    result = patch.after if patch is not None else ""
    return PatchProposal(
        id=digest(f"{digest(text)}|{candidate.kind}|{candidate.rule}|{candidate.condition}")[:8],
        kind=candidate.kind,
        title=_title(candidate),
        why=f"In weeks after it was first suspected, people changed {seen} of such cases.",
        effect=_effect(candidate, patch, weeks),
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
    """Say what the change does each week, from the replay, and what it costs at worst, from the verdicts."""
    if patch is None or patch.tried is None:
        return ""
    seen = share(candidate.bet.hits, candidate.bet.cases)
    tried = patch.tried
    changed = tried.no_longer if candidate.kind == NEEDLESS else tried.newly
    weekly = changed / max(1, weeks)
    low, high = weekly * seen.low, weekly * seen.high
    if candidate.kind == NEEDLESS:
        return (
            f"On past decisions {changed} hand-offs fewer ({weekly:.0f} a week); people would have changed "
            f"{low:.1f} to {high:.1f} of these a week."
        )
    return (
        f"On past decisions {changed} hand-offs more ({weekly:.0f} a week); {low:.1f} to {high:.1f} wrong "
        "answers a week would have been seen."
    )


def write_proposals(proposals: Sequence[PatchProposal], folder: Path) -> Path:
    """Write proposals to `proposals.json` in a folder, whole or not at all, and return its path."""
    path = folder / FILE
    with whole(path) as file:
        file.write(json.dumps([asdict(one) for one in proposals], indent=1).encode())
    return path


def read_proposal(path: Path, name: str) -> PatchProposal:
    """Return the proposal whose id begins with a name.

    Raises:
        ConfigError: the file cannot be read, or not exactly one proposal has such an id.
    """
    try:
        raw: list[Mapping[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        found = [one for one in raw if name and str(one["id"]).startswith(name)]
        if len(found) == 1:
            lists = {key: tuple(found[0][key]) for key in ("tests", "problems", "cases")}
            return PatchProposal(**{**found[0], **lists})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ConfigError(
            f"{path} holds no proposals ({type(error).__name__}); run handrail review first"
        ) from None
    raise ConfigError(f"{path} holds {'no' if not found else 'more than one'} proposal {name!r}")
