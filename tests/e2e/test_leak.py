"""Nothing withheld gets through, in either direction, by any way in; each with a control that leaks."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI
from openai import AsyncOpenAI, OpenAI

from handrail import Guard, HandoffRequired
from handrail_adapters.langchain import GuardedChatModel
from handrail_adapters.openai import guard_openai
from support.model_server import ModelServer, Say, model_server
from support.shop_guard import KEY, MAIL, shop_guard

Messages = list[dict[str, Any]]

ASKS = [{"role": "user", "content": "Where is order 7?"}]
CALL = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"who": "' + MAIL + '"}'}}
WITHHELD = {
    "in the message": [{"role": "user", "content": f"Write to {MAIL}, please."}],
    "in the history": [
        {"role": "user", "content": f"I am {MAIL}."},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "Where is order 7?"},
    ],
    "in a tool's result": [
        {"role": "user", "content": "Who ordered?"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": f'{{"mail": "{MAIL}"}}'},
    ],
}


def told(pieces: Iterator[str]) -> str:
    """What a reader gets of a stream, be it only up to an error."""
    seen = ""
    try:
        for piece in pieces:
            seen += piece
    except HandoffRequired as error:
        return f"{seen}{error}{error.handoff}"
    return seen


def decorator(server: ModelServer, guard: Guard | None, messages: Messages) -> str:
    def answer(messages: Messages) -> str:
        return plain_text(OpenAI(base_url=server.url, api_key="k"), messages)

    ask = answer if guard is None else guard(answer)
    return told(ask(messages) for _ in range(1))


def decorated_generator(server: ModelServer, guard: Guard | None, messages: Messages) -> str:
    def answer(messages: Messages) -> Iterator[str]:
        yield from streamed_text(OpenAI(base_url=server.url, api_key="k"), messages)

    ask = answer if guard is None else guard(answer)
    return told(ask(messages))


def decorated_coroutine(server: ModelServer, guard: Guard | None, messages: Messages) -> str:
    async def answer(messages: Messages) -> str:
        async with AsyncOpenAI(base_url=server.url, api_key="k") as client:
            return await async_text(client, messages)

    ask = answer if guard is None else guard(answer)
    return told(asyncio.run(ask(messages)) for _ in range(1))


def decorated_async_generator(server: ModelServer, guard: Guard | None, messages: Messages) -> str:
    async def answer(messages: Messages) -> AsyncIterator[str]:
        async with AsyncOpenAI(base_url=server.url, api_key="k") as client:
            async for piece in async_stream(client, messages):
                yield piece

    async def all_of() -> str:
        ask = answer if guard is None else guard(answer)
        return "".join([piece async for piece in ask(messages)])

    return told(asyncio.run(all_of()) for _ in range(1))


def openai_plain(server: ModelServer, guard: Guard | None, messages: Messages) -> str:
    return plain_text(openai_client(server, guard), messages)


def openai_stream(server: ModelServer, guard: Guard | None, messages: Messages) -> str:
    return "".join(streamed_text(openai_client(server, guard), messages))


def openai_async(server: ModelServer, guard: Guard | None, messages: Messages) -> str:
    async def main() -> str:
        async with AsyncOpenAI(base_url=server.url, api_key="k") as client:
            return await async_text(client if guard is None else guard_openai(client, guard), messages)

    return asyncio.run(main())


def openai_async_stream(server: ModelServer, guard: Guard | None, messages: Messages) -> str:
    async def main() -> str:
        async with AsyncOpenAI(base_url=server.url, api_key="k") as client:
            asked = client if guard is None else guard_openai(client, guard)
            return "".join([piece async for piece in async_stream(asked, messages)])

    return asyncio.run(main())


def langchain_invoke(server: ModelServer, guard: Guard | None, messages: Messages) -> str:
    return repr(chat_model(server, guard).invoke(langchain_messages(messages)))


def langchain_stream(server: ModelServer, guard: Guard | None, messages: Messages) -> str:
    return "".join(chunk.text for chunk in chat_model(server, guard).stream(langchain_messages(messages)))


WAYS = {
    way.__name__: way
    for way in (
        *(decorator, decorated_generator, decorated_coroutine, decorated_async_generator),
        *(openai_plain, openai_stream, openai_async, openai_async_stream, langchain_invoke, langchain_stream),
    )
}


@pytest.fixture(scope="module")
def guard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guard]:
    with shop_guard(tmp_path_factory.mktemp("shop")) as guard:
        yield guard


@pytest.mark.parametrize("way", WAYS)
def test_a_secret_in_the_answer_never_reaches_the_caller(way: str, guard: Guard) -> None:
    with model_server(Say(f"Of course: {KEY}.", cut=3)) as server:
        assert KEY in WAYS[way](server, None, ASKS), "the control must leak"
        answer = WAYS[way](server, guard, ASKS)
    assert KEY[8:] not in answer
    assert "privacy lead" in answer or "privacy_lead" in answer


@pytest.mark.parametrize("way", ["openai_plain", "openai_stream", "openai_async"])
def test_a_secret_beside_the_answer_never_reaches_the_caller(way: str, guard: Guard) -> None:
    with model_server(Say("Fine.", extra={"reasoning_content": f"It is {KEY}."}, cut=3)) as server:
        answer = WAYS[way](server, guard, ASKS)
    assert KEY[8:] not in answer
    assert "privacy lead" in answer


@pytest.mark.parametrize("where", WITHHELD)
@pytest.mark.parametrize("way", WAYS)
def test_what_policy_withholds_never_reaches_the_model(way: str, where: str, guard: Guard) -> None:
    messages = WITHHELD[where]
    with model_server(Say("On its way.")) as server:
        WAYS[way](server, None, messages)
        assert MAIL in server.sent, "the control must leak"
    with model_server(Say("On its way.")) as server:
        assert "On its way." in WAYS[way](server, guard, messages)
        assert len(server.seen) == 1
        assert MAIL not in server.sent


@pytest.mark.parametrize("way", [way for way in WAYS if not way.startswith("langchain")])
def test_a_retry_carries_nothing_that_was_withheld(
    way: str, guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.001)
    with model_server(Say(status=500), Say(status=503), Say("On its way.")) as server:
        assert "On its way." in WAYS[way](server, guard, WITHHELD["in the message"])
        assert len(server.seen) == 3
        assert MAIL not in server.sent


def openai_client(server: ModelServer, guard: Guard | None) -> OpenAI:
    client = OpenAI(base_url=server.url, api_key="k")
    return client if guard is None else guard_openai(client, guard)


def plain_text(client: OpenAI, messages: list[Any]) -> str:
    return client.chat.completions.create(model="m", messages=messages).choices[0].message.content or ""


def streamed_text(client: OpenAI, messages: list[Any]) -> Iterator[str]:
    for chunk in client.chat.completions.create(model="m", messages=messages, stream=True):
        yield chunk.choices[0].delta.content or ""


async def async_text(client: AsyncOpenAI, messages: list[Any]) -> str:
    completion = await client.chat.completions.create(model="m", messages=messages)
    return completion.choices[0].message.content or ""


async def async_stream(client: AsyncOpenAI, messages: list[Any]) -> AsyncIterator[str]:
    async for chunk in await client.chat.completions.create(model="m", messages=messages, stream=True):
        yield chunk.choices[0].delta.content or ""


def chat_model(server: ModelServer, guard: Guard | None) -> Any:
    model = ChatOpenAI(base_url=server.url, api_key="k", model="m")
    return model if guard is None else GuardedChatModel(inner=model, guard=guard)


def langchain_messages(messages: Messages) -> list[BaseMessage]:
    made: list[BaseMessage] = []
    for message in messages:
        if message["role"] == "tool":
            made.append(ToolMessage(message["content"], tool_call_id=message["tool_call_id"]))
        elif message["role"] == "assistant":
            calls = [
                {"name": "find", "args": {"who": MAIL}, "id": call["id"], "type": "tool_call"}
                for call in message.get("tool_calls", [])
            ]
            made.append(AIMessage(message["content"] or "", tool_calls=calls))
        else:
            made.append(HumanMessage(message["content"]))
    return made
