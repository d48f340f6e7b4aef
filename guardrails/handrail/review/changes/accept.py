"""Accepts a proposed change of a policy, by two people where the policy asks, and writes it on its day."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from handrail.errors import ConfigError
from handrail.policy import Policy, loads
from handrail.review.changes.kept_change import (
    KeptChange,
    has_result,
    keep,
    kept_change,
    kept_changes,
    log,
    one_at_a_time,
    put,
    require_member,
    waiting_changes,
)
from handrail.review.changes.patches import problems_of
from handrail.review.changes.promise import lets_out_by_score_alone
from handrail.review.changes.proposal import Proposal, ProposalRefused, WhyRefused, digest
from handrail.tickets.resolution import People


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """Where a change stands: who accepted it, from which day it counts, and whether it was written."""

    id: str
    title: str
    by: tuple[str, ...]
    effective: date
    is_written: bool
    waits_for: str = ""


def accept(
    proposal: Proposal,
    policy: Path,
    person: str,
    *,
    people: People | None,
    today: date,
    effective: date | None,
) -> Accepted:
    """Accept a proposal in a person's name; write it once enough people have and its day has come.

    A policy with `enforced_by` asks for two members of that role; any other for one person of its owner's
    role, where a people file says who that is.

    Args:
        proposal: the change.
        policy: the policy's file.
        person: who accepts.
        people: who fills which role.
        today: the present day.
        effective: the day from which the change counts; None for today, or the day that a first person said.

    Raises:
        ProposalRefused: the proposal is not ready, the policy is no longer the one it was made for, another
            day was said for it, or this person may not accept it.
        ConfigError: a file cannot be used.
    """
    with one_at_a_time(policy):
        day = agreed_day(policy, proposal.id, effective) or today
        loaded = acceptable(proposal, policy, person, people)
        text, role = policy.read_text(encoding="utf-8"), loaded.enforced_by or loaded.owner
        before = _waiting(policy, proposal.id)
        _same_text(before, proposal, text)
        change = KeptChange(
            id=proposal.id,
            kind=proposal.kind,
            title=proposal.title,
            by=tuple(dict.fromkeys([*(before.by if before is not None else ()), person])),
            effective=day,
            before=text,
            result=proposal.result,
            after=proposal.text,
            needed=2 if loaded.enforced_by else 1,
        )
        is_due = change.is_agreed and day <= today
        keep(policy, replace(change, is_written=is_due))
        said = f"{change.id} {change.title}; accepted by {', '.join(change.by)}"
        if is_due:
            put(policy, proposal.text)
            log(policy, today, f"{said}. {proposal.effect}")
        elif change.is_agreed and not (before is not None and before.is_agreed):
            log(policy, today, f"{said}, to count from {day} on.")
    waits = f"another member of {role}" if not change.is_agreed else "" if is_due else f"{day}"
    return Accepted(
        id=change.id, title=change.title, by=change.by, effective=day, is_written=is_due, waits_for=waits
    )


def _same_text(before: KeptChange | None, proposal: Proposal, text: str) -> None:
    """Require that all who accept a change accept one text in place of one other."""
    if before is None or (before.before, before.after) == (text, proposal.text):
        return
    why = (
        f"{', '.join(before.by)} accepted {proposal.id} with another text; handrail review rollback "
        f"{proposal.id} takes that back"
    )
    raise ProposalRefused(WhyRefused.STALE, why)


def acceptable(proposal: Proposal, policy: Path, person: str, people: People | None) -> Policy:
    """Return the policy that a proposal changes, if this person may accept it; changes nothing.

    Raises:
        ProposalRefused: the proposal is not ready, the policy is no longer the one it was made for, or this
            person may not accept it.
        ConfigError: a file cannot be used.
    """
    if not proposal.is_ready:
        why = "; ".join(proposal.problems) or "it is for people to do, and changes no policy"
        raise ProposalRefused(WhyRefused.NOT_READY, f"{proposal.id} cannot be accepted: {why}")
    text = policy.read_text(encoding="utf-8")
    if digest(text) != proposal.base:
        if is_in_force(policy, proposal.id):
            raise ProposalRefused(WhyRefused.ACCEPTED, f"{proposal.id} was accepted, and {policy} has it")
        why = f"{policy} is not the policy that {proposal.id} was made for; run handrail review again"
        raise ProposalRefused(WhyRefused.STALE, why)
    if digest(proposal.text) != proposal.result:
        why = f"the text of {proposal.id} is not the one that was checked"
        raise ProposalRefused(WhyRefused.NOT_READY, why)
    loaded = loads(text, file=str(policy), folder=policy.parent)
    _keep_promises(proposal, text, policy)
    require_member(loaded, person, people)
    return loaded


def agreed_day(policy: Path, name: str, wanted: date | None) -> date | None:
    """Return the day from which a change counts: what people said before, or else what is wanted.

    Raises:
        ProposalRefused: people accepted it for another day than is wanted.
    """
    by, said = accepted_so_far(policy, name)
    if said is not None and wanted not in (None, said):
        why = (
            f"{', '.join(by)} accepted it from {said} on; accept it for that day, or name none; "
            f"handrail review rollback {name} takes that back"
        )
        raise ProposalRefused(WhyRefused.OTHER_DAY, why)
    return said or wanted


def accepted_so_far(policy: Path, name: str) -> tuple[tuple[str, ...], date | None]:
    """Return who has accepted a change, and the day from which it counts; nobody and None if nobody has."""
    change = kept_change(policy, name)
    if change is None or change.is_taken_back:
        return (), None
    return change.by, change.effective


def is_in_force(policy: Path, name: str) -> bool:
    """Tell whether the change of this whole id was written into the file, and nothing was changed since."""
    change = kept_change(policy, name)
    if change is None or change.id != name or not change.is_written or change.is_taken_back:
        return False
    return has_result(policy, change)


def _keep_promises(proposal: Proposal, text: str, policy: Path) -> None:
    """Refuse what check, the file's tests or a promise speak against, whoever wrote the proposal's file."""
    problems = problems_of(
        text, proposal.text, file=str(policy), folder=policy.parent, certified=proposal.rests_on
    )
    if problems:
        why = f"{proposal.id} cannot be accepted: {'; '.join(problems)}"
        raise ProposalRefused(WhyRefused.NOT_READY, why)


def write_due(policy: Path, *, today: date) -> tuple[KeptChange, ...]:
    """Write the accepted change whose day has come, and return it.

    Raises:
        ConfigError: the policy was changed after it was accepted. Others whose day has come are written.
    """
    done: list[KeptChange] = []
    stale: list[str] = []
    with one_at_a_time(policy):
        for change in waiting_changes(policy):
            if not change.is_agreed or change.effective > today:
                continue
            if policy.read_text(encoding="utf-8") != change.before:
                stale.append(change.id)
                continue
            if digest(change.after) != change.result:
                raise ConfigError(f"what is kept of {change.id} is not what people accepted; review again")
            put(policy, change.after)
            # Whoever wanted it withdrawn before its day has said nothing about what is in force.
            written = replace(change, is_written=True, back_by=())
            keep(policy, written)
            log(policy, today, f"{change.id} {change.title}; accepted by {', '.join(change.by)}.")
            done.append(written)
    if stale:
        also = f" ({', '.join(change.id for change in done)} is written)" if done else ""
        raise ConfigError(
            f"{policy} was changed after {', '.join(stale)} was accepted{also}; run handrail review again, "
            f"and handrail review rollback {stale[0]} takes the acceptance back"
        )
    return tuple(done)


def stricter_changes(policy: Path) -> Iterator[tuple[str, str]]:
    """Yield the policy's digests before and after each written change that let more out by score alone."""
    for change in kept_changes(policy):
        if not change.is_written:
            continue
        before, after = (loads(text, folder=policy.parent) for text in (change.before, change.after))
        if lets_out_by_score_alone(change.before, change.after, before, after):
            yield before.ref.sha256, after.ref.sha256


def _waiting(policy: Path, name: str) -> KeptChange | None:
    """Return what is kept of a change that is not written yet.

    Who accepted one that was written or taken back has said nothing about accepting it again.
    """
    change = kept_change(policy, name)
    return change if change is not None and change.waits else None
