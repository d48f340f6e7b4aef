"""The guarded `openai` client behaves as the plain one; hand-offs have the shape that callers can use."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import openai
import pytest
from openai import AsyncOpenAI
from pydantic import BaseModel

from handrail import CheckFailed, ConfigError
from handrail_adapters.openai import get_handoff, guard_openai
from support.model_server import ModelServer, Say, model_server
from support.toy_guard import NOTICE, ToyGuard

ASKS: list[Any] = [{"role": "user", "content": "Where?"}]
SAYS = Say("On its way.", calls=[("look_up", '{"id": 3}')], cut=3)
TOOLS: list[Any] = [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}]


_opened: list[openai.OpenAI] = []


def OpenAI(**options: Any) -> openai.OpenAI:  # noqa: N802 - a client that is closed after the test
    _opened.append(openai.OpenAI(**options))
    return _opened[-1]


@pytest.fixture(autouse=True)
def _closing() -> Iterator[None]:
    yield
    while _opened:
        _opened.pop().close()


class Shape(BaseModel):
    """A structured answer."""

    answer: str


def raised(call: Callable[[], Any]) -> Any:
    """What a call raises, as far as a caller can tell errors apart."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 - whatever it is, it must be the same
        return (type(error), str(error), getattr(error, "status_code", None), getattr(error, "body", None))
    raise AssertionError("nothing was raised")


def create(client: Any, **options: Any) -> Any:
    return client.chat.completions.create(model="m", messages=ASKS, **options)


def helper_events(client: Any) -> Any:
    with client.chat.completions.stream(model="m", messages=ASKS, tools=TOOLS) as stream:
        return [event.type for event in stream], stream.get_final_completion().model_dump()


def closed_by_context(client: Any) -> Any:
    with client as opened:
        create(opened)
    return client.is_closed(), raised(lambda: create(client))[0]


def broken_off(client: Any) -> Any:
    stream = create(client, stream=True)
    first = next(iter(stream))
    stream.close()
    return first.model_dump(), stream.response.is_closed


def raw(client: Any) -> Any:
    response = client.chat.completions.with_raw_response.create(model="m", messages=ASKS)
    names = sorted(name for name in response.headers if name != "date")
    return response.status_code, response.request_id, names, response.text, response.parse().model_dump()


def streaming(client: Any) -> Any:
    with client.chat.completions.with_streaming_response.create(model="m", messages=ASKS) as response:
        return response.status_code, list(response.iter_lines()), response.is_closed


BEHAVIOUR: dict[str, Callable[[Any], Any]] = {
    "class": type,
    "base url": lambda c: str(c.base_url),
    "retries": lambda c: c.max_retries,
    "timeout": lambda c: c.timeout,
    "default headers": lambda c: sorted(c.default_headers),
    "default query": lambda c: dict(c.default_query),
    "completion": lambda c: (type(create(c)), create(c).model_dump()),
    "two choices": lambda c: create(c, n=2).model_dump(),
    "log-probabilities": lambda c: create(c, logprobs=True).model_dump(),
    "stream": lambda c: (type(create(c, stream=True)), [x.model_dump() for x in create(c, stream=True)]),
    "stream with log-probabilities": lambda c: [
        x.model_dump() for x in create(c, stream=True, logprobs=True)
    ],
    "usage chunk": lambda c: [
        x.usage and x.usage.model_dump()
        for x in create(c, stream=True, stream_options={"include_usage": True})
    ],
    "tools": lambda c: create(c, tools=TOOLS).model_dump(),
    "stream helper": helper_events,
    "raw response": raw,
    "streaming response": streaming,
    "with options": lambda c: create(c.with_options(timeout=3, default_headers={"x-a": "b"})).model_dump(),
    "copies of copies": lambda c: create(c.copy().with_options(max_retries=0)).model_dump(),
    "extra headers": lambda c: create(c, extra_headers={"x-a": "b"}, extra_body={"seed": 1}).model_dump(),
    "request id": lambda c: create(c)._request_id,
    "context manager": closed_by_context,
    "broken off": broken_off,
    "models": lambda c: [model.id for model in c.models.list()],
    "responses": lambda c: c.responses.create(model="m", input="x").model_dump(),
    "responses stream": lambda c: [
        e.model_dump() for e in c.responses.create(model="m", input="x", stream=True)
    ],
    "responses text": lambda c: c.responses.create(model="m", input="x").output_text,
}


