"""What proposals are made against: the policy in force, and how a change of it becomes a proposal."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from handrail.policy import Policy
from handrail.policy.runtime.log_row import LogRow, as_data
from handrail.policy.tools.backtest import as_decided
from handrail.review.changes.patches import PolicyPatch, proved
from handrail.review.changes.promise import NOTHING_CERTIFIED
from handrail.review.changes.proposal import Grounds, Proposal, digest
from handrail.review.evidence.certified import Certified
from handrail.review.evidence.costs import MISSED


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyInForce:
    """A policy with its text, and the past decisions on which a change of it is tried.

    Args:
        policy: the policy.
        text: its text.
        file: its name, for the diff.
        rows: past decisions as a log holds them, with what this policy makes of their facts.
        weeks: how many weeks these are of.
        certified: what is certified under it.
    """

    policy: Policy
    text: str
    file: str
    rows: Sequence[object] = ()
    weeks: int = 1
    certified: Certified = NOTHING_CERTIFIED

    @classmethod
    def with_log(
        cls,
        rows: Iterable[LogRow],
        *,
        policy: Policy,
        text: str,
        file: str,
        weeks: int,
        certified: Certified,
    ) -> "PolicyInForce":
        """Return a policy with the decisions of a log, taken again by it.

        Earlier versions took some of them: a change is held against the policy that it changes, and not
        against what another one did.
        """
        again = [as_data(as_decided(row, policy)) for row in rows if row.is_decision]
        return cls(policy=policy, text=text, file=file, rows=again, weeks=weeks, certified=certified)

    def tried(self, after: str) -> PolicyPatch:
        """Return a change with what check, tests, promises and past decisions say of it."""
        return proved(
            self.text,
            after,
            file=self.file,
            rows=self.rows,
            folder=Path(self.file).parent,
            certified=self.certified,
        )

    def change(
        self, grounds: Grounds, patch: PolicyPatch, *, certified: Certified = NOTHING_CERTIFIED
    ) -> Proposal:
        """Return a proposal to change the policy, by what is certified if it rests on that."""
        return Proposal(
            id=self._id(grounds),
            kind=grounds.kind,
            title=grounds.title,
            why=grounds.why,
            effect=grounds.effect,
            replay=self._replay(patch),
            suggestion=" ".join(filter(None, (grounds.suggestion, *patch.remarks))),
            diff=patch.diff,
            base=digest(patch.before),
            result=digest(patch.after),
            text=patch.after,
            tests=patch.tests,
            certified=None if math.isinf(certified.whole) else certified.whole,
            certified_slices=certified.slices,
            problems=patch.problems,
            cases=grounds.cases,
            tickets=grounds.tickets,
            about=grounds.about,
            worth=self._worth(grounds, patch),
        )

    def by_hand(self, grounds: Grounds, problem: str) -> Proposal:
        """Return a proposal that a program cannot write into the file."""
        return Proposal(
            id=self._id(grounds),
            kind=grounds.kind,
            title=grounds.title,
            why=grounds.why,
            base=digest(self.text),
            problems=(problem,),
            cases=grounds.cases,
            tickets=grounds.tickets,
            about=grounds.about,
        )

    def _id(self, grounds: Grounds) -> str:
        return digest(f"{digest(self.text)}|{grounds.kind}|{grounds.title}")[:8]

    def _worth(self, grounds: Grounds, patch: PolicyPatch) -> float:
        """Count each hand-off that a change saves, and each wrong answer that is then passed."""
        if grounds.wrong is None or patch.tried is None:
            return grounds.worth
        fewer = (patch.tried.no_longer - patch.tried.newly) / max(1, self.weeks)
        return fewer * (1.0 - grounds.wrong * MISSED)

    def _replay(self, patch: PolicyPatch) -> str:
        if patch.tried is None:
            return ""
        span = max(1, self.weeks)
        parts = [
            f"{count} hand-offs {word} ({count / span:.0f} a week)"
            for count, word in ((patch.tried.no_longer, "fewer"), (patch.tried.newly, "more"))
            if count
        ]
        return f"On past decisions {' and '.join(parts) or 'nothing changes'}."
