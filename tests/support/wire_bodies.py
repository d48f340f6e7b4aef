"""Full bodies of three formats: requests, answers and streams, with fields nobody knows.

`STRUCTURE` names the only fields in which no secret is planted.
"""

import json
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]
Path_ = tuple[str | int, ...]
STRUCTURE = frozenset(
    {
        *(
            "id",
            "object",
            "created",
            "created_at",
            "model",
            "type",
            "role",
            "index",
            "usage",
            "status",
            "call_id",
        ),
        *(
            "item_id",
            "output_index",
            "content_index",
            "sequence_number",
            "system_fingerprint",
            "service_tier",
        ),
        *("encrypted_content", "signature", "logprob", "bytes", "tool_call_id", "tool_use_id", "stream", "n"),
        *(
            "max_tokens",
            "metadata_of_request",
            "stop_reason",
            "start_index",
            "end_index",
            "parallel_tool_calls",
        ),
    }
)
"""Fields that carry structure and no words; each format's own table may name fewer."""
OF_REQUESTS = STRUCTURE | {"stop", "metadata"}

UNKNOWN: Json = {"note": "a word", "list": ["a", 3, {"deep": "b"}]}
CALL: Json = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "look_up", "arguments": '{"id": "3", "n": 4}'},
}
TOKEN: Json = {
    "token": "Fine",
    "logprob": -0.1,
    "bytes": [70],
    "top_logprobs": [{"token": "Good", "logprob": -2.0, "bytes": [71]}],
}


def _choice(index: int) -> Json:
    return {
        "index": index,
        "finish_reason": "stop",
        "logprobs": {"content": [TOKEN], "refusal": None},
        "message": {
            "role": "assistant",
            "content": "Fine.",
            "refusal": "No.",
            "reasoning_content": "Hm.",
            "annotations": [{"type": "url_citation", "url_citation": {"title": "A page", "url": "page"}}],
            "tool_calls": [{**CALL, "why": "a reason"}],
            "parsed": {"answer": "Fine."},
            "unknown": UNKNOWN,
        },
        "remark": "none",
    }


CHAT: Json = {
    **{
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [_choice(0), _choice(1)],
    },
    **{"metadata": {"topic": "orders"}, "usage": {"total_tokens": 3}, "extension": UNKNOWN},
}
MESSAGE_ITEM: Json = {
    **{"id": "msg_1", "type": "message", "role": "assistant", "status": "completed"},
    "content": [
        {"type": "output_text", "text": "Fine.", "annotations": [], "logprobs": [TOKEN]},
        {"type": "output_text", "text": "Soon.", "annotations": [], "remark": "none"},
        {"type": "refusal", "refusal": "No."},
    ],
}
RESPONSE: Json = {
    **{
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": "m",
        "tools": [],
    },
    **{"error": None, "metadata": {"topic": "orders"}, "output_text": "Fine.", "tool_choice": "auto"},
    "output": [
        MESSAGE_ITEM,
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}]},
        {
            "type": "function_call",
            "id": "fc_1",
            "call_id": "c1",
            "name": "look_up",
            "arguments": '{"id": "3"}',
        },
        {"type": "novel_item", "id": "n1", "words": "a word", **UNKNOWN},
    ],
    **{"usage": {"total_tokens": 3}, "extension": UNKNOWN},
}
MESSAGE: Json = {
    **{"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn"},
    **{"stop_sequence": None, "usage": {"output_tokens": 3}, "extension": UNKNOWN},
    "content": [
        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
        {"type": "text", "text": "Fine.", "citations": [{"type": "char_location", "cited_text": "a page"}]},
        {"type": "text", "text": "Soon.", "citations": None},
        {"type": "tool_use", "id": "t1", "name": "look_up", "input": {"id": "3", "list": ["a", 4]}},
        {"type": "novel_block", "words": "a word", **UNKNOWN},
    ],
}
ASKS: Json = {"messages": [{"role": "user", "content": "Where is my order?"}], "model": "m"}
CHAT_REQUEST: Json = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "Be brief.", "name": "shop"},
        {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "found"},
        {"role": "user", "content": "Where?", "name": "ann", "remark": "none"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "look_up",
                "description": "Look up.",
                "parameters": {
                    "type": "object",
                    "properties": {"id": {"type": "string", "description": "An id"}},
                },
            },
        }
    ],
    "prediction": {"type": "content", "content": "Fine."},
    "extension": UNKNOWN,
}
RESPONSES_REQUEST: Json = {
    **{"model": "m", "instructions": "Be brief.", "extension": UNKNOWN},
    "input": [
        {
            "role": "user",
            "content": [{"type": "input_text", "text": "one"}, {"type": "input_text", "text": "two"}],
        },
        {"type": "function_call", "call_id": "c1", "name": "look_up", "arguments": '{"id": "3"}'},
        {"type": "function_call_output", "call_id": "c1", "output": "found"},
        {"role": "user", "content": "Where?", "remark": "none"},
    ],
    "tools": [
        {"type": "function", "name": "look_up", "description": "Look up.", "parameters": {"type": "object"}}
    ],
}
ANTHROPIC_REQUEST: Json = {
    **{
        "model": "m",
        "max_tokens": 9,
        "system": [{"type": "text", "text": "Be brief."}],
        "extension": UNKNOWN,
    },
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "t1", "name": "look_up", "input": {"id": "3"}}],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "found"}]},
        {"role": "user", "content": "Where?"},
    ],
    "tools": [{"name": "look_up", "description": "Look up.", "input_schema": {"type": "object"}}],
}


