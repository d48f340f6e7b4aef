"""What a list asks for, and the lines it gets."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from handrail.tickets.lifecycle import State


class Whose(StrEnum):
    """Which claims a list is about."""

    ANYBODY = "anybody"
    MINE = "mine"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """Which tickets, and which page of them.

    Args:
        roles: only of these roles; all of the reviewer's if empty.
        states: only in these states; the open ones if empty.
        rule: only those that this rule stopped, by its name.
        trigger: only those of this trigger.
        tool: only those that propose this tool.
        customer: only those of this customer, by the name the application uses; it is compared as keyed hash.
        reference: only those whose reference begins so.
        whose: by claim.
        is_awake: only those that nobody has put off until later.
        due_before: only those due before a moment.
        limit: how many lines.
        cursor: where the page before ended.
    """

    roles: tuple[str, ...] = ()
    states: tuple[State, ...] = ()
    rule: str = ""
    trigger: str = ""
    tool: str = ""
    customer: str = ""
    reference: str = ""
    whose: Whose = Whose.ANYBODY
    is_awake: bool = False
    due_before: datetime | None = None
    limit: int = 50
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRow:
    """One line of a list; `headline` says in few words what is proposed, masked."""

    id: str
    reference: str
    state: State
    version: int
    role: str
    level: int
    severity: str
    trigger: str
    rule: str
    tool: str
    headline: str
    created_at: datetime
    decide_by: datetime | None
    claimed_by: str | None
    is_mine: bool
    is_snoozed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage:
    """Some lines and, if there are more, the cursor to go on from; `now` is when they were read."""

    rows: tuple[ListRow, ...]
    cursor: str | None
    now: datetime
