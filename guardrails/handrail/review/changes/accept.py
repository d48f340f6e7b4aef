"""Accepts a proposed change of a policy, by two people where the policy asks, and takes it back again.

Beside the policy file lie `NAME.changes/`, with the text before each change and who accepted it, and
`NAME.changelog.md`, with a line for each.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from handrail.bulk.whole import whole
from handrail.errors import ConfigError
from handrail.policy import Policy, loads
from handrail.review.changes.promise import broken
from handrail.review.changes.proposal import Proposal, ProposalRefused, WhyRefused, digest
from handrail.tickets.resolution import People

STRICTER = (
    *("missing", "likely_missing", "role", "word", "entity"),
    *("threshold", "likely_threshold", "slice_threshold", "likely_slice"),
)
"""Kinds of proposals that let nothing more out, but for what a certified threshold decides."""


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
    proposal: Proposal, policy: Path, person: str, *, people: People | None, today: date, effective: date
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
        effective: the day from which the change counts.

    Raises:
        ProposalRefused: the proposal is not ready, the policy is no longer the one it was made for, or this
            person may not accept it.
        ConfigError: a file cannot be used.
    """
    loaded = acceptable(proposal, policy, person, people)
    text, role = policy.read_text(encoding="utf-8"), loaded.enforced_by or loaded.owner
    record = _waiting(policy, proposal.id)
    by = dict.fromkeys([*record.get("by", ()), person])
    day = date.fromisoformat(record["effective"]) if "effective" in record else effective
    needed = 2 if loaded.enforced_by else 1
    is_due = len(by) >= needed and day <= today
    kept: dict[str, object] = {
        "id": proposal.id,
        "kind": proposal.kind,
        "title": proposal.title,
        "by": list(by),
        "effective": day.isoformat(),
    }
    kept |= {"before": text, "result": proposal.result, "after": proposal.text, "is_written": is_due}
    kept["needed"] = needed
    _keep(policy, proposal.id, kept)
    if is_due:
        _put(policy, proposal.text)
        _log(policy, today, f"{proposal.id} {proposal.title}; accepted by {', '.join(by)}. {proposal.effect}")
    waits = f"another member of {role}" if len(by) < needed else "" if is_due else f"{day}"
    return Accepted(
        id=proposal.id, title=proposal.title, by=tuple(by), effective=day, is_written=is_due, waits_for=waits
    )


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
    _keep_promises(proposal, text, loaded, policy)
    _require_member(loaded, person, people)
    return loaded


def _require_member(loaded: Policy, person: str, people: People | None) -> None:
    role = loaded.enforced_by or loaded.owner
    if not role or not (loaded.enforced_by or people is not None):
        return
    if people is None:
        raise ConfigError(f"{role} accepts changes of this policy: name the people file")
    if person not in people.members(role):
        raise ProposalRefused(WhyRefused.NO_MEMBER, f"{person} is no member of {role}")


def accepted_so_far(policy: Path, name: str) -> tuple[tuple[str, ...], date | None]:
    """Return who has accepted a change, and the day from which it counts; nobody and None if nobody has."""
    record = _record(policy, name)
    if record.get("is_taken_back"):
        return (), None
    return tuple(record.get("by", ())), date.fromisoformat(record["effective"]) if record else None


def is_in_force(policy: Path, name: str) -> bool:
    """Tell whether the change of this whole id was written into the file, and nothing was changed since."""
    record = _record(policy, name)
    if record.get("id") != name or not record.get("is_written") or record.get("is_taken_back"):
        return False
    return bool(digest(policy.read_text(encoding="utf-8")) == record["result"])


def text_before(policy: Path, name: str, person: str, people: People | None) -> tuple[str, str]:
    """Return the id of a change in force and the text that it replaced, if this person may put it back.

    Raises:
        ConfigError: no such change is in force, the policy was changed since, or this person may not.
    """
    record = _in_force(policy, name)
    before = str(record["before"])
    _require_member(loads(before, file=str(policy), folder=policy.parent), person, people)
    return str(record["id"]), before


def _in_force(policy: Path, name: str) -> Mapping[str, Any]:
    record = _record(policy, name)
    if not record.get("is_written") or record.get("is_taken_back"):
        raise ConfigError(f"no change {name!r} of {policy} is in force")
    if digest(policy.read_text(encoding="utf-8")) != record["result"]:
        raise ConfigError(f"{policy} was changed after {name}; take that change back first")
    return record


