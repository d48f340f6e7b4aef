"""`@guard.tool`: the boundary around a function that acts."""

import asyncio
import dataclasses
import functools
import inspect
import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from handrail.errors import ActionFailed, CheckFailed
from handrail.guard.gate import Pass
from handrail.guard.outcome import Outcome
from handrail.records import Handoff, Money, ToolCall
from handrail.tickets.ports import Settlement

if TYPE_CHECKING:
    from handrail.guard.guard import Guard


def guarded_tool(
    guard: "Guard", fn: Callable[..., Any], *, name: str, on_handoff: Callable[[Handoff], object] | None
) -> Callable[..., Any]:
    """Return `fn` behind the gate; sync stays sync, async stays async."""
    signature = inspect.signature(fn)
    ids = iter(range(1, 1 << 62))

    def call_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> ToolCall:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        arguments = {key: value for key, value in bound.arguments.items() if key not in ("self", "cls")}
        return ToolCall(id=f"{name}-{next(ids)}", name=name, arguments=arguments_json(arguments))

    @functools.wraps(fn)
    def run(*args: Any, **kwargs: Any) -> Any:
        passed = guard.gate(call_of(args, kwargs))
        if isinstance(passed, Outcome):
            return _stopped(passed, on_handoff)
        return settled(passed, lambda: fn(*args, **kwargs))

    @functools.wraps(fn)
    async def arun(*args: Any, **kwargs: Any) -> Any:
        passed = await guard.agate(call_of(args, kwargs))
        if isinstance(passed, Outcome):
            return _stopped(passed, on_handoff)
        return await asettled(passed, lambda: fn(*args, **kwargs))

    return arun if inspect.iscoroutinefunction(fn) else run


def settled(passed: Pass, act: Callable[[], Any]) -> Any:
    """Run an action that may run and settle it; an exception leaves its outcome unknown."""
    settlement = Settlement.UNKNOWN
    try:
        result = act()
        settlement = Settlement.DONE
    except ActionFailed:
        settlement = Settlement.RELEASED
        raise
    finally:
        passed.settle(settlement)
    return result


async def asettled(passed: Pass, act: Callable[[], Any]) -> Any:
    """Run an action that may run and settle it, awaiting it."""
    settlement = Settlement.UNKNOWN
    try:
        result = await act()
        settlement = Settlement.DONE
    except ActionFailed:
        settlement = Settlement.RELEASED
        raise
    finally:
        await asyncio.to_thread(passed.settle, settlement)
    return result


def _stopped(outcome: Outcome, on_handoff: Callable[[Handoff], object] | None) -> Any:
    if outcome.handoff is not None and on_handoff is not None and not outcome.is_blocked:
        return on_handoff(outcome.handoff)
    outcome.raise_if_withheld()
    raise CheckFailed("gate", exchange=outcome.exchange)


def arguments_json(arguments: dict[str, Any]) -> str:
    """Write a call's arguments as JSON; what JSON lacks is written as text.

    Raises:
        CheckFailed: an argument cannot be written, so the policy could not read it.
    """
    try:
        return json.dumps(arguments, default=_plain, allow_nan=True)
    except (TypeError, ValueError, RecursionError):
        raise CheckFailed("reading arguments", why="an argument cannot be written as JSON") from None


def _plain(value: object) -> object:
    match value:
        case Decimal() | UUID() | timedelta():
            return str(value)
        case datetime() | date():
            return value.isoformat()
        case Money():
            return {"amount": str(value.amount), "currency": value.currency}
        case set() | frozenset():
            return sorted(value, key=str)
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        case _ if hasattr(value, "model_dump"):
            dumped: object = value.model_dump(mode="json")
            return dumped
    raise TypeError(type(value).__name__)
