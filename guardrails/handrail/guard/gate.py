"""The tool gate: an action runs only if the policy lets it or a person authorised exactly it."""

import asyncio
from dataclasses import dataclass, replace

from handrail.errors import AlreadyUsed, CheckFailed, DigestMismatch
from handrail.guard.outcome import Outcome
from handrail.guard.scope import Scope
from handrail.guard.shell import Shell
from handrail.pipeline import Gated
from handrail.policy.runtime.record import without_words
from handrail.records import Decision, Money, Stage, ToolCall, Unknown
from handrail.tickets.digest import action_digest, canonical_arguments
from handrail.tickets.ports import LedgerEntry, Settlement, TicketStore

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
