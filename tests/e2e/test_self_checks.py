"""Self-checks through OpenAI and LangChain, against a model that gives no log-probabilities."""

import asyncio
import itertools
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI, BadRequestError, DefaultAsyncHttpxClient, DefaultHttpxClient, OpenAI

from handrail import Guard
from handrail.confidence.cascade import Budget
from handrail.store import SqlStore, open_store
from handrail_adapters.demo.scripted_model import LoopbackServer, ReceivedRequest, ServerReply
from handrail_adapters.openai import guard_openai
from support.gateway import app_of, served, settings_of

POLICY = """\
policy: checked
version: "1"
if_unsure: queue_manager
self_check: {check}
roles:
  queue_manager: {{answer_within: 30 minutes}}
facts:
  confidence: {{type: number, min: 0, max: 1}}
hand_offs:
  - id: low-confidence
    when: confidence < 0.70
    to: queue_manager
    because: Too likely to be wrong.
"""
MISSING = """\
policy: sure
version: "1"
if_unsure: queue_manager
roles: {{queue_manager: {{}}}}
facts:
  confidence.missing: {{type: one of}}
  confidence.min_token: {{type: number, min: 0, max: 1}}
hand_offs:
  - id: nothing-came
    when: confidence.missing == "{check}"
    to: queue_manager
    because: How sure the model is cannot be told.
"""
ANSWER = "Your parcel left on Monday."
QUESTION = "When did my parcel leave?"
CHECKS = ("verbalised", "p_true", "agreement")


@dataclass
class Model:
    """A model that gives no log-probabilities; `is_sure` decides what it says of its own answer."""

    is_sure: bool = True
    refuses_logprobs: bool = False
    bodies: list[dict[str, Any]] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __call__(self, request: ReceivedRequest) -> ServerReply:
        body = request.body
        self.bodies.append(body)
        if self.refuses_logprobs and body.get("logprobs"):
            error = {"message": "logprobs is not supported with this model", "type": "invalid_request_error"}
            return ServerReply(status=400, body={"error": error})
        text = self._text(json.dumps(body["messages"]))
        return (
            ServerReply(events=self._events(text))
            if body.get("stream")
            else ServerReply(body=self._whole(text))
        )

    def _text(self, said: str) -> str:
        number = next(self.numbers)
        if "<proposed>" in said:
            return "True" if self.is_sure else "False"
        if "handrail_confidence" in said:
            return f"{ANSWER}<handrail_confidence>{95 if self.is_sure else 20}</handrail_confidence>"
        if number == 1 or self.is_sure:
            return ANSWER
        return f"It left on day {number} of the month."

    def _whole(self, text: str) -> dict[str, Any]:
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": text},
            "logprobs": None,
            "finish_reason": "stop",
        }
        return {**self._head("chat.completion"), "choices": [choice], "usage": USAGE}

    def _events(self, text: str) -> Iterator[str]:
        head = self._head("chat.completion.chunk")
        deltas = [{"role": "assistant", "content": ""}]
        deltas += [{"content": text[start : start + 5]} for start in range(0, len(text), 5)]
        for delta in deltas:
            choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
            yield json.dumps({**head, "choices": [choice]})
        last = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}
        yield json.dumps({**head, "choices": [last]})
        yield "[DONE]"

    @staticmethod
    def _head(kind: str) -> dict[str, Any]:
        return {"id": "chatcmpl-1", "object": kind, "created": 0, "model": "no-logprobs"}


USAGE = {"prompt_tokens": 0, "completion_tokens": 5, "total_tokens": 5}
Ask = Callable[[str, Guard], str]


def openai_sync(url: str, guard: Guard) -> str:
    with OpenAI(base_url=url, api_key="k", http_client=DefaultHttpxClient(trust_env=False)) as plain:
        client = guard_openai(plain, guard)
        made = client.chat.completions.create(model="no-logprobs", messages=MESSAGES)
        return made.choices[0].message.content or ""


def openai_stream(url: str, guard: Guard) -> str:
    with OpenAI(base_url=url, api_key="k", http_client=DefaultHttpxClient(trust_env=False)) as plain:
        client = guard_openai(plain, guard)
        chunks = client.chat.completions.create(model="no-logprobs", messages=MESSAGES, stream=True)
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def openai_async(url: str, guard: Guard) -> str:
    async def ask() -> str:
        http = DefaultAsyncHttpxClient(trust_env=False)
        async with AsyncOpenAI(base_url=url, api_key="k", http_client=http) as plain:
            client = guard_openai(plain, guard)
            made = await client.chat.completions.create(model="no-logprobs", messages=MESSAGES)
            return made.choices[0].message.content or ""

    return asyncio.run(ask())


def openai_async_stream(url: str, guard: Guard) -> str:
    async def ask() -> str:
        http = DefaultAsyncHttpxClient(trust_env=False)
        async with AsyncOpenAI(base_url=url, api_key="k", http_client=http) as plain:
            client = guard_openai(plain, guard)
            chunks = await client.chat.completions.create(model="no-logprobs", messages=MESSAGES, stream=True)
            parts = [chunk.choices[0].delta.content or "" async for chunk in chunks if chunk.choices]
            return "".join(parts)

    return asyncio.run(ask())


