"""Pausing a graph for a person: the ticket decides, whatever a resume says."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langgraph.types import interrupt

from handrail.errors import ConfigError, TicketError
from handrail.guard.scope import current
from handrail.records import Handoff
from handrail.tickets.ports import Resolution
from handrail_adapters.langchain_agents.schema import hitl_request, ruling_of

if TYPE_CHECKING:
    from handrail.guard import Guard
    from handrail.store import SqlStore

TICKET_KEY = "handrail_ticket"


def exchange_id(thread: object, step: object) -> str:
    """Return the id of one step of one thread: a node that runs again opens the same ticket again."""
    return hashlib.sha256(f"{thread}\x00{step}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Waits for the decision on a ticket inside a graph's node.

    Args:
        guard: whose tickets they are.
        reviewer: returns the name of the person behind a resume. Their decision is then recorded as theirs,
            if the ticket's role allows it. Without it a resume only means "look again": people decide
            elsewhere, in the inbox.
    """

    guard: "Guard"
    reviewer: Callable[[], str] | None = None

    def resolution(self, handoff: Handoff) -> Resolution:
        """Return the decision; pauses the graph as long as there is none."""
        refused, turn = "", 0
        while True:
            seen = self._look(handoff, refused)
            if isinstance(seen, Resolution):
                return seen
            refused = self._record(handoff.ticket, interrupt(seen), turn)
            turn += 1

    async def aresolution(self, handoff: Handoff) -> Resolution:
        """Return the decision, as `resolution` does; the store is asked in a thread."""
        refused, turn = "", 0
        while True:
            seen = await asyncio.to_thread(self._look, handoff, refused)
            if isinstance(seen, Resolution):
                return seen
            refused = await asyncio.to_thread(self._record, handoff.ticket, interrupt(seen), turn)
            turn += 1

    def _look(self, handoff: Handoff, refused: str) -> Resolution | dict[str, Any]:
        found = self.guard.resolution(handoff.ticket)
        if found is not None and found.verdict != "reject":
            return found
        view = self._store.get(current().context.tenant, handoff.ticket)
        if found is not None:
            # A rejection names no action that could run; which one it was is in the ticket.
            action = view.ticket.action if view.ticket else None
            return replace(found, tool=action.tool if action else "")
        return hitl_request(view, handoff, refused=refused)

    def _record(self, ticket: str, response: object, turn: int) -> str:
        """Record a response as its person's decision; returns why it does not count, if it does not."""
        from handrail.guard.decide import decide
        from handrail.store.deciding import Hand

        if self.reviewer is None:
            return ""
        people = self.guard.people
        if people is None:
            raise ConfigError("people can only decide here if the guard was given a people file")
        tenant = current().context.tenant
        hand = Hand(person=self.reviewer(), people=people, now=datetime.now(UTC))
        try:
            view = self._store.get(tenant, ticket)
            ruling = ruling_of(response, view, key=f"{ticket}:{turn}:{hand.person}")
            if view.claimed_by != hand.person:
                self._store.claim(tenant, ticket, hand)
            decide(self._store, self.guard.policy, tenant, ticket, ruling=ruling, hand=hand)
        except (TicketError, ValueError) as error:
            return str(error)
        return ""

    @property
    def _store(self) -> "SqlStore":
        return cast("SqlStore", self.guard.store)


def continuation(message: BaseMessage, handoff: Handoff, found: Resolution) -> Sequence[BaseMessage]:
    """Return the messages that go on from a decision; the first takes the place of the notice.

    An approved action becomes a call of the tool, with the arguments as a person left them. A rejected one is
    shown to the model with its refusal, so that the model can answer; it never becomes a call that can run.
    """
    call: dict[str, Any] = {"name": found.tool, "id": f"handrail-{handoff.ticket}", "type": "tool_call"}
    marked = {TICKET_KEY: handoff.ticket}
    if found.verdict in ("approve", "edit") and found.tool:
        calls = [{**call, "args": _loaded(found.arguments)}]
        return [AIMessage("", id=message.id, tool_calls=calls, additional_kwargs=marked)]
    if found.verdict == "reject" and found.tool:
        reason = found.message_to_agent or "no reason was given"
        told = f"A person ({found.role}) rejected this action: {reason}. It was not carried out."
        calls = [{**call, "args": {}}]
        return [
            AIMessage("", id=message.id, tool_calls=calls, additional_kwargs=marked),
            ToolMessage(told, name=found.tool, tool_call_id=str(call["id"]), status="error"),
        ]
    text = found.answer or found.message_to_user or handoff.notice
    return [AIMessage(text, id=message.id, additional_kwargs=marked)]


def _loaded(arguments: str) -> dict[str, Any]:
    value = json.loads(arguments or "{}")
    return value if isinstance(value, dict) else {}