@pytest.mark.parametrize("what", BEHAVIOUR)
def test_the_guarded_client_behaves_as_the_plain_one(what: str) -> None:
    guard = ToyGuard()
    with model_server(SAYS) as server:
        plain = BEHAVIOUR[what](OpenAI(base_url=server.url, api_key="k"))
        seen = [(s.path, s.raw, sent_headers(s.headers)) for s in server.seen]
        server.seen.clear()
        guarded = BEHAVIOUR[what](guard_openai(OpenAI(base_url=server.url, api_key="k"), guard))
        assert guarded == plain
        assert [(s.path, s.raw, sent_headers(s.headers)) for s in server.seen] == seen
    asks = [path for path, _, _ in seen if not path.endswith("/models")]
    assert guard.begun == len(asks) == len(guard.finished)


def sent_headers(headers: dict[str, str]) -> dict[str, str]:
    return {
        name: value for name, value in headers.items() if name not in ("host", "x-stainless-read-timeout")
    }


def test_enough_calls_go_through_the_guard() -> None:
    guard = ToyGuard()
    with model_server(SAYS) as server:
        for name, behave in BEHAVIOUR.items():
            if name != "context manager":
                behave(guard_openai(OpenAI(base_url=server.url, api_key="k"), guard))
    assert guard.begun >= 20


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 500, 503])
def test_errors_of_the_provider_are_the_same(status: int) -> None:
    with model_server(Say(status=status)) as server:
        plain = OpenAI(base_url=server.url, api_key="k", max_retries=0)
        guarded = guard_openai(plain, ToyGuard())
        assert raised(lambda: create(guarded)) == raised(lambda: create(plain))


@pytest.mark.parametrize("raw", [b"", b"<html>", b"[1]", b'{"object": "else"}', b'{"choices": []}'])
def test_an_answer_that_cannot_be_read_is_never_given(raw: bytes) -> None:
    with model_server(Say(raw=raw)) as server:
        client = guard_openai(OpenAI(base_url=server.url, api_key="k"), ToyGuard())
        with pytest.raises(CheckFailed, match="read answer"):
            create(client)
        with pytest.raises(CheckFailed, match="read answer"):
            list(create(client, stream=True))
        assert len(server.seen) == 2


@pytest.mark.parametrize("cut_at", range(1, 9, 2))
def test_a_stream_that_breaks_off_gives_nothing_unjudged(cut_at: int) -> None:
    guard = ToyGuard()
    with model_server(Say("It is SECRET-1 x.", cut=2, stop_after=cut_at)) as server:
        client = guard_openai(OpenAI(base_url=server.url, api_key="k", max_retries=0), guard)
        told = "".join(c.choices[0].delta.content or "" for c in create(client, stream=True))
    assert "SECRET-1" not in told
    assert guard.finished
    assert all(draft.fault is not None for drafts in guard.finished for draft in drafts)


def test_a_server_that_hangs_is_a_time_out_or_a_hand_off() -> None:
    with model_server(Say("late", after_s=5)) as server:
        plain = OpenAI(base_url=server.url, api_key="k", timeout=0.1, max_retries=1)
        with pytest.raises(openai.APITimeoutError):
            create(guard_openai(plain, ToyGuard()))
        guard = ToyGuard(hands_off_faults=True)
        answer = create(guard_openai(plain, guard))
        assert get_handoff(answer) is not None
        assert len(server.seen) == 4, "the last failure is judged, the ones before are retried"
        server.gate.set()


def test_a_server_that_fails_is_its_error_or_a_hand_off() -> None:
    with model_server(Say(status=500)) as server:
        plain = OpenAI(base_url=server.url, api_key="k", max_retries=1)
        with pytest.raises(openai.InternalServerError):
            create(guard_openai(plain, ToyGuard()))
        guard = ToyGuard(hands_off_faults=True)
        assert get_handoff(create(guard_openai(plain, guard))) is not None
        assert guard.tickets == ["T1"]


