"""The Agents SDK behind the guard: no way past its client, and a tool runs once or never."""

import asyncio
import copy
import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from agents import (
    Agent,
    FunctionTool,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    RunConfig,
    Runner,
    RunState,
    function_tool,
)
from agents.exceptions import ModelRefusalError, OutputGuardrailTripwireTriggered
from openai import AsyncOpenAI

from handrail import Guard
from handrail_adapters.agents_sdk import decided, get_handoff, guard_tool, handoff_output_guardrail
from handrail_adapters.openai import guard_openai
from support.model_server import ModelServer, Say, model_server
from support.shop_guard import shop_guard
from support.toy_guard import ToyGuard

SECRET = "SECRET-4711"
TOKEN = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
QUIET = RunConfig(tracing_disabled=True)
MODELS = {"chat": OpenAIChatCompletionsModel, "responses": OpenAIResponsesModel}


@function_tool
def look_up(id: str) -> str:  # noqa: A002 - a tool's own word
    """Look an order up."""
    return "found"


@function_tool
def wire_money(amount: int) -> str:
    """Move money."""
    return "moved"


async def whole(agent: Agent[Any]) -> str:
    result = await Runner.run(agent, "Where is my order? HIDE-me", run_config=QUIET)
    return f"{result.final_output}{result.to_input_list()}{result.raw_responses}"


async def streamed(agent: Agent[Any]) -> str:
    result = Runner.run_streamed(agent, "Where is my order? HIDE-me", run_config=QUIET)
    told, pieces = [], []
    async for event in result.stream_events():
        told.append(repr(event))
        pieces.append(str(getattr(getattr(event, "data", None), "delta", "")))
    return "".join(told) + "".join(pieces) + str(result.final_output)


ENTRIES = {"whole": whole, "streamed": streamed}


def ask(entry: str, kind: str, server: ModelServer, guard: ToyGuard | None) -> str:
    async def main() -> str:
        async with AsyncOpenAI(base_url=server.url, api_key="k", max_retries=0) as client:
            guarded = client if guard is None else guard_openai(client, guard)  # type: ignore[type-var]
            model = MODELS[kind]("m", openai_client=guarded)
            agent = Agent(name="a", model=model, tools=[look_up, wire_money])
            try:
                return await ENTRIES[entry](agent)
            except ModelRefusalError as error:
                return str(error)

    return asyncio.run(main())


SECRETS = {
    "in the text": Say(f"Sure, it is {SECRET}.", cut=64),
    "at every chunk boundary": Say(f"Sure, it is {SECRET}.", cut=1),
    "in tool arguments": Say(None, calls=[("look_up", '{"id": "' + SECRET + '"}')], cut=3),
    "in a high-stakes call": Say(None, calls=[("wire_money", '{"amount": 640}')], cut=3),
}


@pytest.mark.parametrize("case", SECRETS)
@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("entry", ENTRIES)
def test_bypass_a_secret_never_reaches_the_caller(entry: str, kind: str, case: str) -> None:
    secret = "'moved'" if "stakes" in case else SECRET
    with model_server(SECRETS[case], Say("Done.")) as server:
        assert secret in ask(entry, kind, server, None), "the control must leak"
    guard = ToyGuard()
    with model_server(SECRETS[case], Say("Done.")) as server:
        assert secret not in ask(entry, kind, server, guard)
        assert len(server.seen) == 1, "nothing is asked again after a hand-off"
        assert "HIDE-me" not in server.sent
    assert guard.tickets == ["T1"]


@pytest.fixture
def guard(tmp_path: Path) -> Iterator[Guard]:
    with shop_guard(tmp_path) as guard:
        yield guard


@pytest.fixture
def paid() -> list[str]:
    return []


@pytest.fixture
def issue_refund(paid: list[str]) -> FunctionTool:
    @function_tool(failure_error_function=None)
    def issue_refund(amount: str) -> str:
        """Pay money back."""
        paid.append(amount)
        return f"refunded {amount}"

    return issue_refund


def refunding(server: ModelServer, tool: FunctionTool, **more: Any) -> Agent[Any]:
    client = AsyncOpenAI(base_url=server.url, api_key="k", max_retries=0)
    return Agent(name="a", model=OpenAIChatCompletionsModel("m", openai_client=client), tools=[tool], **more)


