"""Rules whose tickets another role decides: they had better go there at once."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import numpy as np

from handrail.review.changes.patches import NotPatchable, role_set
from handrail.review.changes.policy_in_force import PolicyInForce
from handrail.review.changes.proposal import Grounds, Proposal
from handrail.review.evidence.bets import ShareBet
from handrail.review.figures.measure import share
from handrail.review.log.review_log import RIGHT, ReviewLog

LEVEL, HALF = 0.02, 0.5
"""Chance, over all rules and looks, that a role is proposed which decides half of the tickets at most."""


def proposed_roles(log: ReviewLog, now: PolicyInForce) -> Iterator[Proposal]:
    """Yield a change of role for each rule most of whose tickets one other role decided.

    The backup of the rule's role is no such role: its tickets come by the clock, and more people help. Nor
    do tickets count that the rule handed to the role it had before.
    """
    rules = [rule for rule in now.policy.hand_offs if rule.role and not rule.is_shadow]
    for rule in rules:
        alone = np.array([found == (rule.id,) for found in log.rules], dtype=np.bool_)
        is_own = np.array([name == rule.role for name in log.role], dtype=np.bool_)
        places = np.flatnonzero(alone & is_own & (log.verdict >= RIGHT))
        by_role = Counter(log.decided_by[place] for place in places)
        others = [(count, name) for name, count in by_role.items() if name and name != rule.role]
        if not others:
            continue
        count, role = max(others)
        bet = ShareBet(bound=HALF, is_below=False)
        bet.take(count, len(places))
        plan = now.policy.roles.get(str(rule.role))
        if (
            not bet.is_won(LEVEL / len(rules))
            or role not in now.policy.roles
            or (plan is not None and plan.backup == role)
        ):
            continue
        found = share(count, len(places))
        weekly = count / max(1, now.weeks)
        grounds = Grounds(
            kind="role",
            title=f"Hand {rule.id} to {role} (now {rule.role})",
            why=f"{role} decided {found} of its tickets after somebody passed them on.",
            effect=(
                f"{weekly:.1f} tickets a week would not have to be passed on "
                f"({found.low * len(places) / max(1, now.weeks):.1f} to "
                f"{found.high * len(places) / max(1, now.weeks):.1f})."
            ),
            tickets=log.tickets([p for p in places.tolist() if log.decided_by[p] == role]),
            about=rule.id,
            worth=weekly,
        )
        with suppress(NotPatchable):
            yield now.change(grounds, now.tried(role_set(now.text, rule.id, role)))
