"""Pauses a graph for a person. What the ticket says counts, whatever a resume says."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langgraph.types import interrupt

from handrail.errors import ConfigError, TicketError
from handrail.guard.context import current
from handrail.records import Handoff
from handrail.tickets.ports import ResolutionView
from handrail.tickets.proposed import divides
from handrail.tickets.resolution import PartResolution, Resolution
from handrail.tickets.ticket import ProposedAction, ProposedPart, TicketView, Verdict
from handrail_adapters.langchain.tools import call_id_of

if TYPE_CHECKING:
    from handrail.guard import Guard
    from handrail.store import SqlStore


_VERDICTS = {
    "approve": Verdict.APPROVE,
    "edit": Verdict.EDIT,
    "reject": Verdict.REJECT,
    "respond": Verdict.ANSWER,
}


def hitl_request(view: TicketView, handoff: Handoff, *, refused: str = "") -> dict[str, Any]:
    """Return the value of an interrupt: what is proposed, what may be decided about it, and the ticket.

    Arguments are masked as the ticket is. A ticket without an action shows the withheld answer as one that is
    called `answer`. Of several calls each is an action of its own, to be decided by as many decisions; a
    single decision is about the first, and the others then never run. `refused` says why the last response
    did not count.
    """
    ticket = view.ticket
    action = ticket.action if ticket else None
    summary = ticket.summary if ticket else None
    name = action.tool if action else "answer"
    args = shown_arguments(action) if action else {"text": ticket.draft_answer if ticket else ""}
    told = [summary.situation, summary.assessment, summary.request] if summary else []
    allowed = ticket.allowed if ticket else ()
    decisions = [name for name, verdict in _VERDICTS.items() if verdict in allowed]
    parts = [part.action for part in _divisible(view)]
    of_parts = [name for name in decisions if name != "respond"]
    request: dict[str, Any] = {
        "action_requests": [
            {"name": name, "args": args, "description": "\n".join(filter(None, told))},
            *({"name": one.tool, "args": shown_arguments(one), "description": ""} for one in parts),
        ],
        "review_configs": [
            {"action_name": name, "allowed_decisions": decisions},
            *({"action_name": one.tool, "allowed_decisions": of_parts} for one in parts),
        ],
        "ticket": view.id,
        "role": view.role,
        "due": handoff.due.isoformat() if handoff.due else None,
        "digest": view.digest,
    }
    return {**request, "refused": refused} if refused else request


def _divisible(view: TicketView) -> tuple[ProposedPart, ...]:
    """Return the calls that can be decided beside the action."""
    return view.ticket.parts if view.ticket is not None and divides(view) else ()


def shown_arguments(action: ProposedAction) -> dict[str, Any]:
    """Return an action's arguments as a reviewer sees them."""
    try:
        value = json.loads(action.arguments)
    except ValueError:
        return {"arguments": action.arguments}
    return value if isinstance(value, dict) else {"arguments": value}


def ruling_of(response: object, view: TicketView, *, key: str) -> Resolution:
    """Return the resolution in a response of the human-in-the-loop schema.

    Args:
        response: `{"decisions": [{"type": …}]}`, one for each action that was shown, or a single decision.
        view: the ticket that was shown.
        key: the same key again is the same decision.

    Raises:
        ValueError: it is no such response, or another action than the one that was shown.
    """
    parts = _divisible(view)
    first, *others = _decisions(response, 1 + len(parts))
    action = view.ticket.action if view.ticket else None
    own = _said(first, action)
    return Resolution(
        **own,
        reason_code="hitl",
        idempotency_key=key,
        parts=tuple(
            PartResolution(
                part=part.part, digest=part.action.digest, reason_code="hitl", **_said(one, part.action)
            )
            for part, one in zip(parts if others else (), others, strict=True)
        ),
    )


