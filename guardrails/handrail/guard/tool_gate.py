"""The tool gate: an action runs only if the policy lets it or a person authorised exactly it."""

import asyncio
import dataclasses
import functools
import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from handrail.errors import ActionFailed, AlreadyUsed, CheckFailed, DigestMismatch
from handrail.guard.call import Shell
from handrail.guard.context import Scope
from handrail.guard.outcome import Outcome
from handrail.pipeline import Gated
from handrail.policy.runtime.record import without_words
from handrail.records import Decision, Handoff, Money, Stage, ToolCall, Unknown
from handrail.tickets.action import action_digest, canonical_arguments
from handrail.tickets.ports import LedgerEntry, Settlement, TicketStore

if TYPE_CHECKING:
    from handrail.guard.guard import Guard


ATTEMPTS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """Leave to run one action; settle it when it ended. `entry` is its ledger entry, if it is counted."""

    store: TicketStore
    tenant: str
    entry: str | None = None

    def settle(self, settlement: Settlement) -> None:
        """Say how the action ended."""
        if self.entry is not None:
            self.store.settle(self.tenant, self.entry, settlement)


def gate(shell: Shell, scope: Scope, call: ToolCall, exchange: str) -> Pass | Outcome:
    """Let an action through, or return the outcome that stops it.

    Raises:
        DigestMismatch: inside `authorised`, for the approved tool with other arguments.
        AlreadyUsed: inside `authorised`, for a second run of the approved action.
    """
    if scope.authorisation is not None and scope.authorisation.approval.tool == call.name:
        return _authorised(shell, scope, call)
    for _ in range(ATTEMPTS):
        session = shell.session(exchange, scope)
        steps = session.gate(call, scope.recall(call))
        gated = shell.run(steps, shell.ungated(session))
        if gated.pending is not None:
            return shell.concluder.joined(gated.decision, gated.evidence, gated.pending)
        if not gated.decision.is_released:
            return shell.concluder.withheld(gated.decision, gated.evidence)
        passed = _reserve(shell, scope, call, gated, exchange)
        if passed is not None:
            return passed
    unsure = shell.engine.policy.unsure(Stage.TOOL, "totals kept changing")
    return shell.concluder.withheld(unsure, gated.evidence)


async def agate(shell: Shell, scope: Scope, call: ToolCall, exchange: str) -> Pass | Outcome:
    """Let an action through, or return the outcome that stops it; the store is used in a thread."""
    return await asyncio.to_thread(gate, shell, scope, call, exchange)


def _authorised(shell: Shell, scope: Scope, call: ToolCall) -> Pass:
    authorisation = scope.authorisation
    if authorisation is None:
        raise CheckFailed("authorisation")
    approval = authorisation.approval
    if canonical_arguments(call.arguments) != canonical_arguments(approval.arguments):
        raise DigestMismatch(approval.ticket, f"{call.name} was called with other arguments than approved")
    if authorisation.used:
        raise AlreadyUsed(approval.ticket, f"{call.name} has run once on this approval")
    authorisation.used = True
    return Pass(store=shell.sources.store, tenant=approval.tenant)


def _reserve(shell: Shell, scope: Scope, call: ToolCall, gated: Gated, exchange: str) -> Pass | None:
    """Reserve a counted action on the totals it was decided on; None if they have moved meanwhile."""
    policy, store, context = shell.engine.policy, shell.sources.store, scope.context
    if call.name not in policy.counted_tools:
        shell.concluder.released(gated.decision, gated.evidence, ())
        return Pass(store=store, tenant=context.tenant)
    entry = LedgerEntry(
        id=f"{exchange}-{call.id}",
        tenant=context.tenant,
        tool=call.name,
        at=shell.now(),
        customer=context.customer,
        conversation=context.conversation,
        digest=action_digest(
            call.name, call.arguments, policy_sha256=policy.ref.sha256, tenant=context.tenant
        ),
        amounts=amounts(gated.decision),
    )
    try:
        known = {query: value for query, value in gated.seen.items() if not isinstance(value, Unknown)}
        if not store.reserve(entry, known):
            return None
        logged = replace(gated.decision, facts=without_words(gated.decision.facts, policy))
        store.log_now(logged, exchange=exchange, tenant=context.tenant, at=entry.at)
    except CheckFailed as error:
        raise CheckFailed("ledger", exchange=exchange, why=error.step) from None
    return Pass(store=store, tenant=context.tenant, entry=entry.id)


def amounts(decision: Decision) -> dict[str, Money]:
    """The money facts of a decided action, by name."""
    return {name: value for name, value in decision.facts.items() if isinstance(value, Money)}


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
        settlement = Settlement.NO_EFFECT
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
        settlement = Settlement.NO_EFFECT
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
