"""The roles of a policy: what it says of each, which cover others, and whose agreement is still missing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RolePlan:
    """What the policy says of a role; people are mapped to it elsewhere.

    `covers` are roles whose cases this one may settle as well; `readback` is the argument that its people
    type again before they approve at high severity, empty for none. With `answer_first` its people write
    their own answer before they see a held draft; with `seeded_cases` its queue may hold decided cases again.
    """

    name: str
    answer_within: timedelta | None = None
    backup: str | None = None
    covers: tuple[str, ...] = ()
    hours: str | None = None
    holidays: str | None = None
    capacity_per_day: int | None = None
    sees: frozenset[str] | None = None
    readback: str = ""
    answer_first: bool = False
    seeded_cases: bool = False
    means: str = ""
    line: int = 1


def covering(role: str, plans: Mapping[str, RolePlan]) -> tuple[str, ...]:
    """Return the roles that cover a role, directly or through others, the nearest first; pure.

    The role itself is among them only if the roles cover each other in a circle.
    """
    found: list[str] = []
    asked = [role]
    while asked:
        covered = asked.pop(0)
        new = [name for name, plan in plans.items() if covered in plan.covers and name not in found]
        found += new
        asked += new
    return tuple(found)


def unfilled(
    needed: Iterable[str], seats: Iterable[Sequence[str]], plans: Mapping[str, RolePlan]
) -> tuple[str, ...]:
    """Return the needed roles for which nobody has agreed, in order; pure.

    Args:
        needed: the roles that must agree.
        seats: for each person who agreed, the roles they agreed as.
        plans: the policy's roles; an agreement counts for the roles that its own covers as well.

    An agreement counts for one role only, so that two roles are always two people. Who is counted for which
    role is a maximum matching (augmenting paths), so that the order of the agreements does not matter.
    """
    may_settle = {role: {role, *covering(role, plans)} for role in dict.fromkeys(needed)}
    agreed = [frozenset(seat) for seat in seats]
    taken: dict[int, str] = {}

    def seat(role: str, tried: set[int]) -> bool:
        for index, names in enumerate(agreed):
            if index in tried or names.isdisjoint(may_settle[role]):
                continue
            tried.add(index)
            if index not in taken or seat(taken[index], tried):
                taken[index] = role
                return True
        return False

    return tuple(role for role in may_settle if not seat(role, set()))
