"""Plays a scenario turn by turn and says where it differs from what was expected."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import cast

from handrail.store import SqlStore
from handrail.tickets.ports import Attempt
from handrail.tickets.ticket import TicketView
from handrail_adapters.demo.opening import Shop
from handrail_adapters.demo.scenario import SYSTEM, Scenario, Turn
from handrail_adapters.demo.talk import Chat, Heard

TENANT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One turn as it went: what the customer heard, the dollars paid back, the ticket and what joined it."""

    turn: Turn
    heard: Heard
    refunded: int
    ticket: TicketView | None = None
    attempts: tuple[Attempt, ...] = ()
    differences: tuple[str, ...] = ()


class Player:
    """Plays a scenario in an open shop; a conversation goes on from turn to turn."""

    def __init__(self, shop: Shop, scenario: Scenario) -> None:
        self.shop, self.scenario = shop, scenario
        self.store = cast("SqlStore", shop.guard.store)
        self._chats: dict[str, Chat] = {}

    def turns(self) -> Iterator[Played]:
        """Play every turn, in order."""
        for turn in self.scenario.turns:
            yield self._play(turn)

    def say(self, turn: Turn, words: str) -> Heard:
        """Say something in the conversation of a turn."""
        chat = self._chats.setdefault(turn.conversation, _opening(turn))
        chat.append({"role": "user", "content": words})
        with self.shop.guard.context(tenant=TENANT, customer=turn.customer, conversation=turn.conversation):
            return self.shop.assistant.reply(chat)

    def leaks(self) -> tuple[str, ...]:
        """Say which of the scenario's secrets the model was sent."""
        model = self.shop.model
        seen = str([request.body for request in model.seen]) if model else ""
        return tuple(
            f"secret {number} reached the model"
            for number, secret in enumerate(self.scenario.secrets, 1)
            if secret in seen
        )

    def _play(self, turn: Turn) -> Played:
        before = len(self.shop.service.refunds)
        heard = self.say(turn, turn.says)
        paid = sum(int(refund["amount"]) for refund in self.shop.service.refunds[before:])
        played = Played(turn=turn, heard=heard, refunded=paid)
        if heard.handoff is not None:
            ticket = heard.handoff.ticket
            played = replace(
                played,
                ticket=self.store.get(TENANT, ticket),
                attempts=self.store.attempts(TENANT, ticket),
            )
        return replace(played, differences=tuple(differences(played)))


def differences(played: Played) -> Iterator[str]:
    """Yield where a turn differs from what was expected of it."""
    expects, handoff = played.turn.expects, played.heard.handoff
    role = handoff.role if handoff else None
    if role != expects.role:
        yield f"decided by {role or 'the assistant'}, not by {expects.role or 'the assistant'}"
    if expects.trigger and handoff and expects.trigger not in handoff.triggers:
        yield f"handed off because of {', '.join(handoff.triggers)}, not {expects.trigger}"
    if handoff and handoff.joined is not expects.joined:
        yield "joined an open ticket" if handoff.joined else "opened a ticket of its own"
    if expects.note and not _noted(played.attempts, expects.note):
        yield f"the ticket does not say {expects.note!r}"
    if missing := expects.rules - rules_of(played.ticket):
        yield f"these rules did not fire: {', '.join(sorted(missing))}"
    if played.refunded != expects.refunded:
        yield f"{played.refunded} USD were paid back, not {expects.refunded}"


def rules_of(view: TicketView | None) -> frozenset[str]:
    """Return the rules that a ticket names."""
    if view is None or view.ticket is None:
        return frozenset()
    return frozenset(rule.rule for rule in view.ticket.policy.rules)


def _noted(attempts: Sequence[Attempt], words: str) -> bool:
    return any(words in attempt.note for attempt in attempts)


def _opening(turn: Turn) -> Chat:
    chat: Chat = [{"role": "system", "content": SYSTEM}]
    for asked, answered in turn.before:
        chat += [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]
    return chat
