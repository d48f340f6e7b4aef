"""A scripted answer in the shapes of OpenAI's two endpoints, whole or as stream events."""

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from support.model_server import Say

Json = dict[str, Any]
USAGE = {"prompt_tokens": 9, "completion_tokens": 7, "total_tokens": 16}


def pieces(path: str, request: Json, say: "Say") -> list[bytes]:
    """Return the bytes of an answer, piece by piece."""
    if say.raw is not None:
        return [say.raw]
    if say.status != 200:
        return [json.dumps({"error": {"message": "scripted failure", "type": "server_error"}}).encode()]
    if "/responses" in path:
        whole = response(request, say)
        return _response_events(whole, say) if request.get("stream") else [json.dumps(whole).encode()]
    if "/chat/completions" in path:
        whole = completion(request, say)
        return _chat_events(request, whole, say) if request.get("stream") else [json.dumps(whole).encode()]
    return [
        json.dumps(
            {"object": "list", "data": [{"id": "scripted", "object": "model"}], "text": say.text}
        ).encode()
    ]


def tokens(text: str, cut: int) -> list[str]:
    return [text[i : i + cut] for i in range(0, len(text), cut)]


def logprobs(text: str, cut: int) -> list[Json]:
    return [
        {"token": t, "logprob": -0.01, "bytes": list(t.encode()), "top_logprobs": []}
        for t in tokens(text, cut)
    ]


def completion(request: Json, say: "Say") -> Json:
    choices = []
    for index, text in enumerate([say.text, *say.others]):
        message: Json = {"role": "assistant", "content": text, "refusal": say.refusal, **say.extra}
        if say.calls and index == 0:
            message["tool_calls"] = [
                {"id": f"call_{i}", "type": "function", "function": {"name": name, "arguments": arguments}}
                for i, (name, arguments) in enumerate(say.calls)
            ]
        finish = say.finish or ("tool_calls" if say.calls else "stop")
        choice: Json = {"index": index, "message": message, "finish_reason": finish, "logprobs": None}
        if request.get("logprobs"):
            choice["logprobs"] = {"content": logprobs(text or "", say.cut), "refusal": None}
        choices.append(choice)
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "scripted-1",
        "choices": choices,
        "usage": USAGE,
    }


def event(payload: Json, name: str = "") -> bytes:
    return (f"event: {name}\n" if name else "").encode() + b"data: " + json.dumps(payload).encode() + b"\n\n"


def _chat_events(request: Json, whole: Json, say: "Say") -> list[bytes]:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "scripted-1"}
    events = []

    def emit(index: int, delta: Json, **more: Any) -> None:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": None, **more}
        events.append(event({**head, "choices": [choice]}))

    for choice in whole["choices"]:
        index, message = choice["index"], choice["message"]
        emit(index, {"role": "assistant", "content": "", "refusal": None})
        for token in tokens(message["content"] or "", say.cut):
            more = {"logprobs": {"content": logprobs(token, say.cut)}} if request.get("logprobs") else {}
            emit(index, {"content": token}, **more)
        for token in tokens(message["refusal"] or "", say.cut):
            emit(index, {"refusal": token})
        for name, value in say.extra.items():
            for token in tokens(value, say.cut) if isinstance(value, str) else [value]:
                emit(index, {name: token})
        for i, call in enumerate(message.get("tool_calls", [])):
            start = {**call, "index": i, "function": {"name": call["function"]["name"], "arguments": ""}}
            emit(index, {"tool_calls": [start]})
            for token in tokens(call["function"]["arguments"], say.cut):
                emit(index, {"tool_calls": [{"index": i, "function": {"arguments": token}}]})
        emit(index, {}, finish_reason=choice["finish_reason"])
    if (request.get("stream_options") or {}).get("include_usage"):
        events.append(event({**head, "choices": [], "usage": USAGE}))
    return [*events, b"data: [DONE]\n\n"]


def response(request: Json, say: "Say") -> Json:
    output: list[Json] = []
    for index, text in enumerate([say.text, *say.others]):
        if text is None and say.refusal is None:
            continue
        part: Json = {"type": "output_text", "text": text, "annotations": []}
        if "message.output_text.logprobs" in (request.get("include") or []):
            part["logprobs"] = logprobs(text, say.cut)
        content = [part] if say.refusal is None else [{"type": "refusal", "refusal": say.refusal}]
        output.append(
            {
                "id": f"msg_{index}",
                "type": "message",
                "role": "assistant",
                "status": "completed",
                "content": content,
            }
        )
    for i, (name, arguments) in enumerate(say.calls):
        output.append(
            {
                **{"id": f"fc_{i}", "type": "function_call", "status": "completed"},
                **{"call_id": f"call_{i}", "name": name, "arguments": arguments},
            }
        )
    return {
        **{
            "id": "resp_1",
            "object": "response",
            "created_at": 1,
            "status": "completed",
            "model": "scripted-1",
        },
        **{"output": output, "parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "metadata": {}},
        **{"error": None, "incomplete_details": None, "instructions": request.get("instructions")},
        "usage": {
            **{"input_tokens": 9, "output_tokens": 7, "total_tokens": 16},
            **{
                "input_tokens_details": {"cached_tokens": 0},
                "output_tokens_details": {"reasoning_tokens": 0},
            },
        },
        **say.extra,
    }


def _response_events(whole: Json, say: "Say") -> list[bytes]:
    events: list[bytes] = []

    def emit(kind: str, **payload: Any) -> None:
        events.append(event({"type": kind, "sequence_number": len(events), **payload}, kind))

    started = {**whole, "status": "in_progress", "output": [], "usage": None}
    emit("response.created", response=started)
    emit("response.in_progress", response=started)
    for at, item in enumerate(whole["output"]):
        if item["type"] == "function_call":
            emit(
                "response.output_item.added",
                output_index=at,
                item={**item, "arguments": "", "status": "in_progress"},
            )
            where = {"item_id": item["id"], "output_index": at}
            for token in tokens(item["arguments"], say.cut):
                emit("response.function_call_arguments.delta", **where, delta=token)
            emit(
                "response.function_call_arguments.done",
                **where,
                name=item["name"],
                arguments=item["arguments"],
            )
        else:
            emit(
                "response.output_item.added",
                output_index=at,
                item={**item, "content": [], "status": "in_progress"},
            )
            for index, part in enumerate(item["content"]):
                _part_events(
                    emit, item, part, {"item_id": item["id"], "output_index": at, "content_index": index}, say
                )
        emit("response.output_item.done", output_index=at, item=item)
    emit("response.completed", response=whole)
    return events


def _part_events(emit: Any, item: Json, part: Json, where: Json, say: "Say") -> None:
    kind = "text" if part["type"] == "output_text" else "refusal"
    name = "output_text" if kind == "text" else "refusal"
    empty = {**part, kind: ""}
    if "logprobs" in part:
        empty["logprobs"] = []
    emit("response.content_part.added", **where, part=empty)
    for token in tokens(part[kind], say.cut):
        more = {} if kind != "text" else {"logprobs": logprobs(token, say.cut) if "logprobs" in part else []}
        emit(f"response.{name}.delta", **where, delta=token, **more)
    more = {} if kind != "text" else {"logprobs": part.get("logprobs", [])}
    emit(f"response.{name}.done", **where, **{kind: part[kind]}, **more)
    emit("response.content_part.done", **where, part=part)