@pytest.mark.parametrize(
    "use",
    [
        lambda c: c.embeddings.create(model="m", input="x"),
        lambda c: c.completions.create(model="m", prompt="x"),
        lambda c: c.moderations.create(input="x"),
        lambda c: c.images.generate(prompt="x"),
        lambda c: c.audio.speech.create(model="m", voice="v", input="x"),
        lambda c: c.files.list(),
        lambda c: c.responses.retrieve("resp_1"),
        lambda c: c.chat.completions.retrieve("chatcmpl-1"),
        lambda c: c.responses.compact(model="m", input="x"),
        lambda c: c.vector_stores.list(),
        lambda c: c.post("/new/thing", body={}, cast_to=object),
    ],
)
def test_what_the_guard_does_not_know_is_refused_before_anything_is_sent(use: Callable[[Any], Any]) -> None:
    with model_server(Say("x")) as server:
        client = guard_openai(OpenAI(base_url=server.url, api_key="k"), ToyGuard())
        with pytest.raises(ConfigError, match="not guarded"):
            use(client)
        assert server.seen == []


def test_a_background_response_is_refused() -> None:
    with model_server(Say("x")) as server:
        client = guard_openai(OpenAI(base_url=server.url, api_key="k"), ToyGuard())
        with pytest.raises(ConfigError, match="background"):
            client.responses.create(model="m", input="x", background=True)
        assert server.seen == []


def test_what_is_named_is_let_through() -> None:
    with model_server(Say("x")) as server:
        client = guard_openai(OpenAI(base_url=server.url, api_key="k"), ToyGuard(), named=("files",))
        client.files.list()
        with pytest.raises(ConfigError):
            client.embeddings.create(model="m", input="x")
        assert [seen.path for seen in server.seen] == ["/v1/files"]


def test_web_sockets_are_refused_also_by_copies() -> None:
    client = guard_openai(OpenAI(base_url="http://127.0.0.1:9/v1", api_key="k"), ToyGuard())
    for one in (client, client.with_options(timeout=1)):
        for connect in (lambda c: c.realtime.connect(model="m"), lambda c: c.responses.connect()):
            with pytest.raises(Exception, match="not-guarded"):
                connect(one).enter()


@pytest.mark.parametrize("kind", ["image", "file", "audio"])
def test_content_nobody_can_read_is_handed_off_unless_it_is_trusted(kind: str) -> None:
    part = {
        "image": {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
        "file": {"type": "file", "file": {"file_id": "file-1"}},
        "audio": {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    }[kind]
    asks: Any = [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, part]}]
    with model_server(Say("A cat.")) as server:
        plain = OpenAI(base_url=server.url, api_key="k")
        client = guard_openai(plain, ToyGuard())
        assert get_handoff(client.chat.completions.create(model="m", messages=asks)) is not None
        assert server.seen == []
        trusting = guard_openai(plain, ToyGuard(), trusted=(kind,))
        answer = trusting.chat.completions.create(model="m", messages=asks)
        assert answer.choices[0].message.content == "A cat."
        assert server.seen[0].body["messages"] == asks


def test_log_probabilities_are_asked_for_only_if_the_policy_reads_them_and_stripped_again() -> None:
    with model_server(Say("On its way.", cut=3)) as server:
        plain = OpenAI(base_url=server.url, api_key="k")
        create(guard_openai(plain, ToyGuard()))
        assert "logprobs" not in server.seen[-1].body
        guard = ToyGuard(wants_logprobs=True)
        client = guard_openai(plain, guard)
        answers = [create(client), *create(client, stream=True)]
        assert all(choice.logprobs is None for answer in answers for choice in answer.choices)
        assert server.seen[-1].body["logprobs"] is True
        assert len(guard.finished) == 2
        assert all(draft.logprobs for drafts in guard.finished for draft in drafts)
        kept = create(client, logprobs=True)
        assert "".join(token.token for token in kept.choices[0].logprobs.content) == "On its way."
        chunks = list(create(client, stream=True, logprobs=True))
        for chunk in chunks:
            content = chunk.choices[0].delta.content
            tokens = chunk.choices[0].logprobs
            assert (content or "") == "".join(token.token for token in (tokens.content if tokens else []))