def _said(decision: Mapping[str, Any], action: ProposedAction | None) -> dict[str, Any]:
    """Return what one decision says of one action."""
    verdict = _VERDICTS.get(str(decision.get("type")))
    if verdict is None:
        raise ValueError("a decision has the type approve, edit, reject or respond")
    message = str(decision.get("message") or "")
    match verdict:
        case Verdict.EDIT:
            return {"verdict": verdict, **_edited(decision, action)}
        case Verdict.ANSWER:
            return {"verdict": verdict, "answer": message}
        case Verdict.REJECT:
            return {"verdict": verdict, "message_to_agent": message}
        case _:
            return {"verdict": verdict}


def _decisions(response: object, most: int) -> list[Mapping[str, Any]]:
    if isinstance(response, Mapping):
        found = response.get("decisions")
        if (
            isinstance(found, list)
            and len(found) in (1, most)
            and all(isinstance(one, Mapping) for one in found)
        ):
            return found
        if found is None and "type" in response:
            return [response]
    raise ValueError("a response holds exactly one decision for each action")


def _edited(decision: Mapping[str, Any], action: ProposedAction | None) -> dict[str, Any]:
    edited = decision.get("edited_action")
    if not isinstance(edited, Mapping) or not isinstance(edited.get("args"), Mapping):
        raise ValueError("an edit holds the edited action with its arguments")
    if action is None:
        return {"answer": str(edited["args"].get("text", ""))}
    if edited.get("name") != action.tool:
        raise ValueError("an edit may change the arguments of an action, not make it another one")
    shown = shown_arguments(action)
    # What was shown masked comes back masked; only what a person changed counts.
    changes = {name: value for name, value in edited["args"].items() if shown.get(name, ...) != value}
    return {"changes": changes}


TICKET_KEY = "handrail_ticket"


