"""Plays a scenario turn by turn with an assistant as an application would write it."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, cast

from openai import DefaultHttpxClient, OpenAI

from handrail.errors import AnswerBlocked, HandoffRequired
from handrail.guard import Guard
from handrail.policy import load, load_people
from handrail.records import Handoff
from handrail.store import Spool, SqlStore, open_store
from handrail.tickets.ports import Attempt
from handrail.tickets.ticket import TicketView
from handrail_adapters.demo.scenario import SCRIPT, SYSTEM, Scenario, Turn
from handrail_adapters.demo.scripted_model import MODEL, Script, ScriptedModelServer
from handrail_adapters.demo.shop import ShopClient, ShopServer, tool_schemas
from handrail_adapters.openai import get_handoff, guard_openai

MOST_STEPS = 6

Chat = list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the customer hears, the hand-off behind it if there is one, and the tools that ran."""

    text: str
    handoff: Handoff | None = None
    ran: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Assistant:
    """A chat loop over a (guarded) client and (guarded) tools.

    Args:
        client: the OpenAI client.
        tools: the functions the model may call, by name.
        model: the model's name.
    """

    client: OpenAI
    tools: Mapping[str, Callable[..., object]]
    model: str

    def reply(self, chat: Chat) -> Heard:
        """Answer the last message of a chat; what was said and done is appended to it."""
        ran: list[str] = []
        for _ in range(MOST_STEPS):
            completion = self.client.chat.completions.create(
                model=self.model,
                messages=chat,  # type: ignore[arg-type]
                tools=tool_schemas(),  # type: ignore[arg-type]
            )
            message = completion.choices[0].message
            handoff = get_handoff(completion)
            chat.append(message.model_dump(include={"role", "content", "tool_calls"}, exclude_none=True))
            if handoff is not None or not message.tool_calls:
                text = message.content or message.refusal or ""
                return Heard(text=text, handoff=handoff, ran=tuple(ran))
            for call in message.tool_calls:
                if call.type != "function":
                    continue
                try:
                    result = self._run(call.function.name, call.function.arguments, ran)
                except HandoffRequired as stopped:
                    chat.append({"role": "tool", "tool_call_id": call.id, "content": stopped.handoff.notice})
                    return Heard(text=stopped.handoff.notice, handoff=stopped.handoff, ran=tuple(ran))
                chat.append({"role": "tool", "tool_call_id": call.id, "content": result})
        return Heard(text="I could not work that out.", ran=tuple(ran))

    def _run(self, name: str, arguments: str, ran: list[str]) -> str:
        tool = self.tools.get(name)
        if tool is None:
            return json.dumps({"error": f"there is no tool {name}"})
        try:
            result = tool(**json.loads(arguments or "{}"))
        except AnswerBlocked as blocked:
            return json.dumps({"error": str(blocked)})
        except (TypeError, ValueError):
            return json.dumps({"error": "these arguments do not fit the tool"})
        ran.append(name)
        return json.dumps(result)


TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAt:
    """A model elsewhere that speaks the OpenAI protocol."""

    base_url: str | None
    api_key: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """An open shop. `model` is the scripted model's server, None where another model speaks."""

    guard: Guard
    assistant: Assistant
    service: ShopServer
    client: ShopClient
    model: ScriptedModelServer | None


@contextmanager
def open_shop(
    *,
    store: str,
    policy: str | Path = "support",
    people: Path | None = None,
    script: Script = SCRIPT,
    elsewhere: ModelAt | None = None,
) -> Iterator[Shop]:
    """Open the shop inside a `with` block.

    Args:
        store: URL of the ticket store.
        policy: a policy file, or the name of a shipped one.
        people: who fills which role; by default the demo's own people.
        script: what the scripted model says.
        elsewhere: the model to ask in place of the scripted one.
    """
    with ExitStack() as stack:
        cast = people or stack.enter_context(as_file(files(__package__) / "people.yaml"))
        rules = load(policy)
        # A demonstration may lie in memory or on a shared disk: nothing of it is meant to last.
        tickets = open_store(store, allow_volatile=True)
        guard = Guard(rules, store=tickets, spool=Spool.beside(store), people=load_people(cast, rules))
        stack.callback(guard.close)
        service = stack.enter_context(ShopServer())
        client = ShopClient(service.url)
        stack.callback(client.close)
        scripted = None if elsewhere else stack.enter_context(ScriptedModelServer(script))
        at = elsewhere or ModelAt(
            base_url=scripted.base_url if scripted else None, api_key="scripted", model=MODEL
        )
        # A proxy that the environment names cannot reach a server on this machine's loopback.
        http = DefaultHttpxClient(trust_env=elsewhere is not None)
        plain = OpenAI(base_url=at.base_url, api_key=at.api_key, timeout=TIMEOUT_S, http_client=http)
        stack.callback(plain.close)
        tools = {fn.__name__: guard.tool(fn) for fn in client.functions}
        assistant = Assistant(client=guard_openai(plain, guard), tools=tools, model=at.model)
        yield Shop(guard=guard, assistant=assistant, service=service, client=client, model=scripted)


TENANT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One turn as it went: what the customer heard, the dollars paid back, the ticket and what joined it.

    Times are told in `zone`, as the policy tells them to the customer.
    """

    turn: Turn
    heard: Heard
    refunded: int
    zone: str = "UTC"
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
        played = Played(turn=turn, heard=heard, refunded=paid, zone=self.shop.guard.policy.time_zone)
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
