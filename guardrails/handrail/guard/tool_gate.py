"""The tool gate: an action runs only if the policy lets it or a person authorised exactly it."""

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from handrail.errors import (
    ActionFailed,
    AlreadyUsed,
    CheckFailed,
    DigestMismatch,
    ResultBlocked,
    ResultHandedOff,
)
from handrail.guard.call_runner import CallRunner
from handrail.guard.context import Scope
from handrail.guard.outcome import Outcome
from handrail.guard.threads import in_thread, in_thread_or_undone
from handrail.ids import new_id
from handrail.pipeline.gate import Gated
from handrail.pipeline.gate import gate as decided
from handrail.records import Decision, Money, Stage, ToolCall, Unknown
from handrail.tickets.action import FrozenAction, canonical_arguments
from handrail.tickets.ports import LedgerEntry, Settlement, TicketStore

ATTEMPTS = 16
"""How often an action is decided on anew because others changed the totals that it was decided on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """Leave to run one action once. Run it inside `with permit:` or `async with permit:`.

    Leaving the block says how it ended: done, or without effect (`ActionFailed`), or unknown (any other
    exception). A program that cannot use a block calls `settle` itself. `entry` is the action's ledger entry,
    None if no rule counts such actions. With `judges_result` a rule reads what the action returns: hand that
    to `Guard.judge_result` before anybody sees it.
    """

    store: TicketStore
    tenant: str
    entry: str | None = None
    judges_result: bool = False

    def settle(self, settlement: Settlement) -> None:
        """Say how the action ended."""
        if self.entry is not None:
            self.store.settle(self.tenant, self.entry, settlement)

    async def asettle(self, settlement: Settlement) -> None:
        """Say how the action ended, as `settle` does."""
        if self.entry is not None:
            await in_thread(self.settle, settlement)

    def __enter__(self) -> None:
        """Begin the action."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.settle(settlement_of(kind))

    async def __aenter__(self) -> None:
        """Begin the action."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.asettle(settlement_of(kind))


def settlement_of(kind: type[BaseException] | None) -> Settlement:
    """Say how an action ended from the kind of exception that it ended with, None for none."""
    if kind is None or issubclass(kind, ResultHandedOff | ResultBlocked):
        # The action was carried out; what it returned is withheld.
        return Settlement.DONE
    return Settlement.NO_EFFECT if issubclass(kind, ActionFailed) else Settlement.UNKNOWN


def gate(runner: CallRunner, scope: Scope, call: ToolCall, exchange: str) -> Permit | Outcome:
    """Let an action through, or return the outcome that stops it.

    Raises:
        DigestMismatch: inside `authorised`, for the approved tool with other arguments.
        AlreadyUsed: inside `authorised`, for a second run of the approved action.
    """
    if scope.authorisation is not None and scope.authorisation.approval.tool == call.name:
        return _authorised(runner, scope, call)
    for _ in range(ATTEMPTS):
        state = runner.exchange(exchange, scope)
        gated = runner.run(
            decided(state, call, scope.recall(call)),
            lambda why, state=state: Gated(  # type: ignore[misc]
                decision=runner.pipeline.policy.unsure(Stage.TOOL, why), evidence=state.evidence
            ),
        )
        if gated.pending is not None:
            return runner.recorder.joined(gated.decision, gated.evidence, gated.pending)
        if not gated.decision.effect.is_released:
            return runner.recorder.withheld(gated.decision, gated.evidence)
        permit = _reserve(runner, scope, call, gated, exchange)
        if permit is not None:
            return permit
    unsure = runner.pipeline.policy.unsure(Stage.TOOL, "totals kept changing")
    return runner.recorder.withheld(unsure, gated.evidence)


async def agate(runner: CallRunner, scope: Scope, call: ToolCall, exchange: str) -> Permit | Outcome:
    """Let an action through, or return the outcome that stops it; the store is used in a thread."""

    def unused(passed: Permit | Outcome) -> None:
        if isinstance(passed, Permit):
            passed.settle(Settlement.NO_EFFECT)

    return await in_thread_or_undone(lambda: gate(runner, scope, call, exchange), unused)


def _authorised(runner: CallRunner, scope: Scope, call: ToolCall) -> Permit:
    authorisation = scope.authorisation
    if authorisation is None:
        raise CheckFailed("authorisation")
    approval = authorisation.approval
    if not _is_approved(call, approval.arguments):
        error = DigestMismatch(approval.ticket, f"{call.name} was called with other arguments than approved")
        authorisation.refuse(error)
        raise error
    if authorisation.used:
        raise AlreadyUsed(approval.ticket, f"{call.name} has run once on this approval")
    authorisation.used = True
    judges = runner.judges_result(call.name)
    return Permit(store=runner.store, tenant=approval.tenant, judges_result=judges)


def _is_approved(call: ToolCall, arguments: str) -> bool:
    try:
        return FrozenAction.of(call).arguments == canonical_arguments(arguments)
    except CheckFailed:
        return False


def _reserve(runner: CallRunner, scope: Scope, call: ToolCall, gated: Gated, exchange: str) -> Permit | None:
    """Reserve a counted action on the totals it was decided on; None if they have moved meanwhile."""
    policy, store, context = runner.pipeline.policy, runner.store, scope.context
    judges = runner.judges_result(call.name)
    if call.name not in policy.counted_tools:
        runner.recorder.released(gated.decision, gated.evidence, ())
        return Permit(store=store, tenant=context.tenant, judges_result=judges)
    entry = LedgerEntry(
        # Each run that is let by is spending of its own, whatever ids a model gives its calls.
        id=f"{exchange}-{new_id()}",
        tenant=context.tenant,
        tool=call.name,
        at=runner.now(),
        customer=context.customer,
        conversation=context.conversation,
        digest=FrozenAction.of(call).digest(policy_sha256=policy.ref.sha256, tenant=context.tenant),
        amounts=amounts(gated.decision),
    )
    try:
        known = {query: value for query, value in gated.totals.items() if not isinstance(value, Unknown)}
        if not store.reserve(entry, known):
            return None
        runner.recorder.counted(gated.decision, gated.evidence)
    except CheckFailed as error:
        raise CheckFailed("ledger", exchange=exchange, why=error.step) from None
    return Permit(store=store, tenant=context.tenant, entry=entry.id, judges_result=judges)


def amounts(decision: Decision) -> dict[str, Money]:
    """The money facts of a decided action, by name."""
    return {name: value for name, value in decision.facts.items() if isinstance(value, Money)}


def name_of(fn: Callable[..., object]) -> str:
    """Return the name of a function, or of the class of another callable."""
    return str(getattr(fn, "__name__", type(fn).__name__))