def proposes(amount: str) -> Say:
    return Say(None, calls=[("issue_refund", json.dumps({"amount": amount}))])


def run(agent: Agent[Any], given: Any = "Refund") -> Any:
    async def main() -> Any:
        address = agent.model._client.base_url  # type: ignore[union-attr]
        async with AsyncOpenAI(base_url=address, api_key="k", max_retries=0) as own:
            agent.model = OpenAIChatCompletionsModel("m", openai_client=own)
            return await Runner.run(agent, given, run_config=QUIET)

    return asyncio.run(main())


def test_a_small_refund_runs(guard: Guard, issue_refund: FunctionTool, paid: list[str]) -> None:
    with model_server(proposes("40 USD"), Say("Done.")) as server:
        assert run(refunding(server, guard_tool(issue_refund, guard))).final_output == "Done."
    assert paid == ["40 USD"]


def interrupted(
    guard: Guard, server: ModelServer, tool: FunctionTool
) -> tuple[Agent[Any], RunState[Any, Any]]:
    agent = refunding(server, guard_tool(tool, guard))
    result = run(agent)
    assert [item.tool_name for item in result.interruptions] == ["issue_refund"]
    return agent, result.to_state()


def ticket_of(guard: Guard) -> str:
    page = guard.store.list("default")  # type: ignore[attr-defined]
    assert len(page.rows) == 1
    ticket: str = page.rows[0].id
    return ticket


def test_an_approved_call_runs_once(guard: Guard, issue_refund: FunctionTool, paid: list[str]) -> None:
    with model_server(proposes("640 USD"), Say("Done.")) as server:
        agent, state = interrupted(guard, server, issue_refund)
        assert len(asyncio.run(decided(guard, state))) == 1, "it still waits"
        guard.resolve(ticket_of(guard), "fay", "approve", reason_code="ok")
        kept = state.to_string()
        assert asyncio.run(decided(guard, state)) == []
        assert run(agent, state).final_output == "Done."
        again = asyncio.run(RunState.from_string(agent, kept))
        asyncio.run(decided(guard, again))
        run(agent, again)
    assert paid == ["640 USD"], "a second resume runs nothing"


def test_an_edited_call_runs_edited_and_says_so(
    guard: Guard, issue_refund: FunctionTool, paid: list[str]
) -> None:
    with model_server(proposes("640 USD"), Say("Done.")) as server:
        agent, state = interrupted(guard, server, issue_refund)
        guard.resolve(ticket_of(guard), "fay", "edit", changes={"amount": "590 USD"}, reason_code="less")
        asyncio.run(decided(guard, state))
        run(agent, state)
        assert "changed this action" in server.sent
    assert paid == ["590 USD"]


def test_a_rejected_call_can_never_run(guard: Guard, issue_refund: FunctionTool, paid: list[str]) -> None:
    with model_server(proposes("640 USD"), Say("Done.")) as server:
        agent, state = interrupted(guard, server, issue_refund)
        kept = state.to_string()
        guard.resolve(ticket_of(guard), "fay", "reject", message_to_agent="Not covered.", reason_code="no")
        asyncio.run(decided(guard, state))
        run(agent, state)
        assert "Not covered." in server.sent
        forged = asyncio.run(RunState.from_string(agent, kept))
        forged.approve(forged.get_interruptions()[0])
        run(agent, forged)
    assert paid == []


def test_an_approval_in_the_state_alone_runs_nothing(
    guard: Guard, issue_refund: FunctionTool, paid: list[str]
) -> None:
    with model_server(proposes("640 USD"), Say("Done.")) as server:
        agent, state = interrupted(guard, server, issue_refund)
        state.approve(state.get_interruptions()[0])
        run(agent, state)
        assert "Not carried out" in server.sent
    assert paid == []


