"""A scripted answer in the shape of Anthropic's messages, whole or as stream events."""

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from support.model_server import Say

Json = dict[str, Any]


def pieces(path: str, request: Json, say: "Say") -> list[bytes]:
    """Return the bytes of an answer, piece by piece."""
    if say.raw is not None:
        return [say.raw]
    if say.status != 200:
        error = {"type": "api_error", "message": "scripted failure"}
        return [json.dumps({"type": "error", "error": error}).encode()]
    whole = message(say)
    return _events(whole, say) if request.get("stream") else [json.dumps(whole).encode()]


def message(say: "Say") -> Json:
    content: list[Json] = []
    for name, value in say.extra.items():
        signed = {"signature": "s"} if name == "thinking" else {}
        content.append({"type": name, name: value, **signed})
    texts = [text for text in (say.text, *say.others) if text is not None]
    content += [{"type": "text", "text": text, "citations": None} for text in texts]
    content += [
        {"type": "tool_use", "id": f"toolu_{index}", "name": name, "input": json.loads(arguments)}
        for index, (name, arguments) in enumerate(say.calls)
    ]
    return {
        **{"id": "msg_1", "type": "message", "role": "assistant", "model": "scripted-1", "content": content},
        **{"stop_reason": say.finish or ("tool_use" if say.calls else "end_turn"), "stop_sequence": None},
        "usage": {"input_tokens": 9, "output_tokens": 7},
    }


def _events(whole: Json, say: "Say") -> list[bytes]:
    events: list[bytes] = []

    def emit(kind: str, **payload: Any) -> None:
        data = json.dumps({"type": kind, **payload})
        events.append(f"event: {kind}\ndata: {data}\n\n".encode())

    emit("message_start", message={**whole, "content": [], "stop_reason": None})
    emit("ping")
    for index, block in enumerate(whole["content"]):
        empty, deltas = _cut(block, say.cut)
        emit("content_block_start", index=index, content_block=empty)
        for delta in deltas:
            emit("content_block_delta", index=index, delta=delta)
        emit("content_block_stop", index=index)
    ending = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    emit("message_delta", delta=ending, usage={"output_tokens": 7})
    emit("message_stop")
    return events


def _cut(block: Json, cut: int) -> tuple[Json, list[Json]]:
    if block["type"] in ("text", "thinking"):
        name = block["type"]
        pieces = [block[name][at : at + cut] for at in range(0, len(block[name]), cut)]
        deltas = [{"type": f"{name}_delta", name: piece} for piece in pieces]
        if name == "thinking":
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
            return {**block, name: "", "signature": ""}, deltas
        return {**block, name: ""}, deltas
    if block["type"] == "tool_use":
        text = json.dumps(block["input"])
        pieces = [text[at : at + cut] for at in range(0, len(text), cut)]
        return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": p} for p in pieces]
    return block, []
