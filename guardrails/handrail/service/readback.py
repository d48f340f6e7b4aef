"""Typing again what will run: a role may ask for one argument before an approval of high severity. Pure."""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation

from handrail.errors import CheckFailed
from handrail.policy.runtime.roles import RolePlan
from handrail.records import Severity
from handrail.tickets.ticket import Ticket, Verdict

_APPROVING = frozenset({Verdict.APPROVE, Verdict.EDIT})


def asked_for(held: Ticket | None, verdicts: Iterable[Verdict], plan: RolePlan | None) -> str:
    """Return the name of the argument that must be typed again; empty where none must; pure.

    Args:
        held: the ticket.
        verdicts: what is decided of each of its calls.
        plan: the role's.
    """
    is_grave = held is not None and held.action is not None and held.severity is Severity.HIGH
    is_let_through = not _APPROVING.isdisjoint(verdicts)
    return plan.readback if plan is not None and is_grave and is_let_through else ""


def calls_read_back(name: str, runs: Mapping[str, str]) -> tuple[str, ...]:
    """Return which of several calls the argument is asked for of: those that have it, or all; pure.

    Args:
        name: the argument.
        runs: what will run by the names of the calls: their arguments, as JSON.
    """
    having = tuple(call for call, arguments in runs.items() if name in _members(arguments))
    return having or tuple(runs)


def must_be_read_back(name: str, typed: str, runs: Mapping[str, str]) -> None:
    """Accept what was typed if it is that argument of each call as it will run, with commas between.

    Args:
        name: the argument; where no call has it, the whole of their arguments is asked for.
        typed: what the person typed.
        runs: what will run by the names of the calls: their arguments, as JSON.

    Raises:
        CheckFailed: it is another value, or none.
    """
    wanted = [_value(name, runs[call]) for call in calls_read_back(name, runs)]
    said = typed.split(",") if len(wanted) > 1 else [typed]
    is_each = len(said) == len(wanted) and all(map(_is_same, said, wanted))
    if not is_each and not _is_same(typed, ", ".join(wanted)):
        each = " of each call, with commas between" if len(wanted) > 1 else ""
        raise CheckFailed("decide", why=f"type {name} again, exactly as it will run{each}")


def _members(arguments: str) -> dict[str, object]:
    try:
        given = json.loads(arguments, parse_float=Decimal)
    except (ValueError, RecursionError):
        return {}
    return given if isinstance(given, dict) else {}


def _value(name: str, arguments: str) -> str:
    given = _members(arguments)
    if name not in given:
        return arguments
    value = given[name]
    if isinstance(value, bool | dict | list) or value is None:
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _is_same(typed: str, value: str) -> bool:
    said, meant = " ".join(typed.split()), " ".join(value.split())
    if said.casefold() == meant.casefold():
        return True
    try:
        return Decimal(said) == Decimal(meant)
    except InvalidOperation:
        return False
