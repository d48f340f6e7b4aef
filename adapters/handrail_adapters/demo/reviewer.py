"""The second half of the demonstration: a person edits and approves; the action runs once, and only once."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

from handrail.errors import ConfigError, TicketError
from handrail.records import Money
from handrail.store import Actor
from handrail.tickets.ports import ResolutionView
from handrail.tickets.resolution import Resolution
from handrail.tickets.ticket import TicketView, Verdict
from handrail_adapters.demo.play import TENANT, Heard, Player
from handrail_adapters.demo.scenario import Review


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An attempt that should be refused, and the error that refused it; empty if it was not."""

    what: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """How it went: what was asked for and refused, what the shop paid, what the customer heard afterwards."""

    review: Review
    customer: str
    ticket: str
    reference: str
    asked: str
    refused: tuple[Refused, ...]
    paid: tuple[int, ...]
    resolution: ResolutionView | None
    heard: Heard
    is_told: bool
    differences: tuple[str, ...] = ()


def decide(player: Player, review: Review, ticket: str) -> Reviewed:
    """Let the reviewer edit and approve a ticket, carry it out, click again, and let the customer ask."""
    shop, turn = player.shop, next(t for t in player.scenario.turns if t.number == review.turn)
    before = len(shop.service.refunds)
    view = player.store.get(TENANT, ticket)
    asked = _asked(view)
    refused = [
        _refusal("carrying it out before anybody decided", lambda: _carry_out(player, ticket)),
        _refusal(f"a decision by {turn.customer}", lambda: _rule(player, review, ticket, turn.customer)),
    ]
    _rule(player, review, ticket, review.reviewer)
    _carry_out(player, ticket)
    refused.append(_refusal("a second click", lambda: _carry_out(player, ticket)))
    paid = tuple(int(refund["amount"]) for refund in shop.service.refunds[before:])
    heard = player.say(turn, review.then_asks)
    reviewed = Reviewed(
        review=review,
        customer=turn.customer,
        ticket=ticket,
        reference=view.reference,
        asked=asked,
        refused=tuple(refused),
        paid=paid,
        resolution=shop.guard.resolution(ticket),
        heard=heard,
        is_told=_model_was_told(player, review.note_must_hold),
    )
    return replace(reviewed, differences=tuple(_differences(reviewed)))


def _rule(player: Player, review: Review, ticket: str, person: str) -> None:
    people = player.shop.guard.people
    if people is None:
        raise ConfigError("the demonstration needs a people file")
    actor = Actor(person=person, people=people, now=datetime.now(UTC))
    view = player.store.claim(TENANT, ticket, actor)
    resolution = Resolution(
        verdict=Verdict.EDIT,
        changes={"amount": review.amount},
        amounts=_amounts(view, review.amount),
        reason_code="partial_refund",
        message_to_user=review.message,
        digest=view.digest,
    )
    player.store.resolve(TENANT, ticket, resolution, actor)


def _amounts(view: TicketView, amount: int) -> dict[str, Money | Decimal]:
    """Return what the ledger counts after the edit: the new amount for every amount of the action."""
    action = view.ticket.action if view.ticket else None
    facts = {name: fact.fact() for name, fact in action.amounts.items()} if action else {}
    return {
        name: Money(amount=Decimal(amount), currency=value.currency)
        for name, value in facts.items()
        if isinstance(value, Money)
    }


def _asked(view: TicketView) -> str:
    action = view.ticket.action if view.ticket else None
    return str(json.loads(action.arguments).get("amount", "")) if action else ""


def _carry_out(player: Player, ticket: str) -> None:
    with player.shop.guard.authorised(ticket) as action, player.shop.client.keyed(action.idempotency_key):
        action.run()


def _refusal(what: str, attempt: Callable[[], None]) -> Refused:
    try:
        attempt()
    except TicketError as error:
        return Refused(what=what, error=type(error).__name__)
    return Refused(what=what, error="")


def _model_was_told(player: Player, words: str) -> bool:
    model = player.shop.model
    return model is not None and words in str(model.seen[-1].body.get("messages"))


def _differences(reviewed: Reviewed) -> Iterator[str]:
    for refused in reviewed.refused:
        if not refused.error:
            yield f"not refused: {refused.what}"
    if reviewed.paid != (reviewed.review.amount,):
        yield f"the shop paid {list(reviewed.paid)}, not once {reviewed.review.amount}"
    if reviewed.heard.handoff is not None:
        yield "the conversation was not given back to the assistant"
    if not reviewed.is_told:
        yield "the assistant was not told of the decision"
