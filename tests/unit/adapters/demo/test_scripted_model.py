"""The scripted model server as the real client sees it."""

import json
import math
from collections.abc import Iterator

import httpx
import pytest
from openai import OpenAI

from handrail_adapters.demo.scripted_model import (
    MODEL,
    Script,
    ScriptedLine,
    ScriptedModelServer,
    ScriptedReply,
)

SCRIPT = Script(
    lines=(
        ScriptedLine(
            cue="refund",
            replies=(
                ScriptedReply(tool="issue_refund", arguments={"amount": 39}),
                ScriptedReply(text="Done."),
            ),
        ),
        ScriptedLine(cue="peru", replies=(ScriptedReply(text="Yes, it works.", sure=0.5),)),
    ),
    otherwise=ScriptedReply(text="No idea."),
)


@pytest.fixture
def server() -> Iterator[ScriptedModelServer]:
    with ScriptedModelServer(SCRIPT) as running:
        yield running


@pytest.fixture
def client(server: ScriptedModelServer) -> Iterator[OpenAI]:
    with OpenAI(base_url=server.base_url, api_key="none", max_retries=0) as made:
        yield made


def user(words: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": words}]


def test_a_line_is_said_when_its_cue_stands_in_the_last_words(client: OpenAI) -> None:
    answer = client.chat.completions.create(model=MODEL, messages=user("In PERU?"))  # type: ignore[arg-type]
    assert answer.choices[0].message.content == "Yes, it works."
    assert answer.choices[0].logprobs is None


def test_words_without_a_cue_get_the_other_line(client: OpenAI) -> None:
    answer = client.chat.completions.create(model=MODEL, messages=user("Hm"))  # type: ignore[arg-type]
    assert answer.choices[0].message.content == "No idea."


def test_tool_results_move_a_line_on(client: OpenAI) -> None:
    chat: list[dict[str, object]] = [{"role": "user", "content": "A refund, please"}]
    first = client.chat.completions.create(model=MODEL, messages=chat)  # type: ignore[arg-type]
    call = (first.choices[0].message.tool_calls or [])[0]
    assert call.type == "function"
    assert json.loads(call.function.arguments) == {"amount": 39}
    chat += [
        first.choices[0].message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": "{}"},
    ]
    second = client.chat.completions.create(model=MODEL, messages=chat)  # type: ignore[arg-type]
    assert second.choices[0].message.content == "Done."


def test_logprobs_are_given_on_request_and_spell_the_text(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model=MODEL,
        messages=user("peru"),  # type: ignore[arg-type]
        logprobs=True,
    )
    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    assert "".join(token.token for token in logprobs.content or []) == "Yes, it works."
    assert {token.logprob for token in logprobs.content or []} == {math.log(0.5)}


def test_a_stream_says_the_same_words(client: OpenAI) -> None:
    chunks = client.chat.completions.create(model=MODEL, messages=user("peru"), stream=True)  # type: ignore[arg-type]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Yes, it works."


def test_a_streamed_call_is_whole(client: OpenAI) -> None:
    chunks = client.chat.completions.create(model=MODEL, messages=user("refund"), stream=True)  # type: ignore[arg-type]
    calls = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or []]
    assert [call.function and call.function.name for call in calls] == ["issue_refund"]


def test_requests_are_kept_and_nothing_else_is_served(server: ScriptedModelServer) -> None:
    with httpx.Client(base_url=server.url, trust_env=False) as plain:
        assert plain.get("/v1/models").json()["data"][0]["id"] == MODEL
        assert plain.post("/v1/embeddings", json={}).status_code == 404
        assert plain.post("/v1/chat/completions", content=b"{").status_code == 400
    assert [request.path for request in server.seen] == ["/v1/models", "/v1/embeddings"]
