"""Who fills which role: a file of its own, so that the policy never names a person."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handrail.errors import RoleError
from handrail.policy.file.absences import AWAY, Absence, day_of, read_absences
from handrail.policy.file.read import read_text
from handrail.policy.runtime.policy import Policy
from handrail.policy.runtime.roles import covering
from handrail.text.identity import identity
from handrail.text.suggest import near

if TYPE_CHECKING:
    from handrail.policy.file.document import Document

KEYS = ("roles", "people")
ABOUT = "about"
"""Key of a person's entry under which nothing is a name of theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """The members of each role, and what the file says of each person (plain data, by id).

    `covers` maps a role to those that cover it, as the policy says. `absences` count days of `time_zone`.
    """

    roles: Mapping[str, frozenset[str]]
    details: Mapping[str, Mapping[str, Any]]
    covers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    absences: Mapping[str, tuple[Absence, ...]] = field(default_factory=dict)
    time_zone: str = "UTC"
    _names: Mapping[str, frozenset[str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_names", _names(self.details))

    def members(self, role: str) -> frozenset[str]:
        """Return the ids of those who fill a role.

        Raises:
            RoleError: nobody fills it.
        """
        found = self.roles.get(role)
        if not found:
            raise RoleError(f"role '{role}' has nobody behind it{near(role, self.roles)}")
        return found

    def covering(self, role: str) -> tuple[str, ...]:
        """Return the roles that cover a role, the nearest first, itself not among them."""
        return self.covers.get(role, ())

    def identities(self, person: str) -> frozenset[str]:
        """Return the normalised names that are the same person as this name, which may be any of them."""
        return self._names.get(identity(person), frozenset())

    def roles_of(self, person: str) -> frozenset[str]:
        """Return the roles that a person fills."""
        return frozenset(role for role, members in self.roles.items() if person in members)

    def may_settle(self, person: str, role: str) -> bool:
        """True if a person fills a role, or one that covers it; pure."""
        return any(person in self.roles.get(name, ()) for name in (role, *self.covering(role)))

    def away_until(self, person: str, now: datetime) -> date | None:
        """Return the last day of a person's present absence, None while they are there; pure."""
        day = day_of(now, self.time_zone)
        return next((one.last for one in self.absences.get(person, ()) if one.overlaps(day, day)), None)

    def acts_for(self, person: str, since: datetime, until: datetime) -> frozenset[str]:
        """Return those whose delegate a person was on one of the days from `since` to `until`; pure."""
        first, last = day_of(since, self.time_zone), day_of(until, self.time_zone)
        return frozenset(
            absent
            for absent, absences in self.absences.items()
            if any(one.delegate == person and one.overlaps(first, last) for one in absences)
        )


def load_people(path: str | Path, policy: Policy) -> People:
    """Load the file that maps people to the roles of a policy.

    The file holds `roles:` (role → list of ids) and, if wanted, `people:` (id → name, email, aliases, …).
    Every text of a person's entry is one of their names: nobody decides a case of a customer of the same
    name. What describes them and may be true of others too, such as a team, goes under `about`; when they are
    away, and who acts for them, under `away`. A delegate fills every role of theirs, or one that covers it.

    Raises:
        RoleError: a role of the policy has nobody behind it, or the file names a role the policy lacks.
        PolicyError: the file cannot be read.
    """
    from handrail.policy.file.document import Document

    document = Document(read_text(Path(path)), str(path))
    content = document.value
    if not isinstance(content, dict) or not isinstance(content.get("roles"), dict):
        raise document.error("a people file holds `roles:` with a list of ids for each role")
    for key in content:
        if key not in KEYS:
            raise document.error(f"unknown key '{key}'{near(key, KEYS)}", (key,), at_key=True)
    details = _details(document, content.get("people"))
    roles = {}
    for role, members in content["roles"].items():
        if role not in policy.roles:
            at = document.position(("roles", role), at_key=True)
            hint = near(role, policy.roles)
            raise RoleError(
                f"{document.file}:{at.line}:{at.column}: no role '{role}' in {policy.ref.name}{hint}"
            )
        if not isinstance(members, list) or not all(isinstance(member, str) for member in members):
            raise document.error("write a list of ids, e.g. [ana, ben]", ("roles", role))
        for index, member in enumerate(members):
            if details and member not in details:
                problem = f"'{member}' is not under people{near(member, details)}"
                raise document.error(problem, ("roles", role, index))
        roles[role] = frozenset(members)
    empty = sorted(role for role in policy.roles if not roles.get(role))
    if empty:
        raise RoleError(f"{document.file}: nobody fills {', '.join(empty)}")
    covers = {role: covering(role, policy.roles) for role in policy.roles}
    absences = read_absences(document, details)
    people = People(
        roles=roles, details=details, covers=covers, absences=absences, time_zone=policy.time_zone
    )
    _check_delegates(document, people)
    return people


def _check_delegates(document: "Document", people: People) -> None:
    """Accept delegates who may settle by themselves whatever the absent person may."""
    for person, absences in people.absences.items():
        for absence in absences:
            for role in sorted(people.roles_of(person)):
                if absence.delegate is not None and not people.may_settle(absence.delegate, role):
                    problem = f"{absence.delegate} fills neither {role} nor a role that covers it"
                    raise document.error(problem, ("people", person, AWAY))


def _names(details: Mapping[str, Mapping[str, Any]]) -> dict[str, frozenset[str]]:
    """Return, for each name that somebody goes by, all names of whoever goes by it."""
    by_name: dict[str, frozenset[str]] = {}
    for person, detail in details.items():
        names = {identity(person), *map(identity, _texts({**detail, ABOUT: None, AWAY: None}))} - {""}
        joined = names.union(*(by_name.get(name, ()) for name in names))
        by_name.update(dict.fromkeys(joined, frozenset(joined)))
    return by_name


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _details(document: "Document", raw: object) -> dict[str, Mapping[str, Any]]:
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise document.error("`people:` maps ids to what is known of them", ("people",))
    for person, detail in raw.items():
        if detail is not None and not isinstance(detail, dict):
            raise document.error("write keys such as name and email", ("people", person))
    return {person: dict(detail or {}) for person, detail in raw.items()}