def exchange_id(thread: object, step: object) -> str:
    """Return the id of one step of one thread: a node that runs again opens the same ticket again."""
    return hashlib.sha256(f"{thread}\x00{step}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketWait:
    """Waits for the decision on a ticket inside a graph's node.

    Args:
        guard: whose tickets they are.
        reviewer: returns the name of the person behind a resume. Their decision is then recorded as theirs,
            if the ticket's role allows it. Without it a resume only means "look again": people decide
            elsewhere, in the inbox.
    """

    guard: "Guard"
    reviewer: Callable[[], str] | None = None

    def resolution(self, handoff: Handoff) -> ResolutionView:
        """Return the decision; pauses the graph as long as there is none."""
        refused, turn = "", 0
        while True:
            seen = self._look(handoff, refused)
            if isinstance(seen, ResolutionView):
                return seen
            refused = self._record(seen["ticket"], interrupt(seen), turn)
            turn += 1

    async def aresolution(self, handoff: Handoff) -> ResolutionView:
        """Return the decision, as `resolution` does; the store is asked in a thread."""
        refused, turn = "", 0
        while True:
            seen = await asyncio.to_thread(self._look, handoff, refused)
            if isinstance(seen, ResolutionView):
                return seen
            refused = await asyncio.to_thread(self._record, seen["ticket"], interrupt(seen), turn)
            turn += 1

    def _look(self, handoff: Handoff, refused: str) -> ResolutionView | dict[str, Any]:
        found, tenant = self.guard.resolution(handoff.ticket), current().context.tenant
        if found is not None and found.undecided:
            # A call that one role let through waits for another: it has a ticket of its own by now.
            return hitl_request(self._store.get(tenant, found.undecided[0]), handoff, refused=refused)
        if found is not None and found.verdict != "reject":
            return found
        view = self._store.get(tenant, handoff.ticket)
        if found is not None:
            # A rejection names no action that could run; which one it was is in the ticket.
            action = view.ticket.action if view.ticket else None
            return replace(found, tool=action.tool if action else "")
        return hitl_request(view, handoff, refused=refused)

    def _record(self, ticket: str, response: object, turn: int) -> str:
        """Record a response as its person's decision; returns why it does not count, if it does not."""
        from handrail.guard.resolve import DecidedBy, resolve
        from handrail.store.tickets.actor import Actor

        if self.reviewer is None:
            return ""
        people = self.guard.people
        if people is None:
            raise ConfigError("people can only decide here if the guard was given a people file")
        tenant = current().context.tenant
        actor = Actor(person=self.reviewer(), people=people, now=datetime.now(UTC))
        try:
            view = self._store.get(tenant, ticket)
            resolution = ruling_of(response, view, key=f"{ticket}:{turn}:{actor.person}")
            if view.claimed_by != actor.person:
                self._store.claim(tenant, ticket, actor)
            by = DecidedBy(actor=actor, policy=self.guard.policy, tools=self.guard.tools)
            resolve(self._store, tenant, ticket, resolution, by)
        except (TicketError, ValueError) as error:
            return str(error)
        return ""

    @property
    def _store(self) -> "SqlStore":
        return cast("SqlStore", self.guard.store)


def continuation(message: BaseMessage, handoff: Handoff, found: ResolutionView) -> Sequence[BaseMessage]:
    """Return the messages that go on from a decision; the first takes the place of the notice.

    An approved action becomes a call of the tool, with the arguments as a person left them. A rejected one is
    shown to the model with its refusal, so that the model can answer; it never becomes a call that can run.
    The calls that were proposed in the same turn stand before it, each with the answer that it was not run.
    """
    every = [one for one in (replace(found, ticket=handoff.ticket), *found.parts) if one.tool]
    approved = [one for one in every if one.verdict in ("approve", "edit")]
    rejected = [one for one in every if one.verdict == "reject"]
    marked = {TICKET_KEY: handoff.ticket}
    before = _left_out(message.id, handoff.ticket, found.beside)
    if rejected:
        calls = [_call(one, {}) for one in rejected]
        own = None if before else message.id
        before += [
            AIMessage("", id=own, tool_calls=calls, additional_kwargs=marked),
            *map(_refusal, rejected),
        ]
    own = None if before else message.id
    if approved:
        calls = [_call(one, _loaded(one.arguments)) for one in approved]
        return [*before, AIMessage("", id=own, tool_calls=calls, additional_kwargs=marked)]
    if rejected:
        return before
    text = found.answer or found.message_to_user or handoff.notice
    return [*before, AIMessage(text, id=own, additional_kwargs=marked)]


def _call(found: ResolutionView, arguments: dict[str, Any]) -> Any:
    return {"name": found.tool, "id": call_id_of(found.ticket), "type": "tool_call", "args": arguments}


def _refusal(found: ResolutionView) -> ToolMessage:
    reason = found.message_to_agent or "no reason was given"
    told = f"A person ({found.role}) rejected this action: {reason}. It was not carried out."
    return ToolMessage(told, name=found.tool, tool_call_id=call_id_of(found.ticket), status="error")


def _left_out(message: str | None, ticket: str, tools: Sequence[str]) -> list[BaseMessage]:
    """Return the calls that a hand-off kept from running as a turn of their own, each with its answer.

    A tool node runs what stands in the last message of the model, so that none of these can run.
    """
    if not tools:
        return []
    calls: list[Any] = [
        {"name": tool, "args": {}, "id": f"not-run-{ticket}-{number}", "type": "tool_call"}
        for number, tool in enumerate(tools)
    ]
    told = [ToolMessage(NOT_RUN, name=one["name"], tool_call_id=one["id"], status="error") for one in calls]
    return [AIMessage("", id=message, tool_calls=calls), *told]


NOT_RUN = (
    "Not carried out: a person had to decide on another call of this turn first. "
    "Propose it again if it is still wanted."
)
"""What a model is told of a call that was proposed beside the one that a person decided."""


def _loaded(arguments: str) -> dict[str, Any]:
    value = json.loads(arguments or "{}")
    return value if isinstance(value, dict) else {}