FORMATS: dict[str, tuple[str, Json, Json]] = {
    "chat": ("/chat/completions", CHAT_REQUEST, CHAT),
    "responses": ("/responses", RESPONSES_REQUEST, RESPONSE),
    "anthropic": ("/v1/messages", ANTHROPIC_REQUEST, MESSAGE),
}


def sse(events: list[Json], form: str) -> bytes:
    """The bytes of a stream of events."""
    lines = []
    for event in events:
        named = f"event: {event['type']}\n" if form != "chat" else ""
        lines.append(f"{named}data: {json.dumps(event)}\n\n")
    return "".join([*lines, *(["data: [DONE]\n\n"] if form == "chat" else [])]).encode()


def chunk(index: int, delta: Json, **more: Any) -> Json:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": None, **more}
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def _token(piece: str) -> Json:
    return {**TOKEN, "token": piece, "bytes": list(piece.encode()), "top_logprobs": []}


def chat_events(pieces: list[str], where: str = "content") -> list[Json]:
    """A chat stream of two choices, whose first says some pieces in one of its fields."""

    def says(piece: str) -> Json:
        if where == "arguments":
            return {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}
        return {where: piece}

    events = [
        chunk(0, {"role": "assistant", "content": ""}),
        chunk(1, {"role": "assistant", "content": ""}),
    ]
    if where == "arguments":
        call = {
            "index": 0,
            "id": "call_1",
            "type": "function",
            "function": {"name": "look_up", "arguments": '{"id": "'},
        }
        events.append(chunk(0, {"tool_calls": [call]}))
    for at, piece in enumerate(pieces):
        events.append(chunk(0, says(piece), logprobs={"content": [_token(piece)]}))
        events.append(chunk(1, {"content": ("Fine", ", ", "soon ")[at % 3]}))
    if where == "arguments":
        events.append(chunk(0, says('"}')))
    events += [chunk(0, {}, finish_reason="stop", remark="none"), chunk(1, {}, finish_reason="stop")]
    return events


def response_events(pieces: list[str], where: str = "text") -> list[Json]:
    """A Responses stream whose message says some pieces."""
    text = "".join(pieces)
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    item = {**MESSAGE_ITEM, "content": [part]}
    whole = {**RESPONSE, "output": [item], "output_text": text}
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    started = {**whole, "status": "in_progress", "output": [], "output_text": ""}
    events: list[Json] = [
        {"type": "response.created", "response": started},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}},
        {"type": "response.content_part.added", **place, "part": {**part, "text": ""}},
        *(
            {"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []}
            for piece in pieces
        ),
        {"type": "response.output_text.done", **place, "text": text, "logprobs": []},
        {"type": "response.content_part.done", **place, "part": part},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": whole},
    ]
    return [{**event, "sequence_number": at} for at, event in enumerate(events)]


def message_events(pieces: list[str], where: str = "text") -> list[Json]:
    """An Anthropic stream of two blocks, whose first says some pieces."""
    input_json = where == "input"
    block: Json = (
        {"type": "tool_use", "id": "t1", "name": "look_up", "input": {}}
        if input_json
        else {"type": "text", "text": ""}
    )
    deltas = [
        {"type": "input_json_delta", "partial_json": p} if input_json else {"type": "text_delta", "text": p}
        for p in pieces
    ]
    if input_json:
        deltas = [
            {"type": "input_json_delta", "partial_json": '{"id": "'},
            *deltas,
            {"type": "input_json_delta", "partial_json": '"}'},
        ]
    return [
        {"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Soon."}},
        {"type": "content_block_stop", "index": 1},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {}},
        {"type": "message_stop"},
    ]


STREAMS: dict[str, tuple[Callable[..., list[Json]], tuple[str, ...]]] = {
    "chat": (chat_events, ("content", "refusal", "reasoning_content", "thought", "arguments")),
    "responses": (response_events, ("text",)),
    "anthropic": (message_events, ("text", "input")),
}
