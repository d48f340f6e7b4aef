"""Programs that let a model act behind the guard, one for each framework, and deaths between store writes.

A `World` is what outlasts a process: the store, what the tool really did, and what the framework keeps of its
own (a checkpointer, a serialised state, a list of messages). A turn goes on from there with a new guard, as a
program does that is started again.
"""

import asyncio
import copy
import itertools
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from agents import Agent as SdkAgent
from agents import Model, ModelResponse, RunConfig, Runner, RunState, Usage, function_tool
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import BaseTool, StructuredTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText
from pydantic_ai import Agent, DeferredToolRequests, FunctionToolset
from pydantic_ai.messages import ModelResponse as Response
from pydantic_ai.messages import TextPart, ToolCallPart
from pydantic_ai.models.function import FunctionModel
from sqlalchemy import select

from handrail import Guard, HandoffRequired
from handrail.errors import TicketError
from handrail.guard.outcome import Outcome
from handrail.guard.resolve import DecidedBy, resolve
from handrail.policy import People, Policy
from handrail.records import Draft, Money, ToolCall
from handrail.scan import Scanner
from handrail.store import Actor, tables
from handrail.tickets.lifecycle import State
from handrail.tickets.ports import LedgerQuery
from handrail.tickets.resolution import Resolution
from handrail.tickets.ticket import TicketView, Verdict
from handrail_adapters import agents_sdk, pydantic_ai
from handrail_adapters.langchain import GuardedChatModel, guard_tool
from handrail_adapters.langchain_agents import HandoffMiddleware, HandoffNode
from support.scripted_chat import ScriptedChat
from support.stores import Sides

QUIET = RunConfig(tracing_disabled=True)
NAME = "issue_refund"
DECIDERS = {
    "finance_lead": "fay",
    "queue_manager": "quinn",
    "privacy_lead": "priya",
    "process_owner": "petra",
}
UNSAID: dict[str, Any] = {"note": "", "lines": None, "is_gift": False}
"""What a refund takes besides its amount and order, with what holds where a call does not say it."""
_numbers = itertools.count()


class Died(BaseException):
    """The process is gone: nothing of it runs any more."""


@dataclass
class Mortality:
    """Ends a process at a write of its store: before the write of this number, or right after it."""

    at: int
    after: bool
    writes: int = 0
    is_dead: bool = False

    def die(self) -> None:
        self.is_dead = True
        raise Died


def mortal(store: Any, when: Mortality | None) -> Any:
    """Return a store as a process has it that may die, after which none of its threads writes any more.

    The log's own thread does not count, as nobody waits for it.
    """
    own = copy.copy(store)
    write, read = store.write, store.read

    @contextmanager
    def writing(tenant: str) -> Iterator[Any]:
        counts = when is not None and threading.current_thread().name != "handrail-log"
        if counts and when is not None:
            if when.is_dead or (when.writes == when.at and not when.after):
                when.die()
            when.writes += 1
        with write(tenant) as tx:
            yield tx
        if counts and when is not None and when.after and when.writes > when.at:
            when.die()

    @contextmanager
    def reading(tenant: str) -> Iterator[Any]:
        if when is not None and when.is_dead:
            when.die()
        with read(tenant) as tx:
            yield tx

    own.write, own.read = writing, reading
    return own


@dataclass
class NoSpool:
    """A spool for a store that is always there."""

    def put(self, ticket: Any) -> None:
        raise AssertionError("the store was there")


