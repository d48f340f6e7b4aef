"""The people file of a running process, read again before each use: who has left it may do nothing more."""

import threading
from datetime import date, datetime
from pathlib import Path

from handrail.policy.file.people import People, load_people
from handrail.policy.file.read import read_text
from handrail.policy.runtime.policy import Policy


class PeopleFile:
    """The file that maps people to roles, as it stands whenever somebody asks.

    Every question reads the file, and parses it if its text has changed: from the moment a person is taken
    out of it they cannot claim, decide, see or unmask, in this process and in every other. While the file
    cannot be used nobody may do anything, because what they may do cannot be read.

    Answers as `People` does; each method raises RoleError or PolicyError where the file cannot be used.
    """

    def __init__(self, path: str | Path, policy: Policy) -> None:
        """Read the file.

        Raises:
            RoleError: a role of the policy has nobody behind it, or the file names a role the policy lacks.
            PolicyError: the file cannot be read.
        """
        self.path, self._policy = Path(path), policy
        self._lock = threading.Lock()
        self._text: str | None = None
        self._people: People | None = None
        self.current  # noqa: B018 - a file that cannot be used is said now

    @property
    def current(self) -> People:
        """The people as the file says now."""
        with self._lock:
            text = read_text(self.path)
            if self._people is None or text != self._text:
                self._people = None
                self._people, self._text = load_people(self.path, self._policy), text
            return self._people

    def under(self, policy: Policy) -> "PeopleFile":
        """Return the same file for another policy, whose roles it must fill."""
        return PeopleFile(self.path, policy)

    def members(self, role: str) -> frozenset[str]:
        """Return the ids of those who fill a role."""
        return self.current.members(role)

    def covering(self, role: str) -> tuple[str, ...]:
        """Return the roles that cover a role, the nearest first, itself not among them."""
        return self.current.covering(role)

    def identities(self, person: str) -> frozenset[str]:
        """Return the normalised names that are the same person as this name."""
        return self.current.identities(person)

    def roles_of(self, person: str) -> frozenset[str]:
        """Return the roles that a person fills."""
        return self.current.roles_of(person)

    def away_until(self, person: str, now: datetime) -> date | None:
        """Return the last day of a person's present absence, None while they are there."""
        return self.current.away_until(person, now)

    def acts_for(self, person: str, since: datetime, until: datetime) -> frozenset[str]:
        """Return those whose delegate a person was at some time."""
        return self.current.acts_for(person, since, until)
