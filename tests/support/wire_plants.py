"""Bodies of three formats with one secret anywhere: at a leaf, a key, a number, cut over pieces, or odd."""

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from support.open_world import CARD, SECRETS, Secret
from support.wire_bodies import (
    ASKS,
    CALL,
    FORMATS,
    MESSAGE,
    OF_REQUESTS,
    RESPONSE,
    STREAMS,
    STRUCTURE,
    Json,
    Path_,
    chunk,
    sse,
)


@dataclass(frozen=True)
class Exchange:
    """One request and the bytes that answer it."""

    format: str
    request: Json
    answer: bytes
    needles: tuple[str, ...] = ()
    told: str = ""

    def __repr__(self) -> str:
        return f"{self.format}: {self.told}"


def spots(value: Any, structure: frozenset[str], path: Path_ = ()) -> Iterator[tuple[Path_, str]]:
    """Every place of a body in which a secret could stand: a text, a number, or one more key of an object."""
    if isinstance(value, dict):
        yield path, "key"
        for key, part in value.items():
            if key not in structure:
                yield from spots(part, structure, (*path, key))
    elif isinstance(value, list):
        for at, part in enumerate(value):
            yield from spots(part, structure, (*path, at))
    elif isinstance(value, (str, type(None))):
        yield path, "text"
    elif not isinstance(value, bool):
        yield path, "number"


def planted(body: Json, spot: tuple[Path_, str], secret: Secret) -> Json:
    """The body with the secret at one place."""
    twin = copy.deepcopy(body)
    path, kind = spot
    inner: Any = twin
    for step in path[:-1] if kind != "key" else path:
        inner = inner[step]
    if kind == "key":
        inner[secret.phrase()] = 1
    elif kind == "number":
        inner[path[-1]] = int(CARD.needle)
    elif path[-1] == "arguments" and path[-2:-1] != ("extension",):
        inner[path[-1]] = json.dumps({"id": secret.phrase(), "n": 4})
    else:
        inner[path[-1]] = secret.phrase()
    return twin


def needle_of(spot: tuple[Path_, str], secret: Secret) -> str:
    return CARD.needle if spot[1] == "number" else secret.needle


def _plain_request(form: str, *, stream: bool = False) -> Json:
    if form == "responses":
        return {"model": "m", "input": "Where is my order?", "stream": stream}
    return {**ASKS, "stream": stream, **({"max_tokens": 9} if form == "anthropic" else {"n": 2})}


@st.composite
def planted_answers(draw: st.DrawFn, form: str) -> Exchange:
    """A whole answer with a secret anywhere, or in a shape nobody should send."""
    secret, body = draw(st.sampled_from(SECRETS)), FORMATS[form][2]
    shape = draw(st.sampled_from(["leaf", "leaf", "leaf", "odd"]))
    if shape == "odd":
        name = draw(st.sampled_from(tuple(ODD[form])))
        made = copy.deepcopy(body)
        needles = ODD[form][name](made, secret, draw(st.integers(0, 30)))
        return Exchange(
            form, _plain_request(form), json.dumps(made).encode(), needles, f"{secret.kind} {name}"
        )
    spot = draw(st.sampled_from(list(spots(body, STRUCTURE))))
    made = planted(body, spot, secret)
    ascii_only = draw(st.booleans())
    raw = json.dumps(made, ensure_ascii=ascii_only).encode()
    return Exchange(form, _plain_request(form), raw, (needle_of(spot, secret),), f"{secret.kind} at {spot}")


