"""What a person decides: recorded through the guard, waited for, and read by the caller."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias, TypedDict

from handrail.errors import ConfigError, NotAllowed
from handrail.pipeline.pipeline import Pipeline
from handrail.policy import Policy
from handrail.policy.language.sources import Source, ToolArgument
from handrail.records import FactValue, Money
from handrail.text.paths import at
from handrail.tickets.lifecycle import State
from handrail.tickets.ports import ResolutionView, TicketStore

if TYPE_CHECKING:
    from handrail.store import Actor
    from handrail.tickets.resolution import Resolution
    from handrail.tickets.ticket import TicketView

Amounts: TypeAlias = Mapping[str, Money | Decimal]


class ResolutionFields(TypedDict, total=False):
    """What a person says beside the verdict; all of it may be left out.

    `reason_code` is one of the policy's, `note` is for other reviewers. `message_to_user` is for the
    customer, `message_to_agent` for the assistant. The other fields are explained at
    `handrail.tickets.resolution.Resolution`.
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


def resolve(
    store: TicketStore, policy: Policy, tenant: str, ticket: str, *, resolution: "Resolution", actor: "Actor"
) -> "TicketView":
    """Claim a ticket that is free, then record what the person decided.

    Raises:
        ConfigError: this store takes no decisions.
        NotAllowed: not a member of the role, excluded, or an edited amount that cannot be read.
    """
    from handrail.store import SqlStore
    from handrail.tickets.ticket import Verdict, amounts_of

    if not isinstance(store, SqlStore):
        raise ConfigError("this guard's store takes no decisions")
    view = store.get(tenant, ticket)
    if view.ticket is None:
        raise NotAllowed(ticket, "its content was erased")
    if view.state is State.READY:
        view = store.claim(tenant, ticket, actor)
    held = view.ticket
    if resolution.verdict is Verdict.EDIT and resolution.amounts is None and held is not None and held.action:
        amounts = _amounts(policy, amounts_of(held.action.amounts), _edited(ticket, resolution), ticket)
        resolution = replace(resolution, amounts=amounts)
    return store.resolve(tenant, ticket, resolution, actor)


def _edited(ticket: str, resolution: "Resolution") -> Mapping[str, object]:
    if not resolution.arguments:
        return resolution.changes
    try:
        read = json.loads(resolution.arguments)
    except ValueError:
        raise NotAllowed(ticket, "the edited arguments are not JSON") from None
    if not isinstance(read, dict):
        raise NotAllowed(ticket, "the edited arguments are not a JSON object")
    return read


def _amounts(policy: Policy, before: Amounts, edited: Mapping[str, object], ticket: str) -> Amounts:
    """Read every amount of an action from the edited arguments; what was not edited stays as it was.

    Money stays money and a number a number: what reads as the other cannot be read.
    """
    amounts: dict[str, Money | Decimal] = {}
    for name, was in before.items():
        value: FactValue = was
        kept, declaration = was if isinstance(was, Money) else None, policy.facts.get(name)
        if declaration is not None:
            raw, currency = _edit(edited, declaration.source), _edit(edited, declaration.currency_from)
            if raw is None and currency is not None and kept is not None:
                raw = kept.amount
            if raw is not None:
                value = declaration.read(raw, currency=currency or (kept and kept.currency))
        if not isinstance(value, type(was)):
            raise NotAllowed(ticket, f"{name} of the edited action cannot be read")
        amounts[name] = value
    return amounts


def _edit(edited: Mapping[str, object], source: Source | None) -> object:
    return at(edited, source.path) if isinstance(source, ToolArgument) else None


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