def test_a_final_answer_is_judged_by_the_guardrail(guard: Guard, issue_refund: FunctionTool) -> None:
    rail = handoff_output_guardrail(guard)
    with model_server(Say(f"Use {TOKEN}.")) as server:
        agent = refunding(server, issue_refund, output_guardrails=[rail])
        with pytest.raises(OutputGuardrailTripwireTriggered) as tripped:
            run(agent)
        handoff = get_handoff(tripped.value)
        assert handoff is not None
        assert handoff.role == "privacy_lead"
    with model_server(Say("Fine.")) as server:
        assert run(refunding(server, issue_refund, output_guardrails=[rail])).final_output == "Fine."


@dataclasses.dataclass
class Result:
    """What an agent may answer with; its text shows only a part of it."""

    note: str
    hidden: str = dataclasses.field(repr=False, default="")


@pytest.mark.parametrize(
    ("output", "is_stopped"),
    [
        (Result("fine"), False),
        ({"deep": [Result("fine", "fine")]}, False),
        (Result("fine", TOKEN), True),
        ({"deep": [Result("fine", TOKEN)]}, True),
        ({TOKEN: 1}, True),
        (object(), True),
    ],
)
def test_a_final_answer_of_any_type_is_read_whole(guard: Guard, output: Any, is_stopped: bool) -> None:
    judge: Any = handoff_output_guardrail(guard).guardrail_function
    assert asyncio.run(judge(None, None, output)).tripwire_triggered is is_stopped


def test_a_call_that_only_the_sdk_holds_goes_on_by_itself(guard: Guard, paid: list[str]) -> None:
    @function_tool
    def look_around() -> str:
        paid.append("nothing")
        return "all quiet"

    # Of arguments that are no JSON object the SDK asks before it asks the gate.
    with model_server(Say(None, calls=[("look_around", "")]), Say("Done.")) as server:
        agent = refunding(server, guard_tool(look_around, guard))
        result = run(agent)
        state = result.to_state()
        assert result.interruptions
        assert asyncio.run(decided(guard, state)) == []
        run(agent, state)
    assert paid == ["nothing"]


@pytest.mark.parametrize("kind", ["always", "asked", "asked at once"])
def test_a_tool_that_asks_for_approval_by_itself_goes_on_to_ask(
    guard: Guard, issue_refund: FunctionTool, paid: list[str], kind: str
) -> None:
    async def asks(context: Any, parameters: dict[str, Any], call_id: str) -> bool:
        return True

    ways: dict[str, Any] = {"always": True, "asked": asks, "asked at once": lambda *given: True}
    careful = dataclasses.replace(issue_refund, needs_approval=ways[kind])
    tool = guard_tool(careful, guard)
    with model_server(proposes("10 USD"), Say("Done.")) as server:
        agent = refunding(server, tool)
        result = run(agent)
        assert paid == []
        state = result.to_state()
        (item,) = asyncio.run(decided(guard, state))
        state.approve(item)
        run(agent, state)
    assert len(paid) == 1


@pytest.mark.parametrize("arguments", ['{"order": "7"}', '{"order": "7", "amount": "25 USD"}'])
def test_a_tool_asks_for_approval_only_on_arguments_it_can_inspect(
    guard: Guard, paid: list[str], arguments: str
) -> None:
    asked = []

    async def asks(context: Any, parameters: dict[str, Any], call_id: str) -> bool:
        asked.append(parameters)
        return False

    @function_tool(strict_mode=False, needs_approval=asks)
    def issue_refund(order: str, amount: str = "25 USD") -> str:
        paid.append(amount)
        return "paid"

    # A default that the function fills in is not in the arguments, so the SDK asks a person.
    is_whole = "amount" in arguments
    say = Say(None, calls=[("issue_refund", arguments)])
    with model_server(say, Say("Done.")) as server:
        result = run(refunding(server, guard_tool(issue_refund, guard)))
    assert bool(result.interruptions) is not is_whole
    assert len(asked) == len(paid) == int(is_whole)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_of_a_guarded_tool_is_guarded_and_has_its_own_settings(
    guard: Guard, issue_refund: FunctionTool, paid: list[str], copied: Callable[[Any], Any]
) -> None:
    tool = copied(guard_tool(issue_refund, guard))
    tool.description = "another"
    with model_server(proposes("640 USD")) as server:
        assert run(refunding(server, tool)).interruptions
    assert paid == []
