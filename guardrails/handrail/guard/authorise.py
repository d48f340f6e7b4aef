"""Giving a person's decision back, once: decided → applying → applied, failed or outcome unknown."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from handrail.errors import ActionFailed, CheckFailed, PolicyChanged
from handrail.guard.call import Shell
from handrail.guard.context import Authorisation, Scope, authorised
from handrail.records import Context, Decision, Effect, ToolCall, Trigger, Unknown
from handrail.tickets.ports import Approval, Settlement


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

    def run(self) -> object:
        """Call the guarded tool of this name with the approved arguments."""
        if self.tool not in self.tools:
            raise ActionFailed(f"no tool called {self.tool!r} is guarded here; call it yourself")
        return self.tools[self.tool](**self.arguments)


@contextmanager
def authorise(
    shell: Shell, scope: Scope, ticket: str, tools: Mapping[str, Callable[..., object]]
) -> Iterator[Action]:
    """Carry out an approved action once; see `Guard.authorised`."""
    store, tenant = shell.sources.store, scope.context.tenant
    _still_covered(shell, store.approved(tenant, ticket), scope)
    approval = store.begin(tenant, ticket, now=shell.now())
    action = Action(
        ticket=approval.ticket,
        tool=approval.tool,
        arguments=json.loads(approval.arguments or "{}"),
        idempotency_key=approval.idempotency_key,
        is_edited=approval.edited,
        tools=tools,
    )
    settlement = Settlement.UNKNOWN
    try:
        with authorised(Authorisation(approval=approval)):
            yield action
        settlement = Settlement.DONE
    except ActionFailed:
        settlement = Settlement.NO_EFFECT
        raise
    finally:
        store.finish(tenant, approval.ticket, settlement, now=shell.now())


def _still_covered(shell: Shell, approval: Approval, scope: Scope) -> None:
    """Run today's policy on the approved action; it may only have become stricter where roles agreed.

    Raises:
        PolicyChanged: a block, or a hand-off to a role that has not approved. The ticket is open again.
    """
    decision = decide_again(shell, approval, scope)
    blocked = [reason.rule for reason in decision.reasons if reason.effect is Effect.BLOCK]
    missing = [
        reason.role
        for reason in decision.reasons
        if reason.effect is Effect.HAND_OFF
        and reason.role
        and reason.role not in approval.roles
        and not (reason.trigger is Trigger.UNSURE and reason.rule in approval.rules)
    ]
    if blocked or missing:
        roles = tuple(dict.fromkeys(role for role in missing if role))
        why = f"now blocked by {', '.join(blocked)}" if blocked else f"now also needs {', '.join(roles)}"
        shell.sources.store.reopen(approval.tenant, approval.ticket, roles=roles, why=why, now=shell.now())
        raise PolicyChanged(approval.ticket, why)


def decide_again(shell: Shell, approval: Approval, scope: Scope) -> Decision:
    """Run today's policy on an action that a person approved or is about to."""

    def failed(why: str) -> Decision:
        raise CheckFailed("policy re-run", exchange=approval.ticket, why=why)

    context = Context(
        tenant=approval.tenant,
        customer=approval.customer,
        conversation=approval.conversation,
        facts=scope.context.facts,
    )
    session = shell.session(approval.ticket, Scope(context=context))
    recorded = {name: value for name, value in approval.facts.items() if not isinstance(value, Unknown)}
    call = ToolCall(id=approval.ticket, name=approval.tool, arguments=approval.arguments)
    return shell.run(session.regate(call, recorded), failed)
