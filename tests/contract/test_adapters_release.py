"""Streams that are released early: what may be taken back is never shown, and the rest comes as it came."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import httpx2
import openai
import pytest
from langchain_core.messages import AIMessage
from openai import AsyncOpenAI, OpenAI

from handrail_adapters.langchain import GuardedChatModel, get_handoff
from handrail_adapters.openai import get_handoff as openai_handoff
from handrail_adapters.openai import guard_openai
from support.model_server import Say, model_server
from support.scripted_chat import ScriptedChat
from support.shop_guard import KEY, MAIL, POLICY, shop_guard
from support.toy_guard import NOTICE, ToyGuard

ASKS: list[Any] = [{"role": "user", "content": "Where?"}]
LONG = "the order left the house this morning and comes by two at the latest. "


def texts(client: Any, **options: Any) -> list[str]:
    stream = client.chat.completions.create(model="m", messages=ASKS, stream=True, **options)
    return [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]


@pytest.fixture(params=["default", "httpx", "httpx2"])
def flavour(request: pytest.FixtureRequest) -> dict[str, Any]:
    given: dict[str, Any] = {
        "default": {},
        "httpx": {"http_client": httpx.Client()},
        "httpx2": {"http_client": httpx2.Client()},
    }[request.param]
    return given


def test_clean_streams_are_byte_for_byte_the_same(flavour: dict[str, Any]) -> None:
    say = Say(LONG, others=["and more"], calls=[("look_up", '{"id": 3}')], cut=5)
    with (
        model_server(say) as server,
        OpenAI(base_url=server.url, api_key="k", **flavour) as plain,
    ):
        told = []
        for client in (plain, guard_openai(plain, ToyGuard(stream="release"))):
            with client.chat.completions.with_streaming_response.create(
                model="m", messages=ASKS, stream=True, n=2, stream_options={"include_usage": True}
            ) as response:
                told.append(b"".join(response.iter_bytes()))
    assert told[0] == told[1]


def test_pieces_come_before_the_stream_has_ended() -> None:
    # The server waits after its pieces; a reader that has them all by then did not wait for the end.
    with model_server(Say(LONG, cut=5)) as server, OpenAI(base_url=server.url, api_key="k") as plain:
        guard = ToyGuard(stream="release")
        stream = guard_openai(plain, guard).chat.completions.create(model="m", messages=ASKS, stream=True)
        first = [next(stream) for _ in range(4)]
        assert "".join(chunk.choices[0].delta.content or "" for chunk in first) == LONG[:15]
        assert guard.finished == [], "judged at the end, and that has not come"
        list(stream)
        assert len(guard.finished) == 1


@pytest.mark.parametrize("cut", [1, 2, 3, 7, 64])
def test_a_secret_is_never_shown_and_the_notice_stands_apart(cut: int) -> None:
    guard = ToyGuard(stream="release")
    say = Say(f"{LONG}the key is SECRET-1 and no other.", cut=cut)
    with model_server(say) as server, OpenAI(base_url=server.url, api_key="k") as plain:
        client = guard_openai(plain, guard)
        chunks = list(client.chat.completions.create(model="m", messages=ASKS, stream=True))
    told = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert "SECRET" not in told
    shown, _, notice = told.partition(NOTICE)
    assert notice == ""
    assert shown == "" or shown.endswith("\n\n")
    assert say.text is not None
    assert say.text.startswith(shown.removesuffix("\n\n"))
    assert openai_handoff(chunks[-1]) is not None
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_what_is_masked_comes_masked_after_what_was_shown() -> None:
    with (
        model_server(Say(f"{LONG}ask MASK-7 about it.", cut=4)) as server,
        OpenAI(base_url=server.url, api_key="k") as plain,
    ):
        pieces = texts(guard_openai(plain, ToyGuard(stream="release")))
    assert "".join(pieces) == f"{LONG}ask [masked] about it."
    assert len(pieces) > 10


def test_log_probabilities_nobody_asked_for_are_stripped_on_the_way() -> None:
    with model_server(Say(LONG, cut=5)) as server, OpenAI(base_url=server.url, api_key="k") as plain:
        client = guard_openai(plain, ToyGuard(stream="release", wants_logprobs=True))
        chunks = list(client.chat.completions.create(model="m", messages=ASKS, stream=True))
    assert all(choice.logprobs is None for chunk in chunks for choice in chunk.choices)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == LONG


@pytest.mark.parametrize("status", [400, 429, 500])
def test_errors_are_the_same(status: int) -> None:
    with (
        model_server(Say(status=status)) as server,
        OpenAI(base_url=server.url, api_key="k", max_retries=0) as plain,
        pytest.raises(openai.APIStatusError) as raised,
    ):
        texts(guard_openai(plain, ToyGuard(stream="release")))
    assert raised.value.status_code == status


def test_a_reader_that_goes_away_closes_the_provider_s_stream() -> None:
    with model_server(Say(LONG * 50, cut=5)) as server, OpenAI(base_url=server.url, api_key="k") as plain:
        client = guard_openai(plain, ToyGuard(stream="release"))
        with client.chat.completions.create(model="m", messages=ASKS, stream=True) as stream:
            next(stream)
        assert stream.response.is_closed


def test_asynchronous_streams_are_released_early_too() -> None:
    async def main(url: str, guard: ToyGuard) -> str:
        async with guard_openai(AsyncOpenAI(base_url=url, api_key="k"), guard) as client:
            stream = await client.chat.completions.create(model="m", messages=ASKS, stream=True)
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    with model_server(Say(f"{LONG}the key is SECRET-1.", cut=3)) as server:
        told = asyncio.run(main(server.url, ToyGuard(stream="release")))
    assert "SECRET" not in told
    assert told.startswith("the order left")
    assert told.endswith(NOTICE)


RELEASING = POLICY.replace("if_unsure:", "stream: release\nif_unsure:")


@pytest.mark.parametrize("cut", [1, 3, 16])
def test_a_real_policy_that_releases_shows_nothing_it_withholds(cut: int, tmp_path: Path) -> None:
    def told(text: str) -> str:
        with (
            model_server(Say(text, cut=cut)) as server,
            OpenAI(base_url=server.url, api_key="k") as plain,
        ):
            return "".join(texts(guard_openai(plain, guard)))

    with shop_guard(tmp_path, RELEASING) as guard:
        shown = told(f"{LONG}the key is {KEY}.")
        assert KEY[8:] not in shown
        assert shown.startswith("the order left")
        assert "privacy lead" in shown
        shown = told(f"{LONG}write to {MAIL} now.")
        assert MAIL not in shown
        assert shown.startswith(LONG)
        assert shown.endswith(" now.")


@pytest.mark.parametrize("cut", [1, 3, 64])
def test_langchain_streams_are_released_early_too(cut: int) -> None:
    guard = ToyGuard(stream="release")
    inner = ScriptedChat(script=[AIMessage(f"{LONG}the key is SECRET-1.")], cut=cut)
    chunks = list(GuardedChatModel(inner=inner, guard=guard).stream("Where?"))
    told = "".join(chunk.text for chunk in chunks)
    assert "SECRET" not in told
    assert told.endswith(NOTICE)
    assert cut > 3 or told.startswith("the order left")
    assert any(get_handoff(chunk) for chunk in chunks)


def test_clean_langchain_streams_are_the_same_when_released_early() -> None:
    script = [AIMessage(LONG, tool_calls=[{"name": "f", "args": {"a": 1}, "id": "c", "type": "tool_call"}])]
    bare = [c.model_copy(update={"id": None}) for c in ScriptedChat(script=script, cut=4).stream("x")]
    model = GuardedChatModel(inner=ScriptedChat(script=script, cut=4), guard=ToyGuard(stream="release"))
    assert [c.model_copy(update={"id": None}) for c in model.stream("x")] == bare

    async def main() -> list[Any]:
        return [c.model_copy(update={"id": None}) async for c in model.astream("x")]

    assert asyncio.run(main()) == bare
