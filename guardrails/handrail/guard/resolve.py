"""What a person settles: recorded through the guard, waited for, and read by the caller."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from handrail.errors import NotAllowed
from handrail.pipeline import Engine
from handrail.policy import Policy
from handrail.policy.language.sources import Source, ToolArgument
from handrail.records import Money
from handrail.tickets.lifecycle import State
from handrail.tickets.ports import ResolutionView, TicketStore

if TYPE_CHECKING:
    from handrail.store import Actor, SqlStore
    from handrail.tickets.resolution import Resolution
    from handrail.tickets.ticket import ProposedAction, TicketView


def decide(
    store: "SqlStore", policy: Policy, tenant: str, ticket: str, *, resolution: "Resolution", actor: "Actor"
) -> "TicketView":
    """Claim a ticket that is free, then record the decision.

    Raises:
        NotAllowed: not a member of the role, excluded, or an edited amount that cannot be read.
    """
    from handrail.tickets.ticket import Verdict

    view = store.get(tenant, ticket)
    if view.ticket is None:
        raise NotAllowed(ticket, "its content was erased")
    if view.state is State.READY:
        view = store.claim(tenant, ticket, actor)
    held = view.ticket
    if resolution.verdict is Verdict.EDIT and resolution.amounts is None and held is not None and held.action:
        amounts = _amounts(policy, held.action, _edited(ticket, resolution), ticket)
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


def _amounts(
    policy: Policy, action: "ProposedAction", edited: Mapping[str, object], ticket: str
) -> dict[str, Money]:
    """Read every amount of the action from the edited arguments; what was not edited stays as it was."""
    amounts: dict[str, Money] = {}
    for name, record in action.amounts.items():
        value = record.fact()
        declaration = policy.facts.get(name)
        if declaration is not None and (raw := _at(edited, declaration.source)) is not None:
            currency = _at(edited, declaration.currency_from) if declaration.currency_from else None
            kept = value.currency if isinstance(value, Money) else None
            value = declaration.read(raw, currency=currency or kept)
        if not isinstance(value, Money):
            raise NotAllowed(ticket, f"{name} of the edited action cannot be read")
        amounts[name] = value
    return amounts


def _at(edited: Mapping[str, object], source: Source) -> object:
    if not isinstance(source, ToolArgument):
        return None
    value: object = edited
    for step in source.path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def resolution(engine: Engine, store: TicketStore, tenant: str, ticket: str) -> ResolutionView | None:
    """Return what was decided, None while nobody has; words for the customer pass the scanner."""
    found = store.resolution(tenant, ticket)
    if found is None:
        return None
    return replace(
        found, message_to_user=engine.spoken(found.message_to_user), answer=engine.spoken(found.answer)
    )


async def wait(
    engine: Engine, store: TicketStore, tenant: str, ticket: str, *, timeout_s: float, every_s: float
) -> ResolutionView | None:
    """Look until somebody has decided or the time is up."""
    clock = asyncio.get_running_loop().time
    give_up = clock() + timeout_s
    while True:
        found = await asyncio.to_thread(resolution, engine, store, tenant, ticket)
        if found is not None or clock() >= give_up:
            return found
        await asyncio.sleep(every_s)