def _object_arguments(body: Json, secret: Secret, at: int) -> tuple[str, ...]:
    body["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] = {"id": [secret.phrase()]}
    return (secret.needle,)


def _two_kinds(body: Json, secret: Secret, at: int) -> tuple[str, ...]:
    call = body["choices"][0]["message"]["tool_calls"][0]
    call["custom"] = {"name": "look_up", "input": secret.phrase()}
    return (secret.needle,)


def _content_parts(body: Json, secret: Secret, at: int) -> tuple[str, ...]:
    first, second = secret.halves(at)
    body["choices"][0]["message"]["content"] = [
        {"type": "text", "text": first},
        {"type": "text", "text": second},
    ]
    return _pieces(first, secret)


def _content_object(body: Json, secret: Secret, at: int) -> tuple[str, ...]:
    body["choices"][1]["message"]["content"] = {"text": {"value": secret.phrase()}}
    return (secret.needle,)


def _response_parts(body: Json, secret: Secret, at: int) -> tuple[str, ...]:
    first, second = secret.halves(at)
    content = body["output"][0]["content"]
    content[0]["text"], content[1]["text"] = first, second
    return _pieces(first, secret)


def _response_error(body: Json, secret: Secret, at: int) -> tuple[str, ...]:
    body["error"] = {"code": "server_error", "message": secret.phrase()}
    return (secret.needle,)


def _response_arguments(body: Json, secret: Secret, at: int) -> tuple[str, ...]:
    body["output"][2]["arguments"] = {"id": secret.phrase()}
    return (secret.needle,)


def _blocks(body: Json, secret: Secret, at: int) -> tuple[str, ...]:
    first, second = secret.halves(at)
    body["content"][1]["text"], body["content"][2]["text"] = first, second
    return _pieces(first, secret)


def _text_content(body: Json, secret: Secret, at: int) -> tuple[str, ...]:
    body["content"] = secret.phrase()
    return (secret.needle,)


def _pieces(first: str, secret: Secret) -> tuple[str, ...]:
    head = first.rpartition(" ")[2]
    return head, secret.needle[len(head) :]


Odd = Callable[[Json, Secret, int], tuple[str, ...]]
ODD: dict[str, dict[str, Odd]] = {
    "chat": {
        "in arguments that are an object": _object_arguments,
        "in a call of two kinds": _two_kinds,
        "over two parts": _content_parts,
        "in content that is an object": _content_object,
    },
    "responses": {
        "over two parts": _response_parts,
        "in an error": _response_error,
        "in arguments that are an object": _response_arguments,
    },
    "anthropic": {"over two blocks": _blocks, "in content that is a text": _text_content},
}


@st.composite
def planted_event_streams(draw: st.DrawFn, form: str) -> Exchange:
    """A stream with a secret cut over its pieces, at any place of any event, or in an event too many."""
    secret = draw(st.sampled_from(SECRETS))
    events_of, places = STREAMS[form]
    request = _plain_request(form, stream=True)
    shape = draw(st.sampled_from(["cut", "leaf", "event too many"]))
    if shape == "cut":
        text, where = secret.phrase(), draw(st.sampled_from(places))
        cuts = sorted(draw(st.sets(st.integers(1, len(text) - 1), max_size=len(text))))
        pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        raw = sse(events_of(pieces, where), form)
        return Exchange(form, request, raw, (secret.needle,), f"{secret.kind} in {where} as {pieces}")
    events = events_of(["Fine", ", ", "soon"], places[0])
    if shape == "leaf":
        found = [(at, spot) for at, event in enumerate(events) for spot in spots(event, STRUCTURE)]
        at, spot = draw(st.sampled_from(found))
        events[at] = planted(events[at], spot, secret)
        told = f"{secret.kind} at {spot} of event {at}"
        return Exchange(form, request, sse(events, form), (needle_of(spot, secret),), told)
    name = draw(st.sampled_from(tuple(EXTRA_EVENTS[form])))
    events.insert(draw(st.integers(1, len(events))), EXTRA_EVENTS[form][name](secret))
    return Exchange(form, request, sse(events, form), (secret.needle,), f"{secret.kind} in {name}")


EXTRA_EVENTS: dict[str, dict[str, Callable[[Secret], Json]]] = {
    "chat": {
        "a chunk that carries a message": lambda secret: {
            **chunk(0, {}, message={"role": "assistant", "content": secret.phrase()})
        },
        "a chunk with words of its own": lambda secret: {**chunk(0, {}), "words": secret.phrase()},
        "a third choice": lambda secret: chunk(7, {"content": secret.phrase()}),
        "a chunk of object content": lambda secret: chunk(0, {"content": {"text": secret.phrase()}}),
        "an error": lambda secret: {"error": {"message": secret.phrase(), "type": "server_error"}},
    },
    "responses": {
        "a second end": lambda secret: {
            "type": "response.completed",
            "response": {**RESPONSE, "output": [], "output_text": secret.phrase()},
        },
        "an event nobody knows": lambda secret: {
            "type": "response.novel",
            "words": {"deep": [secret.phrase()]},
        },
        "an error": lambda secret: {"type": "error", "code": "x", "message": secret.phrase(), "param": None},
        "a failure": lambda secret: {
            "type": "response.failed",
            "response": {**RESPONSE, "status": "failed", "error": {"code": "x", "message": secret.phrase()}},
        },
    },
    "anthropic": {
        "an event nobody knows": lambda secret: {"type": "novel", "words": {"deep": [secret.phrase()]}},
        "a start that says something": lambda secret: {
            "type": "content_block_start",
            "index": 5,
            "content_block": {"type": "text", "text": secret.phrase()},
        },
        "a second message": lambda secret: {
            "type": "message_start",
            "message": {**MESSAGE, "content": [{"type": "text", "text": secret.phrase()}]},
        },
        "an error": lambda secret: {"type": "error", "error": {"type": "x", "message": secret.phrase()}},
    },
}


@st.composite
def planted_requests(draw: st.DrawFn, form: str) -> Exchange:
    """A request with a secret anywhere, or in a shape nobody should send."""
    secret, body = draw(st.sampled_from(SECRETS)), FORMATS[form][1]
    name = draw(st.sampled_from(["leaf", "leaf", "leaf", "leaf", *ODD_REQUESTS[form]]))
    if name == "leaf":
        spot = draw(st.sampled_from(list(spots(body, OF_REQUESTS))))
        made, needles, told = planted(body, spot, secret), (needle_of(spot, secret),), f"at {spot}"
    else:
        made, told = copy.deepcopy(body), name
        needles = ODD_REQUESTS[form][name](made, secret, draw(st.integers(0, 30)))
    return Exchange(form, made, json.dumps(FORMATS[form][2]).encode(), needles, f"{secret.kind} {told}")


def _messages_as(shape: Callable[[str], Any], name: str = "messages") -> Odd:
    def change(body: Json, secret: Secret, at: int) -> tuple[str, ...]:
        body[name] = shape(secret.phrase())
        return (secret.needle,)

    return change


def _split_parts(name: str) -> Odd:
    def change(body: Json, secret: Secret, at: int) -> tuple[str, ...]:
        first, second = secret.halves(at)
        found = next(message for message in body[name] if isinstance(message.get("content"), list))
        found["content"][0]["text"], found["content"][1]["text"] = first, second
        return _pieces(first, secret)

    return change


def _object_history(body: Json, secret: Secret, at: int) -> tuple[str, ...]:
    body["messages"][2]["tool_calls"][0] = copy.deepcopy(CALL)
    body["messages"][2]["tool_calls"][0]["function"]["arguments"] = {"id": secret.phrase()}
    return (secret.needle,)


def _trailing(body: Json, secret: Secret, at: int) -> tuple[str, ...]:
    body["messages"] += [
        {"role": "user", "content": secret.phrase()},
        {"role": "assistant", "content": "Well,"},
    ]
    return (secret.needle,)


ODD_REQUESTS: dict[str, dict[str, Odd]] = {
    "chat": {
        "messages that are a text": _messages_as(lambda text: text),
        "messages that are an object": _messages_as(lambda text: {"role": "user", "content": text}),
        "messages that are texts": _messages_as(lambda text: ["one", text]),
        "arguments that are an object": _object_history,
        "over two parts": _split_parts("messages"),
        "before the assistant's last word": _trailing,
    },
    "responses": {
        "input that is a text": _messages_as(lambda text: text, "input"),
        "input that is an object": _messages_as(lambda text: {"role": "user", "content": text}, "input"),
        "input that is texts": _messages_as(lambda text: ["one", text], "input"),
        "over two parts": _split_parts("input"),
    },
    "anthropic": {
        "messages that are a text": _messages_as(lambda text: text),
        "messages that are texts": _messages_as(lambda text: ["one", text]),
        "over two parts": _split_parts("messages"),
        "before the assistant's last word": _trailing,
    },
}


@st.composite
def calm_exchanges(draw: st.DrawFn, form: str) -> Exchange:
    """A request and its answer, whole or streamed, without a secret, with and without parts of a full one."""
    _, request, answer = FORMATS[form]
    asked, said = copy.deepcopy(request), copy.deepcopy(answer)
    asked.pop(draw(st.sampled_from(["extension", "tools", "none"])), None)
    said.pop(draw(st.sampled_from(["extension", "metadata", "none"])), None)
    if draw(st.booleans()):
        pieces = draw(
            st.lists(st.sampled_from(["Fine", ", ", "on its way ", "订单", "\n"]), min_size=1, max_size=6)
        )
        events_of, places = STREAMS[form]
        return Exchange(
            form, {**asked, "stream": True}, sse(events_of(pieces, places[0]), form), (), str(pieces)
        )
    return Exchange(form, asked, json.dumps(said).encode(), (), str(sorted(said)))