@dataclass
class World:
    """What outlasts a process."""

    sides: Sides
    policy: Policy
    people: People
    scanner: Scanner
    calls: tuple[dict[str, Any], ...]
    is_async: bool
    by_position: int = 0
    memory: dict[str, Any] = field(default_factory=dict)
    ran: list[tuple[str, str]] = field(default_factory=list)
    approved: list[tuple[str, str]] = field(default_factory=list)
    name: str = field(default_factory=lambda: f"w{next(_numbers)}")

    def guard(self, when: Mortality | None = None) -> Guard:
        """The guard of a new process."""
        store = mortal(self.sides.app, when)
        store.recover(now())
        return Guard(self.policy, store=store, spool=NoSpool(), scanner=self.scanner)

    def act(
        self,
        amount: str,
        order: str,
        note: str = "",
        lines: list[int] | None = None,
        is_gift: bool = False,
    ) -> str:
        """Pay money back."""
        given = {
            **UNSAID,
            **next((one for one in self.calls if one["order"] == order), {"order": order}),
            "amount": amount,
        }
        acts = {"amount": amount, "order": order, "note": note, "lines": lines, "is_gift": is_gift}
        # What differs in anything but the amount, which people may edit, is what nobody approved.
        self.ran.append((order, amount if acts == given else f"{amount} and more"))
        return f"refunded {amount}"

    def proposed(self) -> list[dict[str, Any]]:
        """The calls of a model's turn, with ids of their own each time, as models give them."""
        return [{"id": f"call_{next(_numbers)}", "name": NAME, "args": dict(one)} for one in self.calls]

    def tickets(self) -> list[TicketView]:
        """The tickets of this world, the oldest first."""
        inbox = self.sides.inbox
        with inbox.read(self.name) as tx:
            query = select(tables.tickets.c.id).where(tables.tickets.c.tenant == self.name)
            ids = sorted(row.id for row in tx.conn.execute(query))
        return [inbox.get(self.name, one) for one in ids]

    def decide(self, how: Sequence[tuple[str, str]], *, backwards: bool) -> None:
        """Let people decide whatever is open; `how` gives a verdict and an amount for each order."""
        open_ = [view for view in self.tickets() if view.state is State.READY]
        for view in reversed(open_) if backwards else open_:
            action = view.ticket.action if view.ticket else None
            verdict, amount = ("reject", "") if action is None else how[self._number(action.arguments)]
            actor = Actor(person=DECIDERS[view.role], people=self.people, now=now())
            changes = {"amount": amount} if verdict == "edit" else {}
            ruling = Resolution(verdict=Verdict(verdict), changes=changes)
            by = DecidedBy(actor=actor, policy=self.policy)
            resolve(self.sides.inbox, self.name, view.id, ruling, by)
            if action is not None and verdict != "reject":
                shown = {**json.loads(action.arguments), **changes}
                self.approved.append((shown["order"], shown["amount"]))

    def _number(self, arguments: str) -> int:
        order = json.loads(arguments)["order"]
        return next(number for number, call in enumerate(self.calls) if call["order"] == order)

    def booked(self) -> Decimal:
        """What the ledger holds of this world's refunds, in USD."""
        query = LedgerQuery(
            fact="sum",
            kind="sum",
            tenant=self.name,
            tool=NAME,
            amount="refund.amount",
            per="tenant",
            key=self.name,
            since=datetime(2020, 1, 1, tzinfo=UTC),
        )
        found = self.sides.app.totals([query])["sum"]
        return found.amount if isinstance(found, Money) else Decimal(0)


def now() -> datetime:
    return datetime.now(UTC)


Turn = Callable[[Guard, World], None]
WAYS: dict[str, Turn] = {}


def way(turn: Turn) -> Turn:
    """Name a way by its function."""
    WAYS[turn.__name__] = turn
    return turn


def carried_out(guard: Guard, world: World) -> None:
    """Carry out whatever was approved, as a worker does that looks for decided tickets."""
    tool = world.memory.get("tool")
    if NAME not in guard.tools:
        guard.tool(name=NAME)(tool or world.act)
    decided = [view.id for view in world.tickets() if view.state is State.DECIDED]

    async def later(ticket: str) -> None:
        async with guard.aauthorised(ticket) as action:
            await action.arun()

    for ticket in decided:
        try:
            if world.is_async:
                asyncio.run(later(ticket))
            else:
                with guard.authorised(ticket) as action:
                    action.run()
        except TicketError:
            # Another approval of this turn has used what was left; people decide anew.
            continue


