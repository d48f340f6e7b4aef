"""Hostile requests to a gateway: a list of ours, and requests made from the types of the OpenAI package.

Each holds `PLANTED`, an address that the policy keeps from the model, wherever there is room for it. Left out
are only fields that go upstream unread on purpose.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

PLANTED = "planted.secret@example.org"
WORDS = f"please write to {PLANTED} today"
CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"

# What the program tells the provider and no model reads.
UNREAD = frozenset({"stop", "seed", "metadata", "logit_bias", "prompt_cache_retention"})

# What a program gives the provider of a tool, for the servers it is to ask.
OF_SERVERS = frozenset({"authorization", "headers"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Hostile:
    """One request; `target` is the path and the query as they are sent."""

    name: str
    method: str = "POST"
    target: str = CHAT
    headers: tuple[tuple[bytes, bytes], ...] = field(default=())
    body: bytes = b""


def said(*messages: Any, **more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": list(messages) or [{"role": "user", "content": WORDS}], **more}


def _written(name: str, body: Any, target: str = CHAT) -> Hostile:
    return Hostile(name=name, target=target, body=json.dumps(body).encode())


def nested(depth: int, core: Any = WORDS) -> Any:
    value = core
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


def ours(*, size: int) -> list[Hostile]:
    """Return the list of ours; long texts and lists have `size` bytes."""
    return [*_addresses(), *_headers(), *_no_objects(), *_shapes(), *_counts(size), *_long(size)]


def _addresses() -> Iterator[Hostile]:
    body = json.dumps(said()).encode()
    for path in (
        *("/v1", "/v1/", "/v1//chat/completions", "/v1/chat/completions/", "/v1/chat//completions"),
        *("/v1/../v1/chat/completions", "/v1/chat/completions%2f", "/v1/chat%2fcompletions"),
        *(
            "/v1/%63hat/completions",
            "/v1/chat/completions%00",
            "/v1/CHAT/completions",
            "/v1/chat/completions;a",
        ),
        *("/v1/deployments/m/chat/completions", f"/v1/deployments/{PLANTED}/chat/completions"),
        *(f"/v1/{PLANTED}/chat/completions", "/v1/x/y/z/chat/completions", "/v1/chat/completions/x"),
        *("/v1/files", "/v1/embeddings", "/v1/realtime", "/v1/responses/r/cancel", "/v1/" + "a/" * 2000),
        *("/v1/completions", "/v1/threads/t/messages", "/v1/audio/speech", "/v1/%", "/v1/%ff%fe"),
    ):
        yield Hostile(name=f"POST {path[:60]}", target=path, body=body)
    for path in (
        *("/v1/models", f"/v1/models/{PLANTED}", "/v1/models/4111111111111111", f"/v1/models?q={PLANTED}"),
        *("/v1/responses/models/x", "/v1/models/../responses/r", "/v1/models/%2e%2e/files", "/v1/models/m/x"),
        *("/v1/chat/completions", "/v1/responses/r", f"/v1/models?limit={PLANTED}", "/v1/models/%252e"),
    ):
        yield Hostile(name=f"GET {path[:60]}", method="GET", target=path)
        yield Hostile(name=f"GET {path[:60]} with a body", method="GET", target=path, body=body)
    for method in ("PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "post", "X" * 500):
        yield Hostile(name=f"{method[:9]} chat", method=method, body=body)
        yield Hostile(name=f"{method[:9]} models", method=method, target="/v1/models", body=body)
    clean = json.dumps(said({"role": "user", "content": "Hello"})).encode()
    for query in (
        *(f"q={PLANTED}", "api-version=2024-10-21", f"api-version={PLANTED}", "beta=true&beta=true"),
        *("q=planted%2Esecret%40example.org", "=", "&&&", "beta=true#" + PLANTED, "a=" + "b" * 9000),
    ):
        yield Hostile(name=f"query {query[:40]}", target=f"{CHAT}?{query}", body=clean)


def _headers() -> Iterator[Hostile]:
    clean = json.dumps(said({"role": "user", "content": "Hello"})).encode()
    secret = PLANTED.encode()
    for name, value in (
        *((b"user-agent", secret), (b"accept", secret), (b"content-type", secret), (b"cookie", secret)),
        *(
            (b"openai-beta", secret),
            (b"anthropic-beta", b"a-2024-01-01," + secret),
            (b"anthropic-version", secret),
        ),
        *((b"openai-organization", secret), (b"x-forwarded-for", secret), (b"x-api-key", secret)),
        *((b"x-handrail-facts", b"[" * 30_000), (b"x-handrail-facts", b'{"a": NaN, "b": 1e999}')),
        *((b"x-handrail-facts", b'{"slice": {"a": []}, "tier": ["x"]}'), (b"x-handrail-facts", b"\xff\x00")),
        *((b"x-handrail-customer", b"\xff" * 5000), (b"x-handrail-conversation", b"c" * 20_000)),
        *(
            (b"x-handrail-conversation", b" \t "),
            (b"x-handrail-customer", secret),
            (b"expect", b"100-continue"),
        ),
        *((b"content-encoding", b"gzip"), (b"transfer-encoding", b"gzip, chunked"), (b"x-a", b"b" * 60_000)),
    ):
        yield Hostile(name=f"header {name.decode()} {value[:12]!r}", headers=((name, value),), body=clean)


def _no_objects() -> Iterator[Hostile]:
    whole = json.dumps(said()).encode()
    for name, body in {
        "nothing": b"",
        "a list": b"[" + whole + b"]",
        "a text": json.dumps(WORDS).encode(),
        "null": b"null",
        "a number": b"1",
        "cut": whole[:-3],
        "two objects": whole + whole,
        "a comment": whole + b"//" + WORDS.encode(),
        "single quotes": whole.replace(b'"', b"'"),
        "with a mark": b"\xef\xbb\xbf" + whole,
        "utf-16": whole.decode().encode("utf-16"),
        "utf-32": whole.decode().encode("utf-32-le"),
        "latin-1": whole.replace(b"please", b"\xe9"),
        "zeros": b"\x00" * 64,
        "noise": random.Random(7).randbytes(4096),
        "a field twice": b'{"messages": [], ' + whole[1:],
        "a content twice": whole.replace(b'"content"', b'"content": "x", "content"'),
        "deep lists": b"[" * 100_000,
        "deep objects": b'{"a":' * 100_000,
        "deep and closed": whole[:-1] + b', "x": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        "a long number": whole[:-1] + b', "x": ' + b"9" * 10_000 + b"}",
        "a large number": whole[:-1] + b', "x": 1e999, "y": -1e999, "z": NaN, "n": Infinity}',
        "a form": b"model=m&messages=" + WORDS.encode(),
    }.items():
        for target in (CHAT, RESPONSES, MESSAGES):
            yield Hostile(name=f"{name} to {target}", target=target, body=body)


def _shapes() -> Iterator[Hostile]:
    odd: dict[str, Any] = {
        **{
            "a text": WORDS,
            "a number": 7,
            "null": None,
            "true": True,
            "a list": [WORDS],
            "an object": {"a": WORDS},
        },
        **{
            "nothing": "",
            "no items": [],
            "lists": [[WORDS]],
            "a key": {WORDS: 1},
            "half a pair": f"\ud800 {WORDS}",
        },
        **{
            "zero": f"\x00{WORDS}\x00",
            "deep": nested(60),
            "a long key": {"k" * 5000: WORDS},
            "mixed": [1, None, WORDS],
        },
    }
    for name, value in odd.items():
        yield _written(f"messages are {name}", {"model": "m", "messages": value})
        yield _written(f"input is {name}", {"model": "m", "input": value}, RESPONSES)
        yield _written(
            f"instructions are {name}", {"model": "m", "input": "x", "instructions": value}, RESPONSES
        )
        yield _written(
            f"anthropic's messages are {name}", {"model": "m", "max_tokens": 9, "messages": value}, MESSAGES
        )
        yield _written(f"the system text is {name}", said(system=value, max_tokens=9), MESSAGES)
        yield _written(f"the content is {name}", said({"role": "user", "content": value}))
        yield _written(
            f"the content holds {name}", said({"role": "user", "content": [{"type": "text", "text": value}]})
        )
        yield _written(f"the part is {name}", said({"role": "user", "content": [{"type": value}, value]}))
        yield _written(f"the role is {name}", said({"role": value, "content": WORDS}))
        yield _written(f"the name is {name}", said({"role": "user", "name": value, "content": "x"}))
        yield _written(
            f"the calls are {name}", said({"role": "assistant", "content": None, "tool_calls": value})
        )
        call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": value}}
        yield _written(f"the arguments are {name}", said({"role": "assistant", "tool_calls": [call]}))
        yield _written(
            f"the call is {name}", said({"role": "assistant", "tool_calls": [{**call, "function": value}]})
        )
        yield _written(f"the result is {name}", said({"role": "tool", "tool_call_id": "c", "content": value}))
        yield _written(f"a field is {name}", said(unknown=value))
        yield _written(f"n is {name}", said(n=value))
        yield _written(f"stream is {name}", said(stream=value))
        yield _written(f"the model is {name}", said(model=value))
        yield _written(f"the tools are {name}", said(tools=value))
        yield _written(f"the format is {name}", said(response_format=value))
        yield _written(f"logprobs are {name}", said(logprobs=value, top_logprobs=value))
    yield Hostile(name="escaped", body=json.dumps(said()).replace("planted", "\\u0070lanted").encode())
    yield _written("a role is missing", said({"content": WORDS}))
    yield _written("a message is empty", said({}))
    yield _written("no messages", {"model": "m"})
    yield _written("nothing in it", {})


def _counts(size: int) -> Iterator[Hostile]:
    hello = {"role": "user", "content": WORDS}
    for n in (0, -1, 128, 129, 3_000_000, 10**30, 1.5, 3e6, True, "9"):
        yield _written(f"n = {n}", said(n=n))
    short = {"role": "user", "content": "a"}
    yield _written("as many messages as there may be", said(*[short] * 9_999, hello))
    yield _written("too many messages", {"model": "m", "messages": [hello] * 10_001})
    yield _written("too many tools", said(tools=[{}] * 10_001))
    yield _written(
        "many parts", said({"role": "user", "content": [{"type": "text", "text": WORDS}] * (size // 100)})
    )
    yield _written("many fields", said(**{f"f{i}": WORDS for i in range(size // 100)}))
    yield _written("many objects", said(x=[{} for _ in range(size // 4)]))
    yield _written("many numbers", said(x=[1] * (size // 3)))
    for depth in (20, 90, 120, 400):
        yield _written(f"depth {depth}", said(x=nested(depth)))


def _long(size: int) -> Iterator[Hostile]:
    for name, unit in {
        "words": "the order is late and ",
        "no blanks": "a",
        "digits": "4111 ",
        "one number": "4",
        "addresses": f"{PLANTED} ",
        "ends of addresses": "a@",
        "dots": "a.",
        "brackets": '{"a":',
        "quotes": '\\"',
        "secrets": "password = ",
        "scripts": "我的卡号是4111",
        "marks": "e\u0301",
        "lines": "\n",
        "names": "Ann Smith, ",
        "phones": "+1 415 555 0199 ",
        "asks": "I want to talk to a person. ",
        "urls": "https://example.org/",
        "zeros": "\x00",
    }.items():
        text = (unit * (size // len(unit.encode()) + 1))[: size // max(1, len(unit.encode()) // len(unit))]
        yield _written(f"long: {name}", said({"role": "user", "content": f"{text} {WORDS}"}))
    yield Hostile(name="larger than it may be", body=json.dumps(said(x="a" * (5 << 20))).encode())
    stated = ((b"content-length", b"99999999999"),)
    yield replace(_written("larger than it says", said()), headers=stated)


def planted(body: Any, at: int) -> Any:
    """Return a body with the planted words in one of its texts or keys, or in a field of their own."""
    places = list(_places(body, ()))
    if isinstance(body, dict):
        places = [place for place in places if place[0] not in UNREAD and not _is_key_of_server(place)]
    if not places:
        return {**body, "more": WORDS} if isinstance(body, dict) else body
    return _with_words(body, places[at % len(places)])


def _is_key_of_server(place: tuple[Any, ...]) -> bool:
    return place[0] == "tools" and len(place) > 2 and place[2] in OF_SERVERS


def _places(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, part in parts:
        if isinstance(part, str):
            yield (*path, step)
        yield from _places(part, (*path, step))


def _with_words(value: Any, path: tuple[Any, ...]) -> Any:
    if not path:
        return WORDS
    step, *rest = path
    if isinstance(value, dict):
        return {**value, step: _with_words(value[step], tuple(rest))}
    return [_with_words(part, tuple(rest)) if at == step else part for at, part in enumerate(value)]


def from_types(count: int, *, seed: int = 0) -> list[Hostile]:
    """Return requests made from the OpenAI package's own request types, half of them against those types."""
    kinds = [(CHAT, True), (RESPONSES, True), (CHAT, False), (RESPONSES, False)]
    found = []
    for target, is_valid in kinds:
        bodies = _bodies(target, is_valid=is_valid, count=-(-count // len(kinds)))
        chance = random.Random(seed)
        for number, body in enumerate(bodies):
            name = f"{'valid' if is_valid else 'malformed'} {number} to {target}"
            raw = (
                body
                if isinstance(body, bytes)
                else json.dumps(planted(body, chance.randrange(1000))).encode()
            )
            found.append(Hostile(name=name, target=target, body=raw))
    return found[:count]


def _bodies(target: str, *, is_valid: bool, count: int) -> list[Any]:
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings

    mode = schemathesis.GenerationMode.POSITIVE if is_valid else schemathesis.GenerationMode.NEGATIVE
    operation = schemathesis.openapi.from_dict(request_schemas())[target]["POST"]
    bodies: list[Any] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def collect(case: Any) -> None:
        bodies.append(case.body if isinstance(case.body, (dict, list, str, int, float, bytes, bool)) else b"")

    collect()
    return bodies


def request_schemas() -> dict[str, Any]:
    """Return an OpenAPI document of the two endpoints, from the types of the OpenAI package."""
    from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
    from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming
    from pydantic import TypeAdapter

    paths, schemas = {}, {}
    for target, kind in (
        (CHAT, CompletionCreateParamsNonStreaming),
        (RESPONSES, ResponseCreateParamsNonStreaming),
    ):
        prefix = target.split("/")[2]
        text = json.dumps(TypeAdapter(kind).json_schema()).replace(
            "#/$defs/", f"#/components/schemas/{prefix}."
        )
        schema = json.loads(text)
        schemas.update({f"{prefix}.{name}": part for name, part in schema.pop("$defs").items()})
        content = {"application/json": {"schema": schema}}
        paths[target] = {
            "post": {
                "requestBody": {"required": True, "content": content},
                "responses": {"200": {"description": "ok"}},
            }
        }
    info = {"title": "requests", "version": "1"}
    return {"openapi": "3.1.0", "info": info, "paths": paths, "components": {"schemas": schemas}}
