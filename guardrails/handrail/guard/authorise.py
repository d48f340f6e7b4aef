"""Giving a person's decision back, once: decided → applying → applied, failed or outcome unknown."""

import functools
import inspect
import json
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import TracebackType
from typing import cast

from handrail.errors import ActionFailed, CheckFailed, NotInEffect, PolicyChanged
from handrail.guard.call_runner import CallRunner
from handrail.guard.context import Authorisation, Scope, authorised
from handrail.guard.threads import in_thread, in_thread_or_undone
from handrail.guard.tool import tool_of
from handrail.guard.tool_gate import settlement_of
from handrail.pipeline.gate import is_of_arguments, regate
from handrail.policy.runtime.roles import unfilled
from handrail.records import Context, Decision, Effect, Evidence, Reason, ToolCall, Trigger, Unknown
from handrail.tickets.action import RECEIVER
from handrail.tickets.ports import Approval, Settlement

LONGEST_WAIT_S = 60.0
"""For how long an approval is waited for that can still be undone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """An approved action, to be carried out inside the `with` block.

    Pass `idempotency_key` on to whatever acts, so that a repeated delivery has no second effect there.
    """

    ticket: str
    tool: str
    arguments: Mapping[str, object]
    idempotency_key: str
    is_edited: bool
    tools: Mapping[str, Callable[..., object]]
    approval: Approval = field(repr=False)

    @property
    def receiver(self) -> object:
        """What tells the object apart whose method acts, None for a function that is nobody's."""
        return _arguments(self.approval).get(RECEIVER)

    def run(self, *, receiver: object = None) -> object:
        """Call the guarded tool of this name with the approved arguments.

        Args:
            receiver: the object whose method acts, where this program has not seen it since it started.

        Raises:
            ActionFailed: no tool of this name is guarded here, or it cannot be called so; nothing was done.
            DigestMismatch: the receiver is not the approved one.
        """
        fn = self.tools.get(self.tool)
        tool = tool_of(fn) if fn is not None else None
        if tool is None:
            raise ActionFailed(f"no tool called {self.tool!r} is guarded here; call it yourself")
        return tool.resume(self.approval, receiver)

    async def arun(self, *, receiver: object = None) -> object:
        """Call the guarded tool as `run` does: an async one is awaited, another one runs in a thread."""
        result = await in_thread(functools.partial(self.run, receiver=receiver))
        return await result if inspect.isawaitable(result) else result


def _arguments(approval: Approval) -> Mapping[str, object]:
    found: Mapping[str, object] = json.loads(approval.arguments or "{}")
    return found


