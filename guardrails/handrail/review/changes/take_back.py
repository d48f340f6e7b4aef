"""Takes an accepted change back: puts the text before in place again, or withdraws it before its day."""

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from handrail.errors import ConfigError
from handrail.policy import loads
from handrail.review.changes.kept_change import (
    KeptChange,
    has_result,
    keep,
    kept_change,
    log,
    one_at_a_time,
    put,
    require_member,
)
from handrail.tickets.resolution import People


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """What became of taking a change back.

    Args:
        id: the change.
        title: what it does.
        by: who said so.
        is_done: whether these are enough.
        was_written: whether it was in the policy's file; False where it waited for its day.
    """

    id: str
    title: str
    by: tuple[str, ...]
    is_done: bool
    was_written: bool


def change_to_take_back(
    policy: Path, name: str, person: str, people: People | None, *, today: date
) -> KeptChange:
    """Return the change of an id, in force or waiting, if this person may take it back; changes nothing.

    Raises:
        ConfigError: there is no such change, the policy was changed since, its day has come and it is not
            written yet, or this person may not.
    """
    change = kept_change(policy, name)
    if change is None or change.is_taken_back:
        raise ConfigError(f"no change {name!r} of {policy} is in force or waits")
    if change.is_written and not has_result(policy, change):
        raise ConfigError(f"{policy} was changed after {name}; take that change back first")
    is_unwritten = change.waits and change.is_agreed and change.effective <= today
    if is_unwritten and policy.read_text(encoding="utf-8") == change.before:
        why = f"the day of {change.id} has come: handrail review due writes it, then take it back"
        raise ConfigError(why)
    require_member(loads(change.before, file=str(policy), folder=policy.parent), person, people)
    return change


def take_back(
    policy: Path, name: str, person: str, *, people: People | None = None, today: date
) -> TakenBack:
    """Take a change back in a person's name: what was written is put back, what waits is withdrawn.

    It takes as many people as accepted the change; until then what was accepted stays as it is.

    Raises:
        ConfigError: there is no such change, the policy was changed since, or this person may not.
    """
    with one_at_a_time(policy):
        change = change_to_take_back(policy, name, person, people, today=today)
        by = tuple(dict.fromkeys([*change.back_by, person]))
        if len(by) < min(len(change.by), change.needed):
            keep(policy, replace(change, back_by=by))
            return TakenBack(
                id=change.id, title=change.title, by=by, is_done=False, was_written=change.is_written
            )
        return taken_back(policy, change, by, today=today)


def taken_back(policy: Path, change: KeptChange, by: tuple[str, ...], *, today: date) -> TakenBack:
    """Put the text before in place, or let a change that waits count no more; all these people said so."""
    names = ", ".join(by)
    if change.is_written:
        put(policy, change.before)
    keep(policy, replace(change, is_taken_back=True, back_by=by))
    if change.is_written:
        log(policy, today, f"{change.id} taken back by {names}: {change.title}")
    elif change.is_agreed:
        log(policy, today, f"{change.id} withdrawn by {names} before it counted: {change.title}")
    return TakenBack(id=change.id, title=change.title, by=by, is_done=True, was_written=change.is_written)
