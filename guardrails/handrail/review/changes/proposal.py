"""What a review proposes: a change of the policy to accept, or a note of what people may do."""

import hashlib
import json
import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import TypeAdapter

from handrail.bulk.whole import whole
from handrail.errors import ConfigError
from handrail.review.evidence.certified import Certified, CertifiedSlice

FILE = "proposals.json"
_ID = re.compile(r"\w[\w-]{0,63}", re.ASCII)
"""An id is a file's name, too."""


class WhyRefused(StrEnum):
    """Why a proposal cannot be accepted or declined."""

    UNKNOWN = "no_such_proposal"
    NOT_READY = "proposal_not_ready"
    STALE = "proposal_stale"
    ACCEPTED = "proposal_accepted"
    OTHER_DAY = "proposal_other_day"
    NO_MEMBER = "no_member"
    SAME_PERSON = "second_person_needed"
    NO_FILE = "policy_no_file"


class ProposalRefused(ConfigError):
    """A proposal cannot be accepted or declined; `code` says why, for programs."""

    def __init__(self, why: WhyRefused, problem: str) -> None:
        super().__init__(problem)
        self.code, self.problem = why, problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Something that a person may do, with its evidence, what it is expected to do, and a replay.

    Args:
        id: stays the same for the same proposal of the same policy.
        kind: what it is about, in a word.
        title: what to do.
        why: the evidence, with its numbers.
        effect: what is expected of it, with an interval.
        replay: what it would have done to past cases, empty where nothing can be replayed.
        suggestion: of a note, how to go about it.
        diff: of a change of the policy, the change.
        base: SHA-256 of the policy's text before, empty for a note.
        result: SHA-256 of its text after.
        text: its text after.
        tests: names of tests in the policy that were given their new outcome.
        certified: the threshold of confidence for all answers that was certified when it was made and that
            it rests on, None for none.
        certified_slices: what was certified of slices that it rests on.
        problems: what speaks against a change; with any it cannot be accepted.
        cases: exchanges whose verdicts are the evidence.
        tickets: tickets behind it.
        about: the rule, role, fact or text that it is about, empty where there is not one.
        worth: what it is expected to save a week, in hand-offs: a wrong answer that is passed counts as
            `MISSED` of them; 0 where that is not known.
    """

    id: str
    kind: str
    title: str
    why: str
    effect: str = ""
    replay: str = ""
    suggestion: str = ""
    diff: str = ""
    base: str = ""
    result: str = ""
    text: str = ""
    tests: tuple[str, ...] = ()
    certified: float | None = None
    certified_slices: tuple[CertifiedSlice, ...] = ()
    problems: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()
    tickets: tuple[str, ...] = ()
    about: str = ""
    worth: float = 0.0

    @property
    def is_note(self) -> bool:
        """True for what people do outside the policy's file: there is nothing to accept."""
        return not self.text and not self.problems

    @property
    def rests_on(self) -> Certified:
        """What was certified when it was made."""
        return Certified(
            whole=math.inf if self.certified is None else self.certified, slices=self.certified_slices
        )

    @property
    def is_ready(self) -> bool:
        """True when check, tests and the replay have nothing against it."""
        return not self.problems and bool(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """What speaks for a proposal: its kind, what to do, the evidence, and what is expected of it.

    `cases` are the exchanges and `tickets` the tickets behind the evidence. `about` is the rule, role, fact
    or text that it is about. `worth` is what it is expected to save a week, in hand-offs; a change that says
    which share of the cases that it moves is `wrong` is worth what its replay says.
    """

    kind: str
    title: str
    why: str
    effect: str = ""
    suggestion: str = ""
    cases: tuple[str, ...] = ()
    tickets: tuple[str, ...] = ()
    about: str = ""
    worth: float = 0.0
    wrong: float | None = None


def digest(text: str) -> str:
    """Return the digest by which a policy's text is known; pure."""
    return hashlib.sha256(text.encode()).hexdigest()


def without_folder(diff: str) -> str:
    """Return a diff whose headers name files without their folders; pure."""
    return "\n".join(
        row[:4] + row[4:].rpartition("/")[2] if row.startswith(("--- ", "+++ ")) else row
        for row in diff.splitlines()
    )


def note(grounds: Grounds) -> Proposal:
    """Return a proposal for people, outside the policy's file."""
    return Proposal(
        id=digest(f"note|{grounds.kind}|{grounds.title}")[:8],
        kind=grounds.kind,
        title=grounds.title,
        why=grounds.why,
        effect=grounds.effect,
        suggestion=grounds.suggestion,
        cases=grounds.cases,
        tickets=grounds.tickets,
        about=grounds.about,
        worth=grounds.worth,
    )


def write_proposals(proposals: Sequence[Proposal], folder: Path) -> Path:
    """Write proposals to `proposals.json` in a folder, whole or not at all, and return its path."""
    path = folder / FILE
    with whole(path) as file:
        file.write(json.dumps([asdict(one) for one in proposals], indent=1).encode())
    return path


def read_proposal(path: Path, name: str) -> Proposal:
    """Return the proposal whose id begins with a name.

    Raises:
        ConfigError: the file cannot be read, or not exactly one proposal has such an id.
    """
    if not path.is_file():
        raise ConfigError(f"there is no {path}; run handrail review first, or name its folder by --out")
    try:
        read = TypeAdapter(tuple[Proposal, ...]).validate_json(path.read_bytes(), strict=True)
        found = [one for one in read if name and _ID.fullmatch(one.id) and one.id.startswith(name)]
        if len(found) == 1:
            return found[0]
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{path} holds no proposals ({type(error).__name__}); run handrail review first"
        ) from None
    raise ConfigError(f"{path} holds {'no' if not found else 'more than one'} proposal {name!r}")
