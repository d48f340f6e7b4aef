"""What becomes of an open ticket when another version of its policy comes in force. Pure."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from handrail.policy import Policy
from handrail.records import Effect, Stage

if TYPE_CHECKING:
    from handrail.tickets.ticket import Ticket

KEPT: Final = "kept"
MOVED: Final = "moved"
BLOCKED: Final = "blocked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where an open ticket stands: the role it is with, and the roles that must still agree."""

    role: str
    waiting_for: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What happens to it: kept, moved to other roles, or blocked. There is no way to approve.

    `is_anew` says that whoever agreed before must agree again. `effect` is what the policy says of it now.
    """

    what: str
    waiting_for: tuple[str, ...] = ()
    is_anew: bool = False
    effect: str = ""


def on_change(policy: Policy, ticket: "Ticket", standing: Standing) -> Change:
    """Return what the policy that is in force now does with an open ticket of an earlier version; pure.

    A ticket that would pass now stays with its people: that it was handed off was right when it was, and only
    a person ends it. One whose role is gone goes to `if_unsure` where nothing else is said.
    """
    if policy.on_change == "move":
        waiting = tuple(dict.fromkeys(policy.moves.get(role, role) for role in standing.waiting_for))
        is_moved = waiting != standing.waiting_for or standing.role in policy.moves
        return Change(what=MOVED if is_moved else KEPT, waiting_for=waiting)
    is_gone = standing.role not in policy.roles
    if policy.on_change == "keep":
        return _to(policy.if_unsure) if is_gone else Change(what=KEPT)
    facts = {name: record.fact() for name, record in ticket.facts.items() if name in policy.facts}
    decision = policy.decide(facts, _stage(ticket))
    effect = str(decision.effect)
    if decision.effect is Effect.BLOCK:
        return Change(what=BLOCKED, effect=effect)
    if decision.effect is not Effect.HAND_OFF or decision.role is None:
        return _to(policy.if_unsure, effect) if is_gone else Change(what=KEPT, effect=effect)
    needed = (decision.role, *decision.co_approvers)
    if set(needed) == {ticket.role, *ticket.co_approvers} and not is_gone:
        return Change(what=KEPT, effect=effect)
    return Change(what=MOVED, waiting_for=needed, is_anew=True, effect=effect)


def _to(role: str, effect: str = "") -> Change:
    """Move a ticket whose role is gone to where everything unknown goes."""
    return Change(what=MOVED, waiting_for=(role,), is_anew=True, effect=effect)


def _stage(ticket: "Ticket") -> Stage:
    if ticket.done:
        return Stage.RESULT
    if ticket.action is not None:
        return Stage.TOOL
    return Stage.ANSWER if ticket.draft_answer else Stage.INPUT
