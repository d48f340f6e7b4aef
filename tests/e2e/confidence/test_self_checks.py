"""Self-checks through real adapters and a model server without log-probabilities, within budget."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from langchain_openai import ChatOpenAI
from openai import AsyncOpenAI, DefaultAsyncHttpxClient, DefaultHttpxClient, OpenAI

from handrail import Guard
from handrail.confidence.cascade import Budget
from handrail.confidence.scorers.verbalised import KEY
from handrail_adapters.langchain import GuardedChatModel
from handrail_adapters.openai import guard_openai
from support import openai_shapes
from support.model_server import ModelServer, Say, model_server
from support.shop_guard import POLICY, shop_guard

ASKS: Any = [{"role": "user", "content": "Where is order 7?"}]
ANSWER = "It is on its way."
DOUBT = """\
  - id: low-confidence
    when: confidence < 0.7
    to: queue_manager
    trigger: low_confidence
    because: Doubtful answers are read by a person first.
on_conflict:"""


def policy(check: str) -> str:
    facts = "  confidence:      {type: number, min: 0, max: 1, optional: true}\n  wants_human:"
    text = POLICY.replace("  wants_human:", facts, 1).replace("on_conflict:", DOUBT, 1)
    return text.replace("roles:", f"self_check: {check}\n\nroles:", 1)


def openai_plain(url: str, guard: Guard) -> str:
    with OpenAI(base_url=url, api_key="k", max_retries=0) as plain:
        client = guard_openai(plain, guard)
        return client.chat.completions.create(model="m", messages=ASKS).choices[0].message.content or ""


def openai_stream(url: str, guard: Guard) -> str:
    with OpenAI(base_url=url, api_key="k", max_retries=0) as plain:
        chunks = guard_openai(plain, guard).chat.completions.create(model="m", messages=ASKS, stream=True)
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def openai_async(url: str, guard: Guard) -> str:
    async def ask() -> str:
        async with AsyncOpenAI(base_url=url, api_key="k", max_retries=0) as plain:
            answer = await guard_openai(plain, guard).chat.completions.create(model="m", messages=ASKS)
            return answer.choices[0].message.content or ""

    return asyncio.run(ask())


def openai_async_stream(url: str, guard: Guard) -> str:
    async def ask() -> str:
        async with AsyncOpenAI(base_url=url, api_key="k", max_retries=0) as plain:
            client = guard_openai(plain, guard)
            chunks = await client.chat.completions.create(model="m", messages=ASKS, stream=True)
            return "".join([c.choices[0].delta.content or "" async for c in chunks if c.choices])

    return asyncio.run(ask())


def chain(url: str, guard: Guard, **clients: Any) -> GuardedChatModel:
    inner = ChatOpenAI(base_url=url, api_key="k", model="m", max_retries=0, **clients)  # type: ignore[arg-type]
    return GuardedChatModel(inner=inner, guard=guard)


def langchain_invoke(url: str, guard: Guard) -> str:
    with DefaultHttpxClient() as http:
        return str(chain(url, guard, http_client=http).invoke("Where is order 7?").text)


def langchain_stream(url: str, guard: Guard) -> str:
    with DefaultHttpxClient() as http:
        chunks = chain(url, guard, http_client=http).stream("Where is order 7?")
        return "".join(str(chunk.text) for chunk in chunks)


def langchain_async(url: str, guard: Guard) -> str:
    async def ask() -> str:
        async with DefaultAsyncHttpxClient() as http:
            model = chain(url, guard, http_async_client=http)
            return str((await model.ainvoke("Where is order 7?")).text)

    return asyncio.run(ask())


def langchain_async_stream(url: str, guard: Guard) -> str:
    async def ask() -> str:
        async with DefaultAsyncHttpxClient() as http:
            model = chain(url, guard, http_async_client=http)
            return "".join([str(chunk.text) async for chunk in model.astream("Where is order 7?")])

    return asyncio.run(ask())


WAYS: list[Callable[[str, Guard], str]] = [
    openai_plain,
    openai_stream,
    openai_async,
    openai_async_stream,
    langchain_invoke,
    langchain_stream,
    langchain_async,
    langchain_async_stream,
]


@pytest.fixture(params=WAYS, ids=lambda way: way.__name__)
def way(request: pytest.FixtureRequest) -> Callable[[str, Guard], str]:
    found: Callable[[str, Guard], str] = request.param
    return found


@pytest.fixture(autouse=True)
def no_logprobs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server answers a request for log-probabilities with an empty list, as some do."""
    monkeypatch.setattr(openai_shapes, "logprobs", lambda text, cut: [])


@pytest.fixture(scope="module")
def guards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Guard]]:
    """One guard for each kind of self-check."""
    with ExitStack() as stack:
        yield {
            check: stack.enter_context(shop_guard(tmp_path_factory.mktemp(check), policy(check)))
            for check in ("verbalised", "agreement", "p_true")
        }


@pytest.fixture
def run(guards: dict[str, Guard], way: Callable[[str, Guard], str]) -> Callable[..., tuple[str, ModelServer]]:
    def scene(check: str, *says: str | Say) -> tuple[str, ModelServer]:
        script = [Say(each) if isinstance(each, str) else each for each in says]
        with model_server(*script) as server:
            return way(server.url, guards[check]), server

    return scene


Run = Callable[..., tuple[str, ModelServer]]


def test_a_sure_answer_passes_without_its_number_and_costs_no_further_call(run: Run) -> None:
    text, server = run("verbalised", f"{ANSWER}\n<{KEY}>93</{KEY}>")
    assert text == ANSWER
    assert len(server.seen) == 1
    assert KEY in server.sent


def test_a_doubtful_number_hands_off(run: Run) -> None:
    text, server = run("verbalised", f"{ANSWER}\n<{KEY}>40</{KEY}>")
    assert ANSWER not in text
    assert KEY not in text
    assert len(server.seen) == 1


def test_answers_that_agree_pass(run: Run) -> None:
    text, server = run("agreement", ANSWER, "it is on its way", f"{ANSWER}!", ANSWER)
    assert text == ANSWER
    assert 1 < len(server.seen) <= 1 + Budget().calls
    assert all(seen.body["temperature"] >= 0.7 for seen in server.seen[1:])


def test_answers_that_disagree_hand_off(run: Run) -> None:
    text, server = run("agreement", ANSWER, "It is lost.", "It was cancelled.", "Which order?")
    assert ANSWER not in text
    assert len(server.seen) <= 1 + Budget().calls


def test_an_answer_the_model_calls_true_passes(run: Run) -> None:
    text, server = run("p_true", ANSWER, "True")
    assert text == ANSWER
    assert 1 < len(server.seen) <= 1 + Budget().calls
    assert ANSWER in str(server.seen[1].body["messages"])


def test_an_answer_the_model_calls_false_hands_off(run: Run) -> None:
    text, server = run("p_true", ANSWER, "False")
    assert ANSWER not in text
    assert len(server.seen) <= 1 + Budget().calls


def test_a_second_look_that_fails_hands_off(run: Run) -> None:
    text, _ = run("agreement", ANSWER, Say(status=500))
    assert ANSWER not in text
