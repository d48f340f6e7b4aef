"""Typing again what will run: a role may ask for one argument before an approval of high severity. Pure."""

import json
from decimal import Decimal, InvalidOperation

from handrail.errors import CheckFailed
from handrail.policy.runtime.roles import RolePlan
from handrail.records import Severity
from handrail.tickets.ticket import Ticket, Verdict

_APPROVING = frozenset({Verdict.APPROVE, Verdict.EDIT})


def asked_for(held: Ticket | None, verdict: Verdict, plan: RolePlan | None) -> str:
    """Return the name of the argument that must be typed again; empty where none must; pure."""
    is_grave = held is not None and held.action is not None and held.severity is Severity.HIGH
    return plan.readback if plan is not None and is_grave and verdict in _APPROVING else ""


def must_be_read_back(name: str, typed: str, arguments: str) -> None:
    """Accept what was typed if it is that argument as it will run.

    Args:
        name: the argument; of an action without it, the whole of its arguments is asked for.
        typed: what the person typed.
        arguments: the arguments that will run, as JSON.

    Raises:
        CheckFailed: it is another value, or none.
    """
    if not _is_same(typed, _value(name, arguments)):
        raise CheckFailed("decide", why=f"type {name} again, exactly as it will run")


def _value(name: str, arguments: str) -> str:
    try:
        given = json.loads(arguments, parse_float=Decimal)
    except (ValueError, RecursionError):
        return arguments
    if not isinstance(given, dict) or name not in given:
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
