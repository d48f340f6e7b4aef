"""Pydantic AI models and tools with one secret in what they say, are told or return."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from pydantic_ai import Agent, FunctionToolset
from pydantic_ai.direct import model_request, model_request_stream
from pydantic_ai.exceptions import ApprovalRequired
from pydantic_ai.messages import (
    BinaryContent,
    FilePart,
    ModelRequest,
    ModelResponse,
    NativeToolCallPart,
    NativeToolReturnPart,
    SystemPromptPart,
    TextContent,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models.function import DeltaToolCall, FunctionModel

from handrail import Guard
from handrail_adapters.pydantic_ai import GuardedModel, GuardedToolset
from support.open_world import CARD, everything
from support.open_world_turns import Place

PARTS: dict[str, Place] = {
    "in the text": lambda s, at: [TextPart(s.phrase())],
    "cut over two parts": lambda s, at: [TextPart(text) for text in s.halves(at)],
    "in thinking": lambda s, at: [ThinkingPart(s.phrase()), TextPart("Fine.")],
    "in details": lambda s, at: [TextPart("Fine.", provider_details={"deep": [s.phrase()]})],
    "in arguments": lambda s, at: [ToolCallPart("look_up", {"deep": {"id": [s.phrase()]}}, "c1")],
    "in arguments that are a text": lambda s, at: [
        ToolCallPart("look_up", json.dumps({"id": s.phrase()}), "c1")
    ],
    "in a key of arguments": lambda s, at: [ToolCallPart("look_up", {s.phrase(): 1}, "c1")],
    "as a number of arguments": lambda s, at: [ToolCallPart("look_up", {"n": int(CARD.needle)}, "c1")],
    "in a tool's name": lambda s, at: [ToolCallPart(s.phrase(), {}, "c1")],
    "in a call of the provider's": lambda s, at: [
        NativeToolCallPart("web_search", {"query": s.phrase()}, "c1"),
        TextPart("Fine."),
    ],
    "in a result of the provider's": lambda s, at: [
        NativeToolReturnPart("web_search", {"deep": [s.phrase()]}, "c1"),
        TextPart("Fine."),
    ],
    "where a signature belongs": lambda s, at: [ThinkingPart("Hm.", signature=s.phrase()), TextPart("Fine.")],
    "where an id belongs": lambda s, at: [TextPart("Fine.", id=s.phrase())],
    "in a file": lambda s, at: [
        FilePart(BinaryContent(s.phrase().encode(), media_type="text/plain")),
        TextPart("Fine."),
    ],
    "in JSON": lambda s, at: [TextPart('{"note":"line\\n' + s.needle + '", "cue": "' + s.cue + '"}')],
}
# What a model of this test cannot stream.
NOT_STREAMED = (
    *("in thinking", "in details", "where an id belongs", "where a signature belongs", "in a file"),
    *("in a call of the provider's", "in a result of the provider's"),
)
REQUESTS: dict[str, Place] = {
    "in the prompt": lambda s, at: [ModelRequest(parts=[UserPromptPart(s.phrase())])],
    "cut over two parts": lambda s, at: [ModelRequest(parts=[UserPromptPart(list(s.halves(at)))])],
    "in the system's prompt": lambda s, at: [
        ModelRequest(parts=[SystemPromptPart(s.phrase()), UserPromptPart("Where?")])
    ],
    "in instructions": lambda s, at: [
        ModelRequest(parts=[UserPromptPart("Where?")], instructions=s.phrase())
    ],
    "in prompts of two kinds, cut": lambda s, at: [
        ModelRequest(parts=[UserPromptPart(s.halves(at)[0]), UserPromptPart(s.halves(at)[1])])
    ],
    "in what is said beside a prompt": lambda s, at: [
        ModelRequest(parts=[UserPromptPart("Where?")], metadata={"note": s.phrase()})
    ],
    "in the metadata of a text": lambda s, at: [
        ModelRequest(parts=[UserPromptPart([TextContent("Where?", metadata={"note": s.phrase()})])])
    ],
    "in what is to be tried again": lambda s, at: [
        ModelRequest(parts=[UserPromptPart("Where?")]),
        ModelResponse(parts=[ToolCallPart("look_up", {}, "c1")]),
        ModelRequest(parts=[ToolReturnPart("look_up", s.phrase(), "c1", outcome="retried")]),
    ],
    "cut over two parts of an answer": lambda s, at: [
        ModelRequest(parts=[UserPromptPart("Where?")]),
        ModelResponse(parts=[TextPart(text) for text in s.halves(at)]),
        ModelRequest(parts=[UserPromptPart("Where?")]),
    ],
    "in a result": lambda s, at: [
        ModelRequest(parts=[UserPromptPart("Where?")]),
        ModelResponse(parts=[ToolCallPart("look_up", {}, "c1")]),
        ModelRequest(parts=[ToolReturnPart("look_up", {"deep": [s.phrase()]}, "c1")]),
    ],
    "in a key of a result": lambda s, at: [
        ModelRequest(parts=[UserPromptPart("Where?")]),
        ModelResponse(parts=[ToolCallPart("look_up", {}, "c1")]),
        ModelRequest(parts=[ToolReturnPart("look_up", {s.phrase(): 1}, "c1")]),
    ],
    "in arguments": lambda s, at: [
        ModelRequest(parts=[UserPromptPart("Where?")]),
        ModelResponse(parts=[ToolCallPart("look_up", {"deep": [s.phrase()]}, "c1")]),
        ModelRequest(parts=[ToolReturnPart("look_up", "found", "c1")]),
    ],
}
QUESTION = [ModelRequest(parts=[UserPromptPart("Where is my order?")])]


def pydantic_ai(
    given: Any, parts: list[Any], guard: Guard | None, cut: int, *, stream: bool
) -> tuple[str, str]:
    """What reached the model, and all that its caller sees of the answer."""
    sent: list[Any] = []

    async def whole(messages: Any, info: Any) -> ModelResponse:
        sent.append(messages)
        return ModelResponse(parts=parts)

    async def pieces(messages: Any, info: Any) -> AsyncIterator[Any]:
        sent.append(messages)
        for index, part in enumerate(parts):
            for piece in _pieces(index, part, cut):
                yield piece

    inner = FunctionModel(whole, stream_function=pieces)
    model: Any = inner if guard is None else GuardedModel(inner, guard)

    async def main() -> str:
        if not stream:
            return everything(await model_request(model, given))
        async with model_request_stream(model, given) as events:
            return everything(*[event async for event in events], events.get())

    told = asyncio.run(main())
    return everything(sent) + repr(sent), told


def pydantic_ai_response(parts: list[Any], guard: Guard) -> Any:
    """The parts of a response as its caller has them."""

    async def whole(messages: Any, info: Any) -> ModelResponse:
        return ModelResponse(parts=parts)

    return asyncio.run(model_request(GuardedModel(FunctionModel(whole), guard), QUESTION)).parts


def _pieces(index: int, part: Any, cut: int) -> Iterator[Any]:
    if isinstance(part, ToolCallPart):
        arguments = part.args if isinstance(part.args, str) else json.dumps(part.args)
        yield {index: DeltaToolCall(name=part.tool_name, tool_call_id=part.tool_call_id)}
        for at in range(0, len(arguments), cut):
            yield {index: DeltaToolCall(json_args=arguments[at : at + cut])}
    else:
        for at in range(0, len(part.content), cut):
            yield part.content[at : at + cut]


def pydantic_ai_tool(arguments: dict[str, Any], result: Any, guard: Guard | None) -> tuple[str, str]:
    """What reached a tool, and what the model was sent of its result."""
    got: list[Any] = []
    sent: list[Any] = []

    def look_up(order: Any) -> Any:
        """Look."""
        got.append(order)
        return result

    async def whole(messages: Any, info: Any) -> ModelResponse:
        sent.append(messages)
        parts = [ToolCallPart("look_up", arguments, "c1")] if len(sent) == 1 else [TextPart("Done.")]
        return ModelResponse(parts=parts)

    tools: Any = FunctionToolset([look_up])
    toolset = tools if guard is None else GuardedToolset(tools, guard)
    agent: Any = Agent(FunctionModel(whole), toolsets=[toolset])
    try:
        asyncio.run(agent.run("Where?"))
    except Exception as error:
        if not isinstance(error, ApprovalRequired) and "DeferredToolRequests" not in str(error):
            raise
    return everything(got), everything([messages[-1] for messages in sent[1:]])
