"""LangChain models and agents with one secret in what they say or are told."""

import json
import re
from typing import Any

from langchain.agents import create_agent
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.tools import tool

from handrail import Guard
from handrail_adapters.langchain import GuardedChatModel
from handrail_adapters.langchain_agents import HandoffMiddleware
from support.langchain_entries import ENTRIES, Spy
from support.open_world import CARD, everything
from support.open_world_turns import Place
from support.scripted_chat import ScriptedChat


def _calls(args: Any, name: str = "look_up") -> list[Any]:
    return [{"name": name, "args": args, "id": "c1", "type": "tool_call"}]


def _blocks(texts: tuple[str, str]) -> list[Any]:
    return [{"type": "text", "text": text} for text in texts]


ANSWERS: dict[str, Place] = {
    "in the text": lambda s, at: AIMessage(s.phrase()),
    "in a block": lambda s, at: AIMessage([{"type": "text", "text": s.phrase()}]),
    "cut over two blocks": lambda s, at: AIMessage(_blocks(s.halves(at))),
    "in reasoning": lambda s, at: AIMessage([{"type": "reasoning", "reasoning": s.phrase()}]),
    "in a block nobody knows": lambda s, at: AIMessage([{"type": "novel", "deep": {"words": [s.phrase()]}}]),
    "in a key of a block": lambda s, at: AIMessage([{"type": "novel", s.phrase(): 1}]),
    "in additional_kwargs": lambda s, at: AIMessage("Fine.", additional_kwargs={"deep": [s.phrase()]}),
    "in a key of additional_kwargs": lambda s, at: AIMessage("Fine.", additional_kwargs={s.phrase(): "x"}),
    "as a number of additional_kwargs": lambda s, at: AIMessage(
        "Fine.", additional_kwargs={"n": int(CARD.needle)}
    ),
    "in response_metadata": lambda s, at: AIMessage("Fine.", response_metadata={"note": s.phrase()}),
    "in logprobs": lambda s, at: AIMessage(
        "Fine.", response_metadata={"logprobs": {"content": [{"token": s.phrase(), "logprob": -0.1}]}}
    ),
    "in arguments": lambda s, at: AIMessage("", tool_calls=_calls({"deep": {"id": [s.phrase()]}})),
    "in a key of arguments": lambda s, at: AIMessage("", tool_calls=_calls({s.phrase(): 1})),
    "as a number of arguments": lambda s, at: AIMessage("", tool_calls=_calls({"n": int(CARD.needle)})),
    "in a tool's name": lambda s, at: AIMessage("", tool_calls=_calls({}, s.phrase())),
    "in an invalid call": lambda s, at: AIMessage(
        "",
        invalid_tool_calls=[
            {"name": "f", "args": s.phrase(), "id": "c1", "error": "no", "type": "invalid_tool_call"}
        ],
    ),
    "in a name": lambda s, at: AIMessage("Fine.", name=s.phrase()),
    "in the counts of tokens": lambda s, at: AIMessage(
        "Fine.", response_metadata={"token_usage": {"note": s.phrase()}}
    ),
    "as a number of tokens": lambda s, at: AIMessage(
        "Fine.", response_metadata={"token_usage": {"number": int(CARD.needle)}}
    ),
    "where an end belongs": lambda s, at: AIMessage("Fine.", response_metadata={"finish_reason": s.phrase()}),
    "where a kind belongs": lambda s, at: AIMessage([{"type": s.phrase(), "text": "Fine."}]),
    "where a signature belongs": lambda s, at: AIMessage(
        [{"type": "thinking", "thinking": "Hm.", "signature": s.phrase()}]
    ),
    "in a refusal": lambda s, at: AIMessage("", additional_kwargs={"refusal": s.phrase()}),
    "in a raw call": lambda s, at: AIMessage(
        "Fine.",
        additional_kwargs={
            "tool_calls": [
                {"id": "c9", "type": "function", "function": {"name": "f", "arguments": s.phrase()}}
            ]
        },
    ),
    "in a call's block": lambda s, at: AIMessage(
        [{"type": "tool_use", "id": "c1", "name": "f", "input": {"deep": [s.phrase()]}}]
    ),
    "in the data of an image": lambda s, at: AIMessage([{"type": "image", "base64": s.phrase()}]),
    "in blocks of two kinds, cut": lambda s, at: AIMessage([s.halves(at)[0], _blocks(s.halves(at))[1]]),
    "in a block of JSON": lambda s, at: AIMessage(
        [{"type": "text", "text": json.dumps({"deep": [s.phrase()]})}, {"type": "text", "text": "Fine."}]
    ),
    "in JSON": lambda s, at: AIMessage('{"note":"line\\n' + s.needle + '", "cue": "' + s.cue + '"}'),
}
_USER = HumanMessage("Where is my order?")
HISTORIES: dict[str, Place] = {
    "in the text": lambda s, at: [HumanMessage(s.phrase())],
    "in the system's text": lambda s, at: [SystemMessage(s.phrase()), _USER],
    "cut over two blocks": lambda s, at: [HumanMessage(_blocks(s.halves(at)))],
    "in a block nobody knows": lambda s, at: [HumanMessage([{"type": "novel", "words": s.phrase()}])],
    "in arguments": lambda s, at: [
        _USER,
        AIMessage("", tool_calls=_calls({"deep": [s.phrase()]})),
        ToolMessage("found", tool_call_id="c1"),
    ],
    "in a key of arguments": lambda s, at: [
        _USER,
        AIMessage("", tool_calls=_calls({s.phrase(): 1})),
        ToolMessage("found", tool_call_id="c1"),
    ],
    "in a result": lambda s, at: [
        _USER,
        AIMessage("", tool_calls=_calls({})),
        ToolMessage(s.phrase(), tool_call_id="c1"),
    ],
    "in a name": lambda s, at: [HumanMessage("Where?", name=s.phrase())],
    "in a role": lambda s, at: [ChatMessage("Where?", role=s.phrase())],
    "in the result of a function": lambda s, at: [_USER, FunctionMessage(s.phrase(), name="look_up")],
    "in a result's blocks": lambda s, at: [
        _USER,
        AIMessage("", tool_calls=_calls({})),
        ToolMessage([{"type": "text", "text": s.phrase()}, {"type": "json", "deep": [1]}], tool_call_id="c1"),
    ],
    "in an artifact": lambda s, at: [
        _USER,
        AIMessage("", tool_calls=_calls({})),
        ToolMessage("found", tool_call_id="c1", artifact={"deep": [s.phrase()]}),
    ],
    "in what was said of an answer": lambda s, at: [
        _USER,
        AIMessage("Well,", response_metadata={"note": s.phrase()}),
        _USER,
    ],
    "in a raw call": lambda s, at: [
        _USER,
        AIMessage(
            "",
            additional_kwargs={
                "tool_calls": [
                    {"id": "c9", "type": "function", "function": {"name": "f", "arguments": s.phrase()}}
                ]
            },
        ),
        _USER,
    ],
    "in additional_kwargs": lambda s, at: [HumanMessage("Where?", additional_kwargs={"deep": [s.phrase()]})],
    "before an answer": lambda s, at: [HumanMessage(s.phrase()), AIMessage("Well,")],
}


