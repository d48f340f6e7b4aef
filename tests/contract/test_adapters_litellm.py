"""LiteLLM's guardrail hooks, driven as its proxy does; they need an environment of their own."""

import asyncio
import json
from typing import Any

import pytest

from support.model_server import Say, model_server
from support.toy_shop import ToyShop

litellm = pytest.importorskip(
    "litellm", reason="litellm needs an environment of its own: make test-litellm", exc_type=ImportError
)
from handrail.errors import ConfigError  # noqa: E402 - after the check that litellm is there
from handrail_adapters.litellm import HandoffGuardrail  # noqa: E402

SECRET = "SECRET-4711"
WITHHELD = [{"role": "system", "content": "HIDE-system"}, {"role": "user", "content": "I am HIDE-me"}]


def ask(
    url: str, guardrail: HandoffGuardrail | None, *, stream: bool, messages: Any = None, **more: Any
) -> Any:
    """Ask through LiteLLM with its hooks called where its proxy calls them."""
    asked = messages or [{"role": "user", "content": "Where is my order?"}]
    data: dict[str, Any] = {"model": "openai/m", "messages": asked, "litellm_call_id": "c1", "stream": stream}
    data |= more

    async def main() -> str:
        sent: Any = data
        if guardrail is not None:
            sent = await guardrail.async_pre_call_hook(None, None, data, "acompletion")
            if isinstance(sent, str):
                return sent
        given = {name: value for name, value in sent.items() if name != "litellm_call_id"}
        answer = await litellm.acompletion(**given, api_base=url, api_key="k", num_retries=0)
        if not stream:
            if guardrail is not None:
                answer = await guardrail.async_post_call_success_hook(sent, None, answer)
            return str(answer.model_dump_json())
        if guardrail is not None:
            answer = guardrail.async_post_call_streaming_iterator_hook(None, answer, sent)
        chunks = [chunk async for chunk in answer]
        text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        calls = [call for c in chunks if c.choices for call in c.choices[0].delta.tool_calls or ()]
        arguments = "".join(call.function.arguments or "" for call in calls)
        return text + arguments + "".join(chunk.model_dump_json() for chunk in chunks)

    return asyncio.run(main())


SECRETS = {
    "in the text": Say(f"Sure, it is {SECRET}.", cut=64),
    "at every chunk boundary": Say(f"Sure, it is {SECRET}.", cut=1),
    "in tool arguments": Say(None, calls=[("look_up", '{"id": "' + SECRET + '"}')], cut=3),
    "in a high-stakes call": Say(None, calls=[("wire_money", '{"amount": 640}')], cut=3),
}


@pytest.mark.parametrize("case", SECRETS)
@pytest.mark.parametrize("stream", [False, True])
def test_bypass_a_secret_never_reaches_the_caller(stream: bool, case: str) -> None:
    secret, guard = "wire_money" if "stakes" in case else SECRET, ToyShop()
    with model_server(SECRETS[case]) as server:
        assert secret in ask(server.url, None, stream=stream), "the control must leak"
        told = ask(server.url, HandoffGuardrail(guard), stream=stream)
    assert secret not in told
    assert "A person will look" in told
    assert guard.tickets == ["T1"]


@pytest.mark.parametrize("stream", [False, True])
def test_bypass_withheld_input_never_reaches_the_model(stream: bool) -> None:
    with model_server(Say("Fine.")) as server:
        ask(server.url, None, stream=stream, messages=WITHHELD)
        assert server.sent.count("HIDE-") == 2, "the control must leak"
    with model_server(Say("Fine.")) as server:
        ask(server.url, HandoffGuardrail(ToyShop()), stream=stream, messages=WITHHELD)
        assert "HIDE-" not in server.sent
        stopped = [{"role": "user", "content": "STOP this"}]
        assert "person" in ask(server.url, HandoffGuardrail(ToyShop()), stream=stream, messages=stopped)
        assert len(server.seen) == 1


BESIDE: dict[str, Any] = {
    "a field of tomorrow": {"remarks": ["HIDE-me"]},
    "another body": {"extra_body": {"documents": [{"text": "HIDE-me"}]}},
    "a description": {"tools": [{"type": "function", "function": {"name": "f", "description": "HIDE-me"}}]},
}


@pytest.mark.parametrize("case", BESIDE)
def test_bypass_what_stands_beside_the_messages_is_judged_and_passed_on(case: str) -> None:
    more = BESIDE[case]
    with model_server(Say("Fine.")) as server:
        ask(server.url, None, stream=False, **more)
        assert "HIDE-me" in server.sent, "the control must leak"
    with model_server(Say("Fine.")) as server:
        ask(server.url, HandoffGuardrail(ToyShop()), stream=False, **more)
        assert "HIDE-" not in server.sent
    calm = json.loads(json.dumps(more).replace("HIDE-me", "calm"))
    with model_server(Say("Fine.")) as server:
        for guardrail in (None, HandoffGuardrail(ToyShop())):
            ask(server.url, guardrail, stream=False, **calm)
        assert server.seen[0].raw == server.seen[1].raw


def test_what_the_proxy_keeps_for_itself_is_not_judged() -> None:
    own = {"client": object(), "metadata": {"key": "HIDE-me"}, "proxy_server_request": {"body": "HIDE-me"}}
    asked = {"model": "m", "messages": [{"role": "user", "content": "Hello"}], "litellm_call_id": "c1", **own}
    sent = asyncio.run(HandoffGuardrail(ToyShop()).async_pre_call_hook(None, None, asked, "acompletion"))
    assert sent is asked


@pytest.mark.parametrize("stream", [False, True])
def test_bypass_clean_traffic_is_the_same(stream: bool) -> None:
    import re

    def same(text: str) -> str:
        return re.sub(r'"(id|created)":("[^"]*"|\d+)', "", text)

    with model_server(Say("On its way.", calls=[("look_up", '{"id": 3}')], cut=3)) as server:
        bare = ask(server.url, None, stream=stream)
        guarded = ask(server.url, HandoffGuardrail(ToyShop()), stream=stream)
    assert same(bare) == same(guarded)
    assert server.seen[0].raw == server.seen[1].raw


def test_what_is_not_chat_is_refused_unless_it_is_named() -> None:
    async def pre(guardrail: HandoffGuardrail) -> Any:
        return await guardrail.async_pre_call_hook(None, None, {"input": "x"}, "aembedding")

    assert "not guarded" in asyncio.run(pre(HandoffGuardrail(ToyShop())))
    assert asyncio.run(pre(HandoffGuardrail(ToyShop(), named=("aembedding",)))) == {"input": "x"}


def test_an_answer_without_a_screened_request_is_not_given() -> None:
    guardrail = HandoffGuardrail(ToyShop())
    with pytest.raises(ConfigError):
        asyncio.run(guardrail.async_post_call_success_hook({}, None, litellm.ModelResponse()))


def test_whose_call_it_is_comes_from_the_headers() -> None:
    guard = ToyShop()
    data = {
        "model": "m",
        "messages": [{"role": "user", "content": "Hello"}],
        "litellm_call_id": "c1",
        "proxy_server_request": {"headers": {"x-handrail-customer": "ann", "x-handrail-conversation": "v1"}},
    }
    asyncio.run(HandoffGuardrail(guard).async_pre_call_hook(None, None, data, "acompletion"))
    assert guard.given == {"tenant": "default", "customer": "ann", "conversation": "v1"}