def _chat(url: str, guard: Guard, **http: Any) -> Any:
    from langchain_openai import ChatOpenAI

    from handrail_adapters.langchain import GuardedChatModel

    plain = ChatOpenAI(model="no-logprobs", base_url=url, api_key="k", max_retries=0, **http)
    return GuardedChatModel(inner=plain, guard=guard)


def langchain_sync(url: str, guard: Guard) -> str:
    with DefaultHttpxClient(trust_env=False) as http:
        return str(_chat(url, guard, http_client=http).invoke(QUESTION).content)


def langchain_async(url: str, guard: Guard) -> str:
    async def ask() -> str:
        async with DefaultAsyncHttpxClient(trust_env=False) as http:
            return str((await _chat(url, guard, http_async_client=http).ainvoke(QUESTION)).content)

    return asyncio.run(ask())


def langchain_stream(url: str, guard: Guard) -> str:
    with DefaultHttpxClient(trust_env=False) as http:
        chunks = _chat(url, guard, http_client=http).stream(QUESTION)
        return "".join(str(chunk.content) for chunk in chunks)


def langchain_async_stream(url: str, guard: Guard) -> str:
    async def ask() -> str:
        async with DefaultAsyncHttpxClient(trust_env=False) as http:
            chunks = _chat(url, guard, http_async_client=http).astream(QUESTION)
            return "".join([str(chunk.content) async for chunk in chunks])

    return asyncio.run(ask())