@way
def function(guard: Guard, world: World) -> None:
    """A function behind `@guard.tool`, called directly; siblings run at once where they are awaited."""
    done = world.memory.setdefault("done", set())
    plain = guard.tool(name=NAME)(world.act)

    def call(given: dict[str, Any]) -> None:
        first = list(given.values())[: world.by_position]
        with suppress(HandoffRequired):
            plain(*first, **dict(list(given.items())[len(first) :]))
        done.add(given["order"])

    async def calls(left: list[dict[str, Any]]) -> None:
        await asyncio.gather(*(asyncio.to_thread(call, one) for one in left))

    left = [one for one in world.calls if one["order"] not in done]
    if world.is_async:
        asyncio.run(calls(left))
    else:
        for one in left:
            call(one)
    carried_out(guard, world)


@way
def gate(guard: Guard, world: World) -> None:
    """A program of one's own around `guard.gate`, which runs what was approved through the gate again."""
    done = world.memory.setdefault("done", set())
    for one in world.proposed():
        given = one["args"]
        if given["order"] in done:
            continue
        passed = guard.gate(ToolCall(id=one["id"], name=NAME, arguments=json.dumps(given)))
        if not isinstance(passed, Outcome):
            with passed:
                world.act(**given)
        done.add(given["order"])
    for view in world.tickets():
        if view.state is State.DECIDED:
            try:
                with guard.authorised(view.id) as action:
                    shown: Any = {**action.arguments}
                    guard.gate(ToolCall(id="again", name=NAME, arguments=json.dumps(shown)))
                    world.act(**shown)
            except TicketError:
                continue


@way
def client(guard: Guard, world: World) -> None:
    """What a guarded client and the gateway do with a proposed turn; a worker carries out approvals."""
    if "asked" not in world.memory:
        call = guard.begin([])
        calls = tuple(
            ToolCall(id=one["id"], name=NAME, arguments=json.dumps(one["args"])) for one in world.proposed()
        )
        outcome = call.finish([Draft(tool_calls=calls)]) if call.outcome is None else call.outcome
        run = guard.tool(name=NAME)(world.act)
        for one in outcome.drafts[0].tool_calls if outcome.is_released and outcome.drafts else ():
            try:
                run(**json.loads(one.arguments))
            except HandoffRequired:
                continue
        world.memory["asked"] = True
    carried_out(guard, world)


def langchain_tool(world: World) -> BaseTool:
    return StructuredTool.from_function(world.act, name=NAME, description="Pay money back.")


class WorldChat(ScriptedChat):
    """Proposes a world's calls, and is done once one of its tools was answered."""

    def _next(self, messages: list[BaseMessage], options: dict[str, Any]) -> AIMessage:
        is_over = any(isinstance(one, ToolMessage) for one in messages)
        return self.script[-1 if is_over else 0].model_copy(deep=True)


def script(world: World) -> ScriptedChat:
    calls: Any = [{**one, "type": "tool_call"} for one in world.proposed()]
    return WorldChat(script=[AIMessage("", tool_calls=calls), AIMessage("Done.")])


def gone_on(built: Any, world: World) -> None:
    """Go on with a thread from wherever its checkpointer has it."""
    thread: Any = {"configurable": {"thread_id": "t1"}}
    known = built.get_state(thread)
    given: Any = {"messages": [HumanMessage("Refund all of it", id="m1")]}
    if known.next:
        given = Command(resume="look") if known.interrupts else None
    elif known.values.get("messages"):
        return
    if world.is_async:
        asyncio.run(built.ainvoke(given, thread))
    else:
        built.invoke(given, thread)


def saver(world: World) -> InMemorySaver:
    found: InMemorySaver = world.memory.setdefault("saver", InMemorySaver())
    return found


@way
def langchain_interrupt(guard: Guard, world: World) -> None:
    """A LangChain agent that pauses."""
    middleware = HandoffMiddleware(guard, mode="interrupt")
    gone_on(
        create_agent(
            script(world), [langchain_tool(world)], middleware=[middleware], checkpointer=saver(world)
        ),
        world,
    )


@way
def langchain_message(guard: Guard, world: World) -> None:
    """A LangChain agent whose turn ends with the notice; a worker carries out what was approved."""
    tool = langchain_tool(world)
    built = create_agent(
        script(world), [tool], middleware=[HandoffMiddleware(guard)], checkpointer=saver(world)
    )
    gone_on(built, world)
    carried_out(guard, world)