def langchain_answer(entry: str, said: AIMessage, guard: Guard | None, cut: int) -> str:
    """All that a caller and its callbacks see of one answer."""
    model: Any = ScriptedChat(script=[said], cut=cut)
    spy = Spy()
    asked = model if guard is None else GuardedChatModel(inner=model, guard=guard)
    return ENTRIES[entry](asked, "Where is my order?", spy) + "".join(spy.told)


# Blocks nobody can read, and calls whose arguments are no JSON.
UNREADABLE = (
    *("in a block nobody knows", "in a key of a block", "in the data of an image", "where a kind belongs"),
    *("in an invalid call", "in a raw call"),
)


def langchain_messages(entry: str, said: AIMessage, guard: Guard | None) -> str:
    """What a caller sees of one answer, less the ids that LangChain makes anew each time."""
    told = langchain_answer(entry, said, guard, 4)
    return _IDS.sub("", told)


_IDS = re.compile(r"lc_run--[0-9a-f-]{36}(?:-0)?")


def langchain_history(entry: str, given: list[BaseMessage], guard: Guard | None) -> str:
    """All that reached the model."""
    model = ScriptedChat(script=[AIMessage("Fine.")])
    asked: Any = model if guard is None else GuardedChatModel(inner=model, guard=guard)
    ENTRIES[entry](asked, given, Spy())
    return everything(model.seen) + repr(model.seen)


def langchain_agent(said: AIMessage, guard: Guard | None) -> str:
    """All that a run of an agent shows, streamed, and all that its model was sent."""
    model = ScriptedChat(script=[said, AIMessage("Done.")])
    middleware = () if guard is None else (HandoffMiddleware(guard),)
    built = create_agent(model, [], middleware=middleware)
    shown = list(built.stream({"messages": [_USER]}, stream_mode=["messages", "values"]))
    chunks = "".join(str(item[1][0].text) for item in shown if item[0] == "messages")
    return chunks + repr(shown)


def langchain_agent_tool(result: Any, guard: Guard | None) -> str:
    """All that the model of an agent is sent after a tool returned something."""

    @tool
    def look_up() -> Any:
        """Look."""
        return result

    model = ScriptedChat(script=[AIMessage("", tool_calls=_calls({})), AIMessage("Done.")])
    middleware = () if guard is None else (HandoffMiddleware(guard),)
    shown = create_agent(model, [look_up], middleware=middleware).invoke({"messages": [_USER]})
    return everything(model.seen) + repr(model.seen) + repr(shown)