def test_a_self_check_goes_out_and_its_number_never_comes_back() -> None:
    with model_server(Say("On its way.\nconfidence: 0.93", cut=3)) as server:
        guard = ToyGuard(instruction="Add a line with your confidence.")
        client = guard_openai(OpenAI(base_url=server.url, api_key="k"), guard)
        assert create(client).choices[0].message.content == "On its way."
        pieces = [chunk.choices[0].delta.content or "" for chunk in create(client, stream=True)]
        assert "".join(pieces) == "On its way."
        assert len([piece for piece in pieces if piece]) == 4
        said = server.seen[0].body["messages"][-1]
        assert said == {"role": "system", "content": "Add a line with your confidence."}


SHAPES: dict[str, Callable[[Any], Any]] = {
    "create": lambda c: create(c).choices[0].message.content,
    "parse": lambda c: (
        c.chat.completions.parse(model="m", messages=ASKS, response_format=Shape).choices[0].message
    ),
    "stream helper": lambda c: helper_events(c)[1]["choices"][0]["message"]["content"],
    "responses": lambda c: c.responses.create(model="m", input="x").output_text,
    "responses parse": lambda c: c.responses.parse(model="m", input="x", text_format=Shape).output_parsed,
}


@pytest.mark.parametrize("how", SHAPES)
def test_a_hand_off_has_a_shape_that_its_caller_can_use(how: str) -> None:
    with model_server(Say("It is SECRET-1.")) as server:
        answer = SHAPES[how](guard_openai(OpenAI(base_url=server.url, api_key="k"), ToyGuard()))
    if how == "parse":
        assert answer.parsed is None
        assert answer.refusal == NOTICE
    elif how == "responses parse":
        assert answer is None
    else:
        assert answer == NOTICE


def test_a_hand_off_names_its_ticket_in_body_header_and_metadata() -> None:
    with model_server(Say("It is SECRET-1.", others=["and more"])) as server:
        client = guard_openai(OpenAI(base_url=server.url, api_key="k"), ToyGuard())
        raw = client.chat.completions.with_raw_response.create(model="m", messages=ASKS, n=2)
        assert raw.headers["x-handrail-ticket"] == "T1"
        assert raw.headers["x-request-id"] == "req_scripted"
        body = json.loads(raw.content)
        assert body["handoff"]["ticket"] == "T1"
        assert len(body["choices"]) == 2
        assert body["usage"]["total_tokens"] == 16
        answer = client.responses.create(model="m", input="x", metadata={"a": "b"})
        assert answer.metadata == {"a": "b", "handoff_ticket": "T2"}
        streamed = client.chat.completions.with_raw_response.create(model="m", messages=ASKS, stream=True)
        assert streamed.headers["x-handrail-ticket"] == "T3"
        assert {get_handoff(chunk).ticket for chunk in streamed.parse()} == {"T3"}


def test_the_client_that_was_given_is_not_changed() -> None:
    http = httpx2.Client(headers={"x-mine": "1"})
    client = OpenAI(base_url="http://127.0.0.1:9/v1", api_key="k", http_client=http)
    before = {name: dict(vars(one)) for name, one in (("client", client), ("http", http))}
    guarded = guard_openai(client, ToyGuard())
    assert {name: dict(vars(one)) for name, one in (("client", client), ("http", http))} == before
    assert guarded._client is not http
    assert guarded._client.headers["x-mine"] == "1"
    with pytest.raises(ConfigError, match="guarded already"):
        guard_openai(guarded, ToyGuard())


def test_a_guarded_client_that_goes_leaves_the_other_one_working() -> None:
    with model_server(Say("Fine.")) as server, OpenAI(base_url=server.url, api_key="k") as client:
        guarded = guard_openai(client, ToyGuard())
        create(guarded)
        del guarded
        assert create(client).choices[0].message.content == "Fine."
        orphan = guard_openai(OpenAI(base_url=server.url, api_key="k"), ToyGuard())
        assert create(orphan).choices[0].message.content == "Fine."
        orphan.close()


def test_many_tasks_share_one_guarded_client() -> None:
    async def main(server: ModelServer) -> list[Any]:
        async with guard_openai(AsyncOpenAI(base_url=server.url, api_key="k"), ToyGuard()) as client:
            return await asyncio.gather(
                *(client.chat.completions.create(model="m", messages=ASKS) for _ in range(20))
            )

    with model_server(Say("Fine.")) as server:
        answers = asyncio.run(main(server))
    assert [answer.choices[0].message.content for answer in answers] == ["Fine."] * 20
