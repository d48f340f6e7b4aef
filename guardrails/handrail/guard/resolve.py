"""What a person decides: recorded through the guard, waited for, and read by the caller."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

from handrail.errors import ActionFailed, CheckFailed, ConfigError, NotAllowed
from handrail.guard.tool import tool_of
from handrail.pipeline.pipeline import Pipeline
from handrail.policy import FactDeclaration, Policy
from handrail.policy.language.sources import Source, ToolArgument
from handrail.records import Context, FactValue, Money
from handrail.text.paths import at
from handrail.tickets.action import canonical_arguments
from handrail.tickets.lifecycle import State
from handrail.tickets.ports import ResolutionView, TicketStore

if TYPE_CHECKING:
    from handrail.store import Actor
    from handrail.tickets.resolution import PartResolution, Resolution
    from handrail.tickets.ticket import ProposedAction, Ticket, TicketView, Verdict

Amounts: TypeAlias = Mapping[str, Money | Decimal]
ToolsByName: TypeAlias = Mapping[str, Callable[..., object]]


class ResolutionFields(TypedDict, total=False):
    """What a person says beside the verdict; all of it may be left out.

    `reason_code` is a short code such as `too_much` (`--reason` at the command line), `note` is for other
    reviewers. `message_to_user` is for the customer, `message_to_agent` for the assistant. The other fields
    are explained at `handrail.tickets.resolution.Resolution`.
    """

    reason_code: str
    note: str
    message_to_user: str
    message_to_agent: str
    answer: str
    changes: Mapping[str, object]
    arguments: str
    amounts: Amounts | None
    digest: str
    idempotency_key: str
    valid_for: timedelta
    opened_at: datetime | None
    readback: str
    parts: "tuple[PartResolution, ...]"


def resolution_of(verdict: "Verdict | str", fields: Mapping[str, Any]) -> "Resolution":
    """Return a resolution of a verdict and what was said beside it.

    Raises:
        ConfigError: there is no such verdict or field; it names those there are.
    """
    from handrail.tickets.resolution import Resolution
    from handrail.tickets.ticket import Verdict

    known = tuple(ResolutionFields.__annotations__)
    wrong = [name for name in fields if name not in known]
    if wrong:
        from difflib import get_close_matches

        meant = "".join(f" (did you mean {name}?)" for name in get_close_matches(wrong[0], known, n=1))
        raise ConfigError(f"a resolution has no field {wrong[0]!r}{meant}; its fields are {', '.join(known)}")
    if verdict not in set(Verdict):
        raise ConfigError(f"no such verdict; write {', '.join(Verdict)}")
    return Resolution(verdict=Verdict(verdict), **fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedBy:
    """Who decides, under which policy, in a program that guards these tools."""

    actor: "Actor"
    policy: Policy
    tools: ToolsByName = field(default_factory=dict)


def resolve(
    store: TicketStore, tenant: str, ticket: str, resolution: "Resolution", by: DecidedBy
) -> "TicketView":
    """Claim a ticket that is free, then record what the person decided; returns the ticket as it then stands.

    An edit is held against what the ticket knows of the tool and, where its function is among the tools,
    against that. Its amounts are read from the action as it then is, by the policy's own facts.

    Raises:
        ConfigError: this store takes no decisions.
        NotAllowed: not a member of the role, excluded, or an edit that cannot be carried out or read.
    """
    from handrail.store import SqlStore
    from handrail.tickets.ticket import Verdict

    if not isinstance(store, SqlStore):
        raise ConfigError("this guard's store takes no decisions")
    view = store.get(tenant, ticket)
    if view.ticket is None:
        raise NotAllowed(ticket, "its content was erased")
    if view.state is State.READY:
        store.claim(tenant, ticket, by.actor)
    if resolution.parts and resolution.amounts is not None:
        raise NotAllowed(ticket, "amounts of several calls are read from each of them")
    said: tuple[Resolution | PartResolution, ...] = (resolution, *resolution.parts)
    for one in said:
        if one.verdict is Verdict.EDIT and one.arguments:
            _must_be_readable(ticket, one.arguments)
    read = EditReading(ticket=ticket, by=by, stated=resolution.amounts)
    if not view.agreed:
        resolution = _with_amounts(view.ticket, resolution, by.policy)
    return store.resolve(tenant, ticket, resolution, by.actor, read_edit=read)


def _with_amounts(held: "Ticket", resolution: "Resolution", policy: Policy) -> "Resolution":
    """Return a resolution with the amounts of what it approves although nothing was read of it."""
    from handrail.tickets.ticket import Verdict

    def of(action: "ProposedAction | None", verdict: Verdict, amounts: Amounts | None) -> Amounts | None:
        is_approved = verdict is Verdict.APPROVE and amounts is None
        return _left_unread(action, policy) if is_approved else amounts

    actions = {part.part: part.action for part in held.parts}
    return replace(
        resolution,
        amounts=of(held.action, resolution.verdict, resolution.amounts),
        parts=tuple(
            replace(one, amounts=of(actions.get(one.part), one.verdict, one.amounts))
            for one in resolution.parts
        ),
    )


def _left_unread(action: "ProposedAction | None", policy: Policy) -> Amounts | None:
    """Return the amounts of an action that nothing was read of, because judging it failed; None otherwise.

    Who approves it sees its arguments, so the ledger counts what stands in them.
    """
    if action is None or action.amounts:
        return None
    try:
        arguments = json.loads(action.arguments or "{}")
    except ValueError:
        return None
    read = {
        name: _value(declaration, action.tool, arguments, None)
        for name, declaration in policy.facts.items()
        if isinstance(declaration.source, ToolArgument)
    }
    return {name: value for name, value in read.items() if isinstance(value, Money)} or None


def _must_be_readable(ticket: str, arguments: str) -> None:
    try:
        canonical_arguments(arguments)
    except CheckFailed as error:
        what = error.why if error.why.startswith("not ") else f"unreadable: {error.why}"
        raise NotAllowed(ticket, f"the edited arguments are {what}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class EditReading:
    """Reads an edited action: whether its tool can take it, and what a ledger counts of it.

    What the person themselves `stated` is not read.
    """

    ticket: str
    by: DecidedBy
    stated: Amounts | None = None

    def __call__(self, tool: str, arguments: str, before: Amounts) -> Amounts:
        """Return the amounts of an edited action.

        Args:
            tool: its name.
            arguments: its arguments as they now are, as JSON.
            before: its amounts before the edit, by the names of the policy's facts.

        Raises:
            NotAllowed: the tool's function cannot be called so, or an amount cannot be read any more.
        """
        edited = json.loads(arguments)
        self._check(tool, edited)
        if self.stated is not None:
            return self.stated
        amounts = dict(before)
        for name, declaration in self.by.policy.facts.items():
            source = declaration.source
            if isinstance(source, ToolArgument) and source.path_in(tool) is not None:
                was = before.get(name)
                value = _value(declaration, tool, edited, was)
                if was is not None:
                    amounts[name] = self._alike(name, value, was)
                elif isinstance(value, Money):
                    amounts[name] = value
        return amounts

    def _alike(self, name: str, value: FactValue, was: Money | Decimal) -> Money | Decimal:
        # Money stays money and a number a number: what reads as the other cannot be read.
        if isinstance(value, Money) and isinstance(was, Money):
            return value
        if isinstance(value, Decimal) and isinstance(was, Decimal):
            return value
        raise NotAllowed(self.ticket, f"{name} of the edited action cannot be read")

    def _check(self, tool: str, edited: Mapping[str, Any]) -> None:
        fn = self.by.tools.get(tool)
        found = tool_of(fn) if fn is not None else None
        if found is None:
            return
        try:
            found.function.check(edited)
        except ActionFailed as error:
            raise NotAllowed(self.ticket, f"{tool} cannot take the edit: {error}") from None


def _value(declaration: FactDeclaration, tool: str, edited: Mapping[str, object], was: object) -> FactValue:
    currency: object = was.currency if isinstance(was, Money) else None
    if isinstance(declaration.currency_from, ToolArgument):
        currency = _argument(declaration.currency_from, tool, edited)
    return declaration.read(_argument(declaration.source, tool, edited), currency=currency)


def _argument(source: Source, tool: str, edited: Mapping[str, object]) -> object:
    path = source.path_in(tool) if isinstance(source, ToolArgument) else None
    return at(edited, path) if path is not None else None


def withdraw(store: TicketStore, context: Context, ticket: str, words: str) -> None:
    """End a ticket because the customer of a context withdraws what they asked for.

    Raises:
        ConfigError: this store takes no withdrawals.
        TicketError: why it cannot be withdrawn.
    """
    from handrail.store import SqlStore

    if not isinstance(store, SqlStore):
        raise ConfigError("this guard's store takes no withdrawals")
    store.withdraw(context, ticket, words=words)


def read_resolution(
    pipeline: Pipeline, store: TicketStore, tenant: str, ticket: str
) -> ResolutionView | None:
    """Return what was decided, None while nobody has; words for the customer pass the scanner."""
    found = store.resolution(tenant, ticket)
    if found is None:
        return None
    redact = pipeline.redact_reply
    return replace(found, message_to_user=redact(found.message_to_user), answer=redact(found.answer))


async def wait(
    look: Callable[[], Awaitable[ResolutionView | None]], *, timeout_s: float, every_s: float
) -> ResolutionView | None:
    """Look until somebody has decided or the time is up."""
    import asyncio

    clock = asyncio.get_running_loop().time
    give_up = clock() + timeout_s
    while True:
        found = await look()
        if found is not None or clock() >= give_up:
            return found
        await asyncio.sleep(every_s)
