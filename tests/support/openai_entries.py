"""Every way to ask a model through the `openai` package; each returns all that its caller could see."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import httpx2
from openai import APIStatusError, AsyncOpenAI, AzureOpenAI, OpenAI
from pydantic import BaseModel

Messages = list[dict[str, Any]]
Sync = Callable[[Any, Messages], str]


class Shape(BaseModel):
    """A structured answer."""

    answer: str


def shown(value: Any) -> str:
    """Everything in a value, as text."""
    if isinstance(value, BaseModel):
        return value.model_dump_json(warnings=False) + json.dumps(value.model_extra or {}, default=str)
    if isinstance(value, bytes):
        return value.decode()
    return str(value)


def chat_create(client: Any, messages: Messages) -> str:
    return shown(client.chat.completions.create(model="m", messages=messages))


def chat_two_choices(client: Any, messages: Messages) -> str:
    return shown(client.chat.completions.create(model="m", messages=messages, n=2))


def chat_stream(client: Any, messages: Messages) -> str:
    stream = client.chat.completions.create(model="m", messages=messages, stream=True)
    return _told([chunk.model_dump() for chunk in stream])


def chat_stream_usage(client: Any, messages: Messages) -> str:
    options = {"include_usage": True}
    with client.chat.completions.create(
        model="m", messages=messages, stream=True, stream_options=options
    ) as stream:
        return _told([chunk.model_dump() for chunk in stream])


def chat_stream_logprobs(client: Any, messages: Messages) -> str:
    stream = client.chat.completions.create(model="m", messages=messages, stream=True, logprobs=True)
    return _told([chunk.model_dump() for chunk in stream])


def chat_helper(client: Any, messages: Messages) -> str:
    with client.chat.completions.stream(model="m", messages=messages) as stream:
        events = [shown(event) for event in stream]
        return "".join(events) + shown(stream.get_final_completion())


def chat_parse(client: Any, messages: Messages) -> str:
    try:
        return shown(client.chat.completions.parse(model="m", messages=messages, response_format=Shape))
    except Exception as error:  # noqa: BLE001 - what an error shows counts too
        return f"{error!r} {getattr(error, 'input_value', '')} {error}"


def chat_raw(client: Any, messages: Messages) -> str:
    raw = client.chat.completions.with_raw_response.create(model="m", messages=messages)
    return shown(raw.content) + shown(raw.parse()) + str(dict(raw.headers))


def chat_raw_stream(client: Any, messages: Messages) -> str:
    raw = client.chat.completions.with_raw_response.create(model="m", messages=messages, stream=True)
    return _told([chunk.model_dump() for chunk in raw.parse()])


def chat_streaming_response(client: Any, messages: Messages) -> str:
    with client.chat.completions.with_streaming_response.create(model="m", messages=messages) as response:
        return "".join(response.iter_text())


def chat_streaming_lines(client: Any, messages: Messages) -> str:
    with client.chat.completions.with_streaming_response.create(
        model="m", messages=messages, stream=True
    ) as response:
        return _told([json.loads(line[6:]) for line in response.iter_lines() if line.startswith("data: {")])


def chat_with_options(client: Any, messages: Messages) -> str:
    return chat_create(client.with_options(timeout=7, max_retries=0), messages)


def chat_post(client: Any, messages: Messages) -> str:
    body = {"model": "m", "messages": messages}
    return json.dumps(client.post("/chat/completions", body=body, cast_to=object))


def responses_create(client: Any, messages: Messages) -> str:
    return shown(client.responses.create(model="m", input=_items(messages)))


def responses_stream(client: Any, messages: Messages) -> str:
    stream = client.responses.create(model="m", input=_items(messages), stream=True)
    return _told([event.model_dump() for event in stream])


def responses_helper(client: Any, messages: Messages) -> str:
    with client.responses.stream(model="m", input=_items(messages)) as stream:
        events = "".join(shown(event) for event in stream)
        return events + shown(stream.get_final_response())


def responses_parse(client: Any, messages: Messages) -> str:
    try:
        return shown(client.responses.parse(model="m", input=_items(messages), text_format=Shape))
    except Exception as error:  # noqa: BLE001 - what an error shows counts too
        return f"{error!r} {error}"


def responses_raw(client: Any, messages: Messages) -> str:
    return shown(client.responses.with_raw_response.create(model="m", input=_items(messages)).content)


def responses_streaming_response(client: Any, messages: Messages) -> str:
    with client.responses.with_streaming_response.create(
        model="m", input=_items(messages), stream=True
    ) as response:
        return _told([json.loads(line[6:]) for line in response.iter_lines() if line.startswith("data: ")])


SYNC: dict[str, Sync] = {
    entry.__name__: entry
    for entry in (
        *(chat_create, chat_two_choices, chat_stream, chat_stream_usage, chat_stream_logprobs, chat_helper),
        *(chat_parse, chat_raw, chat_raw_stream, chat_streaming_response, chat_streaming_lines),
        *(chat_with_options, chat_post, responses_create, responses_stream, responses_helper),
        *(responses_parse, responses_raw, responses_streaming_response),
    )
}


async def chat_acreate(client: Any, messages: Messages) -> str:
    return shown(await client.chat.completions.create(model="m", messages=messages))


async def chat_astream(client: Any, messages: Messages) -> str:
    stream = await client.chat.completions.create(model="m", messages=messages, stream=True)
    return _told([chunk.model_dump() async for chunk in stream])


async def chat_ahelper(client: Any, messages: Messages) -> str:
    async with client.chat.completions.stream(model="m", messages=messages) as stream:
        events = "".join([shown(event) async for event in stream])
        return events + shown(await stream.get_final_completion())


async def chat_araw(client: Any, messages: Messages) -> str:
    raw = await client.chat.completions.with_raw_response.create(model="m", messages=messages)
    return shown(raw.content)


async def chat_astreaming_response(client: Any, messages: Messages) -> str:
    async with client.chat.completions.with_streaming_response.create(
        model="m", messages=messages
    ) as response:
        return "".join([text async for text in response.iter_text()])


async def responses_acreate(client: Any, messages: Messages) -> str:
    return shown(await client.responses.create(model="m", input=_items(messages)))


async def responses_ahelper(client: Any, messages: Messages) -> str:
    async with client.responses.stream(model="m", input=_items(messages)) as stream:
        events = "".join([shown(event) async for event in stream])
        return events + shown(await stream.get_final_response())


ASYNC: dict[str, Callable[[Any, Messages], Awaitable[str]]] = {
    entry.__name__: entry
    for entry in (
        *(chat_acreate, chat_astream, chat_ahelper, chat_araw, chat_astreaming_response),
        *(responses_acreate, responses_ahelper),
    )
}


def sync_client(url: str, flavour: str = "default") -> Any:
    """A client with one of the HTTP libraries, or for Azure."""
    options: dict[str, Any] = {"api_key": "k", "max_retries": 2}
    if flavour == "azure":
        root = url.removesuffix("/v1")
        return AzureOpenAI(azure_endpoint=root, api_version="2026-01-01", azure_deployment="d", **options)
    if flavour == "httpx":
        options["http_client"] = httpx.Client(timeout=5)
    if flavour == "httpx2":
        options["http_client"] = httpx2.Client(timeout=5)
    return OpenAI(base_url=url, **options)


def run_async(url: str, guarded: Callable[[Any], Any], name: str, messages: Messages) -> str:
    """Run one of the asynchronous ways with a client of its own."""

    async def main() -> str:
        async with AsyncOpenAI(base_url=url, api_key="k") as client:
            return await ASYNC[name](guarded(client), messages)

    return asyncio.run(main())


def _items(messages: Messages) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    for message in messages:
        if message["role"] == "tool":
            items.append(
                {
                    "type": "function_call_output",
                    "call_id": message["tool_call_id"],
                    "output": message["content"],
                }
            )
        elif message.get("tool_calls"):
            for call in message["tool_calls"]:
                function = call["function"]
                items.append({"type": "function_call", "call_id": call["id"], **function})
        else:
            items.append({"role": message["role"], "content": message["content"]})
    return items


def _told(events: list[Any]) -> str:
    """A stream as its reader puts it together: every text with its neighbours, and every event as it is."""
    joined: dict[str, list[str]] = {}
    for event in events:
        for path, text in _leaves(event, ""):
            joined.setdefault(path, []).append(text)
    return "\n".join("".join(texts) for texts in joined.values()) + json.dumps(events, default=str)


def _leaves(value: Any, path: str) -> list[tuple[str, str]]:
    if isinstance(value, str):
        return [(path, value)]
    if isinstance(value, dict):
        index = value.get("index", value.get("output_index", ""))
        return [leaf for key, inner in value.items() for leaf in _leaves(inner, f"{path}.{index}{key}")]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in _leaves(inner, path)]
    return []


__all__ = ["ASYNC", "SYNC", "APIStatusError", "run_async", "shown", "sync_client"]