def _keep_promises(proposal: Proposal, text: str, loaded: Policy, policy: Path) -> None:
    """Refuse what no proposal may do, whoever wrote its file."""
    new = loads(proposal.text, file=str(policy), folder=policy.parent)
    for problem in broken(text, proposal.text, loaded, new, certified=proposal.rests_on):
        raise ProposalRefused(WhyRefused.NOT_READY, f"{proposal.id} cannot be accepted: {problem}")


def write_due(policy: Path, *, today: date) -> tuple[str, ...]:
    """Write the accepted change whose day has come, and return its id.

    Raises:
        ConfigError: the policy was changed after it was accepted.
    """
    done = []
    for path in sorted(_folder(policy).glob("*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        waits = not record["is_written"] and not record.get("is_taken_back")
        if not waits or len(record["by"]) < record["needed"] or record["effective"] > today.isoformat():
            continue
        if policy.read_text(encoding="utf-8") != record["before"]:
            raise ConfigError(
                f"{policy} was changed after {record['id']} was accepted; run handrail review again"
            )
        _put(policy, record["after"])
        _keep(policy, record["id"], {**record, "is_written": True})
        _log(policy, today, f"{record['id']} {record['title']}; accepted by {', '.join(record['by'])}.")
        done.append(str(record["id"]))
    return tuple(done)


def roll_back(policy: Path, name: str, person: str, *, today: date) -> str:
    """Put the text back that a change replaced, and return the change's title.

    Raises:
        ConfigError: no such change was written, or the policy was changed since.
    """
    record = _in_force(policy, name)
    _put(policy, record["before"])
    _keep(policy, str(record["id"]), {**record, "is_taken_back": True})
    _log(policy, today, f"{record['id']} taken back by {person}: {record['title']}")
    return str(record["title"])


def roll_back_by(policy: Path, name: str, person: str, *, today: date) -> tuple[str, bool]:
    """Take a change back in a person's name; returns its title and whether the text before is back.

    Where the policy asks for two people it is back once another one has said so, too.

    Raises:
        ConfigError: no such change was written, or the policy was changed since.
    """
    record = _in_force(policy, name)
    by = list(dict.fromkeys([*record.get("back_by", ()), person]))
    if len(by) < int(record.get("needed", 1)):
        _keep(policy, str(record["id"]), {**record, "back_by": by})
        return str(record["title"]), False
    return roll_back(policy, name, ", ".join(by), today=today), True


def stricter_changes(policy: Path) -> Iterator[tuple[str, str]]:
    """Yield the policy's digests before and after each written change that let more out by score alone."""
    for path in sorted(_folder(policy).glob("*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        if record.get("kind") in STRICTER and record.get("is_written"):
            before, after = (loads(record[name], folder=policy.parent) for name in ("before", "after"))
            yield before.ref.sha256, after.ref.sha256


def _folder(policy: Path) -> Path:
    return policy.with_name(f"{policy.stem}.changes")


def _record(policy: Path, name: str) -> Mapping[str, Any]:
    found = [path for path in _folder(policy).glob("*.json") if name and path.stem.startswith(name)]
    if len(found) != 1:
        return {}
    record: Mapping[str, Any] = json.loads(found[0].read_text(encoding="utf-8"))
    return record


def _waiting(policy: Path, name: str) -> Mapping[str, Any]:
    """Return what is on record of a change that is not written yet.

    Who accepted one that was written or taken back has said nothing about accepting it again.
    """
    record = _record(policy, name)
    return {} if record.get("is_written") or record.get("is_taken_back") else record


def _keep(policy: Path, name: str, record: Mapping[str, Any]) -> None:
    _folder(policy).mkdir(exist_ok=True)
    with whole(_folder(policy) / f"{name}.json") as file:
        file.write(json.dumps(record, indent=1).encode())


def _put(policy: Path, text: str) -> None:
    with whole(policy) as file:
        file.write(text.encode())


def _log(policy: Path, today: date, words: str) -> None:
    path = policy.with_name(f"{policy.stem}.changelog.md")
    before = path.read_text(encoding="utf-8") if path.exists() else f"# Changes of {policy.name}\n\n"
    with whole(path) as file:
        file.write(f"{before}- {today.isoformat()} {words}\n".encode())