MESSAGES: Any = [{"role": "user", "content": QUESTION}]
OPENAI = (openai_sync, openai_async, openai_stream, openai_async_stream)
LANGCHAIN = (langchain_sync, langchain_async, langchain_stream, langchain_async_stream)
WAYS = pytest.mark.parametrize("ask", [*OPENAI, *LANGCHAIN], ids=lambda ask: ask.__name__)


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store that has its tables."""
    folder = tmp_path_factory.mktemp("store")
    open_store(f"sqlite:///{folder}/h.db", allow_volatile=True).close()
    return folder


@pytest.fixture
def opened(tmp_path: Path, empty_store: Path) -> Iterator[Callable[[str], Guard]]:
    guards: list[Guard] = []
    for file in empty_store.iterdir():
        shutil.copy2(file, tmp_path)

    def made(check: str, *, stream: str = "hold", text: str = POLICY) -> Guard:
        (tmp_path / "checked.yaml").write_text(text.format(check=check) + f"stream: {stream}\n")
        guards.append(Guard.from_policy(tmp_path / "checked.yaml", store=f"sqlite:///{tmp_path}/h.db"))
        return guards[-1]

    yield made
    for guard in guards:
        guard.close()


@WAYS
@pytest.mark.parametrize("check", CHECKS)
def test_an_answer_that_checks_out_is_given_as_it_was(
    ask: Ask, check: str, opened: Callable[[str], Guard]
) -> None:
    model = Model()
    with LoopbackServer(model) as server:
        assert ask(f"{server.url}/v1", opened(check)) == ANSWER
    assert len(model.bodies) <= 1 + Budget().calls
    assert (len(model.bodies) == 1) == (check == "verbalised")


@WAYS
@pytest.mark.parametrize("check", CHECKS)
def test_an_answer_that_does_not_is_handed_off(ask: Ask, check: str, opened: Callable[[str], Guard]) -> None:
    model, guard = Model(is_sure=False), opened(check)
    with LoopbackServer(model) as server:
        said = ask(f"{server.url}/v1", guard)
    assert ANSWER not in said
    assert "Reference:" in said
    assert len(model.bodies) <= 1 + Budget().calls


@pytest.mark.parametrize("ask", [openai_stream, openai_async_stream], ids=lambda ask: ask.__name__)
def test_a_stream_that_may_be_released_early_is_checked_before_anything_is_shown(
    ask: Ask, opened: Callable[..., Guard]
) -> None:
    with LoopbackServer(Model()) as server:
        assert ask(f"{server.url}/v1", opened("p_true", stream="release")) == ANSWER
    with LoopbackServer(Model(is_sure=False)) as server:
        assert ANSWER not in ask(f"{server.url}/v1", opened("p_true", stream="release"))


@pytest.mark.parametrize("ask", OPENAI, ids=lambda ask: ask.__name__)
def test_a_model_that_refuses_logprobs_is_asked_without_and_that_is_remembered(
    ask: Ask, opened: Callable[..., Guard]
) -> None:
    model, guard = Model(refuses_logprobs=True), opened("p_true")
    with LoopbackServer(model) as server:
        assert ask(f"{server.url}/v1", guard) == ANSWER
        assert [bool(body.get("logprobs")) for body in model.bodies] == [True, *[False] * 4]
        model.bodies.clear()
        assert ask(f"{server.url}/v1", guard) == ANSWER
    assert not any(body.get("logprobs") for body in model.bodies)


def test_a_model_that_ignores_logprobs_is_not_asked_for_them_again(opened: Callable[..., Guard]) -> None:
    model, guard = Model(), opened("verbalised")
    with LoopbackServer(model) as server:
        for _ in range(2):
            assert openai_sync(f"{server.url}/v1", guard) == ANSWER
    assert [bool(body.get("logprobs")) for body in model.bodies] == [True, False]


def test_a_caller_who_asks_for_logprobs_hears_that_they_were_refused(opened: Callable[..., Guard]) -> None:
    model, guard = Model(refuses_logprobs=True), opened("off")
    with (
        LoopbackServer(model) as server,
        DefaultHttpxClient(trust_env=False) as http,
        OpenAI(base_url=f"{server.url}/v1", api_key="k", http_client=http) as plain,
        pytest.raises(BadRequestError),
    ):
        guard_openai(plain, guard).chat.completions.create(
            model="no-logprobs", messages=MESSAGES, logprobs=True
        )
    assert len(model.bodies) == 1


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("check", CHECKS)
def test_the_gateway_gives_the_answer_and_never_what_it_asked_beside_it(
    check: str, stream: bool, opened: Callable[..., Guard], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_UPSTREAM_KEY", "up-key-0123456789")
    for is_sure in (True, False):
        guard = opened(check)
        with LoopbackServer(Model(is_sure=is_sure)) as server:
            settings = settings_of(tmp_path, f"{server.url}/v1")
            with served(app_of(settings, tmp_path, lambda _, guard=guard: guard)) as gateway:
                said = unguarded(f"{gateway}/v1", stream=stream)
        assert (said == ANSWER) == is_sure
        assert ("Reference:" in said) != is_sure


def unguarded(url: str, *, stream: bool) -> str:
    """Ask as a client does that knows nothing of guards."""
    with (
        DefaultHttpxClient(trust_env=False) as http,
        OpenAI(base_url=url, api_key="k", http_client=http) as client,
    ):
        if not stream:
            made = client.chat.completions.create(model="no-logprobs", messages=MESSAGES)
            return made.choices[0].message.content or ""
        chunks = client.chat.completions.create(model="no-logprobs", messages=MESSAGES, stream=True)
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def test_langchain_does_not_ask_again_for_what_a_model_ignores(opened: Callable[..., Guard]) -> None:
    model, guard = Model(), opened("verbalised")
    with LoopbackServer(model) as server:
        for _ in range(2):
            assert langchain_sync(f"{server.url}/v1", guard) == ANSWER
    assert [bool(body.get("logprobs")) for body in model.bodies] == [True, False]


def missing(guard: Guard) -> list[str]:
    assert isinstance(guard.store, SqlStore)
    found = []
    for row in guard.store.list("default").rows:
        ticket = guard.store.get("default", row.id).ticket
        assert ticket is not None
        found.append(ticket.facts["confidence.missing"].text())
    return found


@WAYS
def test_a_model_that_was_asked_and_gives_none_is_told_from_one_that_is_known_to_give_none(
    ask: Ask, opened: Callable[..., Guard]
) -> None:
    guard, model = opened("none_came", text=MISSING), Model()
    with LoopbackServer(model) as server:
        said = ask(f"{server.url}/v1", guard)
        assert ANSWER not in said
        assert missing(guard) == ["none_came"]
        # It is known now to give none, so it is not asked again, and the rule about that does not apply.
        ask(f"{server.url}/v1", guard)
    assert [bool(body.get("logprobs")) for body in model.bodies] == [True, False]
    assert missing(guard) == ["none_came"]


@pytest.mark.parametrize("ask", OPENAI, ids=lambda ask: ask.__name__)
def test_a_model_that_refuses_to_be_asked_was_not_asked(ask: Ask, opened: Callable[..., Guard]) -> None:
    guard = opened("not_asked", text=MISSING)
    with LoopbackServer(Model(refuses_logprobs=True)) as server:
        assert ANSWER not in ask(f"{server.url}/v1", guard)
    assert missing(guard) == ["not_asked"]


READ_TWICE = """\
policy: read
version: "1"
if_unsure: queue_manager
roles: {{queue_manager: {{}}}}
facts:
  answer.sent: {{type: one of, values: [monday, tuesday], says: [dispatched], second_reader: true}}
hand_offs:
  - {{id: other-day, when: answer.sent == "{check}", to: queue_manager, because: It was another day.}}
"""


@dataclass
class Reading(Model):
    """A model that reads its own answer again."""

    def _text(self, said: str) -> str:
        return (
            '{"said": true, "quote": "left on Monday", "affirmed": true}' if "JSON Schema" in said else ANSWER
        )


@WAYS
def test_a_second_reader_is_asked_through_the_callers_own_client(
    ask: Ask, opened: Callable[..., Guard]
) -> None:
    model = Reading()
    with LoopbackServer(model) as server:
        assert ask(f"{server.url}/v1", opened("tuesday", text=READ_TWICE)) == ANSWER
        assert ANSWER not in ask(f"{server.url}/v1", opened("monday", text=READ_TWICE))
    assert len(model.bodies) == 4
    assert model.bodies[1]["temperature"] == 0