@way
def langchain_tools(guard: Guard, world: World) -> None:
    """A LangChain agent with guarded tools, and a worker that carries out what was approved."""
    built = create_agent(script(world), [guard_tool(langchain_tool(world), guard)], checkpointer=saver(world))
    gone_on(built, world)
    carried_out(guard, world)


@way
def langgraph(guard: Guard, world: World) -> None:
    """A graph of one's own with a `HandoffNode` before its tools."""
    model = GuardedChatModel(inner=script(world), guard=guard)
    graph = StateGraph(MessagesState)
    graph.add_node("model", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_node("person", HandoffNode(guard))
    graph.add_node("tools", ToolNode([guard_tool(langchain_tool(world), guard)]))
    graph.add_edge(START, "model")
    graph.add_edge("model", "person")
    graph.add_conditional_edges(
        "person", lambda state: "tools" if getattr(state["messages"][-1], "tool_calls", ()) else END
    )
    graph.add_edge("tools", "model")
    gone_on(graph.compile(checkpointer=saver(world)), world)


class SdkScript(Model):
    """A model of the Agents SDK that proposes a world's calls, then is done."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def get_response(self, *args: Any, **kwargs: Any) -> ModelResponse:
        is_new = "function_call_output" not in repr((args, kwargs.get("input")))
        calls: list[Any] = [
            ResponseFunctionToolCall(
                type="function_call", call_id=one["id"], name=NAME, arguments=json.dumps(one["args"])
            )
            for one in self.world.proposed()
        ]
        said = ResponseOutputText(type="output_text", text="Done.", annotations=[])
        over: list[Any] = [
            ResponseOutputMessage(
                id="m", type="message", role="assistant", status="completed", content=[said]
            )
        ]
        return ModelResponse(output=calls if is_new else over, usage=Usage(), response_id=None)

    def stream_response(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError


@way
def agents(guard: Guard, world: World) -> None:
    """An agent of the OpenAI Agents SDK whose state is kept as text."""
    if world.memory.get("over"):
        return
    tool = function_tool(world.act, name_override=NAME, strict_mode=False)
    agent: Any = SdkAgent(name="a", model=SdkScript(world), tools=[agents_sdk.guard_tool(tool, guard)])

    async def main() -> None:
        kept = world.memory.get("state")
        given: Any = "Refund all of it"
        if kept is not None:
            given = await RunState.from_string(agent, kept)
            if await agents_sdk.decided(guard, given):
                return
        result = await Runner.run(agent, given, run_config=QUIET)
        if result.interruptions:
            world.memory["state"] = result.to_state().to_string()
        else:
            world.memory["over"] = True

    asyncio.run(main())


@way
def pydantic(guard: Guard, world: World) -> None:
    """A Pydantic AI agent whose calls are deferred."""
    if world.memory.get("over"):
        return

    def says(messages: Any, info: Any) -> Response:
        parts = [one for message in messages for one in message.parts]
        if any(one.part_kind == "tool-return" for one in parts):
            return Response(parts=[TextPart("Done.")])
        return Response(
            parts=[ToolCallPart(NAME, one["args"], tool_call_id=one["id"]) for one in world.proposed()]
        )

    tools = FunctionToolset(sequential=True)
    tools.add_function(world.act, name=NAME)
    agent: Any = Agent(
        FunctionModel(says),
        toolsets=[pydantic_ai.GuardedToolset(tools, guard)],
        output_type=[str, DeferredToolRequests],
    )

    async def main() -> None:
        kept = world.memory.get("kept")
        given: dict[str, Any] = {"user_prompt": "Refund all of it"}
        if kept is not None:
            messages, requests = kept
            results = await pydantic_ai.decided(guard, requests)
            if requests.remaining(results) is not None:
                return
            given = {"message_history": messages, "deferred_tool_results": results}
        result = await agent.run(**given)
        if isinstance(result.output, DeferredToolRequests):
            world.memory["kept"] = (result.all_messages(), result.output)
        else:
            world.memory["over"] = True

    asyncio.run(main())
