"""Policies as a manager sees them: which one is in force, its hash, and what a check of it says."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from handrail.policy import Policy
from handrail.store.policies import PolicyChange

MOST_REMARKS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRemark:
    """One thing that a check says: its code, how much it matters, and the line of the file, 0 for none."""

    code: str
    level: str
    message: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyStanding:
    """One version of a policy.

    Args:
        name: its name.
        version: its label, empty where only its hash is known.
        sha256: the hash of its canonical content.
        is_in_force: whether it decides now.
        by: who put it in force.
        since: from when on it was in force; None where nobody put it there, or a second person is needed.
        remarks: what a check says of the one in force.
        tests: how many tests its file has.
    """

    name: str
    version: str
    sha256: str
    is_in_force: bool
    by: tuple[str, ...] = ()
    since: datetime | None = None
    remarks: tuple[PolicyRemark, ...] = ()
    tests: int = 0


def standings(
    current: Policy, remarks: tuple[PolicyRemark, ...], changes: Iterable[PolicyChange]
) -> tuple[PolicyStanding, ...]:
    """Return the policy in force with what a check says of it, then the other versions, newest first."""
    every = sorted(changes, key=lambda change: change.effective_from, reverse=True)
    sha = current.ref.sha256
    mine = next((change for change in every if change.sha256 == sha), None)
    first = PolicyStanding(
        name=current.ref.name,
        version=current.ref.version,
        sha256=sha,
        is_in_force=True,
        by=mine.by if mine is not None else (),
        since=mine.since if mine is not None else None,
        remarks=remarks,
        tests=len(current.cases),
    )
    others = (
        PolicyStanding(
            name=change.name,
            version="",
            sha256=change.sha256,
            is_in_force=False,
            by=change.by,
            since=change.since,
        )
        for change in every
        if change is not mine and not change.is_withdrawn
    )
    return (first, *others)


def remarks_on(policy: Policy) -> tuple[PolicyRemark, ...]:
    """Return what a check of a policy says, `MOST_REMARKS` at most; pure."""
    from handrail.policy.analyse import check
    from handrail.policy.analyse.remarks import CODES

    return tuple(
        PolicyRemark(code=one.code, level=CODES[one.code][0].value, message=one.message, line=one.line)
        for one in check(policy).remarks[:MOST_REMARKS]
    )
