"""Accepts a change, or takes it back, where two people put versions of a policy in force in a store.

The store says first which version holds, signed and on record; the file follows it. So a file that could not
be written leaves programs with the version that people agreed to.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Protocol

from handrail.errors import PolicyNotInForce
from handrail.policy import Policy, loads
from handrail.review.changes.accept import Accepted, accept, acceptable, accepted_so_far, agreed_day
from handrail.review.changes.kept_change import KeptChange, keep
from handrail.review.changes.proposal import Proposal, ProposalRefused, WhyRefused, digest
from handrail.review.changes.take_back import TakenBack, change_to_take_back, taken_back
from handrail.store import Actor
from handrail.store.policies import Enforcement, PolicyChange, in_force


class EnforcingStore(Protocol):
    """What is needed of a store in which versions are put in force."""

    def policy_changes(self, name: str | None = None) -> tuple[PolicyChange, ...]:
        """Return every version of a policy that somebody proposed, oldest first."""

    def enforce_policy(self, wanted: Enforcement, actor: Actor) -> PolicyChange:
        """Propose to put a policy in force, or agree to what somebody else proposed."""

    def withdraw_policy(self, name: str, change: str, actor: Actor) -> PolicyChange:
        """Withdraw a version that is not in force yet, or agree to that."""

    def accept_proposal(self, tenant: str, proposal: str, by: Actor, *, result: str, effective: date) -> None:
        """Put on record that somebody accepts a proposal of a review."""

    def roll_back_proposal(self, tenant: str, proposal: str, by: Actor) -> None:
        """Put on record that somebody takes an accepted proposal back."""


def held_text(store: EnforcingStore, name: str, now: datetime) -> str | None:
    """Return the text of the version that people put in force in a store, None where nobody did."""
    held = in_force(store.policy_changes(name), now)
    return held.source if held is not None else None


def accept_in_force(
    store: EnforcingStore,
    proposal: Proposal,
    policy: Path,
    actor: Actor,
    *,
    effective: date | None = None,
    tenant: str = "default",
) -> Accepted:
    """Accept a proposal in a person's name: in the file, and in the store where the policy asks for two.

    Args:
        store: where versions are put in force.
        proposal: the change.
        policy: the policy's file.
        actor: who accepts, by the people file.
        effective: the day from which it counts; by default today, or the day that a first person said.
        tenant: in whose log it is put on record who accepted.

    Raises:
        ProposalRefused: the proposal is not ready, the file or what is in force is no longer what it was made
            for, another person accepted it for another day, or this person may not accept it.
        ConfigError: a file cannot be used.
        StoreUnavailable: the store is out of reach; nothing was accepted.
    """
    today = actor.now.astimezone(UTC).date()
    by, _ = accepted_so_far(policy, proposal.id)
    day = agreed_day(policy, proposal.id, effective) or today
    loaded = acceptable(proposal, policy, actor.person, actor.people)
    if loaded.enforced_by is not None:
        held = held_text(store, loaded.ref.name, actor.now)
        if held is not None and digest(held) != proposal.base:
            raise ProposalRefused(
                WhyRefused.STALE,
                f"another version of {loaded.ref.name} is in force in the store than the one that "
                f"{proposal.id} was made for; `handrail policy in-force {loaded.ref.name} --source` shows it",
            )
        start = datetime.combine(day, time(), UTC) if day > today else None
        change = _enforce(store, proposal.text, policy, loaded, (actor, start))
        if change.since is None and by and actor.person not in by:
            raise ProposalRefused(
                WhyRefused.SAME_PERSON, f"{actor.person} is no second person beside {', '.join(by)}"
            )
    if actor.person not in by:
        # What lets a policy change is on record before the file is written.
        store.accept_proposal(tenant, proposal.id, actor, result=proposal.result, effective=day)
    return accept(proposal, policy, actor.person, people=actor.people, today=today, effective=day)


def roll_back_in_force(
    store: EnforcingStore, policy: Path, name: str, actor: Actor, *, tenant: str = "default"
) -> TakenBack:
    """Take a change back, in the file and in the store: what is in force is replaced, what waits withdrawn.

    Where the policy asks for two people it is done once another one has said so, too.

    Raises:
        ConfigError: no such change is in force or waits, the policy was changed since, or this person may
            not.
        StoreUnavailable: the store is out of reach; nothing was taken back.
    """
    today = actor.now.astimezone(UTC).date()
    change = change_to_take_back(policy, name, actor.person, actor.people, today=today)
    ruling = loads(change.before, file=str(policy), folder=policy.parent)
    by: tuple[str, ...] = (actor.person,)
    if ruling.enforced_by is not None:
        if change.is_written:
            held = _enforce(store, change.before, policy, ruling, (actor, None))
            by, is_done = held.by, held.since is not None
        else:
            by, is_done = _withdraw(store, change, policy, actor)
        if not is_done:
            keep(policy, replace(change, back_by=by))
            return TakenBack(
                id=change.id, title=change.title, by=by, is_done=False, was_written=change.is_written
            )
    store.roll_back_proposal(tenant, change.id, actor)
    return taken_back(policy, change, by, today=today)


def _withdraw(
    store: EnforcingStore, change: KeptChange, policy: Path, actor: Actor
) -> tuple[tuple[str, ...], bool]:
    """Withdraw a change in the store; returns who said so, and whether these are enough.

    One that the store does not know was accepted in the file alone, and is withdrawn there.
    """
    ref = loads(change.after, file=str(policy), folder=policy.parent).ref
    found = store.policy_changes(ref.name)
    waiting = [
        one
        for one in found
        if one.sha256 == ref.sha256 and not one.is_withdrawn and (one.since is None or one.since > actor.now)
    ]
    held = in_force(found, actor.now)
    if not waiting and held is not None and held.sha256 == ref.sha256:
        raise PolicyNotInForce(ref.name, "this change is in force in the store; put the version before there")
    if not waiting:
        by = tuple(dict.fromkeys([*change.back_by, actor.person]))
        is_new = not actor.is_one_of(change.back_by)
        return (by if is_new else change.back_by), is_new and len(by) >= min(len(change.by), change.needed)
    ended = store.withdraw_policy(ref.name, waiting[-1].id, actor)
    return ended.withdrawn_by, ended.is_withdrawn


def _enforce(
    store: EnforcingStore, text: str, policy: Path, ruling: Policy, by: tuple[Actor, datetime | None]
) -> PolicyChange:
    new = loads(text, file=str(policy), folder=policy.parent)
    assert ruling.enforced_by is not None
    if new.enforced_by is None:
        raise PolicyNotInForce(new.ref.name, "this version lacks `enforced_by:`")
    actor, start = by
    wanted = Enforcement(ref=new.ref, source=text, role=ruling.enforced_by, effective_from=start)
    return store.enforce_policy(wanted, actor)
