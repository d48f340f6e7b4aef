"""What is kept of an accepted change: a file beside the policy, and a line in the policy's changelog.

Beside the policy file lie `NAME.changes/`, with the text before each change and who accepted it, and
`NAME.changelog.md`, with a line for each.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from handrail.bulk.whole import whole
from handrail.errors import ConfigError
from handrail.policy import Policy
from handrail.review.changes.proposal import ProposalRefused, WhyRefused, digest
from handrail.tickets.resolution import People


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptChange:
    """A change that somebody accepted, as it lies beside the policy.

    Args:
        id: its id.
        title: what it does, in words.
        by: who accepted it.
        effective: the day from which it counts.
        needed: how many people must accept it.
        before: the policy's text before the change.
        after: its text after the change.
        result: the digest of the text after the change.
        kind: the proposal's kind.
        is_written: whether it was written into the policy's file.
        is_taken_back: whether it was taken back since, or withdrawn before its day.
        back_by: who said that it shall be taken back, while that is not enough.
    """

    id: str
    title: str
    by: tuple[str, ...]
    effective: date
    needed: int
    before: str
    after: str
    result: str
    kind: str = ""
    is_written: bool = False
    is_taken_back: bool = False
    back_by: tuple[str, ...] = ()

    @property
    def is_agreed(self) -> bool:
        """Whether enough people accepted it."""
        return len(self.by) >= self.needed

    @property
    def waits(self) -> bool:
        """Whether it is neither written nor taken back: it waits for a person or for its day."""
        return not self.is_written and not self.is_taken_back


def kept_changes(policy: Path) -> Iterator[KeptChange]:
    """Yield what is kept of every change of a policy that somebody accepted, by id."""
    for path in sorted(_folder(policy).glob("*.json")):
        yield _read(path)


def kept_change(policy: Path, name: str) -> KeptChange | None:
    """Return the change of an id, or of its beginning; None where no single one is kept."""
    found = [path for path in _folder(policy).glob("*.json") if name and path.stem.startswith(name)]
    return _read(found[0]) if len(found) == 1 else None


def waiting_changes(policy: Path) -> tuple[KeptChange, ...]:
    """Return the accepted changes that wait for a second person or for their day, by day and id."""
    waiting = [one for one in kept_changes(policy) if one.waits]
    return tuple(sorted(waiting, key=lambda one: (one.effective, one.id)))


def keep(policy: Path, change: KeptChange) -> None:
    """Keep how a change stands."""
    _folder(policy).mkdir(exist_ok=True)
    data = {name: getattr(change, name) for name in KeptChange.__slots__}
    data |= {"effective": change.effective.isoformat()}
    with whole(_folder(policy) / f"{change.id}.json") as file:
        file.write(json.dumps(data, indent=1).encode())


@contextmanager
def one_at_a_time(policy: Path) -> Iterator[None]:
    """Let one process alone change a policy's file and what is kept of its changes.

    Raises:
        ConfigError: the file cannot be read.
    """
    while True:
        try:
            with policy.open("rb") as held:
                fcntl.flock(held, fcntl.LOCK_EX)
                # Whoever wrote it in between left another file in its place.
                if os.fstat(held.fileno()).st_ino == policy.stat().st_ino:
                    yield
                    return
        except OSError as error:
            raise ConfigError(f"{policy}: cannot be read: {error.strerror or 'unknown'}") from None


def put(policy: Path, text: str) -> None:
    """Write the policy's text, whole or not at all."""
    with whole(policy) as file:
        file.write(text.encode())


def log(policy: Path, today: date, words: str) -> None:
    """Add a line to the policy's changelog; whatever stands in a title or a name, it is one line."""
    path = policy.with_name(f"{policy.stem}.changelog.md")
    line = "".join(sign if sign.isprintable() else " " for sign in words)
    words = " ".join(line.split())
    before = path.read_text(encoding="utf-8") if path.exists() else f"# Changes of {policy.name}\n\n"
    with whole(path) as file:
        file.write(f"{before}- {today.isoformat()} {words}\n".encode())


def has_result(policy: Path, change: KeptChange) -> bool:
    """Tell whether the policy's file is as the change left it."""
    return digest(policy.read_text(encoding="utf-8")) == change.result


def require_member(loaded: Policy, person: str, people: People | None) -> None:
    """Require that a person is of the role that accepts changes of a policy, where that can be known.

    Raises:
        ConfigError: nobody says who fills the role, or the person has no name that can be written down.
        ProposalRefused: the person is no member of it.
    """
    if not person.strip() or not person.isprintable():
        raise ConfigError("who accepts is a name of printable signs: --as NAME")
    role = loaded.enforced_by or loaded.owner
    if not role or not (loaded.enforced_by or people is not None):
        return
    if people is None:
        raise ConfigError(f"{role} accepts changes of this policy: name the people file")
    if person not in people.members(role):
        raise ProposalRefused(WhyRefused.NO_MEMBER, f"{person} is no member of {role}")


def _folder(policy: Path) -> Path:
    return policy.with_name(f"{policy.stem}.changes")


def _read(path: Path) -> KeptChange:
    try:
        record: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return KeptChange(
            id=str(record["id"]),
            title=str(record["title"]),
            by=tuple(record["by"]),
            effective=date.fromisoformat(record["effective"]),
            needed=int(record.get("needed", 1)),
            before=str(record["before"]),
            after=str(record["after"]),
            result=str(record["result"]),
            kind=str(record.get("kind", "")),
            is_written=bool(record["is_written"]),
            is_taken_back=bool(record.get("is_taken_back")),
            back_by=tuple(record.get("back_by", ())),
        )
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise ConfigError(f"{path} cannot be read as a kept change ({type(error).__name__})") from None
