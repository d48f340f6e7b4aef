"""The bypass matrix of LangChain: every entry point, its callbacks, chains and agents around it."""

import re
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import RunnableLambda

from handrail_adapters.langchain import GuardedChatModel, get_handoff
from support.langchain_entries import ENTRIES, Spy
from support.scripted_chat import USAGE, ScriptedChat
from support.toy_guard import ToyGuard

# It is still a way to see a model's words.
pytestmark = pytest.mark.filterwarnings("ignore:astream_log is deprecated")

SECRET = "SECRET-4711"
ABOUT = {"model_name": "scripted", "finish_reason": "stop"}


def says(text: Any = "", calls: Any = (), **extra: Any) -> AIMessage:
    calls = [{"name": n, "args": a, "id": f"c{i}", "type": "tool_call"} for i, (n, a) in enumerate(calls)]
    return AIMessage(text, tool_calls=calls, usage_metadata=USAGE, response_metadata=ABOUT, **extra)


SECRETS = {
    "in the text": (says(f"Sure, it is {SECRET}."), 64),
    "at every chunk boundary": (says(f"Sure, it is {SECRET}."), 1),
    "in tool arguments": (says("", [("look_up", {"id": SECRET})]), 3),
    "in a content block": (says([{"type": "text", "text": f"It is {SECRET}.", "index": 0}]), 4),
    "in reasoning": (
        says([{"type": "reasoning", "reasoning": SECRET, "index": 0}, {"type": "text", "text": "Hm."}]),
        4,
    ),
    "in a refusal": (says("", additional_kwargs={"refusal": f"I will not say {SECRET}."}), 4),
    "in a field nobody knows": (says("Fine.", additional_kwargs={"reasoning_content": SECRET}), 4),
    "in a high-stakes call": (says("", [("wire_money", {"to": SECRET.replace("SECRET", "ACCOUNT")})]), 3),
}
WITHHELD = [
    SystemMessage("Rules. HIDE-system"),
    HumanMessage([{"type": "text", "text": "I am HIDE-history"}]),
    AIMessage(
        "", tool_calls=[{"name": "f", "args": {"a": "HIDE-arguments"}, "id": "c1", "type": "tool_call"}]
    ),
    ToolMessage("HIDE-result", tool_call_id="c1"),
    HumanMessage("Mail HIDE-message please"),
]


def guarded(model: ScriptedChat, guard: ToyGuard) -> Any:
    return GuardedChatModel(inner=model, guard=guard)


def bare(model: ScriptedChat, guard: ToyGuard) -> Any:
    return model


CHAINS = {
    "alone": lambda model: model,
    "bound": lambda model: model.bind_tools([], parallel_tool_calls=True),
    "in a chain": lambda model: RunnableLambda(lambda given: given) | model | RunnableLambda(lambda m: m),
}


MATRIX = [("alone", case) for case in SECRETS] + [
    (chain, case)
    for chain in ("bound", "in a chain")
    for case in ("at every chunk boundary", "in a high-stakes call")
]


@pytest.mark.parametrize(("chain", "case"), MATRIX)
@pytest.mark.parametrize("name", ENTRIES)
def test_bypass_a_secret_never_reaches_the_caller_or_a_callback(name: str, case: str, chain: str) -> None:
    if chain == "in a chain" and name == "stream_events_v3":
        pytest.skip("only chat models and graphs stream events v3")
    said, cut = SECRETS[case]
    needle = "ACCOUNT-4711" if "stakes" in case else SECRET
    shown = {}
    for way in (bare, guarded):
        spy, guard = Spy(), ToyGuard()
        model = CHAINS[chain](way(ScriptedChat(script=[said], cut=cut), guard))
        shown[way] = ENTRIES[name](model, "Where is my order?", spy) + "".join(spy.told)
    assert needle in shown[bare], "the control must leak"
    assert needle not in shown[guarded]
    assert guard.begun == 1
    assert guard.tickets == ["T1"]


@pytest.mark.parametrize("name", ENTRIES)
def test_bypass_withheld_input_never_reaches_the_model(name: str) -> None:
    control, model = ScriptedChat(), ScriptedChat()
    ENTRIES[name](control, WITHHELD, Spy())
    assert repr(control.seen).count("HIDE-") == 5, "the control must leak"
    ENTRIES[name](guarded(model, ToyGuard()), WITHHELD, Spy())
    assert "HIDE-" not in repr(model.seen)
    assert repr(model.seen).count("[hidden]") == 5
    assert "HIDE-" in repr(WITHHELD), "the caller's messages stay as they were"


@pytest.mark.parametrize("name", ENTRIES)
def test_bypass_input_that_is_handed_off_never_reaches_the_model(name: str) -> None:
    model = ScriptedChat()
    ENTRIES[name](guarded(model, ToyGuard()), "STOP this", Spy())
    assert model.seen == []


@pytest.mark.parametrize("name", ENTRIES)
def test_bypass_clean_traffic_is_the_same_with_and_without_the_guard(name: str) -> None:
    said = says("The order is on its way.", [("look_up", {"id": 3})])
    told = {}
    for way in (bare, guarded):
        model = way(ScriptedChat(script=[said], cut=3), ToyGuard())
        told[way] = ENTRIES[name](model, "Where?", Spy())
    assert _anonymous(told[bare]) == _anonymous(told[guarded])


def test_bypass_callbacks_set_on_the_inner_model_see_only_what_was_released() -> None:
    spy = Spy()
    model = GuardedChatModel(
        inner=ScriptedChat(script=[says(f"It is {SECRET}.")], callbacks=[spy]), guard=ToyGuard()
    )
    answer = model.invoke("Where?")
    assert get_handoff(answer) is not None
    assert spy.told
    assert SECRET not in "".join(spy.told)


def test_bypass_a_chain_with_a_parser_streams_only_what_was_released() -> None:
    chain = guarded(ScriptedChat(script=[says("It is MASK-1.")], cut=1), ToyGuard()) | StrOutputParser()
    assert "".join(chain.stream("Where?")) == "It is [masked]."


def _anonymous(text: str) -> str:
    text = re.sub(r"lc_run--[0-9a-f-]+|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]+", "ID", text)
    return text.replace("GuardedChatModel", "ScriptedChat")