@dataclass(slots=True, kw_only=True)
class Authorised:
    """Carries out an approved action once, in a `with` or an `async with` block; see `Guard.authorised`."""

    runner: CallRunner
    scope: Scope
    ticket: str
    tools: Mapping[str, Callable[..., object]]
    _approval: Approval | None = field(init=False, default=None)
    _authorisation: Authorisation | None = field(init=False, default=None)
    _block: AbstractContextManager[None] | None = field(init=False, default=None)

    def __enter__(self) -> Action:
        return self._entered(self._begin())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._left()
        finally:
            self._finish(kind, error)

    async def __aenter__(self) -> Action:
        return self._entered(await in_thread_or_undone(self._begin, self._unused))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._left()
        finally:
            await in_thread(self._finish, kind, error)

    def _begin(self) -> Approval:
        store, tenant = self.runner.store, self.scope.context.tenant
        decision, evidence = _still_covered(self.runner, self._in_effect(), self.scope)
        approval = store.begin(tenant, self.ticket, now=self.runner.now())
        self.runner.recorder.authorised(decision, evidence, approval.ticket)
        return approval

    def _in_effect(self) -> Approval:
        """Return the approval; one that can still be undone is waited for, once."""
        store, tenant = self.runner.store, self.scope.context.tenant
        try:
            return store.approved(tenant, self.ticket)
        except NotInEffect as error:
            left = error.until - self.runner.now().timestamp()
            time.sleep(min(max(left, 0.0), LONGEST_WAIT_S))
        return store.approved(tenant, self.ticket)

    def _entered(self, approval: Approval) -> Action:
        # A context variable lets the action by, so it is set in the caller's own task or thread.
        self._approval, self._authorisation = approval, Authorisation(approval=approval)
        self._block = authorised(self._authorisation)
        self._block.__enter__()
        fn = self.tools.get(approval.tool)
        tool = tool_of(fn) if fn is not None else None
        hidden = {RECEIVER} if tool is not None and tool.function.has_receiver else set[str]()
        return Action(
            ticket=approval.ticket,
            tool=approval.tool,
            arguments={name: own for name, own in _arguments(approval).items() if name not in hidden},
            idempotency_key=approval.idempotency_key,
            is_edited=approval.edited,
            tools=self.tools,
            approval=approval,
        )

    def _left(self) -> None:
        if self._block is not None:
            self._block.__exit__(None, None, None)

    def _unused(self, approval: Approval) -> None:
        """Say that nothing was done: who asked for the approval was cancelled before it was handed over."""
        tenant = self.scope.context.tenant
        self.runner.store.finish(tenant, approval.ticket, Settlement.NO_EFFECT, now=self.runner.now())

    def _finish(self, kind: type[BaseException] | None, error: BaseException | None) -> None:
        approval, tenant = cast("Approval", self._approval), self.scope.context.tenant
        refused = self._authorisation.refused if self._authorisation is not None else None
        settlement = settlement_of(kind)
        if error is not None and error is refused:
            settlement = Settlement.NO_EFFECT
        self.runner.store.finish(tenant, approval.ticket, settlement, now=self.runner.now())


def _still_covered(runner: CallRunner, approval: Approval, scope: Scope) -> tuple[Decision, Evidence]:
    """Run today's policy on the approved action; it may only have become stricter where roles agreed.

    Raises:
        PolicyChanged: a block, or a hand-off to a role that has not approved. The ticket is open again.
    """
    decision, evidence = decide_again(runner, approval, scope)
    blocked = [reason.rule for reason in decision.reasons if reason.effect is Effect.BLOCK]
    needed = [
        reason.role
        for reason in decision.reasons
        if reason.effect is Effect.HAND_OFF
        and reason.role
        and not (reason.trigger is Trigger.UNSURE and _is_settled(runner, reason, approval))
    ]
    roles = unfilled(needed, approval.seats, runner.pipeline.policy.roles)
    if blocked or roles:
        why = f"now blocked by {', '.join(blocked)}" if blocked else f"now also needs {', '.join(roles)}"
        runner.store.reopen(approval.tenant, approval.ticket, roles=roles, why=why, now=runner.now())
        raise PolicyChanged(approval.ticket, why)
    return decision, evidence


def _is_settled(runner: CallRunner, reason: Reason, approval: Approval) -> bool:
    """Tell whether a person has seen what is unknown: not where an edit made an argument unreadable."""
    policy = runner.pipeline.policy
    is_new = approval.edited and any(is_of_arguments(policy, name) for name in reason.unknown)
    return reason.rule in approval.rules and not is_new


def decide_again(runner: CallRunner, approval: Approval, scope: Scope) -> tuple[Decision, Evidence]:
    """Run today's policy on an action that a person approved; return what it says and on what evidence."""

    def failed(why: str) -> Decision:
        raise CheckFailed("policy re-run", exchange=approval.ticket, why=why)

    context = Context(
        tenant=approval.tenant,
        customer=approval.customer,
        conversation=approval.conversation,
        facts=scope.context.facts,
        aliases=scope.context.aliases,
    )
    exchange = runner.exchange(approval.ticket, Scope(context=context))
    recorded = {name: value for name, value in approval.facts.items() if not isinstance(value, Unknown)}
    call = ToolCall(id=approval.entry or approval.ticket, name=approval.tool, arguments=approval.arguments)
    decision = runner.run(regate(exchange, call, recorded), failed)
    return decision, exchange.evidence
